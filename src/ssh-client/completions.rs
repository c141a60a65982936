//! `jwt-ssh completions`: what a shell needs to complete this command.

use crate::options::JwtSsh;
use clap::{Args, CommandFactory};
use cli::completions::{Shell, script};
use cli::output::{Exit, Failure, Output};

/// Print the script by which a shell completes jwt-ssh.
#[derive(Args)]
#[command(after_long_help = "\
Exit status:
  0  done
  2  it could not be written

Examples:
  # in ~/.bashrc
  eval \"$(jwt-ssh completions bash)\"")]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        let script = script(&mut JwtSsh::command(), "jwt-ssh", self.shell);
        out.raw(script.as_bytes());
        Ok(Exit::Done)
    }
}
