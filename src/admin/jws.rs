//! `pam-jwt jws`: the signature layer alone, without policy.

use crate::output::{Exit, Failure, Output, Tone, json_text, visible};
use crate::{new_key, read_named, token_from_stdin};
use clap::{Args, Subcommand};
use jose::{Algorithm, Claims, Compact, Header, json};
use policy::config::KeyFile;
use policy::duration::for_people;
use policy::trust::{TrustedKey, keys_in, select};
use serde_json::{Map, Value, json};
use std::io::IsTerminal;
use std::path::PathBuf;
use system::clock;

/// Look at a signed token without any policy.
#[derive(Subcommand)]
pub enum Jws {
    Verify(Verify),
    Inspect(Inspect),
}

/// Check the signature of the token on standard input and print its payload.
///
/// Says nothing about who may do what with it: no claim is looked at.
#[derive(Args)]
pub struct Verify {
    /// The public key: PEM, JWK or JWK Set.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The key's algorithm, where the key does not name its own.
    #[arg(long, value_parser = new_key::algorithm)]
    alg: Option<Algorithm>,
}

/// Show header and claims of the token on standard input. Nothing is verified.
#[derive(Args)]
pub struct Inspect {}

impl Jws {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        match self {
            Self::Verify(command) => command.run(out),
            Self::Inspect(command) => command.run(out),
        }
    }
}

impl Verify {
    fn run(&self, out: &Output) -> Result<Exit, Failure> {
        let shown = self.key.display().to_string();
        let file = KeyFile {
            file: shown.clone(),
            alg: self.alg,
            kid: None,
        };
        let keys = keys_in(&file, &read_named(&self.key)?)
            .map_err(|error| Failure::new(format!("{shown}: {error}")))?
            .keys;
        let token = token_from_stdin()?;
        let verified = Compact::parse(&token).and_then(|compact| {
            let header = Header::parse(&compact)?;
            key_for(&keys, &header)
                .map(|key| key.key.verify(&compact, &header))
                .transpose()?
                .map_or(Ok(None), |()| {
                    Ok(Some((header, compact.payload().to_vec())))
                })
        });
        let (header, payload) = match verified {
            Ok(Some(verified)) => verified,
            Ok(None) => {
                return Ok(refused(
                    out,
                    "key_unknown",
                    &format!("{shown} has no key for this kid and alg"),
                ));
            }
            Err(error) => {
                let reason = policy::Reason::from(&error);
                return Ok(refused(out, reason.code(), &error.to_string()));
            }
        };
        if out.json {
            let text = String::from_utf8_lossy(&payload);
            out.report(|| json!({ "verified": true, "alg": header.alg.name(), "kid": header.kid, "payload": text }), String::new);
        } else if std::io::stdout().is_terminal() {
            let shown = visible(&String::from_utf8_lossy(&payload));
            out.raw(format!("{shown}\n").as_bytes());
        } else {
            out.raw(&payload);
        }
        Ok(Exit::Done)
    }
}

/// The one key that was named, or the one of a set that the header means.
fn key_for<'a>(keys: &'a [TrustedKey], header: &Header) -> Option<&'a TrustedKey> {
    match keys {
        [only] => Some(only),
        several => select(several, header),
    }
}

fn refused(out: &Output, reason: &str, detail: &str) -> Exit {
    out.report(
        || json!({ "verified": false, "reason": reason, "detail": detail }),
        || {
            format!(
                "{}: {reason}: {}",
                out.painted(Tone::Bad, "NOT VERIFIED"),
                visible(detail)
            )
        },
    );
    Exit::Refused
}

impl Inspect {
    fn run(&self, out: &Output) -> Result<Exit, Failure> {
        let token = token_from_stdin()?;
        let compact = match Compact::parse(&token) {
            Ok(compact) => compact,
            Err(error) => {
                return Ok(refused(
                    out,
                    policy::Reason::from(&error).code(),
                    &error.to_string(),
                ));
            }
        };
        let header = part(compact.header());
        let payload = part(compact.payload());
        out.report(
            || json!({ "verified": false, "header": header, "payload": payload }),
            || {
                let warning = out.painted(Tone::Bad, "NOT VERIFIED");
                let mut text = format!(
                    "{warning}: anybody can write such a token; believe nothing of it\n\
                     header  {}\npayload {}\n",
                    json_text(&header),
                    json_text(&payload)
                );
                if let Ok(claims) = Claims::parse(compact.payload()) {
                    text.push_str(&times(&claims));
                }
                text
            },
        );
        Ok(Exit::Done)
    }
}

fn part(bytes: &[u8]) -> Value {
    match json::object(bytes) {
        Ok(members) => Value::Object(members),
        Err(error) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let note = Map::from_iter([
                ("fault".to_owned(), format!("it {error}").into()),
                ("text".to_owned(), text.into()),
            ]);
            Value::Object(note)
        }
    }
}

/// The token's times as people read them.
fn times(claims: &Claims) -> String {
    let Ok(now) = clock::now() else {
        return String::new();
    };
    let line = |name: &str, date: Option<jose::NumericDate>| {
        let seconds = date?.floor();
        let utc = jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
        let side = if seconds > now { "from now" } else { "ago" };
        Some(format!(
            "{name} {utc}, {} {side}\n",
            for_people(seconds.abs_diff(now))
        ))
    };
    let dates = [
        ("iat", claims.issued_at),
        ("nbf", claims.not_before),
        ("exp", claims.expires),
    ];
    dates
        .into_iter()
        .filter_map(|(name, date)| line(name, date))
        .collect()
}
