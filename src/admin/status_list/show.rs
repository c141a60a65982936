//! `pam-jwt status-list show`: what a list says.

use super::status_name;
use crate::grounds;
use crate::moment::shown;
use ::status_list::Verified;
use clap::Args;
use cli::output::{Exit, Failure, Output, visible};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Verify a status list and show what it says, of all entries or of some.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # how many entries have which status; then two of them
  pam-jwt status-list show list.jwt
  pam-jwt status-list show list.jwt 6 7")]
pub struct Show {
    /// The list, a JWT.
    file: PathBuf,
    /// The idx of an entry; may be given several times.
    index: Vec<u64>,
    /// Whose it is, where it does not say and keys of several issuers fit.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
}

impl Show {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let issuer = self.issuer.as_deref();
        let verified = super::read(&self.file, config, issuer, grounds::now()?)?;
        let entries = self
            .index
            .iter()
            .map(|index| {
                status(&verified, *index)
                    .map(|status| (*index, status))
                    .ok_or_else(|| {
                        let most = verified.list.bits.entries(verified.statuses.len() as u64);
                        Failure::new(format!("there is no entry {index}: the list has {most}"))
                    })
            })
            .collect::<Result<Vec<_>, _>>()?;
        out.report(
            || as_json(&verified, &entries),
            || as_text(&verified, &entries),
        );
        Ok(Exit::Done)
    }
}

fn status(verified: &Verified, index: u64) -> Option<u8> {
    let Verified { list, statuses, .. } = verified;
    let byte = statuses.get(usize::try_from(list.bits.place(index)).ok()?)?;
    Some(list.bits.of(*byte, index))
}

/// How many entries have which status.
fn counts(verified: &Verified) -> BTreeMap<u8, u64> {
    let mut counts = BTreeMap::new();
    let bits = verified.list.bits;
    for byte in &verified.statuses {
        for index in 0..bits.entries(1) {
            *counts.entry(bits.of(*byte, index)).or_default() += 1;
        }
    }
    counts
}

fn as_json(verified: &Verified, entries: &[(u64, u8)]) -> Value {
    let Verified {
        issuer,
        kid,
        list,
        statuses,
    } = verified;
    let counts = counts(verified)
        .into_iter()
        .map(|(status, count)| (status.to_string(), count.into()))
        .collect::<serde_json::Map<String, Value>>();
    let entries: Vec<Value> = entries
        .iter()
        .map(|(index, status)| json!({ "idx": index, "status": status }))
        .collect();
    json!({ "issuer": issuer, "kid": kid, "uri": list.uri, "iat": list.issued_at,
        "exp": list.expires, "ttl": list.ttl, "bits": list.bits.number(),
        "size": list.bits.entries(statuses.len() as u64), "counts": counts, "entries": entries })
}

fn as_text(verified: &Verified, entries: &[(u64, u8)]) -> String {
    let Verified {
        issuer, kid, list, ..
    } = verified;
    let mut lines = vec![
        format!("issuer   {issuer}, kid {kid}"),
        format!("uri      {}", list.uri),
        format!("issued   {}", shown(list.issued_at)),
        format!(
            "expires  {}",
            list.expires.map_or("never".to_owned(), shown)
        ),
    ];
    if entries.is_empty() {
        for (status, count) in counts(verified) {
            lines.push(format!(
                "{count} with status {status}, {}",
                status_name(status)
            ));
        }
    }
    for (index, status) in entries {
        lines.push(format!(
            "entry {index} has status {status}, {}",
            status_name(*status)
        ));
    }
    lines
        .iter()
        .map(|line| visible(line))
        .collect::<Vec<_>>()
        .join("\n")
}
