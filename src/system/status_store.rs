//! Status lists as logins read them: verified and inflated once, by `pam-jwt status-list
//! load`, into a file of which a login reads the beginning and one byte.
//!
//! It is read and not mapped: of a mapped file that is cut short the host program would die
//! (SIGBUS), and to map it costs more than the one read.
//!
//! The file begins with lines: [`MAGIC`], the issuer, the uri, the kid of the key that signed
//! the list, then numbers (bits of a status, bytes of the list, when it was issued, when it is
//! stale or `-`). Behind the last newline stand the bytes of the list as they are.

use crate::new_file;
use crate::trusted_file::{self, FileFault, Untrusted};
use jose::digest::sha256_hex;
use jose::status_list::Bits;
use nix::fcntl::{Flock, FlockArg};
use policy::status::{ListFault, Listed};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where they are.
pub const DIR: &str = "/var/lib/pam-jwt/status";

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
    fn open(path: &Path) -> Result<Self, ListFault> {
        let unusable = |why: &str| ListFault::Unusable(format!("{} {why}", path.display()));
        let (file, size) = match trusted_file::open(path) {
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

/// What the list of `issuer` at `uri` in `dir` says of `index`.
///
/// # Errors
/// [`ListFault`]
pub fn look_up(dir: &Path, issuer: &str, uri: &str, index: u64) -> Result<Listed, ListFault> {
    let path = path_of(dir, issuer, uri);
    let unusable = |why: String| ListFault::Unusable(format!("{} {why}", path.display()));
    let OpenList { file, head, begin } = OpenList::open(&path)?;
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
    })
}

/// What is known of the list of `issuer` at `uri` in `dir`.
///
/// # Errors
/// [`ListFault`]
pub fn head(dir: &Path, issuer: &str, uri: &str) -> Result<Head, ListFault> {
    OpenList::open(&path_of(dir, issuer, uri)).map(|list| list.head)
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
    let head = |path: &PathBuf| match OpenList::open(path) {
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

/// Puts a list into `dir`, in place of the one that is there unless that was issued later and
/// `force` is not given. A login finds either, whole; whoever else stores one waits.
///
/// # Errors
/// Why not.
pub fn store(dir: &Path, head: &Head, list: &[u8], force: bool) -> Result<Stored, String> {
    let text = head.text()?;
    if head.bytes != list.len() as u64 {
        return Err("its bytes are not as many as it says".to_owned());
    }
    for path in dir.parent().into_iter().chain([dir]) {
        trusted_file::make_directory(path, 0o755)?;
    }
    let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let lock = dir.join(LOCK);
    let held = options()
        .create(true)
        .open(&lock)
        .and_then(|file| Ok(Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, why)| why)?));
    let _held = held.map_err(|error| failed(&lock, error))?;
    match self::head(dir, &head.issuer, &head.uri) {
        Ok(old) if old.issued_at > head.issued_at && !force => return Ok(Stored::Older(old)),
        _ => {}
    }
    let path = path_of(dir, &head.issuer, &head.uri);
    new_file::replace(&path, &dir.join(NEW), &[text.as_bytes(), list])
        .map(|()| Stored::Done)
        .map_err(|error| failed(&path, error))
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

fn path_of(dir: &Path, issuer: &str, uri: &str) -> PathBuf {
    dir.join(sha256_hex(&[issuer.as_bytes(), uri.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path = PathBuf::from(format!("/run/pam-jwt-status.{}.{name}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn dir(&self) -> PathBuf {
            self.0.join("lib/status")
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn head_of(bytes: u64) -> Head {
        Head {
            issuer: "https://i".into(),
            uri: "https://i/statuslists/1".into(),
            kid: "k 1".into(),
            bits: Bits::new(2).unwrap(),
            bytes,
            issued_at: 100,
            stale_at: Some(200),
        }
    }

    fn look(dir: &Path, index: u64) -> Result<Listed, ListFault> {
        let head = head_of(0);
        look_up(dir, &head.issuer, &head.uri, index)
    }

    /// Checklist: A.29
    #[test]
    fn a_list_says_of_each_entry_what_it_was_given() {
        let place = Place::new("good");
        let dir = place.dir();
        assert_eq!(look(&dir, 0), Err(ListFault::Missing));
        store(&dir, &head_of(3), &[0xc9, 0x44, 0xf9], false).unwrap();
        let statuses = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3];
        for (index, value) in statuses.into_iter().enumerate() {
            let listed = Listed {
                value,
                stale_at: Some(200),
                kid: "k 1".into(),
                issued_at: 100,
            };
            assert_eq!(look(&dir, index as u64), Ok(listed), "{index}");
        }
        for index in [12, 13, u64::MAX] {
            assert_eq!(look(&dir, index), Err(ListFault::OutOfRange(12)));
        }
        // Another issuer's list of the same name is another list.
        let other = look_up(&dir, "https://j", &head_of(0).uri, 0);
        assert_eq!(other, Err(ListFault::Missing));
        store(&dir, &head_of(1), &[0], false).unwrap();
        assert_eq!(look(&dir, 0).unwrap().value, 0);
        assert_eq!(all(&dir).unwrap(), [Ok(head_of(1))]);
        // One that was issued before stays out, unless it is wanted.
        let older = Head {
            issued_at: 99,
            ..head_of(1)
        };
        let stored = store(&dir, &older, &[1], false);
        assert_eq!(stored, Ok(Stored::Older(head_of(1))));
        assert_eq!(look(&dir, 0).unwrap().value, 0);
        assert_eq!(store(&dir, &older, &[1], true), Ok(Stored::Done));
        assert_eq!(look(&dir, 0).unwrap().value, 1);
    }

    /// Checklist: A.29
    #[test]
    fn what_is_not_whole_says_nothing() {
        let place = Place::new("broken");
        let dir = place.dir();
        store(&dir, &head_of(3), &[0xc9, 0x44, 0xf9], false).unwrap();
        let path = path_of(&dir, &head_of(0).issuer, &head_of(0).uri);
        let whole = fs::read(&path).unwrap();
        let is_unusable = || matches!(look(&dir, 0), Err(ListFault::Unusable(_)));
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(is_unusable(), "{length} bytes");
        }
        fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
        assert!(is_unusable());
        let text = String::from_utf8_lossy(&whole).into_owned();
        for (from, to) in [
            ("pam-jwt status list 1", "pam-jwt status list 2"),
            ("https://i\n", "https://j\n"),
            ("/1\n", "/2\n"),
            ("2 3 100 200", "3 3 100 200"),
            ("2 3 100 200", "2 -3 100 200"),
            ("2 3 100 200", "2 3 100"),
        ] {
            let head = text.replacen(from, to, 1);
            let end = head.rfind('\n').unwrap() + 1;
            fs::write(&path, [&head.as_bytes()[..end], &[0; 3]].concat()).unwrap();
            assert!(is_unusable(), "{to}");
        }
        fs::write(&path, &whole).unwrap();
        assert!(look(&dir, 0).is_ok());
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        assert!(is_unusable());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(is_unusable());
        let control = Head {
            uri: "a\nb".into(),
            ..head_of(1)
        };
        assert!(store(&dir, &control, &[0], false).is_err());
        let long = Head {
            uri: "u".repeat(5000),
            ..head_of(1)
        };
        assert!(store(&dir, &long, &[0], false).is_err());
    }
}
