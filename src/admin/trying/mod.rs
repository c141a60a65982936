//! What `pam-jwt enable --try` tries: put down before anything is written, guarded while it lasts,
//! confirmed from a second login, or put back.

mod begin;
mod confirm;
mod guard;
mod login;
mod put_back;
mod rollback;
mod second_login;
mod state;
mod wait;

pub use begin::write;
pub use confirm::Confirm;
pub use rollback::Rollback;

use crate::enable::plan::Change;
use begin::{Own, begin};
use cli::output::{Failure, Output};
use jose::sign::random_name;
use nix::fcntl::{Flock, FlockArg, OFlag};
use put_back::{Back, put_back};
use state::{State, Try};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use system::process;

/// Where pam-jwt keeps what outlasts a restart.
const VAR: &str = "/var/lib/pam-jwt";

/// What is locked: a file that root alone opens. Whoever can open a file can lock it, and so keep
/// everything from being put back.
const LOCK: &str = "/run/pam-jwt-enable.lock";

/// Nobody else changes pam.d by this command while this is held.
pub struct Turn {
    path: PathBuf,
    _lock: Flock<File>,
}

impl Turn {
    /// Waits for it.
    pub fn take() -> Result<Turn, Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("{LOCK}: {error}"));
        Turn::of(Path::new(LOCK)).map_err(failed)
    }

    fn of(path: &Path) -> std::io::Result<Turn> {
        loop {
            let mut options = OpenOptions::new();
            let options = options.write(true).create(true).truncate(false).mode(0o600);
            let file = options.custom_flags(OFlag::O_NOFOLLOW.bits()).open(path)?;
            let lock = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
            // Whoever had it before has taken the file away.
            let is_there = std::fs::symlink_metadata(path)
                .is_ok_and(|there| lock.metadata().is_ok_and(|own| own.ino() == there.ino()));
            if is_there {
                let path = path.to_owned();
                return Ok(Turn { path, _lock: lock });
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Takes away what runs have left that were killed. Whoever calls it has the turn.
pub fn tidy() {
    State::within(Path::new(VAR)).tidy();
}

/// What is being tried on this machine, if anything is.
pub fn current() -> Result<Option<Try>, Failure> {
    let state = State::within(Path::new(VAR));
    state.load().map_err(|error| {
        Failure::new(format!(
            "{}: {error}; take all lines out with `pam-jwt disable --all`, and remove it",
            state.shown()
        ))
    })
}

/// Begins to try these changes for so many seconds. If that fails, everything is put back.
pub fn start(files: &[Change], seconds: u64) -> Result<Try, Failure> {
    let state = State::within(Path::new(VAR));
    let unknown = |error: std::io::Error| Failure::new(format!("/proc: {error}"));
    let attempt = Try {
        id: random_name().map_err(|error| Failure::new(error.to_string()))?,
        boot: process::boot_id().map_err(unknown)?,
        ends: process::this_moment().map_err(unknown)? + seconds.saturating_mul(process::TICKS),
        files: files.to_vec(),
        written: None,
    };
    let mut own = Own {
        state: &state,
        attempt: &attempt,
        seconds,
    };
    match begin(&mut own, files) {
        Ok(()) => Ok(attempt),
        Err(failure) => {
            end(&attempt)?;
            Err(failure)
        }
    }
}

/// Puts everything back. What others have changed is said.
pub fn end(attempt: &Try) -> Result<Vec<String>, Failure> {
    let done = put_back(attempt)?;
    over(attempt)?;
    let theirs = done.into_iter().filter_map(|back| match back {
        Back::AsItWas => None,
        Back::Theirs(what) => Some(what),
    });
    Ok(theirs.collect())
}

/// Nothing is being tried any more, and nothing will be put back.
fn over(attempt: &Try) -> Result<(), Failure> {
    let state = State::within(Path::new(VAR));
    let ended = state.load().and_then(|found| match found {
        Some(found) if found.id == attempt.id => state.end(),
        _ => Ok(()),
    });
    ended.map_err(|error| Failure::new(format!("{}: {error}", state.shown())))?;
    guard::disarm(&attempt.id);
    Ok(())
}

/// How it went, to whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Confirmed,
    PutBack,
}

/// Waits until somebody confirms it or it is put back; an interrupt puts it back at once.
pub fn wait(attempt: &Try, out: &Output) -> Result<Outcome, Failure> {
    wait::wait(attempt, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_turn_is_of_a_file_of_roots_which_is_gone_afterwards() {
        let path = std::env::temp_dir().join(format!("pam-jwt-turn-{}", std::process::id()));
        let turn = Turn::of(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let waits = {
            let path = path.clone();
            std::thread::spawn(move || drop(Turn::of(&path).unwrap()))
        };
        assert!(!waits.is_finished());
        drop(turn);
        waits.join().unwrap();
        assert!(!path.exists());
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert!(Turn::of(&path).is_err());
        std::fs::remove_file(&path).unwrap();
    }
}
