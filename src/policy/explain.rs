//! Watching a decision being made. The login passes [`Silent`], which costs
//! nothing; `pam-jwt verify` passes [`Steps`] and prints what was compared.

use std::fmt;

/// Is told of every check of a decision, in order.
pub trait Observer {
    /// The check called `name` passed or failed; `detail` has the values.
    fn check(&mut self, name: fmt::Arguments<'_>, passed: bool, detail: fmt::Arguments<'_>);
}

/// Watches nothing.
pub struct Silent;

impl Observer for Silent {
    fn check(&mut self, _: fmt::Arguments<'_>, _: bool, _: fmt::Arguments<'_>) {}
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was checked.
    pub name: String,
    /// Whether it held.
    pub passed: bool,
    /// The values that were compared.
    pub detail: String,
}

/// Keeps every check.
#[derive(Debug, Default)]
pub struct Steps(pub Vec<Step>);

impl Observer for Steps {
    fn check(&mut self, name: fmt::Arguments<'_>, passed: bool, detail: fmt::Arguments<'_>) {
        self.0.push(Step {
            name: name.to_string(),
            passed,
            detail: detail.to_string(),
        });
    }
}
