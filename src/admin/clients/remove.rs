//! `pam-jwt clients remove`

use super::{Registered, itself};
use clap::Args;
use cli::output::{Exit, Failure, Output};
use serde_json::json;
use std::fs;
use std::path::Path;

/// Remove a client: it gets no more tokens, and its refresh tokens are good for nothing.
///
/// Access tokens that it has are good until they expire, as with whatever it still has: to end
/// them sooner, revoke them first.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # it is not in use any more
  pam-jwt clients remove wiki")]
pub struct Remove {
    /// Its client_id.
    #[arg(value_name = "CLIENT_ID")]
    id: String,
}

impl Remove {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let found = match Registered::find(config, &self.id) {
            Ok(found) => found,
            Err(none) => return self.remove_itself(config, out, none),
        };
        let shown = found.path.display().to_string();
        fs::remove_file(&found.path).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
        out.report(
            || json!({ "client_id": self.id, "removed": shown }),
            || format!("Removed {shown}.\n{}", super::TAKEN_UP),
        );
        Ok(Exit::Done)
    }

    /// One that registered itself, or else there is `none`.
    fn remove_itself(&self, config: &Path, out: &Output, none: Failure) -> Result<Exit, Failure> {
        itself::find(config, &self.id)?.ok_or(none)?;
        itself::remove(config, &self.id)?;
        out.report(
            || json!({ "client_id": self.id, "removed": "the store of pam-jwt-authserver" }),
            || format!("Removed {}, which had registered itself.", self.id),
        );
        Ok(Exit::Done)
    }
}
