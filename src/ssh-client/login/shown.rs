//! What somebody sees who is to log in. It goes to standard error: the report is what standard
//! output is for.

use cli::output::visible;
use oauth::device::Started;
use oauth::qr;
use std::io::{IsTerminal, Write};

/// Light modules around the code (ISO/IEC 18004 §6.3.8), which a camera needs to find it.
const MARGIN: usize = 4;

/// Most terminals are as wide.
const COLUMNS: usize = 80;

/// Black on white whatever the terminal's own colours are, and back to those.
const COLOURS: &str = "\u{1b}[38;2;0;0;0;48;2;255;255;255m";
const NO_COLOURS: &str = "\u{1b}[0m";

/// The page to open in the browser of this machine.
pub fn page(address: &str, is_opened: bool) {
    let what = if is_opened {
        "The browser opens this page; if not, open it there"
    } else {
        "Open this page in a browser of this machine"
    };
    say(&format!("{what}:\n\n  {}\n", visible(address)));
}

/// The page and the code of a login on another device, and where it is a terminal a QR code.
pub fn code(started: &Started) {
    let address = started.complete.as_ref();
    let address = address.unwrap_or(&started.verification_uri);
    if std::io::stderr().is_terminal() {
        let rows = qr::modules(address);
        if !rows.is_empty() {
            say(&picture(&rows));
        }
    }
    say(&format!(
        "Open this page on any device:\n\n  {}\n\nand confirm there that the code is {}\n",
        visible(address),
        visible(&started.user_code)
    ));
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The modules of a code, `1` for dark, two rows in a line of text.
fn picture(rows: &[String]) -> String {
    let free = COLUMNS.saturating_sub(rows.len());
    let margin = MARGIN.min(free.checked_div(2).unwrap_or(0));
    let width = rows.len().saturating_add(margin.saturating_mul(2));
    let is_dark = |row: usize, column: usize| {
        let at = |place: usize| place.checked_sub(margin);
        let row = at(row).and_then(|row| rows.get(row));
        let module = row.zip(at(column));
        module.and_then(|(row, column)| row.as_bytes().get(column)) == Some(&b'1')
    };
    let mut text = String::new();
    for row in (0..width).step_by(2) {
        text.push_str(COLOURS);
        for column in 0..width {
            let below = row.saturating_add(1);
            text.push(match (is_dark(row, column), is_dark(below, column)) {
                (false, false) => ' ',
                (true, false) => '\u{2580}',
                (false, true) => '\u{2584}',
                (true, true) => '\u{2588}',
            });
        }
        text.push_str(NO_COLOURS);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_black_on_white_with_a_margin() {
        let picture = picture(&["10".to_owned(), "11".to_owned()]);
        let lines: Vec<_> = picture.lines().collect();
        assert_eq!(lines.len(), 5);
        for line in &lines {
            let bare = line.strip_prefix(COLOURS).unwrap();
            let bare = bare.strip_suffix(NO_COLOURS).unwrap();
            assert_eq!(bare.chars().count(), 10, "{line}");
        }
        assert_eq!(
            lines[2],
            format!("{COLOURS}    \u{2588}\u{2584}    {NO_COLOURS}")
        );
        // The widest that there is still fits.
        let widest = super::picture(&vec!["0".repeat(73); 73]);
        assert!(widest.lines().all(|line| line.matches(' ').count() == 79));
        assert_eq!(lines[0], format!("{COLOURS}{}{NO_COLOURS}", " ".repeat(10)));
    }
}
