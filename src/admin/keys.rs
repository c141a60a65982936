//! `pam-jwt keys`: what is trusted.

use crate::output::{Exit, Failure, Output, hint, visible};
use clap::Args;
use serde_json::{Value, json};
use std::path::Path;
use system::key_store;

/// List the keys that are trusted, with kid, alg, size, thumbprint and file.
#[derive(Args)]
pub struct Keys {}

impl Keys {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let loaded = key_store::load(config).map_err(|faults| Failure::of_config(&faults))?;
        let rows: Vec<[String; 6]> = loaded
            .trust
            .issuers
            .iter()
            .flat_map(|issuer| {
                issuer.keys.iter().map(|key| {
                    let public = key.key.public_key();
                    [
                        issuer.issuer.clone(),
                        key.kid.clone(),
                        key.key.algorithm().to_string(),
                        public.bits().to_string(),
                        public.thumbprint(),
                        key.source.clone(),
                    ]
                })
            })
            .collect();
        for (file, index, cause) in &loaded.left_out {
            hint(&format!(
                "{file}: key {index} of the set is left out: {cause}"
            ));
        }
        out.report(|| as_json(&rows), || as_table(&rows));
        Ok(Exit::Done)
    }
}

const HEAD: [&str; 6] = ["ISSUER", "KID", "ALG", "BITS", "THUMBPRINT", "FILE"];

fn as_json(rows: &[[String; 6]]) -> Value {
    rows.iter()
        .map(|[issuer, kid, alg, bits, thumbprint, file]| {
            json!({ "issuer": issuer, "kid": kid, "alg": alg, "bits": bits.parse::<usize>().ok(),
                "thumbprint": thumbprint, "file": file })
        })
        .collect()
}

fn as_table(rows: &[[String; 6]]) -> String {
    if rows.is_empty() {
        return "no issuer is trusted; begin with: pam-jwt init --issuer URL".to_owned();
    }
    // A row is one line, even with a newline in the kid that somebody else chose.
    let cell = |cell: &String| visible(cell).replace(['\n', '\t'], " ");
    let shown = rows.iter().map(|row| row.each_ref().map(cell));
    let all: Vec<[String; 6]> = std::iter::once(HEAD.map(str::to_owned))
        .chain(shown)
        .collect();
    let mut widths = [0; 6];
    for row in &all {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; 6]| {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kid_cannot_write_over_the_table() {
        let row = |kid: &str| ["i", kid, "a", "1", "t", "f"].map(str::to_owned);
        let table = as_table(&[row("\u{202e}\u{1b}[2J\nISSUER"), row("k")]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 3, "{table}");
        assert!(
            lines[1].starts_with(r"i       \u{202e}\u{1b}[2J ISSUER  a "),
            "{table}"
        );
        assert!(
            lines[2].starts_with("i       k                         a "),
            "{table}"
        );
    }
}
