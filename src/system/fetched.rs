//! /var/lib/pam-jwt/fetched: what pam-jwt-fetch has brought from issuers, and its notes of how
//! that went.
//!
//! ```text
//! /var/lib/pam-jwt/              0755 root
//!     fetched/                   0755 of the user that fetches: who owns it is that user,
//!                                since nobody but root can have given it away
//!         HASH.keys              0644, the keys of an issuer
//!         HASH.state             0644, how fetching them went
//!         status/                status lists, as in `status_store`
//! ```
//!
//! HASH is the SHA-256 of the issuer's name. A file of keys is a JWK Set (RFC 7517 §5) with
//! two members more, `issuer` and `checked_at`, the time of the last success.

use crate::trusted_file::{self, Content, FileFault, Owner, Untrusted};
use jose::digest::sha256_hex;
use jose::{KeyUse, json};
use policy::config::KeyFile;
use policy::trust::{KeysOfFile, keys_in};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Where it is.
pub const DIR: &str = "/var/lib/pam-jwt/fetched";

/// The status lists in it.
pub const STATUS_DIR: &str = "/var/lib/pam-jwt/fetched/status";

/// The directory, open.
pub struct Fetched {
    dir: OwnedFd,
    path: PathBuf,
    /// The user that fetches.
    pub uid: u32,
    /// The group of the directory, which is that user's.
    pub gid: u32,
}

/// The keys of an issuer that were fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedKeys {
    /// The keys.
    pub keys: KeysOfFile,
    /// The last success, in seconds since the epoch.
    pub checked_at: u64,
}

impl Fetched {
    /// Opens it.
    ///
    /// # Errors
    /// What is in the way.
    pub fn open(path: &Path) -> Result<Self, Untrusted> {
        let (dir, stat) = trusted_file::directory_of_anyone(path)?;
        Ok(Self {
            dir,
            path: path.to_owned(),
            uid: stat.st_uid,
            gid: stat.st_gid,
        })
    }

    /// The keys of `issuer`, as far as they are for `key_use`.
    ///
    /// # Errors
    /// Why there are none to use, in words for the log.
    pub fn keys(&self, issuer: &str, key_use: KeyUse) -> Result<FetchedKeys, String> {
        let name = keys_name(issuer);
        let path = self.path.join(&name);
        let shown = path.display().to_string();
        let content = self.read(&name).map_err(|error| match error.fault {
            FileFault::Missing => NEVER.to_owned(),
            _ => error.to_string(),
        })?;
        let broken = |why: &str| format!("{shown} {why}; fetch anew: pam-jwt-fetch --now");
        let members = json::object(&content.bytes).map_err(|_| broken("is broken"))?;
        if members.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err(broken("is another issuer's"));
        }
        let checked_at = members.get("checked_at").and_then(Value::as_u64);
        let checked_at = checked_at.ok_or_else(|| broken("does not say when it was fetched"))?;
        let file = KeyFile {
            file: shown.clone(),
            alg: None,
            kid: None,
            key_use,
        };
        let keys = keys_in(&file, &content.bytes).map_err(|error| broken(&error.to_string()))?;
        if keys.keys.iter().any(|key| key.key.material().is_secret()) {
            return Err(broken("holds a symmetric key, which is no secret then"));
        }
        let kids: BTreeSet<&str> = keys.keys.iter().map(|key| key.kid.as_str()).collect();
        if kids.len() != keys.keys.len() {
            return Err(broken("holds a key twice"));
        }
        Ok(FetchedKeys { keys, checked_at })
    }

    /// How fetching the keys of `issuer` went; none where it was never tried.
    ///
    /// # Errors
    /// Why the notes cannot be read.
    pub fn state(&self, issuer: &str) -> Result<Option<State>, String> {
        let name = state_name(issuer);
        let content = match self.read(&name) {
            Ok(content) => content,
            Err(Untrusted {
                fault: FileFault::Missing,
                ..
            }) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let broken = || format!("{} is broken", self.path.join(&name).display());
        let members = json::object(&content.bytes).map_err(|_| broken())?;
        State::from_json(&members)
            .filter(|state| state.issuer == issuer)
            .map(Some)
            .ok_or_else(broken)
    }

    fn read(&self, name: &str) -> Result<Content, Untrusted> {
        let path = self.path.join(name);
        let owner = Owner::RootOr(self.uid);
        trusted_file::read_in_of(&self.dir, OsStr::new(name), &path, owner)
    }
}

const NEVER: &str = "none were fetched yet; run: systemctl start pam-jwt-fetch, and see 'pam-jwt \
     status'";

/// The name of the file with the keys of `issuer`.
pub fn keys_name(issuer: &str) -> String {
    format!("{}.keys", sha256_hex(&[issuer.as_bytes()]))
}

/// The name of the file with the notes of how fetching them went.
pub fn state_name(issuer: &str) -> String {
    format!("{}.state", sha256_hex(&[issuer.as_bytes()]))
}

/// The text of a file with the keys of `issuer`, as [`Fetched::keys`] reads it: `keys` are
/// JWKs, `checked_at` is in seconds since the epoch.
pub fn keys_text(issuer: &str, keys: &[Value], checked_at: u64) -> String {
    json!({ "issuer": issuer, "checked_at": checked_at, "keys": keys }).to_string()
}

/// How fetching the keys of an issuer went. Times are in seconds since the epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Whose they are.
    pub issuer: String,
    /// Where they were fetched from, last.
    pub jwks_uri: Option<String>,
    /// The last try.
    pub attempted_at: u64,
    /// The last success.
    pub checked_at: Option<u64>,
    /// The next try, unless somebody asks before.
    pub next_at: u64,
    /// How many tries have failed since the last success.
    pub failures: u64,
    /// Why the last one did.
    pub error: Option<String>,
    /// The ETag of what was fetched last (RFC 9110 §8.8.3).
    pub etag: Option<String>,
    /// By how many seconds the issuer's clock is ahead of this one, by its Date header.
    pub clock_ahead: Option<i64>,
    /// When each key was last in what the issuer publishes, by kid.
    pub seen_at: Vec<(String, u64)>,
}

impl State {
    /// As JSON.
    pub fn to_json(&self) -> Value {
        let mut all = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            value.and_then(|value| all.insert(name.to_owned(), value));
        };
        put("issuer", Some(json!(self.issuer)));
        put("jwks_uri", self.jwks_uri.as_ref().map(|uri| json!(uri)));
        put("attempted_at", Some(json!(self.attempted_at)));
        put("checked_at", self.checked_at.map(|time| json!(time)));
        put("next_at", Some(json!(self.next_at)));
        put("failures", Some(json!(self.failures)));
        put("error", self.error.as_ref().map(|error| json!(error)));
        put("etag", self.etag.as_ref().map(|etag| json!(etag)));
        put(
            "clock_ahead",
            self.clock_ahead.map(|seconds| json!(seconds)),
        );
        let seen = self.seen_at.iter();
        let seen: Vec<Value> = seen
            .map(|(kid, time)| json!({ "kid": kid, "seen_at": time }))
            .collect();
        put("keys", Some(Value::Array(seen)));
        Value::Object(all)
    }

    /// Reads what [`State::to_json`] wrote.
    pub fn from_json(members: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| members.get(name)?.as_str().map(str::to_owned);
        let number = |name: &str| members.get(name)?.as_u64();
        let key = |key: &Value| {
            let kid = key.get("kid")?.as_str()?.to_owned();
            Some((kid, key.get("seen_at")?.as_u64()?))
        };
        let state = Self {
            issuer: text("issuer")?,
            jwks_uri: text("jwks_uri"),
            attempted_at: number("attempted_at")?,
            checked_at: number("checked_at"),
            next_at: number("next_at")?,
            failures: number("failures")?,
            error: text("error"),
            etag: text("etag"),
            clock_ahead: members.get("clock_ahead").and_then(Value::as_i64),
            seen_at: members
                .get("keys")?
                .as_array()?
                .iter()
                .map(key)
                .collect::<Option<_>>()?,
        };
        (state.to_json() == Value::Object(members.clone())).then_some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_they_were_written() {
        let whole = State {
            issuer: "https://i".into(),
            jwks_uri: Some("https://i/jwks".into()),
            attempted_at: 5,
            checked_at: Some(4),
            next_at: 9,
            failures: 1,
            error: Some("it is down".into()),
            etag: Some("\"x\"".into()),
            clock_ahead: Some(-3),
            seen_at: vec![("a".into(), 4)],
        };
        let none = State {
            issuer: "i".into(),
            ..State::default()
        };
        for state in [whole, none] {
            let Value::Object(members) = state.to_json() else {
                panic!("no object")
            };
            assert_eq!(State::from_json(&members), Some(state));
            let mut less = members.clone();
            less.remove("next_at");
            assert_eq!(State::from_json(&less), None);
            let mut odd = members;
            odd.insert("error".into(), json!(1));
            assert_eq!(State::from_json(&odd), None);
        }
    }
}
