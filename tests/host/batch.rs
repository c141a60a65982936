//! Many logins in one process: `pam-host --batch SERVICE < logins`.
//!
//! Each line of standard input is CONFDIR, USER and ANSWER with tabs between them; the
//! answer is given to every prompt. Each line of the output has the events of that
//! login, tabs between them.

use super::Login;
use pam::Flags;
use std::io::{BufRead, Write};
use std::path::PathBuf;

/// More prompts than any stack has.
const PROMPTS: usize = 32;

/// Takes the logins, one after the other.
pub fn run(service: &str) {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("UTF-8");
        let mut fields = line.splitn(3, '\t').map(str::to_owned);
        let (Some(confdir), Some(user), Some(answer)) =
            (fields.next(), fields.next(), fields.next())
        else {
            panic!("not CONFDIR, USER and ANSWER with tabs between them: {line:?}");
        };
        let login = Login {
            service: service.to_owned(),
            user,
            confdir: Some(PathBuf::from(confdir)),
            answers: vec![Some(answer); PROMPTS],
            flags: Flags::NONE,
        };
        writeln!(out, "{}", login.run().join("\t")).expect("standard output");
    }
}
