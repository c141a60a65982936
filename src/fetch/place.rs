//! /var/lib/pam-jwt/fetched as this program writes it.

use crate::clock::Deadline;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use system::fetched::{self, Fetched, State, StoredKey, keys_name, lock_name, state_name};
use system::new_file;

/// The directory.
pub struct Place {
    /// As a login reads it.
    pub fetched: Fetched,
    /// Where it is.
    pub path: PathBuf,
}

/// While this is held nobody else fetches for the issuer.
pub struct Lock {
    _file: Flock<File>,
}

/// How often a lock that another holds is tried for.
const PAUSE: Duration = Duration::from_millis(20);

impl Place {
    /// Opens it.
    ///
    /// # Errors
    /// What is wrong with it, and what mends that.
    pub fn open() -> Result<Self, String> {
        let path = Path::new(fetched::DIR);
        let open = Fetched::open(path);
        Ok(Self {
            fetched: open.map_err(|error| format!("{error}; {MAKE}"))?,
            path: path.to_owned(),
        })
    }

    /// Waits until nobody else fetches for `issuer`.
    ///
    /// # Errors
    /// That somebody did until the deadline, or the system's error.
    pub fn lock(&self, issuer: &str, deadline: Deadline) -> Result<Lock, String> {
        let path = self.path.join(lock_name(issuer));
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(failed)?;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(held) => return Ok(Lock { _file: held }),
                Err((again, Errno::EAGAIN)) => file = again,
                Err((_, errno)) => return Err(failed(errno.into())),
            }
            if deadline.left().is_zero() {
                return Err("another process fetches for it".to_owned());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Stores the keys of `issuer`, checked at a time in seconds since the epoch.
    ///
    /// # Errors
    /// Why not; then those that are there stay.
    pub fn put_keys(
        &self,
        issuer: &str,
        keys: &[StoredKey],
        checked_at: u64,
    ) -> Result<(), String> {
        let text = fetched::keys_text(issuer, keys, checked_at);
        self.put(&keys_name(issuer), &text)
    }

    /// Stores the notes.
    ///
    /// # Errors
    /// Why not.
    pub fn put_state(&self, state: &State) -> Result<(), String> {
        self.put(&state_name(&state.issuer), &state.to_json().to_string())
    }

    fn put(&self, name: &str, text: &str) -> Result<(), String> {
        let path = self.path.join(name);
        let new = self.path.join(format!(".{name}.new"));
        new_file::replace(&path, &new, &[text.as_bytes()])
            .map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// What makes the directory.
const MAKE: &str = "make install has made it and its user, or else they are made by: \
     systemd-sysusers; systemd-tmpfiles --create";
