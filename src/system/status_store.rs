//! Status lists as logins read them: verified and inflated once, by `pam-jwt status-list
//! load` or by pam-jwt-fetch, into a file of which a login reads the beginning and one byte.
//!
//! It is read and not mapped: of a mapped file that is cut short the host program would die
//! (SIGBUS), and to map it costs more than the one read.
//!
//! The file begins with lines: [`MAGIC`], the issuer, the uri, the kid of the key that signed
//! the list, then numbers (bits of a status, bytes of the list, when it was issued, when it is
//! stale or `-`). Behind the last newline stand the bytes of the list as they are.

use crate::trusted_file::{self, FileFault, Untrusted};
use crate::{fetched, new_file};
use jose::digest::sha256_hex;
use jose::status_list::Bits;
use nix::fcntl::{Flock, FlockArg};
use policy::status::{ListFault, Listed};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where they are.
pub const DIR: &str = "/var/lib/pam-jwt/status";

/// A directory of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The directory.
    pub dir: &'a Path,
    /// Whether it is in one that belongs to the user that fetches, and so may be that user's.
    pub is_fetched: bool,
}

impl Place<'_> {
    /// Where root loads lists.
    pub fn loaded() -> Self {
        Self {
            dir: Path::new(DIR),
            is_fetched: false,
        }
    }

    /// Where those are that were fetched.
    pub fn fetched() -> Self {
        Self {
            dir: Path::new(fetched::STATUS_DIR),
            is_fetched: true,
        }
    }

    fn path_of(&self, issuer: &str, uri: &str) -> PathBuf {
        let name = sha256_hex(&[issuer.as_bytes(), uri.as_bytes()]);
        self.dir.join(name)
    }
}

/// The first line.
const MAGIC: &str = "pam-jwt status list 1";

/// The lines have no more bytes than that.
const MAX_HEAD: usize = 4096;

/// What is known of a list that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The trusted issuer whose list it is.
    pub issuer: String,
    /// Its `uri`.
    pub uri: String,
    /// The kid of the key that has signed it.
    pub kid: String,
    /// How many bits a status has.
    pub bits: Bits,
    /// How many bytes the list has.
    pub bytes: u64,
    /// `iat`, in seconds since the epoch.
    pub issued_at: u64,
    /// From when on it is stale, in seconds since the epoch.
    pub stale_at: Option<u64>,
}

impl Head {
    /// How many statuses there are.
    pub const fn entries(&self) -> u64 {
        self.bits.entries(self.bytes)
    }

    /// The lines.
    ///
    /// # Errors
    /// What has no place in them.
    fn text(&self) -> Result<String, String> {
        let names = [&self.issuer, &self.uri, &self.kid];
        if names.iter().any(|name| name.contains(char::is_control)) {
            return Err("its issuer, uri or kid has a control character in it".to_owned());
        }
        let stale_at = self
            .stale_at
            .map_or("-".to_owned(), |time| time.to_string());
        let numbers = [self.bits.number().into(), self.bytes, self.issued_at];
        let numbers = numbers.map(|number: u64| number.to_string()).join(" ");
        let [issuer, uri, kid] = names;
        let text = format!("{MAGIC}\n{issuer}\n{uri}\n{kid}\n{numbers} {stale_at}\n");
        if text.len() > MAX_HEAD {
            return Err("its issuer, uri and kid are too long".to_owned());
        }
        Ok(text)
    }

    /// The head, and how many bytes it takes.
    fn parse(bytes: &[u8]) -> Option<(Self, u64)> {
        let end = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let end = end.map(|(at, _)| at.saturating_add(1)).nth(4)?;
        let text = std::str::from_utf8(bytes.get(..end)?).ok()?;
        let mut lines = text.lines();
        if lines.next()? != MAGIC {
            return None;
        }
        let mut name = || lines.next().map(str::to_owned);
        let (issuer, uri, kid) = (name()?, name()?, name()?);
        let mut numbers = lines.next()?.split(' ');
        let mut number = || numbers.next()?.parse().ok();
        let (bits, bytes, issued_at) = (Bits::new(number()?)?, number()?, number()?);
        let stale_at = match numbers.next()? {
            "-" => None,
            time => Some(time.parse().ok()?),
        };
        let head = Self {
            issuer,
            uri,
            kid,
            bits,
            bytes,
            issued_at,
            stale_at,
        };
        Some((head, end as u64))
    }
}

/// A list, open.
struct OpenList {
    file: File,
    head: Head,
    /// Where its bytes begin.
    begin: u64,
}

impl OpenList {
    fn open(path: &Path, is_fetched: bool) -> Result<Self, ListFault> {
        let unusable = |why: &str| ListFault::Unusable(format!("{} {why}", path.display()));
        let opened = if is_fetched {
            trusted_file::open_given(path)
        } else {
            trusted_file::open(path)
        };
        let (file, size) = match opened {
            Ok(opened) => opened,
            Err(Untrusted {
                fault: FileFault::Missing,
                ..
            }) => return Err(ListFault::Missing),
            Err(error) => return Err(ListFault::Unusable(error.to_string())),
        };
        let file = File::from(file);
        let mut start = vec![0; MAX_HEAD];
        let read = file
            .read_at(&mut start, 0)
            .map_err(|error| unusable(&format!("cannot be read: {error}")))?;
        start.truncate(read);
        let broken = || unusable("is broken; load the list again");
        let (head, begin) = Head::parse(&start).ok_or_else(broken)?;
        // Half a file would say of the other half that all is valid.
        if begin.checked_add(head.bytes) != Some(size) {
            return Err(broken());
        }
        Ok(Self { file, head, begin })
    }
}

/// What the list of `issuer` at `uri` says of `index`: of those that are in `places` the one
/// that was issued last, and of two that were issued at the same time the first.
///
/// # Errors
/// [`ListFault`]
pub fn look_up(
    places: &[Place<'_>],
    issuer: &str,
    uri: &str,
    index: u64,
) -> Result<Listed, ListFault> {
    let mut latest: Option<(OpenList, PathBuf, bool)> = None;
    for place in places {
        let path = place.path_of(issuer, uri);
        let list = match OpenList::open(&path, place.is_fetched) {
            Err(ListFault::Missing) => continue,
            list => list?,
        };
        let is_later =
            |(other, ..): &(OpenList, PathBuf, bool)| list.head.issued_at > other.head.issued_at;
        if latest.as_ref().is_none_or(is_later) {
            latest = Some((list, path, place.is_fetched));
        }
    }
    let (OpenList { file, head, begin }, path, is_fetched) = latest.ok_or(ListFault::Missing)?;
    let unusable = |why: String| ListFault::Unusable(format!("{} {why}", path.display()));
    if head.issuer != issuer || head.uri != uri {
        return Err(unusable("is another list's".to_owned()));
    }
    if index >= head.entries() {
        return Err(ListFault::OutOfRange(head.entries()));
    }
    let mut byte = [0];
    file.read_exact_at(&mut byte, begin.saturating_add(head.bits.place(index)))
        .map_err(|error| unusable(format!("cannot be read: {error}")))?;
    let [byte] = byte;
    Ok(Listed {
        value: head.bits.of(byte, index),
        stale_at: head.stale_at,
        kid: head.kid,
        issued_at: head.issued_at,
        is_fetched,
    })
}

/// What is known of the list of `issuer` at `uri` in `place`.
///
/// # Errors
/// [`ListFault`]
pub fn head(place: Place<'_>, issuer: &str, uri: &str) -> Result<Head, ListFault> {
    OpenList::open(&place.path_of(issuer, uri), place.is_fetched).map(|list| list.head)
}

/// The lists in `dir`, or why one of them is none.
///
/// # Errors
/// Why the directory cannot be read.
pub fn all(dir: &Path) -> Result<Vec<Result<Head, String>>, Untrusted> {
    let paths = match trusted_file::list(dir, "") {
        Err(Untrusted {
            fault: FileFault::Missing,
            ..
        }) => return Ok(Vec::new()),
        paths => paths?,
    };
    let head = |path: &PathBuf| match OpenList::open(path, false) {
        Ok(list) => Ok(list.head),
        Err(ListFault::Unusable(why)) => Err(why),
        Err(_) => Err(format!("{} is gone", path.display())),
    };
    Ok(paths.iter().map(head).collect())
}

/// Names that no list has.
const LOCK: &str = ".lock";
const NEW: &str = ".new";

/// What has come of storing a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is there, and on the disk.
    Done,
    /// The one that was there was issued later, and stays.
    Older(Head),
}

/// Puts a list into `place`, instead of the one that is there unless that was issued later and
/// `force` is not given. A login finds either, whole; whoever else stores one waits. Where lists
/// are that were fetched only their user may do so.
///
/// # Errors
/// Why not.
pub fn store(place: Place<'_>, head: &Head, list: &[u8], force: bool) -> Result<Stored, String> {
    let text = head.text()?;
    if head.bytes != list.len() as u64 {
        return Err("its bytes are not as many as it says".to_owned());
    }
    let dir = place.dir;
    if place.is_fetched {
        // In its own directory the user need not look where it walks.
        match DirBuilder::new().mode(0o755).create(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(format!("{}: {error}", dir.display()));
            }
            _ => {}
        }
    } else {
        for path in dir.parent().into_iter().chain([dir]) {
            trusted_file::make_directory(path, 0o755)?;
        }
    }
    let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let lock = dir.join(LOCK);
    let held = options()
        .create(true)
        .open(&lock)
        .and_then(|file| Ok(Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, why)| why)?));
    let _held = held.map_err(|error| failed(&lock, error))?;
    match self::head(place, &head.issuer, &head.uri) {
        Ok(old) if old.issued_at > head.issued_at && !force => return Ok(Stored::Older(old)),
        _ => {}
    }
    let path = place.path_of(&head.issuer, &head.uri);
    new_file::replace(&path, &dir.join(NEW), &[text.as_bytes(), list])
        .map(|()| Stored::Done)
        .map_err(|error| failed(&path, error))
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

#[cfg(test)]
#[path = "status_store_tests.rs"]
mod tests;
