//! `pam-jwt-fetch completions`: what a shell needs to complete this command.

use crate::options::Options;
use clap::{Args, CommandFactory};
use cli::completions::{Shell, script};
use cli::output::{Exit, Failure, Output};

/// Print the script by which a shell completes pam-jwt-fetch.
#[derive(Args)]
#[command(after_long_help = "\
Exit status:
  0  done
  2  it could not be written

Examples:
  # in ~/.bashrc
  eval \"$(pam-jwt-fetch completions bash)\"")]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        let script = script(&mut Options::command(), "pam-jwt-fetch", self.shell);
        out.raw(script.as_bytes());
        Ok(Exit::Done)
    }
}
