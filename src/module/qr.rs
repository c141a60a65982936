//! A QR code as text, two rows of it in a line.

/// What a code needs around it, in modules (ISO/IEC 18004 §6.3.8).
const MARGIN: usize = 4;

/// Most terminals are as wide.
const COLUMNS: usize = 80;

/// Black on white, and back to how it was.
const BLACK_ON_WHITE: [&str; 2] = ["\u{1b}[30;47m", "\u{1b}[0m"];

/// How the code gets its two colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// From the terminal, as ssh lets no escape sequence through: what is light in the code is
    /// what is written. So it is as it should be on a dark terminal, and inverted on a light
    /// one, which cameras read too.
    Plain,
    /// Black on white, by escape sequences.
    BlackOnWhite,
}

/// The lines of the code whose rows these are, `1` for dark; nothing for none.
pub(crate) fn text(rows: &[String], paint: Paint) -> String {
    let side = rows.len();
    let margin = (COLUMNS.saturating_sub(side) / 2).min(MARGIN);
    let around = side + 2 * margin;
    // Whether a place is dark; beyond the code all is light.
    let is_dark = |x: usize, y: usize| {
        let row = y.checked_sub(margin).and_then(|y| rows.get(y));
        let module = row.and_then(|row| row.as_bytes().get(x.checked_sub(margin)?));
        module == Some(&b'1')
    };
    let ink = |is_dark: bool| is_dark == (paint == Paint::BlackOnWhite);
    let [before, after] = match paint {
        Paint::Plain => [""; 2],
        Paint::BlackOnWhite => BLACK_ON_WHITE,
    };
    let mut text = String::new();
    for y in (0..around).step_by(2).filter(|_| side > 0) {
        text.push_str(before);
        for x in 0..around {
            text.push(match (ink(is_dark(x, y)), ink(is_dark(x, y + 1))) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        text.push_str(after);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&str]) -> Vec<String> {
        rows.iter().map(|row| (*row).to_owned()).collect()
    }

    #[test]
    fn light_is_written_where_the_terminal_has_the_colours_and_dark_where_they_are_set() {
        let rows = rows(&["101", "100", "001"]);
        // An odd number of rows has one more of the margin.
        let full = "███████████";
        let plain = [full, full, "████ █▄████", "██████▄████", full, full, ""];
        assert_eq!(text(&rows, Paint::Plain), plain.join("\n"));
        let dark = text(&rows, Paint::BlackOnWhite);
        for line in dark.lines() {
            assert!(line.starts_with("\u{1b}[30;47m") && line.ends_with("\u{1b}[0m"));
        }
        let bare = dark.replace("\u{1b}[30;47m", "").replace("\u{1b}[0m", "");
        let inverted: String = text(&rows, Paint::Plain)
            .chars()
            .map(|c| match c {
                '█' => ' ',
                ' ' => '█',
                '▀' => '▄',
                '▄' => '▀',
                other => other,
            })
            .collect();
        assert_eq!(bare, inverted);
    }

    #[test]
    fn a_code_fits_on_a_terminal_and_none_is_nothing() {
        for (side, columns) in [(21, 29), (72, 80), (73, 79)] {
            let rows = vec!["1".repeat(side); side];
            let text = text(&rows, Paint::Plain);
            assert!(text.lines().all(|line| line.chars().count() == columns));
            assert_eq!(text.lines().count(), columns.div_ceil(2));
        }
        assert_eq!(text(&[], Paint::BlackOnWhite), "");
    }
}
