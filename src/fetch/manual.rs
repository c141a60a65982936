//! `pam-jwt-fetch manual`: the manual pages, from the definitions that also parse the command
//! line and print --help.

use crate::options::Options;
use clap::{Args, CommandFactory};
use cli::output::{Exit, Failure, Output};
use std::path::PathBuf;

/// Write the manual pages into a directory.
///
/// That is pam-jwt-fetch.8 and a page for each subcommand. Pages that are there are replaced.
#[derive(Args)]
#[command(after_long_help = "\
Exit status:
  0  done
  2  they could not be written

Examples:
  # where man looks for them
  pam-jwt-fetch manual /usr/local/share/man/man8")]
pub struct Manual {
    /// The directory; it is made if it is not there.
    dir: PathBuf,
}

impl Manual {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        let see_also = [("pam-jwt", "8"), ("systemd.timer", "5")];
        let pages = cli::manual::pages(Options::command(), "8", "System Administration", &see_also);
        cli::manual::write(pages, &self.dir, out).map(|()| Exit::Done)
    }
}
