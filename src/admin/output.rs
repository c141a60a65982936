//! What the command says and how it ends: plain text or JSON, colours only on a
//! terminal, no panic where the reader of a pipe has gone.

use policy::config::Fault;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// How the command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or allowed.
    Done = 0,
    /// Refused, or invalid.
    Refused = 1,
    /// Could not be tried: usage, configuration, key.
    Cannot = 2,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why the command could not do what it was asked to.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A failure for this reason, which also says what to do.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// A configuration that does not load.
    pub fn of_config(faults: &[Fault]) -> Self {
        let faults: Vec<String> = faults.iter().map(Fault::to_string).collect();
        Self(format!(
            "the configuration does not load, so every token is refused:\n{}",
            faults.join("\n")
        ))
    }
}

/// How something went, as a colour.
#[derive(Debug, Clone, Copy)]
pub enum Tone {
    /// Green.
    Good,
    /// Yellow.
    Doubtful,
    /// Red.
    Bad,
}

/// Where reports go.
pub struct Output {
    /// Whether reports are JSON.
    pub json: bool,
    colour: bool,
}

impl Output {
    /// Colours are for a terminal, and not if NO_COLOR is set (no-color.org).
    pub fn new(json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            json,
            colour: !json && wanted && std::io::stdout().is_terminal(),
        }
    }

    /// Reports `json` or `text`, whichever is wanted.
    pub fn report(&self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) {
        let report = if self.json {
            format!("{:#}", json())
        } else {
            text()
        };
        self.raw(format!("{}\n", report.trim_end()).as_bytes());
    }

    /// Writes bytes as they are.
    pub fn raw(&self, bytes: &[u8]) {
        // A reader that has gone, as in `pam-jwt keys | head -1`, is no error.
        let _ = std::io::stdout()
            .write_all(bytes)
            .and_then(|()| std::io::stdout().flush());
    }

    /// `text` in the colour of `tone`, where colours are shown.
    pub fn painted(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => 32,
            Tone::Doubtful => 33,
            Tone::Bad => 31,
        };
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// Says why the command could not do what it was asked to.
    pub fn failure(&self, failure: &Failure) {
        if self.json {
            self.raw(format!("{:#}\n", json!({ "error": failure.0 })).as_bytes());
        }
        let _ = writeln!(std::io::stderr(), "pam-jwt: {}", failure.0);
    }
}

/// A remark beside the report, on standard error.
pub fn hint(text: &str) {
    let _ = writeln!(std::io::stderr(), "pam-jwt: {text}");
}
