//! `pam-jwt status`: what is fetched, how old it is, and what keeps it from being younger.

mod report;
mod show;

use crate::grounds;
use clap::Args;
use cli::output::{Exit, Failure, Output};
#[cfg(test)]
pub use report::Age;
pub use report::{Report, Standing};
use std::path::Path;
use system::fetched::{self, Fetched};

/// Show of each issuer its keys that are fetched, their age, and how fetching goes.
///
/// Logins read what pam-jwt-fetch has put into /var/lib/pam-jwt/fetched; this command reads the
/// same files, and opens no network connection. Exit status 1 if the keys of an issuer
/// cannot be used or are older than its max_key_age, or if anything was never fetched.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # how old are the keys, and what keeps them from being younger?
  pam-jwt status")]
pub struct Status {}

impl Status {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let trust = grounds::trust(config)?;
        let reports = reports(&trust.issuers, grounds::now()?, trust.global.leeway);
        out.report(|| show::as_json(&reports), || show::as_text(out, &reports));
        let is_fine = reports.iter().all(Report::is_fine);
        Ok(if is_fine { Exit::Done } else { Exit::Refused })
    }
}

/// What is to be said of each issuer whose keys are fetched, at `now`, in seconds since the
/// epoch, where clocks may differ by `leeway` seconds.
pub fn reports(issuers: &[policy::trust::TrustedIssuer], now: u64, leeway: u64) -> Vec<Report> {
    let dir = Fetched::open(Path::new(fetched::DIR));
    let state = |issuer: &str| match &dir {
        Ok(dir) => dir.state(issuer),
        Err(error) => Err(error.to_string()),
    };
    issuers
        .iter()
        .filter_map(|issuer| Report::of(issuer, state(&issuer.issuer), now, leeway))
        .collect()
}
