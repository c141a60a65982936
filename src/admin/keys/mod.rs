//! `pam-jwt keys`: what is trusted, and below it what pam-jwt-authserver signs with.

mod rotate;

use crate::faults;
use crate::table::table;
use clap::{Args, Subcommand};
use cli::output::{Exit, Failure, Output};
use jose::Algorithm;
use policy::trust::{TrustedIssuer, TrustedKey};
use serde_json::{Value, json};
use std::path::Path;
use system::key_store;

/// List the keys that are trusted: kid, alg, size, thumbprint, the end of a certificate, file.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # whose tokens this machine takes, and by which keys
  pam-jwt keys")]
pub struct Keys {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Rotate(rotate::Rotate),
}

impl Keys {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        match &self.command {
            Some(Command::Rotate(command)) => command.run(config, out),
            None => list(config, out),
        }
    }
}

fn list(config: &Path, out: &Output) -> Result<Exit, Failure> {
    let loaded = key_store::load(config).map_err(|faults| faults::config_does_not_load(&faults))?;
    let rows: Vec<Row> = loaded
        .trust
        .issuers
        .iter()
        .flat_map(|issuer| issuer.keys.iter().map(|key| Row::of(issuer, key)))
        .collect();
    for file in loaded
        .trust
        .issuers
        .iter()
        .flat_map(|issuer| &issuer.out_of_reach)
    {
        out.hint(&format!("{file}: only root may read it; run as root"));
    }
    for (file, index, cause) in &loaded.left_out {
        out.hint(&format!(
            "{file}: key {index} of the set is left out: {cause}"
        ));
    }
    out.report(|| as_json(&rows), || as_table(&rows));
    Ok(Exit::Done)
}

/// One key.
struct Row {
    issuer: String,
    kid: String,
    alg: Algorithm,
    bits: usize,
    /// Of a public key alone: a symmetric one's is for nobody's eyes (RFC 7638 §7).
    thumbprint: Option<String>,
    /// The last day of the certificate that it came in.
    until: Option<String>,
    file: String,
}

impl Row {
    fn of(issuer: &TrustedIssuer, key: &TrustedKey) -> Self {
        let material = key.key.material();
        Self {
            issuer: issuer.issuer.clone(),
            kid: key.kid.clone(),
            alg: key.key.algorithm(),
            bits: material.bits(),
            thumbprint: material.thumbprint(),
            until: key.validity.and_then(|validity| day(validity.not_after)),
            file: key.source.clone(),
        }
    }

    fn cells(&self) -> [String; 7] {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        [
            self.issuer.clone(),
            self.kid.clone(),
            self.alg.to_string(),
            self.bits.to_string(),
            or_none(&self.thumbprint),
            or_none(&self.until),
            self.file.clone(),
        ]
    }
}

/// The day of a time, as YYYY-MM-DD in UTC.
fn day(seconds: u64) -> Option<String> {
    let time = jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(time.to_string().chars().take(10).collect())
}

const HEAD: [&str; 7] = [
    "ISSUER",
    "KID",
    "ALG",
    "BITS",
    "THUMBPRINT",
    "UNTIL",
    "FILE",
];

fn as_json(rows: &[Row]) -> Value {
    rows.iter()
        .map(|row| {
            json!({ "issuer": row.issuer, "kid": row.kid, "alg": row.alg.name(), "bits": row.bits,
                "thumbprint": row.thumbprint, "until": row.until, "file": row.file })
        })
        .collect()
}

fn as_table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "no issuer is trusted; begin with: pam-jwt init --issuer URL".to_owned();
    }
    let cells: Vec<[String; 7]> = rows.iter().map(Row::cells).collect();
    table(HEAD, &cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kid_cannot_write_over_the_table() {
        let row = |kid: &str| Row {
            issuer: "i".into(),
            kid: kid.into(),
            alg: Algorithm::Hs256,
            bits: 256,
            thumbprint: None,
            until: day(2_082_758_400),
            file: "f".into(),
        };
        let table = as_table(&[row("\u{202e}\u{1b}[2J\nISSUER"), row("k")]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 3, "{table}");
        assert!(
            lines[1].starts_with(
                r"i       \u{202e}\u{1b}[2J ISSUER  HS256  256   -           2036-01-01  f"
            ),
            "{table}"
        );
        assert!(
            lines[2].starts_with(
                "i       k                         HS256  256   -           2036-01-01  f"
            ),
            "{table}"
        );
    }
}
