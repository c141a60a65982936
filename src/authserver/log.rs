//! What is told to the journal, by standard error: a line each. Never a token, a code, a password
//! or a part of one.

use crate::error::Fault;

/// Something is wrong inside.
pub fn fault(fault: &Fault) {
    line(3, &format!("fault: {fault}"));
}

/// One line, with the level that systemd reads (sd-daemon(3)).
pub fn line(level: u8, text: &str) {
    use std::io::Write;
    let text = cli::output::visible(text);
    // Where nobody reads it there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "<{level}>{text}");
}
