//! Manual pages: of commands, from the definitions that also parse the command line and print
//! --help ([`command`]), and of what is no command, from a text ([`document`], [`settings`]).

pub mod command;
pub mod document;
pub mod settings;

pub use document::Document;

use crate::output::{Failure, Output};
use clap::Command;
use std::path::Path;
use std::{fs, io};

/// A page.
pub struct Page {
    /// What it is about, which man looks for.
    pub name: String,
    /// The section of the manual that it is in.
    pub section: &'static str,
    /// What man(7) formats.
    pub text: String,
}

/// The pages of a program: of its command, `root`, in `section`, and of each of its subcommands,
/// and then the `documents`. The first refers to `see_also`, pages with their sections.
pub fn pages(
    root: Command,
    section: &'static str,
    see_also: &[(&str, &str)],
    documents: &[Document],
) -> io::Result<Vec<Page>> {
    let mut root = root.disable_help_subcommand(true);
    root.build();
    let version = root.get_version().unwrap_or_default();
    let source = format!("{} {version}", root.get_name());
    let mut pages = command::pages(&root, section, see_also, &source)?;
    pages.extend(documents.iter().map(|document| document.page(&source)));
    Ok(pages)
}

/// Writes pages where man looks for them below a directory, such as man8/pam-jwt.8, and says which.
/// What is missing of the directories is made.
///
/// # Errors
/// What is in the way.
pub fn write(pages: io::Result<Vec<Page>>, dir: &Path, out: &Output) -> Result<(), Failure> {
    let pages = pages.map_err(|error| Failure::new(format!("the manual pages: {error}")))?;
    let failed = |path: &Path, error| Failure::new(format!("{}: {error}", path.display()));
    for page in pages {
        let dir = dir.join(format!("man{}", page.section));
        fs::create_dir_all(&dir).map_err(|error| failed(&dir, error))?;
        let path = dir.join(format!("{}.{}", page.name, page.section));
        // Taken away, not written over: it may be a link to somewhere else.
        let _ = fs::remove_file(&path);
        fs::write(&path, page.text).map_err(|error| failed(&path, error))?;
        out.raw(format!("{}\n", path.display()).as_bytes());
    }
    Ok(())
}

/// What the sections of the manual are called.
fn title(section: &str) -> &'static str {
    match section {
        "1" => "User Commands",
        "5" => "File Formats",
        _ => "System Administration",
    }
}

/// The day of a page: the one on which the program was made. It is the commit's, which the
/// Makefile names (SOURCE_DATE_EPOCH), or else a day on which this file certainly existed; so a
/// build comes out the same on any day.
fn date() -> String {
    let epoch = option_env!("SOURCE_DATE_EPOCH").and_then(|text| text.parse().ok());
    day(epoch.unwrap_or(1_795_392_000))
}

/// The day in the Gregorian calendar, as mandoc(1) wants it. Years are counted from March, so
/// that the leap day is their last.
fn day(epoch: u64) -> String {
    let days = epoch / 86_400 + 719_468; // since 0000-03-01
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..=9 => (year, month + 3),
        _ => (year + 1, month - 9),
    };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year)
}

/// What is to be typed, in characters that can be, some of which formatters make typographic ones
/// of (groff_char(7)); and what is not ASCII as what it is, whatever the encoding.
fn as_typed(roff: &str) -> String {
    let mut text = String::with_capacity(roff.len());
    for c in roff.chars() {
        match c {
            '\'' => text.push_str(r"\(aq"),
            '`' => text.push_str(r"\(ga"),
            '~' => text.push_str(r"\(ti"),
            '^' => text.push_str(r"\(ha"),
            c if c.is_ascii() => text.push(c),
            c => text.push_str(&format!(r"\[u{:04X}]", u32::from(c))),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_that_of_the_calendar() {
        for (epoch, expected) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_735_603_200, "2024-12-31"),
            (1_795_392_000, "2026-11-23"),
            (1_795_478_399, "2026-11-23"),
            (4_107_456_000, "2100-02-28"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(day(epoch), expected);
        }
    }

    #[test]
    fn what_is_typed_stays_what_it_is() {
        assert_eq!(
            as_typed("'a' `b` ~^…"),
            r"\(aqa\(aq \(gab\(ga \(ti\(ha\[u2026]"
        );
    }
}
