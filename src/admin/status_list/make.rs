//! `pam-jwt status-list make`: a list, signed with this machine's key.

use crate::grounds;
use crate::read_named;
use crate::signing_key::{self, Signer};
use ::status_list::deflate;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use cli::output::{Exit, Failure, Output};
use jose::sign::sign;
use jose::status_list::{Bits, StatusList, TYPE};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Print a status list, signed with this machine's key.
///
/// All entries are valid (0) but those that are set: 1 is invalid, 2 suspended. With 1 bit
/// an entry is valid or invalid; suspended takes 2.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # a thousand entries, of which that of place 7 is revoked
  pam-jwt status-list make --uri https://i.test/1 --bits 2 --size 1000 --set 7=1 > list.jwt")]
pub struct Make {
    /// Where it will be published: the uri by which tokens refer to it.
    #[arg(long, value_name = "URI", value_parser = NonEmptyStringValueParser::new())]
    uri: String,
    /// How many entries it has; as many more as fill the last byte.
    #[arg(long, value_name = "COUNT")]
    size: u64,
    /// How many bits an entry has: 1, 2, 4 or 8.
    #[arg(long, default_value = "1", value_parser = bits)]
    bits: Bits,
    /// The status of an entry; may be given several times.
    #[arg(long = "set", value_name = "IDX=STATUS", value_parser = entry)]
    entries: Vec<(u64, u8)>,
    /// A file with an entry on each line, IDX STATUS.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// How long it is good, such as 15m, 12h, 2d.
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = signing_key::lifetime)]
    lifetime: u64,
    /// How long a copy is good before a new one is to be fetched.
    #[arg(long, value_name = "TIME", value_parser = signing_key::lifetime)]
    ttl: Option<u64>,
    /// The private or symmetric JWK to sign with, instead of private/local.jwk.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Whose list it is; then no configuration is read.
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    issuer: Option<String>,
}

impl Make {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let Signer { key, issuer, .. } =
            signing_key::find(config, self.key.as_deref(), self.issuer.as_deref())?;
        let bytes = usize::try_from(self.bits.bytes(self.size)).unwrap_or(usize::MAX);
        if self.size == 0 || bytes > deflate::MOST {
            return Err(Failure::new(format!(
                "--size is from 1 to {}",
                self.bits.entries(deflate::MOST as u64)
            )));
        }
        let mut list = vec![0; bytes];
        let mut entries = self.entries.clone();
        if let Some(path) = &self.from {
            entries.extend(entries_in(path)?);
        }
        for (index, status) in entries {
            if index >= self.size {
                return Err(Failure::new(format!(
                    "there is no entry {index}: the list has {}",
                    self.size
                )));
            }
            self.bits.set(&mut list, index, status).ok_or_else(|| {
                let (bits, most) = (self.bits.number(), self.bits.most());
                Failure::new(format!(
                    "entry {index} has status {status}, and with --bits {bits} the greatest is {most}; \
                     --bits takes 1, 2, 4 and 8"
                ))
            })?;
        }
        let now = grounds::now()?;
        let list = StatusList {
            uri: self.uri.clone(),
            issued_at: now,
            expires: Some(now.saturating_add(self.lifetime)),
            ttl: self.ttl,
            bits: self.bits,
            compressed: deflate::deflate(&list).map_err(Failure::new)?,
        };
        let mut claims = list.claims();
        claims.insert("iss".to_owned(), issuer.into());
        let token = sign(&key, TYPE, &claims).map_err(|error| Failure::new(error.to_string()))?;
        out.report(|| json!({ "token": token }), || token.clone());
        Ok(Exit::Done)
    }
}

fn entries_in(path: &Path) -> Result<Vec<(u64, u8)>, Failure> {
    let text = read_named(path)?;
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            let words: Vec<&str> = line.split_whitespace().collect();
            entry(&words.join("=")).map_err(|why| {
                let line = at.saturating_add(1);
                Failure::new(format!("{}:{line}: {why}", path.display()))
            })
        })
        .collect()
}

fn bits(text: &str) -> Result<Bits, String> {
    let bits = text.parse().ok().and_then(Bits::new);
    bits.ok_or_else(|| "an entry has 1, 2, 4 or 8 bits".to_owned())
}

fn entry(text: &str) -> Result<(u64, u8), String> {
    let parse = || {
        let (index, status) = text.split_once('=')?;
        Some((index.parse().ok()?, status.parse().ok()?))
    };
    parse().ok_or_else(|| "an entry is the number of its place and its status, 0 to 255".to_owned())
}
