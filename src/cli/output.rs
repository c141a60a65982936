//! What the command says and how it ends: plain text or JSON, colours only on a
//! terminal, nothing foreign that a terminal would obey, no panic where the reader of
//! a pipe has gone.

use serde_json::{Value, json};
use std::cell::Cell;
use std::io::{ErrorKind, IsTerminal, Write};
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
    /// What remarks on standard error begin with.
    program: &'static str,
    /// Whether reports are JSON.
    pub json: bool,
    colour: bool,
    /// Why some of the output did not arrive.
    lost: Cell<Option<std::io::Error>>,
}

impl Output {
    /// Colours are for a terminal, and not if NO_COLOR is set (no-color.org).
    pub fn new(program: &'static str, json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            program,
            json,
            colour: !json && wanted && std::io::stdout().is_terminal(),
            lost: Cell::new(None),
        }
    }

    /// Reports `json` or `text`, whichever is wanted.
    pub fn report(&self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) {
        let report = if self.json {
            json_text(&json())
        } else {
            text()
        };
        self.raw(format!("{}\n", report.trim_end()).as_bytes());
    }

    /// Writes bytes as they are.
    pub fn raw(&self, bytes: &[u8]) {
        let mut stdout = std::io::stdout();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            // A reader that has gone, as in `pam-jwt keys | head -1`, is no error.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => self.lost.set(Some(error)),
            _ => {}
        }
    }

    /// Whether all output arrived. Asked at the end, since what was done is done by then.
    pub fn finish(&self) -> Result<(), Failure> {
        match self.lost.take() {
            Some(error) => Err(Failure::new(format!("standard output: {error}"))),
            None => Ok(()),
        }
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
            let error = json_text(&json!({ "error": failure.0 }));
            self.raw(format!("{error}\n").as_bytes());
        }
        self.hint(&failure.0);
    }

    /// A remark beside the report, on standard error.
    pub fn hint(&self, text: &str) {
        hint(self.program, text);
    }
}

/// A remark of `program` on standard error, for where there is no [`Output`].
pub fn hint(program: &str, text: &str) {
    let _ = writeln!(std::io::stderr(), "{program}: {}", visible(text));
}

/// `text` with what a terminal would obey or hide written out, as `\u{202e}`. It may
/// come from anybody: a token, a key set, a line in pam.d.
pub fn visible(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// `value` as JSON that is safe on a terminal too. serde_json leaves most of these
/// characters as they are; they occur within strings alone, so an escape means the same.
pub fn json_text(value: &Value) -> String {
    let mut shown = String::new();
    for c in format!("{value:#}").chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Controls, and the characters of Unicode that turn the direction of a line, break it,
/// or have no width.
pub fn is_hidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{3164}' | '\u{e0000}'..='\u{e007f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_or_hide_is_written_out() {
        for (text, shown) in [
            ("plain, äöü, 日本, 👍\tx\n", "plain, äöü, 日本, 👍\tx\n"),
            ("\u{1b}[2J\r\0", "\\u{1b}[2J\\u{d}\\u{0}"),
            (
                "\u{7f}\u{80}\u{9b}31m\u{9f}",
                "\\u{7f}\\u{80}\\u{9b}31m\\u{9f}",
            ),
            ("\u{61c}\u{200b}\u{200f}", "\\u{61c}\\u{200b}\\u{200f}"),
            (
                "\u{2028}\u{2029}\u{202a}\u{202e}",
                "\\u{2028}\\u{2029}\\u{202a}\\u{202e}",
            ),
            (
                "\u{2060}\u{2066}\u{2069}\u{feff}",
                "\\u{2060}\\u{2066}\\u{2069}\\u{feff}",
            ),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn json_says_the_same_in_visible_characters() {
        let value = json!({ "a\u{202e}": ["\u{1b}\u{7f}\u{9b}x\n\u{2028}", "\u{feff}é"] });
        let text = json_text(&value);
        assert!(!text.chars().any(is_hidden), "{text}");
        assert!(text.contains("\\u202e") && text.contains("\\u007f") && text.contains('é'));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
