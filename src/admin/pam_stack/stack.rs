//! A stack: the steps libpam takes for one type of a service's lines, substacks laid out flat.

use super::control::Control;
use std::fmt;

/// Where a line begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// pam.d's first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Auth,
    Account,
    Password,
    Session,
}

impl Type {
    pub const ALL: [Type; 4] = [Type::Auth, Type::Account, Type::Password, Type::Session];

    pub fn name(self) -> &'static str {
        match self {
            Type::Auth => "auth",
            Type::Account => "account",
            Type::Password => "password",
            Type::Session => "session",
        }
    }
}

/// A module as a line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Bare, or with its path.
    pub path: String,
    pub arguments: Vec<String>,
}

impl Module {
    /// The file's name without its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    pub fn has(&self, argument: &str) -> bool {
        self.arguments.iter().any(|given| given == argument)
    }
}

/// What libpam does at a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    Module(Module),
    /// Calls nothing: the steps that follow one level deeper are the substack.
    Substack,
    /// Calls nothing and fails, because its line cannot be read.
    MustFail,
}

/// One step of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub place: Place,
    /// How many substacks it is in.
    pub level: usize,
    pub control: Control,
    pub call: Call,
}
