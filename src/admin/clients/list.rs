//! `pam-jwt clients list`

use super::{Registered, as_json, itself};
use crate::table::table;
use ::clients::Client;
use ::clients::text::short_name;
use clap::Args;
use cli::output::{Exit, Failure, Output};
use serde_json::Value;
use std::path::Path;

/// List the clients that are registered.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # who may ask for tokens, and how
  pam-jwt clients list")]
pub struct List {}

impl List {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let mut all: Vec<Client> = Registered::all(config)?
            .into_iter()
            .map(|one| one.client)
            .collect();
        all.extend(itself::all(config, out)?);
        out.report(
            || {
                all.iter()
                    .map(|one| Value::from(as_json(one)))
                    .collect::<Value>()
            },
            || {
                let rows: Vec<_> = all.iter().map(cells).collect();
                if rows.is_empty() {
                    return "no client is registered; begin with: pam-jwt clients add --help"
                        .to_owned();
                }
                table(["CLIENT", "NAME", "SHOWS", "GRANTS", "SCOPES"], &rows)
            },
        );
        Ok(Exit::Done)
    }
}

fn cells(client: &Client) -> [String; 5] {
    let or_none = |text: String| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text
        }
    };
    let grants: Vec<&str> = client
        .grant_types
        .iter()
        .map(|grant| short_name(*grant))
        .collect();
    [
        client.client_id.clone(),
        or_none(client.client_name.clone().unwrap_or_default()),
        client.token_endpoint_auth_method.name().to_owned(),
        or_none(grants.join(" ")),
        or_none(client.scopes.join(" ")),
    ]
}
