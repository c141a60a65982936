//! `pam-jwt issue`: a token, signed with this machine's key.

use crate::{faults, ssh_key};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use cli::output::{Exit, Failure, Output};
use jose::sign::{random_id, sign};
use jose::{Claims, PrivateKey};
use policy::issue::{Grant, RESERVED, claims};
use policy::trust::{TrustedIssuer, TrustedKey};
use policy::{confirmation, duration};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use system::{clock, key_store};
use zeroize::Zeroizing;

/// Print a token for an account, signed with this machine's key.
///
/// The issuer is the one in issuers.d that trusts the key, and the audience is
/// that issuer's first. Both can be named instead, for a key that others trust.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # a token for alice that lives ten minutes
  pam-jwt issue alice --lifetime 10m
  # one with a claim that a rule asks for
  pam-jwt issue deploy --claim environment=production
  # one that takes alice's SSH key to be of use
  pam-jwt issue alice --bind id_ed25519.pub
  # one for a machine that trusts another key
  pam-jwt issue ci --key ci.jwk --issuer https://ci.test --audience ssh://db1")]
pub struct Issue {
    /// The account that the token is for: its sub.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    account: String,
    /// How long it lives, such as 90s, 15m, 1h, 2d.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = lifetime)]
    lifetime: u64,
    /// Its aud, such as ssh://host; may be given several times.
    #[arg(long, value_name = "AUDIENCE", value_parser = NonEmptyStringValueParser::new())]
    audience: Vec<String>,
    /// A further claim; the value is JSON, or else a text. May be given several times.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, Value)>,
    /// Bind the token to this OpenSSH public key: it then opens nothing without the key, and
    /// over ssh takes AuthenticationMethods publickey,keyboard-interactive.
    #[arg(long, value_name = "FILE.pub")]
    bind: Option<PathBuf>,
    /// The private or symmetric JWK to sign with, instead of private/local.jwk.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Its iss; then no configuration is read and --audience is needed.
    #[arg(long, value_name = "URL", requires = "audience",
        value_parser = NonEmptyStringValueParser::new())]
    issuer: Option<String>,
}

impl Issue {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let path = self
            .key
            .clone()
            .unwrap_or_else(|| config.join("private/local.jwk"));
        let mut key = read_private(&path)?;
        let mut audience = self.audience.clone();
        let issuer = match &self.issuer {
            Some(issuer) => issuer.clone(),
            None => {
                let trust = key_store::load(config)
                    .map_err(|faults| faults::config_does_not_load(&faults))?
                    .trust;
                let (issuer, trusted) = trusting(&trust.issuers, &key).ok_or_else(|| {
                    Failure::new(format!(
                        "no file in issuers.d trusts the key {}; name --issuer and --audience, or \
                         trust it",
                        path.display()
                    ))
                })?;
                // The kid under which it is trusted is the one that will be looked for, and its
                // alg there the only one that will be accepted.
                key.kid.clone_from(&trusted.kid);
                key.alg = trusted.key.algorithm();
                if audience.is_empty() {
                    audience.extend(issuer.audience.first().cloned());
                }
                issuer.issuer.clone()
            }
        };
        let now = clock::now().map_err(|_| {
            Failure::new("the clock is earlier than this program; set it, or tokens mean nothing")
        })?;
        let id = random_id().map_err(|error| Failure::new(error.to_string()))?;
        let grant = Grant {
            issuer: &issuer,
            account: &self.account,
            audience: &audience,
            client_id: "pam-jwt",
            id: &id,
            now,
            lifetime: self.lifetime,
        };
        let mut extra = extra(&self.claims)?;
        if let Some(path) = &self.bind {
            let cnf = confirmation::claim(&ssh_key::read(path)?);
            if extra.insert("cnf".to_owned(), cnf).is_some() {
                return Err(Failure::new("--bind and --claim cnf say the same twice"));
            }
        }
        let claims = claims(&grant, extra).map_err(|name| {
            Failure::new(format!(
                "--claim {name} is not possible: {} are set by the command",
                RESERVED.join(", ")
            ))
        })?;
        // What every verifier of ours would call malformed is not signed.
        let payload = Value::from(claims.clone()).to_string();
        Claims::parse(payload.as_bytes()).map_err(|error| {
            Failure::new(format!("no login would accept such a token: {error}"))
        })?;
        let token =
            sign(&key, "at+jwt", &claims).map_err(|error| Failure::new(error.to_string()))?;
        out.report(
            || json!({ "token": token, "claims": claims }),
            || token.clone(),
        );
        Ok(Exit::Done)
    }
}

/// The claims of the command line. Of one that is there twice only one value could go
/// into the token, and nobody could tell which was meant.
fn extra(claims: &[(String, Value)]) -> Result<Map<String, Value>, Failure> {
    let mut extra = Map::new();
    for (name, value) in claims {
        if extra.insert(name.clone(), value.clone()).is_some() {
            return Err(Failure::new(format!(
                "--claim {name} is there twice; several values are a list: \
                 --claim '{name}=[\"a\",\"b\"]'"
            )));
        }
    }
    Ok(extra)
}

/// The issuer that trusts `key`, and the key as it is trusted there.
fn trusting<'a>(
    issuers: &'a [TrustedIssuer],
    key: &PrivateKey,
) -> Option<(&'a TrustedIssuer, &'a TrustedKey)> {
    issuers.iter().find_map(|issuer| {
        let found = issuer
            .keys
            .iter()
            .find(|trusted| *trusted.key.material() == key.verifier);
        found.map(|trusted| (issuer, trusted))
    })
}

fn read_private(path: &Path) -> Result<PrivateKey, Failure> {
    let shown = path.display();
    let failed = |error| Failure::new(format!("{shown}: {error}"));
    // One open file is both checked and read, so that no other can take its place.
    let mut file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Failure::new(format!(
            "{shown} has mode {mode:04o}, so others can use the private key; run: chmod 600 {shown}"
        )));
    }
    let mut text = Zeroizing::new(Vec::new());
    file.read_to_end(&mut text).map_err(failed)?;
    PrivateKey::parse(&text).map_err(|error| Failure::new(format!("{shown}: {error}")))
}

fn lifetime(text: &str) -> Result<u64, String> {
    duration::parse(text)
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| "a time is a number with s, m, h or d, such as 15m".to_owned())
}

fn claim(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("a claim is NAME=VALUE")?;
    if name.is_empty() {
        return Err("a claim has a name".to_owned());
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claims_value_is_json_or_text() {
        for (text, value) in [
            ("a=x", json!("x")),
            ("a=5", json!(5)),
            ("a=\"5\"", json!("5")),
            ("a=[\"x\"]", json!(["x"])),
            ("a=", json!("")),
            ("a=b=c", json!("b=c")),
        ] {
            assert_eq!(claim(text), Ok(("a".into(), value)));
        }
        assert!(claim("a").is_err() && claim("=a").is_err());
    }

    #[test]
    fn a_claim_that_is_there_twice_is_refused() {
        let given = |names: [&str; 2]| names.map(|name| (name.to_owned(), json!(1)));
        assert_eq!(extra(&given(["a", "b"])).unwrap().len(), 2);
        assert!(extra(&given(["a", "a"])).is_err());
    }

    #[test]
    fn a_token_that_never_lives_is_refused() {
        assert_eq!(lifetime("1h"), Ok(3600));
        for bad in ["0s", "1", "h", "-1h"] {
            assert!(lifetime(bad).is_err());
        }
    }
}
