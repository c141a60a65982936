//! `pam-jwt manual`: writes the manual pages.

use crate::Cli;
use crate::new_file::NewFiles;
use clap::{Args, CommandFactory};
use cli::manual::pages;
use cli::output::{Exit, Failure, Output};
use serde_json::json;
use std::fs;
use std::path::PathBuf;

/// Write the manual pages into a directory.
///
/// That is pam-jwt.8 and a page for each subcommand, such as pam-jwt-jws-verify.8.
/// Pages that are there are replaced.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # where man looks for them
  pam-jwt manual /usr/local/share/man/man8")]
pub struct Manual {
    /// The directory; it is made if it is not there.
    dir: PathBuf,
}

impl Manual {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        let see_also = [("pam", "7"), ("pam.d", "5")];
        let pages = pages(Cli::command(), "8", "System Administration", &see_also)
            .map_err(|error| Failure::new(format!("the manual pages: {error}")))?;
        let mut files = NewFiles::default();
        files.directory(&self.dir, 0o755)?;
        let mut made = Vec::new();
        for (name, page) in pages {
            let path = self.dir.join(name);
            // Taken away, not written over: it may be a link to somewhere else.
            let _ = fs::remove_file(&path);
            files.file(&path, 0o644, &page)?;
            made.push(path.display().to_string());
        }
        files.keep();
        out.report(
            || json!({ "files": made }),
            || format!("Made {}.", made.join(",\n     ")),
        );
        Ok(Exit::Done)
    }
}
