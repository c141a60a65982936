//! `pam-jwt revocations`: what is revoked on this machine.

use crate::grounds;
use crate::moment::shown;
use crate::table::table;
use clap::Args;
use cli::output::{Exit, Failure, Output};
use policy::revocation::{Kind, Record};
use policy::trust::Trust;
use serde_json::{Value, json};
use std::path::Path;
use system::revocations;

/// List what is revoked on this machine.
///
/// An entry ends when no token that it names could be accepted any more: at the exp of a
/// single token, or max_lifetime (of the issuer's file) after the time before which tokens
/// must have been issued. Run by root, this also takes away the entries that have ended.
/// Exit status 1 if something in the list is no entry, for which logins are refused.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # what is revoked, since when, and until when
  pam-jwt revocations
  # the same for a program
  pam-jwt revocations --json")]
pub struct Revocations {}

impl Revocations {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let trust = grounds::trust(config)?;
        let dir = Path::new(revocations::DIR);
        let list = revocations::in_force(dir, &trust, grounds::now()?);
        let mut list = list.map_err(Failure::new)?;
        list.records
            .sort_by(|one, other| order(one).cmp(&order(other)));
        for (path, why) in &list.faults {
            out.hint(&format!("{}: {why}", path.display()));
        }
        let fault = |(path, why): &(std::path::PathBuf, String)| json!({ "file": path.display().to_string(), "fault": why });
        out.report(
            || json!({
                "revocations": list.records.iter().map(|record| as_json(record, &trust)).collect::<Value>(),
                "unreadable": list.faults.iter().map(fault).collect::<Value>(),
            }),
            || as_table(&list.records, &trust),
        );
        Ok(if list.faults.is_empty() {
            Exit::Done
        } else {
            Exit::Refused
        })
    }
}

/// A record with the time when it ends, or null if it stays until it is lifted.
pub fn as_json(record: &Record, trust: &Trust) -> Value {
    let mut members = record.members();
    let ends = record.life(trust).map(|life| life.ends);
    members.insert("ends".to_owned(), json!(ends));
    Value::Object(members)
}

fn order(record: &Record) -> (&str, &'static str, &str) {
    (&record.issuer, record.kind.claim(), &record.value)
}

const HEAD: [&str; 7] = [
    "ISSUER", "NAMED BY", "VALUE", "TOKENS", "REVOKED", "UNTIL", "BECAUSE",
];

fn as_table(records: &[Record], trust: &Trust) -> String {
    if records.is_empty() {
        return "nothing is revoked".to_owned();
    }
    let row = |record: &Record| {
        let until = record.life(trust).map(|life| shown(life.ends));
        [
            record.issuer.clone(),
            record.kind.claim().to_owned(),
            record.value.clone(),
            tokens(record),
            shown(record.revoked_at),
            until.unwrap_or_else(|| "lifted".to_owned()),
            record.because.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    };
    table(HEAD, &records.iter().map(row).collect::<Vec<_>>())
}

/// Which of the tokens that it names it is about.
fn tokens(record: &Record) -> String {
    let limits = [
        record
            .issued_before
            .map(|limit| format!("iat before {}", shown(limit))),
        record
            .expired_by
            .map(|limit| format!("exp up to {}", shown(limit))),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    match record.kind {
        _ if !limits.is_empty() => limits.join(", "),
        Kind::Id => "this".to_owned(),
        _ => "all".to_owned(),
    }
}
