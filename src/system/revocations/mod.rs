//! The local list of revocations: a file for each entry, so that what a login costs does not
//! depend on how many there are.
//!
//! ```text
//! /var/lib/pam-jwt/revoked/     0755 root: hosts that are not root read it as well
//!     jti-5f3a…                 0644: the kind, and SHA-256 of issuer and value
//!     .lock  .new               of who writes
//! ```
//!
//! An entry is in force as long as its file is there. It is taken away by who lifts it, or
//! once another that is about the same tokens stands in its place ([`Store::drop_ended`]): a
//! clock that is wrong for a while lifts nothing.

mod store;

pub use store::{Store, Written};

use crate::trusted_file::{self, FileFault, Untrusted};
use jose::digest::sha256_hex;
use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::geteuid;
use policy::revocation::{Entry, Mark, Record};
use policy::trust::Trust;
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Where it is.
pub const DIR: &str = "/var/lib/pam-jwt/revoked";

/// The list as one login reads it: its directory is walked to once, if at all.
#[derive(Debug)]
pub(crate) struct Revoked {
    path: PathBuf,
    dir: OnceCell<Result<Option<OwnedFd>, String>>,
}

impl Default for Revoked {
    fn default() -> Self {
        Self::at(Path::new(DIR))
    }
}

impl Revoked {
    fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            dir: OnceCell::new(),
        }
    }

    /// The entry that names `mark`.
    ///
    /// # Errors
    /// Why it cannot be said, and what mends it.
    pub(crate) fn find(&self, mark: Mark<'_>) -> Result<Option<Entry>, String> {
        let open = || open(&self.path).map_err(words);
        match self.dir.get_or_init(open) {
            Ok(None) => Ok(None),
            Ok(Some(dir)) => Ok(read(dir, &self.path, mark)?.map(|record| record.entry())),
            Err(why) => Err(why.clone()),
        }
    }
}

/// All entries, in no order.
#[derive(Debug, Default)]
pub struct Listing {
    /// Those that can be read.
    pub records: Vec<Record>,
    /// What stands in the place of one and is none, with what mends it.
    pub faults: Vec<(PathBuf, String)>,
}

/// Reads the whole list.
///
/// # Errors
/// Why nothing in it can be trusted, and what mends it.
pub fn list(path: &Path) -> Result<Listing, String> {
    match open(path).map_err(words)? {
        Some(dir) => entries(&dir, path).map_err(words),
        None => Ok(Listing::default()),
    }
}

/// What is in force at `now`, by what `trust` says; if root asks, the rest is dropped.
///
/// # Errors
/// As of [`list`].
pub fn in_force(path: &Path, trust: &Trust, now: u64) -> Result<Listing, String> {
    let dropped = match geteuid().is_root() {
        true => Store::open(path).and_then(|store| {
            let drop_ended = |store: Store| store.drop_ended(trust, now);
            store.map(drop_ended).transpose()
        }),
        false => Ok(None),
    };
    let why = match dropped {
        Ok(Some(listing)) => return Ok(listing),
        Ok(None) => None,
        Err(why) => Some((path.to_owned(), why)),
    };
    let mut listing = list(path)?;
    listing
        .records
        .retain(|record| !record.has_ended(trust, now));
    listing.faults.extend(why);
    Ok(listing)
}

fn entries(dir: &OwnedFd, path: &Path) -> Result<Listing, Untrusted> {
    let system = |errno| Untrusted {
        path: path.to_owned(),
        fault: FileFault::System(errno),
    };
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let names = Dir::openat(dir, ".", flags, Mode::empty()).map_err(system)?;
    let mut listing = Listing::default();
    for entry in names {
        let name = entry.map_err(system)?.file_name().to_owned();
        // What begins with a dot is of who writes.
        if name.to_bytes().starts_with(b".") {
            continue;
        }
        let name = name.to_string_lossy();
        match read_named(dir, path, &name) {
            Ok(Some(record)) if name == name_of(record.mark()) => listing.records.push(record),
            // Taken away meanwhile.
            Ok(None) => {}
            Ok(Some(_)) => listing.faults.push((path.join(&*name), STRANGE.to_owned())),
            Err(why) => listing.faults.push((path.join(&*name), why)),
        }
    }
    Ok(listing)
}

/// The list's directory; none if nothing was ever revoked.
fn open(path: &Path) -> Result<Option<OwnedFd>, Untrusted> {
    match trusted_file::directory(path) {
        Ok(dir) => Ok(Some(dir)),
        Err(Untrusted {
            fault: FileFault::Missing,
            ..
        }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The record of `mark`.
fn read(dir: &OwnedFd, path: &Path, mark: Mark<'_>) -> Result<Option<Record>, String> {
    let name = name_of(mark);
    let shown = || path.join(&name).display().to_string();
    match read_named(dir, path, &name) {
        Ok(Some(record)) if record.mark() != mark => Err(format!("{} {STRANGE}", shown())),
        Ok(record) => Ok(record),
        Err(why) => Err(format!("{} {why}", shown())),
    }
}

const STRANGE: &str = "does not name what its file name says; take it away, and revoke again \
    what it says";

fn read_named(dir: &OwnedFd, path: &Path, name: &str) -> Result<Option<Record>, String> {
    match trusted_file::read_in(dir, OsStr::new(name), &path.join(name)) {
        Ok(content) => Record::parse(&content.bytes)
            .map(Some)
            .map_err(|why| format!("{why}; take it away, and revoke again what it was to revoke")),
        Err(Untrusted {
            fault: FileFault::Missing,
            ..
        }) => Ok(None),
        Err(error) => Err(error.message()),
    }
}

fn name_of(
    Mark {
        issuer,
        kind,
        value,
    }: Mark<'_>,
) -> String {
    let hash = sha256_hex(&[issuer.as_bytes(), value.as_bytes()]);
    format!("{}-{hash}", kind.claim())
}

/// What is wrong and what mends it.
fn words(error: Untrusted) -> String {
    let advice = if error.is_out_of_reach() {
        "; programs that ask for logins and are not root read it too, so run chmod a+rx on it \
         and on what it is in"
    } else {
        ""
    };
    format!("{error}{advice}")
}

#[cfg(test)]
mod tests;
