//! Who writes the list: one process at a time, each file in one step.

use super::{Listing, entries, name_of, open, read, words};
use crate::trusted_file;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, fsync, geteuid, unlinkat};
use policy::revocation::{Entry, Kind, Mark, Record};
use policy::trust::Trust;
use std::collections::BTreeMap;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Names that no entry has.
const LOCK: &str = ".lock";
const NEW: &str = ".new";

/// The list, with the right to change it.
#[derive(Debug)]
pub struct Store {
    dir: OwnedFd,
    path: PathBuf,
    /// Not the directory itself, which anybody could lock.
    _lock: Flock<OwnedFd>,
}

/// What has come of revoking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What is so now.
    pub record: Record,
    /// What was so before, if there was an entry of the same mark.
    pub before: Option<Record>,
}

impl Store {
    /// Opens the list at `path` for writing, once nobody else is; none if there is none.
    ///
    /// # Errors
    /// What is in the way. For who is not root that is that.
    pub fn open(path: &Path) -> Result<Option<Self>, String> {
        if !geteuid().is_root() {
            return Err("only root may change what is revoked; run this as root".to_owned());
        }
        let Some(dir) = open(path).map_err(words)? else {
            return Ok(None);
        };
        let failed = |errno: Errno| format!("{}: {}", path.join(LOCK).display(), errno.desc());
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let lock = openat(&dir, LOCK, flags | OFlag::O_CLOEXEC, mode).map_err(failed)?;
        let lock =
            Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, errno)| failed(errno))?;
        Ok(Some(Self {
            dir,
            path: path.to_owned(),
            _lock: lock,
        }))
    }

    /// Opens it as [`Store::open`] does, and makes it first where there is none.
    ///
    /// # Errors
    /// What is in the way.
    pub fn made(path: &Path) -> Result<Self, String> {
        if let Some(store) = Self::open(path)? {
            return Ok(store);
        }
        for path in path.parent().into_iter().chain([path]) {
            trusted_file::make_directory(path, 0o755)?;
        }
        let missing = || format!("{} was taken away again", path.display());
        Self::open(path)?.ok_or_else(missing)
    }

    /// Adds `record`, joined with what is there of the same mark, so that nothing is revoked
    /// less than before. It is on the disk when this returns.
    ///
    /// # Errors
    /// What is in the way; then all is as before, or as after.
    pub fn revoke(&self, record: Record) -> Result<Written, String> {
        let before = read(&self.dir, &self.path, record.mark())?;
        let record = match before.clone() {
            Some(before) => record.joined(before),
            None => record,
        };
        self.write(&record)?;
        Ok(Written { record, before })
    }

    /// Takes the entry of `mark` away, and says what it was.
    ///
    /// # Errors
    /// What is in the way.
    pub fn lift(&self, mark: Mark<'_>) -> Result<Option<Record>, String> {
        let record = read(&self.dir, &self.path, mark)?;
        if record.is_some() {
            self.remove(&name_of(mark))?;
            self.sync()?;
        }
        Ok(record)
    }

    /// Drops the entries whose tokens could not be accepted any more at `now`, by what `trust`
    /// says, and reads the others. Before an issuer's are dropped, its own entry is made to be
    /// about their tokens too ([`policy::revocation::Life::floor`]); that one stays.
    ///
    /// # Errors
    /// What is in the way.
    pub fn drop_ended(&self, trust: &Trust, now: u64) -> Result<Listing, String> {
        let all = entries(&self.dir, &self.path).map_err(words)?;
        let mut floors: BTreeMap<String, (Entry, Vec<String>)> = BTreeMap::new();
        let mut listing = Listing {
            faults: all.faults,
            ..Listing::default()
        };
        for record in all.records {
            match record.life(trust).filter(|life| life.ends <= now) {
                None => listing.records.push(record),
                // It is what others became.
                Some(_) if record.kind == Kind::Issuer => {}
                Some(life) => {
                    let name = name_of(record.mark());
                    let floor = floors.entry(record.issuer);
                    let (floor, names) = floor.or_insert((life.floor, Vec::new()));
                    *floor = floor.joined(life.floor);
                    names.push(name);
                }
            }
        }
        for (issuer, (floor, names)) in floors {
            self.revoke(Record {
                value: issuer.clone(),
                issuer,
                kind: Kind::Issuer,
                issued_before: floor.issued_before,
                expired_by: floor.expired_by,
                expires: None,
                revoked_at: now,
                because: None,
            })?;
            for name in names {
                self.remove(&name)?;
            }
            self.sync()?;
        }
        Ok(listing)
    }

    fn write(&self, record: &Record) -> Result<(), String> {
        let name = name_of(record.mark());
        let text = record.text();
        // What would not be read again would refuse every token that it names.
        Record::parse(text.as_bytes())?;
        if text.len() as u64 > trusted_file::MAX_BYTES {
            return Err("it is longer than what a login reads".to_owned());
        }
        let failed = |error: io::Error| format!("{}: {error}", self.path.join(&name).display());
        let written = self.write_new(text.as_bytes()).and_then(|()| {
            renameat(&self.dir, NEW, &self.dir, name.as_str())?;
            fsync(&self.dir)?;
            Ok(())
        });
        written.map_err(|error| {
            let _ = self.remove(NEW);
            failed(error)
        })
    }

    /// Who writes is alone, so what is there of this name is of one who was interrupted.
    fn write_new(&self, text: &[u8]) -> io::Result<()> {
        match unlinkat(&self.dir, NEW, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let mut file = File::from(openat(&self.dir, NEW, flags, mode)?);
        file.write_all(text)?;
        // Whatever the umask.
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.sync_all()
    }

    fn remove(&self, name: &str) -> Result<(), String> {
        let path = self.path.join(name);
        unlinkat(&self.dir, name, UnlinkatFlags::NoRemoveDir)
            .map_err(|errno| format!("{}: {}", path.display(), errno.desc()))
    }

    fn sync(&self) -> Result<(), String> {
        fsync(&self.dir).map_err(|errno| format!("{}: {}", self.path.display(), errno.desc()))
    }
}
