//! What a login tells its session, in files: /run/pam-jwt/handoff/, one a login, under a name
//! that nobody guesses. The name goes on in the environment of the PAM transaction, which
//! alone travels from the process in which sshd authenticates to the one that opens the
//! session. A user can set that variable (pam_env's user_readenv), and so can only lose by it:
//! what it names has to be for this very session, and what is left unnamed is looked for.

use crate::run_dir::{self, Owner, put};
use crate::{process, trusted_file};
use jose::sign::random_name;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{UnlinkatFlags, unlinkat};
use policy::handoff::{Here, MOST_AGE, Process, Proof, Record};
use std::ffi::{CStr, OsStr};
use std::os::fd::OwnedFd;
use std::path::Path;

/// The variable that names the record.
pub const VARIABLE: &CStr = c"PAM_JWT_HANDOFF";

const NAME: &str = "handoff";

/// How many records a login looks at when it sweeps.
const MOST_SWEPT: usize = 64;

/// This place and time, for a login of `account`.
///
/// # Errors
/// Why it is not known, for the log.
pub fn here(account: &str, uid: u32, service: &str) -> Result<Here, String> {
    let failed = |error: std::io::Error| format!("/proc: {error}");
    Ok(Here {
        boot: process::boot_id().map_err(failed)?,
        account: account.to_owned(),
        uid,
        service: service.to_owned(),
        own: process::own().map_err(failed)?,
        parent: process::parent().map_err(failed)?,
        uptime: uptime()?,
    })
}

/// Seconds since the boot, which no clock that is set moves (CLOCK_BOOTTIME).
///
/// # Errors
/// The system's, in words for the log.
pub fn uptime() -> Result<u64, String> {
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).map_err(|errno| errno.to_string())?;
    u64::try_from(time.tv_sec()).map_err(|error| error.to_string())
}

/// Writes `record`; the name under which it is found again.
///
/// # Errors
/// Why it cannot, for the log.
pub fn write(record: &Record) -> Result<String, String> {
    let (dir, path) = run_dir::made(NAME, 0o700)?;
    sweep(&dir, &record.here);
    let name = random_name().map_err(|error| error.to_string())?;
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    put(&dir, &name, &record.to_json(), Owner::Root).map_err(failed)?;
    Ok(name)
}

/// Takes the record `name`, which is gone then, whoever it is for.
///
/// # Errors
/// Why it is not for the session that begins `here`, for the log.
pub fn take(name: &str, here: &Here) -> Result<Record, String> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if name.len() != 32 || !name.bytes().all(is_digit) {
        return Err("its name is none".to_owned());
    }
    let dir = run_dir::existing(NAME)?.ok_or("no login has written any")?;
    let record = read(&dir, name)?;
    // Of all that have read it one takes it.
    remove(&dir, name).map_err(|errno| format!("it cannot be taken away: {errno}"))?;
    let record = record.ok_or("it is not whole")?;
    record.fits(here)?;
    Ok(record)
}

/// Takes away a record that is not needed.
pub fn discard(name: &str) {
    if let Ok(Some(dir)) = run_dir::existing(NAME) {
        let _ = remove(&dir, name);
    }
}

/// Takes away every record that a login by token has written for a session of this account and
/// service in `own`, and that nothing names; whether there was one. However old it is: whoever
/// has taken the name away may have waited.
///
/// # Errors
/// Why it cannot be said, for the log.
pub fn take_unnamed(account: &str, service: &str, own: Process) -> Result<bool, String> {
    // What is not root's alone, or out of this process's reach, no login has written to.
    let Ok(Some(dir)) = run_dir::existing(NAME) else {
        return Ok(false);
    };
    let mut found = false;
    for name in names(&dir)? {
        // One that is gone was another session's.
        let Ok(Some(record)) = read(&dir, &name) else {
            continue;
        };
        // What one process does for others beside it, or did before, has no part in it.
        let is_meant = record.here.account == account && record.here.service == service;
        if is_meant && record.names(own) && matches!(record.proof, Proof::Token(_)) {
            found = true;
            let _ = remove(&dir, &name);
        }
    }
    Ok(found)
}

/// Takes away what no session has come for, a bounded part of it.
fn sweep(dir: &OwnedFd, here: &Here) {
    for name in names(dir).unwrap_or_default().into_iter().take(MOST_SWEPT) {
        let is_wanted = match read(dir, &name) {
            Ok(Some(record)) => {
                let age = here.uptime.saturating_sub(record.here.uptime);
                let processes = [record.here.own, record.here.parent];
                record.here.boot == here.boot
                    && age <= MOST_AGE
                    && processes.into_iter().any(process::is_alive)
            }
            // None of ours.
            Ok(None) => false,
            // Another session has taken it.
            Err(_) => true,
        };
        if !is_wanted {
            let _ = remove(dir, &name);
        }
    }
}

/// A record, if it is whole.
fn read(dir: &OwnedFd, name: &str) -> Result<Option<Record>, String> {
    let path = Path::new(run_dir::DIR).join(NAME).join(name);
    let content = trusted_file::read_in(dir, OsStr::new(name), &path);
    let content = content.map_err(|error| error.to_string())?;
    Ok(Record::from_json(&content.bytes))
}

fn remove(dir: &OwnedFd, name: &str) -> Result<(), Errno> {
    unlinkat(dir, name, UnlinkatFlags::NoRemoveDir)
}

fn names(dir: &OwnedFd) -> Result<Vec<String>, String> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let dir = Dir::openat(dir, ".", flags, Mode::empty()).map_err(|errno| errno.to_string())?;
    let names = dir.into_iter().map_while(Result::ok);
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    Ok(names.filter(|name| !name.starts_with('.')).collect())
}
