//! /var/lib/pam-jwt/fetched: what pam-jwt-fetch has brought from issuers, and its notes of how
//! that went.
//!
//! ```text
//! /var/lib/pam-jwt/              0755 root
//!     fetched/                   0755 of the user that fetches: who owns it is that user,
//!                                since nobody but root can have given it away
//!         HASH.keys              0644, the keys of an issuer
//!         HASH.state             0644, how fetching them went
//!         HASH.lock  .HASH.new   of who fetches
//!         status/                status lists, as in `status_store`
//! ```
//!
//! HASH is the SHA-256 of the issuer's name. A file of keys is a JWK Set (RFC 7517 §5) with
//! two members more, `issuer` and `checked_at`, the time of the last success; each key has one
//! more, `seen_at`, when it was last in what the issuer publishes.

mod state;

pub use state::{ListState, State};

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

/// A key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its kid, or else its thumbprint (RFC 7638).
    pub kid: String,
    /// The JWK.
    pub jwk: Map<String, Value>,
    /// When it was last in what the issuer publishes, in seconds since the epoch.
    pub seen_at: u64,
}

/// The keys, and the members of the file that they are in.
type KeysAndText = (FetchedKeys, Map<String, Value>);

/// The member of a stored JWK that says when the issuer last published it.
const SEEN_AT: &str = "seen_at";

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
        let read = self.read_keys(issuer, key_use)?;
        read.map(|(keys, _)| keys).ok_or_else(|| NEVER.to_owned())
    }

    /// The keys of `issuer` as they are stored, and the last success, in seconds since the
    /// epoch; none where nothing is stored.
    ///
    /// # Errors
    /// Why they cannot be used, in words for the log.
    pub fn stored(
        &self,
        issuer: &str,
        key_use: KeyUse,
    ) -> Result<Option<(Vec<StoredKey>, u64)>, String> {
        let Some((FetchedKeys { keys, checked_at }, members)) = self.read_keys(issuer, key_use)?
        else {
            return Ok(None);
        };
        let entries = members.get("keys").and_then(Value::as_array);
        let entries = entries.into_iter().flatten().filter_map(Value::as_object);
        let stored = entries.zip(keys.keys).map(|(entry, key)| {
            let mut jwk = entry.clone();
            let seen_at = jwk.remove(SEEN_AT).as_ref().and_then(Value::as_u64);
            StoredKey {
                kid: key.kid,
                jwk,
                seen_at: seen_at.unwrap_or(checked_at),
            }
        });
        Ok(Some((stored.collect(), checked_at)))
    }

    fn read_keys(&self, issuer: &str, key_use: KeyUse) -> Result<Option<KeysAndText>, String> {
        let name = keys_name(issuer);
        let path = self.path.join(&name);
        let shown = path.display().to_string();
        let broken = |why: &str| format!("{shown} {why}; fetch anew: pam-jwt-fetch --now");
        let content = match self.read(&name) {
            Ok(content) => content,
            Err(Untrusted {
                fault: FileFault::Missing,
                ..
            }) => return Ok(None),
            // To give it to root, or to take others' right to write, would make what they have
            // written good.
            Err(error) => match error.fault {
                FileFault::Owner(uid) => return Err(broken(&format!("belongs to uid {uid}"))),
                FileFault::Writable(mode) => {
                    let why = format!("has mode {mode:04o}, so others could write to it");
                    return Err(broken(&why));
                }
                _ => return Err(error.to_string()),
            },
        };
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
        let mut keys = keys_in(&file, &content.bytes)
            .map_err(|error| broken(&format!("is broken: {error}")))?;
        if !keys.left_out.is_empty() {
            return Err(broken("holds what is no key"));
        }
        if keys.keys.iter().any(|key| key.key.material().is_secret()) {
            return Err(broken("holds a symmetric key, which is no secret then"));
        }
        let kids: BTreeSet<&str> = keys.keys.iter().map(|key| key.kid.as_str()).collect();
        if kids.len() != keys.keys.len() {
            return Err(broken("holds a key twice"));
        }
        let entries = members.get("keys").and_then(Value::as_array);
        for (key, entry) in keys.keys.iter_mut().zip(entries.into_iter().flatten()) {
            let seen_at = entry.get(SEEN_AT).and_then(Value::as_u64);
            key.withdrawn = seen_at.filter(|seen_at| *seen_at < checked_at);
        }
        Ok(Some((FetchedKeys { keys, checked_at }, members)))
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
    name(issuer, "keys")
}

/// The name of the file with the notes of how fetching them went.
pub fn state_name(issuer: &str) -> String {
    name(issuer, "state")
}

/// The name of the file that is locked by who fetches for `issuer`.
pub fn lock_name(issuer: &str) -> String {
    name(issuer, "lock")
}

fn name(issuer: &str, kind: &str) -> String {
    format!("{}.{kind}", sha256_hex(&[issuer.as_bytes()]))
}

/// The text of a file with the keys of `issuer`, as [`Fetched::keys`] reads it; `checked_at` is
/// in seconds since the epoch.
pub fn keys_text(issuer: &str, keys: &[StoredKey], checked_at: u64) -> String {
    let with_time = |key: &StoredKey| {
        let mut jwk = key.jwk.clone();
        jwk.insert(SEEN_AT.to_owned(), json!(key.seen_at));
        Value::Object(jwk)
    };
    let keys: Vec<Value> = keys.iter().map(with_time).collect();
    json!({ "issuer": issuer, "checked_at": checked_at, "keys": keys }).to_string()
}
