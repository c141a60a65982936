//! `pam-jwt issue`: a token, signed with this machine's key.

use crate::grounds;
use crate::signing_key::{self, Signer};
use crate::ssh_key;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use cli::output::{Exit, Failure, Output};
use jose::confirmation;
use jose::sign::random_id;
use policy::issue::{Grant, RESERVED, claims, signed};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

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
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = signing_key::lifetime)]
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
        let Signer {
            key,
            issuer,
            audience: own,
        } = signing_key::find(config, self.key.as_deref(), self.issuer.as_deref())?;
        let mut audience = self.audience.clone();
        if audience.is_empty() {
            audience.extend(own);
        }
        let now = grounds::now()?;
        let id = random_id().map_err(|error| Failure::new(error.to_string()))?;
        let grant = Grant {
            issuer: &issuer,
            account: &self.account,
            audience: &audience,
            client_id: "pam-jwt",
            id: &id,
            now,
            expires: now.saturating_add(self.lifetime),
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
        let token = signed(&key, &claims).map_err(Failure::new)?;
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
}
