//! `jwt-ssh manual`: the manual pages, from the definitions that also parse the command
//! line and print --help.

use crate::options::JwtSsh;
use clap::{Args, CommandFactory};
use cli::output::{Exit, Failure, Output};
use std::path::PathBuf;

/// Write the manual pages into a directory.
///
/// That is jwt-ssh.1 and a page for each subcommand. Pages that are there are replaced.
#[derive(Args)]
#[command(after_long_help = "\
Exit status:
  0  done
  2  they could not be written

Examples:
  # where man looks for them
  jwt-ssh manual ~/.local/share/man/man1")]
pub struct Manual {
    /// The directory; it is made if it is not there.
    dir: PathBuf,
}

impl Manual {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        let see_also = [("ssh", "1"), ("ssh_config", "5"), ("sudo", "8")];
        let pages = cli::manual::pages(JwtSsh::command(), "1", "User Commands", &see_also);
        cli::manual::write(pages, &self.dir, out).map(|()| Exit::Done)
    }
}
