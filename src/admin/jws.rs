//! `pam-jwt jws`: the signature layer alone, without policy.

use crate::{new_key, read_named, token_from_stdin};
use clap::{Args, Subcommand};
use cli::output::{Exit, Failure, Output, Tone, json_text, visible};
use jose::{Algorithm, Claims, Compact, Header, KeyError, KeyUse, json};
use policy::Reason;
use policy::config::KeyFile;
use policy::duration::for_people;
use policy::explain::Silent;
use policy::trust::{TrustedKey, keys_in, select};
use policy::validate::certificate;
use serde_json::{Map, Value, json};
use std::io::IsTerminal;
use std::path::PathBuf;
use system::clock;
use zeroize::Zeroizing;

/// Look at a signed token without any policy.
#[derive(Subcommand)]
#[command(after_long_help = "\
Examples:
  # what a token says, and whether it is signed with this key
  pam-jwt jws inspect < token
  pam-jwt jws verify --key /etc/pam-jwt/keys/local.jwk < token")]
pub enum Jws {
    Verify(Verify),
    Inspect(Inspect),
}

/// Check the signature of the token on standard input and print its payload.
///
/// Says nothing about who may do what with it: no claim is looked at.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # the claims of a token that this machine signed
  pam-jwt jws verify --key /etc/pam-jwt/keys/local.jwk < token")]
pub struct Verify {
    /// The key: PEM, X.509 certificate, JWK or JWK Set; a symmetric one as JWK.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The key's algorithm, where the key does not name its own.
    #[arg(long, value_parser = new_key::algorithm())]
    alg: Option<Algorithm>,
}

/// Show header and claims of the token on standard input. Nothing is verified.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # when does it end, and for whom is it?
  pam-jwt jws inspect < token")]
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
        let text = Zeroizing::new(read_named(&self.key)?);
        let named = |kid: Option<&str>| {
            let file = KeyFile {
                key_use: KeyUse::Signature,
                file: shown.clone(),
                alg: self.alg,
                kid: kid.map(str::to_owned),
            };
            keys_in(&file, &text)
        };
        // Here no kid is looked for, so a symmetric key does well without one.
        let keys = match named(None) {
            Err(KeyError::KidMissing) => named(Some("unnamed")),
            keys => keys,
        };
        let keys = keys
            .map_err(|error| Failure::new(format!("{shown}: {error}")))?
            .keys;
        let token = token_from_stdin(out)?;
        let (header, payload) = match verified(&keys, &token) {
            Ok(verified) => verified,
            Err((reason, detail)) => {
                let detail = if detail.is_empty() {
                    format!("{shown}: {}", reason.text())
                } else {
                    detail
                };
                return Ok(refused(out, reason.code(), &detail));
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

/// Header and payload, if the signature is by the key that is meant; otherwise the reason
/// and what else there is to say.
fn verified(keys: &[TrustedKey], token: &[u8]) -> Result<(Header, Vec<u8>), (Reason, String)> {
    let broken = |error: jose::Error| (Reason::from(&error), error.to_string());
    let compact = Compact::parse(token).map_err(broken)?;
    let header = Header::parse(&compact).map_err(broken)?;
    let key = key_for(keys, &header).ok_or((Reason::KeyUnknown, String::new()))?;
    let now = clock::now().map_err(|_| (Reason::ClockUnset, String::new()))?;
    certificate(key.validity, now, &mut Silent)
        .map_err(|refusal| (refusal.reason, String::new()))?;
    key.key.verify(&compact, &header).map_err(broken)?;
    Ok((header, compact.payload().to_vec()))
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
        let token = token_from_stdin(out)?;
        let compact = match Compact::parse(&token) {
            Ok(compact) => compact,
            Err(error) => {
                return Ok(refused(
                    out,
                    Reason::from(&error).code(),
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
