//! Reads PAM configuration and finds the lines that would let somebody in with neither a token nor
//! a password, or that make `pam_jwt.so` do something else than its administrator thinks.
//!
//! Pure: the caller reads the files. `parse` turns them into stacks, `evaluate` says what libpam
//! makes of the modules' answers, `modules` what each module may answer, `search` finds a way to
//! success, and `findings` and `ways_in` say what that means for whoever logs in, `issuing` and
//! `session_end` what for the session. `place` finds where a file takes the lines.

mod control;
mod evaluate;
mod findings;
mod issuing;
mod line;
mod lines;
mod modules;
mod parse;
mod place;
mod search;
mod session_end;
#[cfg(test)]
mod session_tests;
mod stack;
#[cfg(test)]
mod tests;
mod ways_in;

pub use findings::examine;
pub use place::{NoPlace, auth_modules, places};

use policy::config::Global;

/// What the configuration in a directory says; nothing where it does not load.
pub type Settings<'a> = &'a dyn Fn(&str) -> Option<Global>;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It lets somebody in who should stay out, or keeps the line from doing what it is there for.
    Error,
    /// It may be meant, and the administrator should know.
    Warning,
    /// What could not be examined.
    Note,
}

/// One thing to know about a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// A fixed name, for scripts and tests.
    pub code: &'static str,
    /// As the including line or the service names it.
    pub file: String,
    pub line: usize,
    /// What is so, in a sentence.
    pub text: String,
    /// What to do about it.
    pub advice: String,
}

/// What was found in one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Without `pam_jwt.so` a service is none of our business, and nothing is reported.
    pub uses_pam_jwt: bool,
    /// The directories that its lines name with `config=`, each once.
    pub configs: Vec<String>,
    /// Whether a line of its gives sessions a token.
    pub issues: bool,
    /// Whether a line of its takes tokens.
    pub takes_tokens: bool,
    pub findings: Vec<Finding>,
    /// Why a token alone opens nothing, although its line says that it suffices.
    pub shut: Option<Finding>,
    /// Each as a line names `pam_jwt.so`.
    pub modules: Vec<String>,
    /// The other modules of auth and account lines, and where those are.
    pub others: Vec<(String, String)>,
}
