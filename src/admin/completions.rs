//! `pam-jwt completions`: what a shell needs to complete this command.

use crate::Cli;
use clap::{Args, CommandFactory};
use cli::completions::{Shell, script};
use cli::output::{Exit, Failure, Output};
use serde_json::json;

/// Print the script by which a shell completes pam-jwt.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # where bash looks for it
  pam-jwt completions bash > /usr/share/bash-completion/completions/pam-jwt")]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        let script = script(&mut Cli::command(), "pam-jwt", self.shell);
        out.report(
            || json!({ "shell": self.shell.to_string(), "script": script }),
            || script.clone(),
        );
        Ok(Exit::Done)
    }
}
