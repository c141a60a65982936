//! /var/lib/pam-jwt/fetched as this program writes it.

use crate::clock::Deadline;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use system::fetched::{self, Fetched, State, StoredKey, keys_name, lock_name, state_name};
use system::{clock, new_file};

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

/// For how many seconds somebody may hold a lock: nothing takes as long. Who does has been
/// stopped, as a login's helper is together with the session of a user who wants that.
const LONGEST: u64 = 60;

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
                Ok(held) => {
                    let now = clock::now().map_err(|_| "the clock is not set".to_owned())?;
                    // As long each time, so that nobody reads half of one.
                    let holder = format!("{:>10} {now:>20}\n", std::process::id());
                    held.write_all_at(holder.as_bytes(), 0).map_err(failed)?;
                    return Ok(Lock { _file: held });
                }
                Err((again, Errno::EAGAIN)) => file = again,
                Err((_, errno)) => return Err(failed(errno.into())),
            }
            if deadline.left().is_zero() {
                return Err("another process fetches for it".to_owned());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Ends every process that has held a lock for too long at `now`, in seconds since the
    /// epoch, and returns their numbers. This process has to be the user that fetches, and not
    /// confined: a confined one ends nobody.
    pub fn end_stuck(&self, now: u64) -> Vec<Pid> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let locks = entries.map(|entry| entry.path());
        let locks = locks.filter(|path| path.extension().is_some_and(|kind| kind == "lock"));
        let stuck = locks.filter_map(|path| stuck(&path, now));
        stuck
            .filter(|pid| kill(*pid, Signal::SIGKILL).is_ok())
            .collect()
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

/// Who holds the lock at `path`, if that is for too long. While it is held its holder lives, so
/// the number is nobody else's.
fn stuck(path: &Path, now: u64) -> Option<Pid> {
    let file = File::open(path).ok()?;
    let Err((file, Errno::EAGAIN)) = Flock::lock(file, FlockArg::LockSharedNonblock) else {
        return None;
    };
    let mut text = String::new();
    file.take(64).read_to_string(&mut text).ok()?;
    let mut words = text.split_ascii_whitespace();
    let pid: i32 = words.next()?.parse().ok()?;
    let since: u64 = words.next()?.parse().ok()?;
    // Zero and less would be several.
    (pid > 1 && since.abs_diff(now) > LONGEST).then_some(Pid::from_raw(pid))
}

/// What makes the directory.
const MAKE: &str = "make install has made it and its user, or else they are made by: \
     systemd-sysusers; systemd-tmpfiles --create";

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    struct Directory(PathBuf);

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn who_stands_still_with_a_lock_is_ended() {
        let path = PathBuf::from(format!("/run/pam-jwt-place.{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        let directory = Directory(path);
        let path = &directory.0;
        let place = Place {
            fetched: Fetched::open(path).unwrap(),
            path: path.clone(),
        };
        let second = || Deadline::after(Duration::from_secs(1));
        let lock = place.lock("https://a", second()).unwrap();
        let file = path.join(lock_name("https://a"));
        let text = fs::read_to_string(&file).unwrap();
        let holder = text.split_ascii_whitespace().next().unwrap();
        assert_eq!(holder, std::process::id().to_string());
        let now = clock::now().unwrap();
        assert_eq!(place.end_stuck(now), []);
        // Somebody else does in this one's place.
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        kill(pid, Signal::SIGSTOP).unwrap();
        for (text, expected) in [
            (format!("{pid} {}\n", now - LONGEST), vec![]),
            (format!("0 {}\n", now - LONGEST - 1), vec![]),
            (format!("-1 {}\n", now - LONGEST - 1), vec![]),
            (format!("{pid}\n"), vec![]),
            (String::new(), vec![]),
            (format!("{pid} {}\n", now - LONGEST - 1), vec![pid]),
        ] {
            fs::write(&file, &text).unwrap();
            assert_eq!(place.end_stuck(now), expected, "{text}");
        }
        assert!(!child.wait().unwrap().success());
        drop(lock);
        // A lock that nobody holds says nothing, whatever is in it.
        assert_eq!(place.end_stuck(now), []);
        drop(place.lock("https://a", second()).unwrap());
        assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 1);
    }
}
