//! `pam-jwt status-list`: makes status lists, looks into them, and loads them for logins.

mod deflate;
mod load;
mod loaded;
mod make;
mod show;
mod verified;

use clap::Subcommand;
use cli::output::{Exit, Failure, Output};
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
