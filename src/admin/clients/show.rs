//! `pam-jwt clients show`

use super::{Registered, as_json, as_text, itself};
use clap::Args;
use cli::output::{Exit, Failure, Output, visible};
use std::path::Path;

/// Show a client's registration, all but its secrets.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # what it may, and how many secrets are good
  pam-jwt clients show wiki")]
pub struct Show {
    /// Its client_id.
    #[arg(value_name = "CLIENT_ID")]
    id: String,
}

impl Show {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let client = match Registered::find(config, &self.id) {
            Ok(found) => found.client,
            Err(none) => itself::find(config, &self.id)?.ok_or(none)?,
        };
        out.report(|| as_json(&client).into(), || visible(&as_text(&client)));
        Ok(Exit::Done)
    }
}
