//! `pam-jwt completions`: what a shell needs to complete this command, from the
//! definitions that also parse it.

use crate::Cli;
use crate::output::{Exit, Failure, Output};
use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::{Shell as Generator, generate};
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

#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Completions {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        let shell = match self.shell {
            Shell::Bash => Generator::Bash,
            Shell::Zsh => Generator::Zsh,
            Shell::Fish => Generator::Fish,
        };
        let mut script = Vec::new();
        generate(shell, &mut Cli::command(), "pam-jwt", &mut script);
        // For bash clap_complete 4.6 spells the name's hyphen in two ways, so that nothing
        // behind a subcommand would be completed (clap-rs/clap#6421).
        let script = String::from_utf8_lossy(&script).replace("pam__subcmd__jwt", "pam__jwt");
        out.report(
            || json!({ "shell": shell.to_string(), "script": script }),
            || script.clone(),
        );
        Ok(Exit::Done)
    }
}
