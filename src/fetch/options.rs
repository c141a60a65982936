//! The command line.

use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Fetches the keys and status lists of the issuers that pam_jwt.so trusts.
///
/// Of each issuer whose file says jwks_uri or discover the keys are asked for when it is time:
/// by what the issuer itself says (Cache-Control), from every 5 minutes to every 6 hours, and
/// after a failure at growing intervals. What is no good set of keys changes nothing, so logins
/// go on with the keys that are there until these are older than max_key_age. A key that an
/// issuer publishes no longer is kept for a day. Status lists are those that an issuer's file names
/// (status_lists), and with discover those that the issuer does; they are fetched as they say (ttl,
/// and Cache-Control from a minute on).
///
/// A timer runs this as a user of its own: systemctl enable --now pam-jwt-fetch.timer. Root may
/// run it too, and it becomes that user first.
#[derive(Parser)]
#[command(
    name = "pam-jwt-fetch",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    after_long_help = "\
Exit status:
  0  everything that was due is fetched
  1  something could not be fetched; what was there stays
  2  nothing could be tried: usage, configuration, /var/lib/pam-jwt/fetched

Files:
  /etc/pam-jwt/issuers.d/    a file for each issuer that is trusted
  /var/lib/pam-jwt/fetched/  what was fetched; it belongs to the user that fetches

Examples:
  # what is due, as the timer does it
  pam-jwt-fetch
  # all issuers, at once; then one of them
  pam-jwt-fetch --now
  pam-jwt-fetch --issuer https://login.example.org"
)]
pub struct Options {
    /// The configuration directory.
    #[arg(long, value_name = "DIR", default_value = system::CONFIG_DIR)]
    pub config: PathBuf,
    /// Ask this issuer, whether it is time or not; may be given several times. A trust domain of
    /// SPIFFE is spiffe://NAME.
    #[arg(long = "issuer", value_name = "URL")]
    pub issuers: Vec<String>,
    /// Ask all issuers, whether it is time or not.
    #[arg(long)]
    pub now: bool,
    /// Report as JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// Say nothing of issuers for which it is not time.
    #[arg(short, long)]
    pub quiet: bool,
    /// Say how this program is confined.
    #[arg(short, long)]
    pub verbose: bool,
    /// What else there is to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What else there is to do.
#[derive(Subcommand)]
pub enum Command {
    Completions(Completions),
    Manual(Manual),
}

cli::documented!(
    Options,
    "pam-jwt-fetch",
    "8",
    [
        ("pam-jwt", "8"),
        ("pam_jwt", "8"),
        ("pam-jwt-issuer", "5"),
        ("systemd.timer", "5"),
    ],
    [],
    "/usr/local/share/man"
);

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        super::Options::command().debug_assert();
    }
}
