//! What is kept of a login: the token, where tools look for one, and in a directory of the
//! user's own what it takes to renew and to revoke it.

use crate::environment::Environment;
use crate::source::{Text, discovery, file};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use oauth::exchange::Subject;
use oauth::{Client, Metadata};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use zeroize::Zeroizing;

/// Longer than whoever holds it asks a server for tokens.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes that a login takes, and a little.
const MOST: usize = 64 * 1024;

/// So many seconds before its end a token is renewed: it is still to be sent and verified.
const MARGIN: u64 = 60;

/// Between two looks at the lock.
const TICK: Duration = Duration::from_millis(50);

/// A login. It is wiped when dropped, as far as it is secret.
#[derive(Clone, Serialize, Deserialize)]
pub struct Login {
    /// The issuer.
    pub issuer: String,
    /// The client as which it was made.
    pub client_id: String,
    /// That client's secret, if it has one.
    pub client_secret: Option<Zeroizing<String>>,
    /// `scope`
    pub scope: Option<String>,
    /// What was asked for (RFC 8707); the token is for the first.
    pub resources: Vec<String>,
    /// Whether the ID token counts.
    pub id_token: bool,
    /// What renews it, if anything does.
    pub refresh_token: Option<Zeroizing<String>>,
    /// Where the token is.
    pub token_file: PathBuf,
    /// By which it is known as this login's ([`digest`]).
    pub token_digest: String,
    /// That of the token before it, which is still there where the new one was not written.
    pub earlier_digest: Option<String>,
    /// When the token ends, in seconds since the epoch, if that is known.
    pub expires: Option<u64>,
    /// What of the issuer's metadata is needed ([`needed`]).
    pub metadata: Map<String, Value>,
}

/// The members of an issuer's metadata (RFC 8414 §2) that are needed after the login.
const NEEDED: [&str; 5] = [
    "issuer",
    "token_endpoint",
    "token_endpoint_auth_methods_supported",
    "revocation_endpoint",
    "grant_types_supported",
];

/// What of an issuer's metadata is kept.
///
/// # Errors
/// That it is none.
pub fn needed(document: &[u8]) -> Result<Map<String, Value>, oauth::Error> {
    let mut members =
        jose::json::object(document).map_err(|_| oauth::Error::Form("its metadata"))?;
    members.retain(|name, _| NEEDED.contains(&name.as_str()));
    Ok(members)
}

impl Login {
    /// The client.
    pub fn client(&self) -> Client {
        Client {
            id: self.client_id.clone(),
            secret: self.client_secret.clone(),
        }
    }

    /// What the issuer said of itself.
    ///
    /// # Errors
    /// That it is none of that any more.
    pub fn metadata(&self) -> Result<Metadata, oauth::Error> {
        Metadata::from_members(&self.metadata, &self.issuer)
    }

    /// What kind of token it is.
    pub const fn subject(&self) -> Subject {
        if self.id_token {
            Subject::Id
        } else {
            Subject::Access
        }
    }

    /// Whether this is its token, or the one before.
    pub fn is_of(&self, text: &[u8]) -> bool {
        let found = digest(text);
        self.token_digest == found || self.earlier_digest.as_ref() == Some(&found)
    }

    /// Whether the token is to be renewed at `now` before it is sent: it is not this one, or has
    /// ended, or is about to.
    pub fn is_due(&self, text: &[u8], now: u64) -> bool {
        let ends = |expires: u64| expires <= now.saturating_add(MARGIN);
        self.token_digest != digest(text) || self.expires.is_some_and(ends)
    }

    /// Has a new token in place of the one that it has.
    pub fn renewed(&mut self, token: &[u8], expires: Option<u64>) {
        let earlier = std::mem::replace(&mut self.token_digest, digest(token));
        self.earlier_digest = Some(earlier);
        self.expires = expires;
    }

    /// The token that is kept; none where that is gone, or another has taken its place.
    ///
    /// # Errors
    /// What keeps it from being read.
    pub fn token(&self) -> io::Result<Option<Text>> {
        let text = file::read_own(&self.token_file)?;
        Ok(text.filter(|text| self.is_of(text)))
    }
}

/// By which a token is known without being kept twice.
pub fn digest(text: &[u8]) -> String {
    jose::digest::sha256_hex(&[text.trim_ascii()])
}

/// Whether a login's token may go there: there is none, or the one of `login`.
///
/// # Errors
/// What is in its way, and what to do.
pub fn is_free(place: &Path, login: Option<&Login>) -> Result<bool, String> {
    let text = file::read_own(place).map_err(|error| {
        format!(
            "{}: {error}; remove it for a login's token",
            place.display()
        )
    })?;
    Ok(text.is_none_or(|text| {
        text.trim_ascii().is_empty() || login.is_some_and(|login| login.is_of(&text))
    }))
}

/// Where a login's token goes: the first place that tools look at and that there is.
pub fn token_file(environment: &Environment<'_>) -> PathBuf {
    let places = discovery::well_known(environment);
    let has_directory = |path: &&PathBuf| path.parent().is_some_and(Path::is_dir);
    let first = places.iter().find(has_directory).or(places.first());
    first.cloned().unwrap_or_default()
}

/// The directory of what is kept.
pub struct Kept {
    directory: PathBuf,
}

/// Nobody else changes what is kept while this is there.
pub struct Locked<'k> {
    kept: &'k Kept,
    _lock: Flock<File>,
}

impl Kept {
    /// That of this user.
    ///
    /// # Errors
    /// That it is nowhere.
    pub fn of(environment: &Environment<'_>) -> Result<Self, String> {
        let directory = environment.state_directory();
        let directory = directory.ok_or("there is no home directory: set HOME")?;
        Ok(Self { directory })
    }

    fn file(&self) -> PathBuf {
        self.directory.join("login.json")
    }

    /// The login, if there is one.
    ///
    /// # Errors
    /// The file, and what is wrong with it.
    pub fn login(&self) -> Result<Option<Login>, String> {
        let path = self.file();
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        match file::read_own(&path) {
            Ok(None) => Ok(None),
            Ok(Some(text)) => serde_json::from_slice(&text).map(Some).map_err(|_| {
                failed(&"it is not what jwt-ssh writes; remove it and log in: jwt-ssh login")
            }),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Waits until nobody else changes what is kept.
    ///
    /// # Errors
    /// That it cannot be changed, or somebody does not come to an end.
    pub fn lock(&self) -> Result<Locked<'_>, String> {
        let path = self.directory.join("lock");
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let mut builder = DirBuilder::new();
        let directory = builder.recursive(true).mode(0o700).create(&self.directory);
        directory.map_err(|error| failed(&error))?;
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true).mode(0o600);
        let options = options.custom_flags(OFlag::O_NOFOLLOW.bits());
        let mut file = options.open(&path).map_err(|error| failed(&error))?;
        let mut waited = Duration::ZERO;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => {
                    return Ok(Locked {
                        kept: self,
                        _lock: lock,
                    });
                }
                Err((unlocked, Errno::EWOULDBLOCK | Errno::EINTR)) if waited < PATIENCE => {
                    file = unlocked;
                    thread::sleep(TICK);
                    waited = waited.saturating_add(TICK);
                }
                Err((_, error)) => return Err(failed(&error)),
            }
        }
    }
}

impl Locked<'_> {
    /// Keeps a login.
    ///
    /// # Errors
    /// The file that cannot be written, and why.
    pub fn keep(&self, login: &Login) -> Result<(), String> {
        let path = self.kept.file();
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        // The room is made at once: a vector that grows leaves what it held behind.
        let mut text = Zeroizing::new(Vec::with_capacity(MOST));
        serde_json::to_writer(&mut *text, login).map_err(|error| failed(&error))?;
        // Nobody else's, nor a link or what others may write to.
        file::read_own(&path).map_err(|error| failed(&error))?;
        file::replace_own(&path, &text).map_err(|error| failed(&error))
    }

    /// Keeps a login that has this token now, and the token where tools look for one.
    ///
    /// # Errors
    /// The file that cannot be written, and why.
    pub fn keep_with(&self, login: &Login, token: &[u8]) -> Result<(), String> {
        // What renews comes first: where only this is written it was not for nothing.
        self.keep(login)?;
        file::replace_own(&login.token_file, token)
            .map_err(|error| format!("{}: {error}", login.token_file.display()))
    }

    /// Removes the token if it is still this login's; whether it was.
    ///
    /// # Errors
    /// That it cannot be removed, and why.
    pub fn remove_token(&self, login: &Login) -> Result<bool, String> {
        let is_its = matches!(login.token(), Ok(Some(_)));
        if is_its {
            remove(&login.token_file)?;
        }
        Ok(is_its)
    }

    /// Removes what is kept of the login, and its token; whether that was its still.
    ///
    /// # Errors
    /// The file that cannot be removed, and why.
    pub fn remove(&self, login: &Login) -> Result<bool, String> {
        let is_its = self.remove_token(login)?;
        remove(&self.kept.file()).map(|()| is_its)
    }
}

fn remove(path: &Path) -> Result<(), String> {
    std::fs::remove_file(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(token: &[u8], expires: Option<u64>) -> Login {
        Login {
            issuer: "https://i".to_owned(),
            client_id: "c".to_owned(),
            client_secret: None,
            scope: None,
            resources: Vec::new(),
            id_token: false,
            refresh_token: None,
            token_file: PathBuf::from("/nowhere"),
            token_digest: digest(token),
            earlier_digest: None,
            expires,
            metadata: Map::new(),
        }
    }

    #[test]
    fn a_token_is_due_a_minute_before_it_ends() {
        let login = login(b"one", Some(1000));
        assert!(!login.is_due(b"one", 939));
        assert!(login.is_due(b"one", 940) && login.is_due(b"one", 2000));
        assert!(login.is_due(b"two", 0));
        let endless = super::tests::login(b"one", None);
        assert!(!endless.is_due(b"one", u64::MAX));
    }

    #[test]
    fn a_login_knows_its_token_and_the_one_before() {
        let mut login = login(b"one", Some(1000));
        login.renewed(b"two", Some(2000));
        // White space is no part of a token.
        assert!(login.is_of(b"one") && login.is_of(b"two\n") && !login.is_of(b"three"));
        assert!(login.is_due(b"one", 0) && !login.is_due(b"two", 0));
        login.renewed(b"three", None);
        assert!(!login.is_of(b"one"));
    }

    #[test]
    fn only_what_is_needed_of_the_metadata_is_kept() {
        let document = br#"{"issuer":"https://i","token_endpoint":"https://i/t","jwks_uri":"x"}"#;
        let kept = needed(document).unwrap();
        assert_eq!(
            kept.keys().collect::<Vec<_>>(),
            ["issuer", "token_endpoint"]
        );
        let login = Login {
            metadata: kept,
            ..login(b"", None)
        };
        let metadata = login.metadata().unwrap();
        assert_eq!(metadata.token_endpoint.as_deref(), Some("https://i/t"));
        assert!(needed(b"[]").is_err());
    }
}
