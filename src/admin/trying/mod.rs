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
use nix::fcntl::{Flock, FlockArg};
use put_back::{Back, put_back};
use state::{State, Try};
use std::fs::File;
use std::path::Path;
use system::process;

/// Where pam-jwt keeps what outlasts a restart.
const VAR: &str = "/var/lib/pam-jwt";

/// Nobody else changes pam.d by this command while this is held.
pub struct Turn {
    _lock: Flock<File>,
}

impl Turn {
    /// Waits for it. The directory itself is what is locked, so that no file is left behind.
    pub fn take(pam_d: &Path) -> Result<Turn, Failure> {
        let failed = |error: String| Failure::new(format!("{}: {error}", pam_d.display()));
        let dir = File::open(pam_d).map_err(|error| failed(error.to_string()))?;
        let lock = Flock::lock(dir, FlockArg::LockExclusive);
        lock.map(|_lock| Turn { _lock })
            .map_err(|(_, errno)| failed(errno.to_string()))
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
pub fn wait(attempt: &Try, pam_d: &Path, out: &Output) -> Result<Outcome, Failure> {
    wait::wait(attempt, pam_d, out)
}
