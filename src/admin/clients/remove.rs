//! `pam-jwt clients remove`

use super::Registered;
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
        let found = Registered::find(config, &self.id)?;
        let shown = found.path.display().to_string();
        fs::remove_file(&found.path).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
        out.report(
            || json!({ "client_id": self.id, "removed": shown }),
            || format!("Removed {shown}.\n{}", super::TAKEN_UP),
        );
        Ok(Exit::Done)
    }
}
