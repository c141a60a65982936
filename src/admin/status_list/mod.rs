//! `pam-jwt status-list`: makes status lists, looks into them, and loads them for logins.

mod load;
mod loaded;
mod make;
mod show;

use crate::grounds;
use ::status_list::{MOST, Verified, verify};
use clap::Subcommand;
use cli::output::{Exit, Failure, Output};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Make, show and load token status lists, which say what has become of tokens.
///
/// An issuer that can take tokens back gives each a place in a list (its status claim), signs
/// the list and publishes it. Something fetches it; "load" verifies and unpacks it once, and
/// from then on a login looks its token up there. What a missing or stale list means is said
/// by status in the issuer's file.
#[derive(Subcommand)]
#[command(after_long_help = "\
Examples:
  # a list of this machine's own in which the token of place 7 is revoked
  pam-jwt status-list make --uri https://i.test/1 --size 1000 --set 7=1 > list.jwt
  pam-jwt status-list show list.jwt 6 7
  pam-jwt status-list load list.jwt
  # a token that has this place
  pam-jwt issue alice --claim 'status={\"status_list\":{\"idx\":7,\"uri\":\"https://i.test/1\"}}'")]
pub enum StatusList {
    Make(make::Make),
    Show(show::Show),
    Load(load::Load),
    Loaded(loaded::Loaded),
}

impl StatusList {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        match self {
            Self::Make(command) => command.run(config, out),
            Self::Show(command) => command.run(config, out),
            Self::Load(command) => command.run(config, out),
            Self::Loaded(command) => command.run(out),
        }
    }
}

/// A status for people (draft-ietf-oauth-status-list § Status Types Values).
fn status_name(status: u8) -> &'static str {
    match status {
        0 => "valid",
        1 => "invalid",
        2 => "suspended",
        _ => "application specific",
    }
}

/// Reads, verifies and unpacks the list in the file `path` at `now`, in seconds since the
/// epoch, with the keys that the configuration in `config` trusts.
///
/// # Errors
/// What keeps it from being a list of an issuer that is trusted, or of `issuer` where that is
/// named; or why the configuration does not load.
fn read(path: &Path, config: &Path, issuer: Option<&str>, now: u64) -> Result<Verified, Failure> {
    let trust = grounds::trust(config)?;
    let failed = |why: String| Failure::new(format!("{}: {why}", path.display()));
    let mut token = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST as u64 + 1).read_to_end(&mut token))
        .map_err(|error| failed(error.to_string()))?;
    verify(token.trim_ascii(), &trust, issuer, now).map_err(failed)
}
