//! What is told to the journal, by standard error: a line each. Never a token, a code, a password
//! or a part of one.

pub mod access;
pub mod audit;

use crate::error::Fault;
use policy::audit::Value;
use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many faults there were, for the metrics: they come up everywhere.
static FAULTS: AtomicU64 = AtomicU64::new(0);

/// Something is wrong inside.
pub fn fault(fault: &Fault) {
    FAULTS.fetch_add(1, Ordering::Relaxed);
    line(3, &format!("fault: {fault}"));
}

/// How many faults the log was told of.
pub fn faults() -> u64 {
    FAULTS.load(Ordering::Relaxed)
}

/// One line, with the level that systemd reads (sd-daemon(3)).
pub fn line(level: u8, text: &str) {
    use std::io::Write;
    let text = cli::output::visible(text);
    // In one piece, so that lines of several threads do not mix. Where nobody reads it there is
    // nobody to tell.
    let _ = std::io::stderr().write_all(format!("<{level}>{text}\n").as_bytes());
}

/// One line of what has happened and its fields, the values escaped as in the audit log.
pub fn fields(level: u8, what: &str, fields: &[(&str, &dyn Display)]) {
    line(level, &with_fields(what, fields));
}

fn with_fields(what: &str, fields: &[(&str, &dyn Display)]) -> String {
    let mut text = what.to_owned();
    for (name, value) in fields {
        field(&mut text, name, &value.to_string());
    }
    text
}

/// Puts ` name=value` at the end of a line, the value escaped as in the log of logins.
fn field(line: &mut String, name: &str, value: &str) {
    plain(line, name, Value(value));
}

/// The same for what needs no escape, such as a number.
fn plain(line: &mut String, name: &str, value: impl Display) {
    let _ = write!(line, " {name}={value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_field_says_it_is_one_field_of_one_line() {
        let hostile = "a\"b\\c\nd=e\u{202e}\u{1b}[0m é";
        let text = with_fields("local: token", &[("uid", &7), ("account", &hostile)]);
        assert_eq!(
            text,
            "local: token uid=7 \
             account=\"a\\x22b\\x5cc\\x0ad=e\\xe2\\x80\\xae\\x1b[0m \\xc3\\xa9\""
        );
    }
}
