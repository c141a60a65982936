//! One-time tokens that were used: a file for each, made with O_EXCL, so that of all processes
//! that use one the kernel lets a single one succeed, without a lock or a daemon.
//!
//! ```text
//! /var/lib/pam-jwt/used/        0700 root
//!     floor                     what ended before the day that is its size is refused
//!     20781/                    tokens that end on that day, in days since the epoch
//!         3fd8…                 a used token: SHA-256 of its issuer and jti
//! ```
//!
//! A day is dropped whole, long after its end ([`sweep`]), and only once the [`floor`] is
//! above it: a clock that ran ahead and was set back finds that its tokens are refused, not
//! that they are new.

mod floor;
mod record;
mod sweep;

use crate::trusted_file::{self, Untrusted, may_write};
use jose::digest::sha256_hex;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};
use policy::standing::{OneTime, UseFault};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Where they are recorded.
pub const DIR: &str = "/var/lib/pam-jwt/used";

/// Seconds of a bucket.
const DAY: u64 = 86_400;

/// A bucket may be dropped under the feet of whoever records in it; it is made again so
/// often. Each time takes a clock that jumps.
const ATTEMPTS: u32 = 8;

const NOT_ROOT: &str = "this process does not run as root, and only root records what is used";

/// What is about to be done. Between any two of these another process may do anything, or
/// this one may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Look,
    MakeBucket,
    Create,
    Write,
    SyncRecord,
    SyncBucket,
    SyncStore,
    LookAgain,
    Sweep,
    Done,
}

/// Uses `token` up at `now`; `whence` is kept for the log. The record is on the disk when
/// this returns.
///
/// # Errors
/// [`UseFault`]. After `Unrecorded` the token may be used up all the same.
pub fn use_up(dir: &Path, token: OneTime<'_>, now: u64, whence: &str) -> Result<(), UseFault> {
    // Whatever else its capabilities let it write: what it makes is not root's, and would be
    // refused from then on.
    if !nix::unistd::geteuid().is_root() {
        return Err(UseFault::Unrecorded(NOT_ROOT.to_owned()));
    }
    Store::made(dir)?.use_up(token, now, whence, |_| ())
}

/// Whether `token` could be used up at `now`. Nothing is made or changed.
///
/// # Errors
/// [`UseFault`]
pub fn look(dir: &Path, token: OneTime<'_>, now: u64) -> Result<(), UseFault> {
    use trusted_file::FileFault::Missing;
    let store = match Store::open(dir) {
        Ok(store) => store,
        // A login makes it.
        Err(Untrusted { fault: Missing, .. }) => return Ok(()),
        Err(error) if error.is_out_of_reach() => {
            return Err(UseFault::Unrecorded(NOT_ROOT.to_owned()));
        }
        Err(error) => return Err(UseFault::Unrecorded(error.to_string())),
    };
    store.above_floor(token)?;
    let Some(bucket) = store.bucket(bucket_of(token))? else {
        return Ok(());
    };
    match record::read(&bucket, &name_of(token)) {
        Ok(None) => Ok(()),
        Ok(Some(record)) => Err(UseFault::Used(record.words(now))),
        Err(error) => Err(store.failed("the record", &error)),
    }
}

/// The directory of the records, open.
struct Store {
    dir: OwnedFd,
    path: PathBuf,
}

fn bucket_of(token: OneTime<'_>) -> u64 {
    token.expires.checked_div(DAY).unwrap_or_default()
}

fn name_of(token: OneTime<'_>) -> String {
    sha256_hex(&[token.issuer.as_bytes(), token.id.as_bytes()])
}

impl Store {
    fn open(path: &Path) -> Result<Self, Untrusted> {
        let dir = trusted_file::directory(path)?;
        let path = path.to_owned();
        Ok(Self { dir, path })
    }

    /// Opens it, and makes it first where it is missing, with the directory that it is in.
    fn made(path: &Path) -> Result<Self, UseFault> {
        use trusted_file::FileFault::Missing;
        let unrecorded = |error: &dyn std::fmt::Display| UseFault::Unrecorded(error.to_string());
        match Self::open(path) {
            Ok(store) => return Ok(store),
            Err(Untrusted { fault: Missing, .. }) => {}
            Err(error) => return Err(unrecorded(&error)),
        }
        for (path, mode) in [(path.parent(), 0o755), (Some(path), 0o700)] {
            let Some(path) = path else { continue };
            trusted_file::make_directory(path, mode).map_err(|error| unrecorded(&error))?;
        }
        Self::open(path).map_err(|error| unrecorded(&error))
    }

    fn use_up(
        &self,
        token: OneTime<'_>,
        now: u64,
        whence: &str,
        mut at: impl FnMut(Step),
    ) -> Result<(), UseFault> {
        let recorded = self.record(token, now, whence, &mut at);
        // Also where it could not be recorded: what is due may be what fills the disk.
        if matches!(recorded, Ok(()) | Err(UseFault::Unrecorded(_))) {
            at(Step::Sweep);
            // What is left lying is for the next one.
            let _ = self.sweep(now);
        }
        at(Step::Done);
        recorded
    }

    fn record(
        &self,
        token: OneTime<'_>,
        now: u64,
        whence: &str,
        at: &mut impl FnMut(Step),
    ) -> Result<(), UseFault> {
        at(Step::Look);
        self.above_floor(token)?;
        may_write(record::MOST).map_err(|error| self.failed("the record", &error))?;
        let (bucket, record) = self.create(token, now, at)?;
        let failed = |what| move |error: io::Error| self.failed(what, &error);
        at(Step::Write);
        record::write(&record, now, whence).map_err(failed("the record"))?;
        at(Step::SyncRecord);
        record.sync_all().map_err(failed("the record"))?;
        at(Step::SyncBucket);
        bucket.sync_all().map_err(failed("its day"))?;
        at(Step::SyncStore);
        // Always: another process may have made any of them and not be so far yet.
        self.sync().map_err(failed("the directory"))?;
        at(Step::LookAgain);
        self.above_floor(token)
    }

    /// Makes the record, which one process can.
    fn create(
        &self,
        token: OneTime<'_>,
        now: u64,
        at: &mut impl FnMut(Step),
    ) -> Result<(File, File), UseFault> {
        let name = name_of(token);
        let failed = |error: io::Error| self.failed("the record", &error);
        for _ in 0..ATTEMPTS {
            at(Step::MakeBucket);
            let bucket = self.make_bucket(bucket_of(token))?;
            at(Step::Create);
            match record::create(&bucket, &name) {
                Ok(record) => return Ok((bucket, record)),
                Err(error) if is(&error, Errno::EEXIST) => {
                    let record = record::read(&bucket, &name).map_err(failed)?;
                    let words = record.unwrap_or_default().words(now);
                    return Err(UseFault::Used(words));
                }
                // It was dropped since.
                Err(error) if is(&error, Errno::ENOENT) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Err(UseFault::Dropped)
    }

    fn above_floor(&self, token: OneTime<'_>) -> Result<(), UseFault> {
        let floor = floor::read(&self.dir).map_err(|error| self.failed("the floor", &error))?;
        if bucket_of(token) < floor {
            return Err(UseFault::Dropped);
        }
        Ok(())
    }

    fn bucket(&self, number: u64) -> Result<Option<File>, UseFault> {
        use trusted_file::FileFault::Missing;
        let name = number.to_string();
        let path = self.path.join(&name);
        match trusted_file::directory_in(&self.dir, OsStr::new(&name), &path) {
            Ok(bucket) => Ok(Some(File::from(bucket))),
            Err(Untrusted { fault: Missing, .. }) => Ok(None),
            Err(error) => Err(UseFault::Unrecorded(error.to_string())),
        }
    }

    fn make_bucket(&self, number: u64) -> Result<File, UseFault> {
        for _ in 0..ATTEMPTS {
            if let Some(bucket) = self.bucket(number)? {
                return Ok(bucket);
            }
            match mkdirat(&self.dir, &*number.to_string(), Mode::S_IRWXU) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(errno) => return Err(self.failed("its day", &errno.into())),
            }
        }
        Err(UseFault::Dropped)
    }

    /// The directory, and those that it is in.
    fn sync(&self) -> io::Result<()> {
        nix::unistd::fsync(&self.dir)?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        for above in ["..", "../.."] {
            match nix::unistd::fsync(openat(&self.dir, above, flags, Mode::empty())?) {
                // Below a mount point it may be a file system that is only read (squashfs).
                Ok(()) | Err(Errno::EINVAL) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    fn failed(&self, what: &str, error: &io::Error) -> UseFault {
        let dir = self.path.display();
        UseFault::Unrecorded(format!("{what} in {dir}: {error}"))
    }
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno as i32)
}

#[cfg(test)]
mod tests;
