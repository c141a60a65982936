//! The sessions that are open: a record of each, for `pam-jwt sessions` and for whoever
//! sweeps, and the file with its token.
//!
//! A record's name says which process has opened the session, so that what a host program
//! that was killed has left is known without its being read.

use crate::run_dir::{self, Owner, put};
use crate::{process, trusted_file};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};
use nix::unistd::{UnlinkatFlags, unlinkat};
use policy::handoff::Process;
use policy::session::Session;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::str::FromStr;

const NAME: &str = "sessions";

/// How many records a login looks at when it sweeps; `pam-jwt sessions` looks at all.
pub const MOST_SWEPT: usize = 64;

/// What tells a session from all others, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The uid of its account.
    pub uid: u32,
    /// The process that opened it and will close it.
    pub process: Process,
    /// Its `sid`: 32 hexadecimal digits.
    pub id: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Process { pid, start } = self.process;
        write!(f, "{}.{pid}.{start}.{}", self.uid, self.id)
    }
}

impl FromStr for Key {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let mut parts = name.split('.');
        let mut part = || parts.next().ok_or(());
        let key = Self {
            uid: part()?.parse().map_err(drop)?,
            process: Process {
                pid: part()?.parse().map_err(drop)?,
                start: part()?.parse().map_err(drop)?,
            },
            id: part()?.to_owned(),
        };
        // Nothing else that reads the same.
        (key.to_string() == name && !key.id.is_empty())
            .then_some(key)
            .ok_or(())
    }
}

impl Key {
    /// Where its token is.
    pub fn token_path(&self) -> PathBuf {
        Path::new(run_dir::DIR)
            .join(self.uid.to_string())
            .join(&self.id)
    }
}

/// Records that a session is open, in place of what was recorded of it before.
///
/// # Errors
/// Why it cannot, for the log.
pub fn record(key: &Key, session: &Session) -> Result<(), String> {
    let (dir, path) = run_dir::made(NAME, 0o700)?;
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    put(&dir, &key.to_string(), &session.to_json(), Owner::Root).map_err(failed)
}

/// Writes the token of a session, for its user to read and nobody else.
///
/// # Errors
/// Why it cannot, for the log.
pub fn write_token(key: &Key, token: &str) -> Result<PathBuf, String> {
    let name = key.uid.to_string();
    for _ in 0..run_dir::TRIES {
        let (dir, path) = run_dir::made(&name, 0o711)?;
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        if !is_tmpfs(&dir).map_err(failed)? {
            return Err(format!(
                "{} is not in a tmpfs, and a token is not written to a disk",
                path.display()
            ));
        }
        match put(&dir, &key.id, token, Owner::User(key.uid)) {
            Ok(()) => return Ok(key.token_path()),
            // The user's last session has just ended, and taken the directory along.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Err(run_dir::taken_away(&key.token_path()))
}

/// Whether tokens would be kept in memory, which no disk has: in /run/pam-jwt or, where it is
/// yet to be made, in /run.
///
/// # Errors
/// Why it cannot be said, with the path.
pub fn are_in_memory() -> Result<bool, String> {
    let dir = match run_dir::existing("")? {
        Some(dir) => dir,
        None => trusted_file::directory(Path::new("/run")).map_err(|error| error.to_string())?,
    };
    is_tmpfs(&dir).map_err(|error| format!("{}: {error}", run_dir::DIR))
}

fn is_tmpfs(dir: &OwnedFd) -> io::Result<bool> {
    Ok(fstatfs(dir)?.filesystem_type() == TMPFS_MAGIC)
}

/// Takes away the token and the record of a session.
pub fn end(key: &Key) {
    let remove = |dir: &str, name: &str| {
        if let Ok(Some(dir)) = run_dir::existing(dir) {
            let _ = unlinkat(&dir, name, UnlinkatFlags::NoRemoveDir);
        }
    };
    remove_token(key);
    let name = key.to_string();
    remove(NAME, &name);
    remove(NAME, &warned(&name));
}

/// Takes away the token of a session.
fn remove_token(key: &Key) {
    let uid = key.uid.to_string();
    if let Ok(Some(dir)) = run_dir::existing(&uid) {
        let _ = unlinkat(&dir, &*key.id, UnlinkatFlags::NoRemoveDir);
    }
    // Only the last one leaves it empty.
    if let Ok(Some(dir)) = run_dir::existing("") {
        let _ = unlinkat(&dir, &*uid, UnlinkatFlags::RemoveDir);
    }
}

/// Ends the sessions whose process has, of at most so many that are looked at.
pub fn sweep(most: usize) {
    for key in keys().into_iter().flatten().take(most) {
        if !process::is_alive(key.process) {
            end(&key);
        }
    }
}

/// The sessions that are open. What cannot be read of one is left out.
///
/// # Errors
/// Why it cannot be said.
pub fn open() -> Result<Vec<(Key, Session)>, String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("only root may see whose sessions are open; run this as root".to_owned());
    }
    let Some(dir) = run_dir::existing(NAME)? else {
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    for key in keys()? {
        let name = key.to_string();
        let path = Path::new(run_dir::DIR).join(NAME).join(&name);
        let content = trusted_file::read_in(&dir, OsStr::new(&name), &path);
        let session = content
            .ok()
            .and_then(|content| Session::from_json(&content.bytes));
        if let Some(session) = session.filter(|_| process::is_alive(key.process)) {
            all.push((key, session));
        }
    }
    Ok(all)
}

/// Notes that the user was warned; whether nobody has noted it before.
///
/// # Errors
/// Why it cannot be noted.
pub fn note_warned(key: &Key) -> Result<bool, String> {
    let (dir, path) = run_dir::made(NAME, 0o700)?;
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
    match openat(&dir, &*warned(&key.to_string()), flags, Mode::S_IRUSR) {
        Ok(_) => Ok(true),
        Err(Errno::EEXIST) => Ok(false),
        Err(errno) => Err(format!("{}: {errno}", path.display())),
    }
}

fn warned(name: &str) -> String {
    format!("{name}.warned")
}

/// Those of the records, as they are read: nobody waits for thousands of names.
fn keys() -> Result<impl Iterator<Item = Key>, String> {
    let dir = run_dir::existing(NAME)?.map(Dir::from_fd).transpose();
    let dir = dir.map_err(|errno| errno.to_string())?;
    let names = dir.into_iter().flatten().map_while(Result::ok);
    Ok(names.filter_map(|entry| entry.file_name().to_str().ok()?.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_records_name_is_its_key() {
        let key = Key {
            uid: 1000,
            process: Process { pid: 7, start: 70 },
            id: "6f1c".to_owned(),
        };
        assert_eq!(key.to_string(), "1000.7.70.6f1c");
        assert_eq!("1000.7.70.6f1c".parse(), Ok(key));
        for bad in [
            "",
            ".",
            "..",
            "1000.7.70",
            "1000.7.70.",
            "01000.7.70.a",
            "1000.7.70.a.warned",
            "-1.7.70.a",
        ] {
            assert_eq!(bad.parse::<Key>(), Err(()), "{bad}");
        }
    }
}
