//! `pam-jwt keys rotate`: the keys that pam-jwt-authserver signs with.

use crate::moment::shown;
use crate::new_file::NewFiles;
use crate::new_key::{algorithm, generate};
use clap::Args;
use cli::output::{Exit, Failure, Output};
use jose::{Algorithm, PrivateKey};
use policy::duration;
use serde_json::{Value, json};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use system::{clock, trusted_file};

/// The directory of the keys, in the configuration directory.
const DIR: &str = "authserver-keys";

/// The server's settings, there as well.
const SETTINGS: &str = "authserver.toml";

/// For how many seconds a token lives where the settings do not say.
const LIFETIME: u64 = 600;

/// Make the next key that pam-jwt-authserver signs with, and remove those that are over.
///
/// The new key is published at once and signs when the time of --overlap has passed, so that by
/// then everybody who verifies has it; the first key signs at once. A key that another has
/// replaced stays published until no token that it has signed is good any more. A server that
/// runs takes all this up by itself. Where several replicas are one server, run it on one of
/// them, and bring the directory to the others within the overlap.
#[derive(Args)]
#[command(after_long_help = "\
Files:
  /etc/pam-jwt/authserver-keys/  a private JWK for each key; nbf says from when on it signs

Examples:
  # the first key; it signs at once
  pam-jwt keys rotate
  # the next one, where verifiers look for new keys once a week
  pam-jwt keys rotate --overlap 7d")]
pub struct Rotate {
    /// The algorithm to sign with.
    #[arg(long, value_parser = algorithm(), default_value = "EdDSA")]
    alg: Algorithm,
    /// How long it is published before it signs; 0s for a key that others have got hold of,
    /// whose file is removed after that.
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "1d")]
    overlap: u64,
    /// How long one that was replaced stays published: no shorter than any token lives.
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "7d")]
    keep: u64,
}

/// A key that is there.
struct Key {
    path: PathBuf,
    kid: String,
    begins: u64,
}

impl Rotate {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        if self.alg.name().starts_with("HS") {
            return Err(Failure::new(format!(
                "{} has no public half to publish; use EdDSA or ES256",
                self.alg
            )));
        }
        let lifetime = lifetime(config)?;
        if self.keep < lifetime {
            return Err(Failure::new(format!(
                "--keep is shorter than a token lives by {SETTINGS} ({}): it would be good for \
                 nothing before its end",
                duration::for_people(lifetime)
            )));
        }
        let now = clock::now().map_err(|_| Failure::new("the clock has not been set"))?;
        let dir = config.join(DIR);
        let keys = keys(&dir)?;
        if let Some(next) = keys.iter().find(|key| key.begins > now) {
            return Err(Failure::new(format!(
                "{} is the next key already: it signs from {} on",
                next.kid,
                shown(next.begins)
            )));
        }
        let begins = if keys.is_empty() {
            now
        } else {
            now.saturating_add(self.overlap)
        };
        let made = generate(self.alg, None)?;
        let path = dir.join(format!("{}.jwk", made.kid));
        let mut files = NewFiles::default();
        files.directory(config, 0o755)?;
        files.directory(&dir, 0o700)?;
        let text = with_beginning(&made.private_jwk, begins)?;
        files.whole(&path, 0o600, text.as_bytes(), false)?;
        files.keep();
        let mut removed = Vec::new();
        for key in over(&keys, now, self.keep) {
            let failed = |error| Failure::new(format!("{}: {error}", key.path.display()));
            fs::remove_file(&key.path).map_err(failed)?;
            removed.push(key.kid.as_str());
        }
        let file = path.display();
        out.report(
            || {
                json!({ "kid": made.kid, "alg": self.alg.name(), "file": file.to_string(),
                    "nbf": begins, "removed": removed })
            },
            || {
                let mut text = format!(
                    "{file}\nkid {}, {}, signs from {} on",
                    made.kid,
                    self.alg,
                    shown(begins)
                );
                for kid in &removed {
                    text.push_str(&format!(
                        "\nRemoved {kid}: no token of it is good any more."
                    ));
                }
                text
            },
        );
        Ok(Exit::Done)
    }
}

/// How long a token lives that one of these keys has signed, in seconds. What is not set up yet has
/// the server's defaults.
fn lifetime(config: &Path) -> Result<u64, Failure> {
    let path = config.join(SETTINGS);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(LIFETIME),
        Err(error) => return Err(Failure::new(format!("{}: {error}", path.display()))),
    };
    longest(&text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// The longer one of the lifetimes of access tokens and ID tokens.
fn longest(settings: &str) -> Result<u64, String> {
    let settings: toml::Table = toml::from_str(settings).map_err(|error| error.to_string())?;
    let lifetimes = settings.get("lifetimes");
    let named = ["access_token", "id_token"].map(|name| {
        let Some(text) = lifetimes.and_then(|lifetimes| lifetimes.get(name)) else {
            return Ok(LIFETIME);
        };
        let seconds = text.as_str().and_then(duration::parse);
        seconds.ok_or_else(|| format!("lifetimes.{name} is no duration"))
    });
    let [access_token, id_token] = named;
    Ok(access_token?.max(id_token?))
}

/// The private JWK with the time from which on it signs, a line of it each.
fn with_beginning(jwk: &str, begins: u64) -> Result<zeroize::Zeroizing<String>, Failure> {
    // Put in as text, so that no copy of the key is left behind.
    let rest = jwk.trim_end().strip_prefix('{');
    let rest = rest.ok_or_else(|| Failure::new("the key that was made is no JSON object"))?;
    let text = format!("{{\"nbf\":{begins},{rest}\n");
    Ok(zeroize::Zeroizing::new(text))
}

fn keys(dir: &Path) -> Result<Vec<Key>, Failure> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let unusable = |error: trusted_file::Untrusted| Failure::new(error.to_string());
    let paths = trusted_file::list(dir, ".jwk").map_err(unusable)?;
    let mut keys = Vec::new();
    for path in paths {
        let content = trusted_file::read(&path).map_err(unusable)?;
        let failed = |error: jose::KeyError| Failure::new(format!("{}: {error}", path.display()));
        let kid = PrivateKey::parse(&content.bytes)
            .map_err(failed)?
            .kid
            .clone();
        let begins = begins(&content.bytes);
        keys.push(Key { path, kid, begins });
    }
    Ok(keys)
}

/// From when on a key signs: `nbf` of its file.
fn begins(jwk: &[u8]) -> u64 {
    let members: Value = serde_json::from_slice(jwk).unwrap_or_default();
    members.get("nbf").and_then(Value::as_u64).unwrap_or(0)
}

/// Those that another had replaced by `now` for longer than `keep`, in seconds.
fn over(keys: &[Key], now: u64, keep: u64) -> Vec<&Key> {
    let replaced = |key: &Key| {
        let later = keys.iter().map(|other| other.begins);
        later.filter(|begins| *begins > key.begins).min()
    };
    let is_over =
        |key: &&Key| replaced(key).is_some_and(|replaced| replaced.saturating_add(keep) < now);
    keys.iter().filter(is_over).collect()
}

fn time(text: &str) -> Result<u64, String> {
    duration::parse(text).ok_or_else(|| "a time is a number and s, m, h or d: 12h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_over_when_it_was_replaced_for_longer_than_a_token_lives() {
        let key = |kid: &str, begins| Key {
            path: PathBuf::from(kid),
            kid: kid.to_owned(),
            begins,
        };
        let keys = [key("b", 200), key("a", 100), key("c", 300)];
        let over = |now| {
            let over = super::over(&keys, now, 50);
            over.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>()
        };
        assert!(over(250).is_empty());
        assert_eq!(over(251), ["a"]);
        assert_eq!(over(350), ["a"]);
        assert_eq!(over(351), ["b", "a"]);
        assert_eq!(over(u64::MAX), ["b", "a"], "the last one stays");
    }

    #[test]
    fn a_token_lives_as_long_as_the_settings_say() {
        for (settings, expected) in [
            ("issuer = \"https://a\"", Ok(600)),
            ("[lifetimes]\naccess_token = \"1h\"", Ok(3600)),
            (
                "[lifetimes]\naccess_token = \"1m\"\nid_token = \"2h\"",
                Ok(7200),
            ),
            ("[lifetimes]\naccess_token = 5", Err(())),
            ("[lifetimes", Err(())),
        ] {
            let longest = longest(settings).map_err(drop);
            assert_eq!(longest, expected, "{settings}");
        }
    }

    #[test]
    fn a_key_has_its_beginning_and_is_still_that_key() {
        let made = generate(Algorithm::EdDsa, None).ok().unwrap();
        let text = with_beginning(&made.private_jwk, 7).ok().unwrap();
        assert_eq!(begins(text.as_bytes()), 7);
        assert_eq!(PrivateKey::parse(text.as_bytes()).unwrap().kid, made.kid);
    }
}
