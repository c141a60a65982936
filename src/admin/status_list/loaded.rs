//! `pam-jwt status-list loaded`: what logins look into.

use crate::moment::shown;
use clap::Args;
use cli::output::{Exit, Failure, Output, visible};
use serde_json::{Value, json};
use std::path::Path;
use system::clock;
use system::status_store::{self, Head};

/// List the status lists that logins look into.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # which are stale?
  pam-jwt status-list loaded")]
pub struct Loaded {}

impl Loaded {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        let found = status_store::all(Path::new(status_store::DIR))
            .map_err(|error| Failure::new(error.to_string()))?;
        let (heads, broken): (Vec<_>, Vec<_>) = found.into_iter().partition(Result::is_ok);
        let mut heads: Vec<Head> = heads.into_iter().flatten().collect();
        heads.sort_by(|one, other| (&one.issuer, &one.uri).cmp(&(&other.issuer, &other.uri)));
        for why in broken.iter().filter_map(|one| one.as_ref().err()) {
            out.hint(why);
        }
        // A clock that is wrong makes nothing fresh.
        let now = clock::now().unwrap_or(u64::MAX);
        out.report(
            || heads.iter().map(|head| as_json(head, now)).collect(),
            || match heads.as_slice() {
                [] => "no status list is loaded; see: pam-jwt status-list load --help".to_owned(),
                heads => {
                    let lines: Vec<String> = heads.iter().map(|head| as_text(head, now)).collect();
                    lines.join("\n")
                }
            },
        );
        Ok(if broken.is_empty() {
            Exit::Done
        } else {
            Exit::Refused
        })
    }
}

fn is_stale(head: &Head, now: u64) -> bool {
    head.stale_at.is_some_and(|end| now >= end)
}

fn as_json(head: &Head, now: u64) -> Value {
    json!({ "issuer": head.issuer, "uri": head.uri, "kid": head.kid, "bits": head.bits.number(),
        "entries": head.entries(), "iat": head.issued_at, "stale_at": head.stale_at,
        "stale": is_stale(head, now) })
}

fn as_text(head: &Head, now: u64) -> String {
    let stale = match head.stale_at {
        None => "never stale".to_owned(),
        Some(end) if is_stale(head, now) => format!("STALE since {}", shown(end)),
        Some(end) => format!("stale at {}", shown(end)),
    };
    visible(&format!(
        "{}  {}  {} entries of {} bits, issued {}, {stale}",
        head.issuer,
        head.uri,
        head.entries(),
        head.bits.number(),
        shown(head.issued_at)
    ))
}
