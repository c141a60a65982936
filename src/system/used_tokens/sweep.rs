//! Dropping the records of tokens that have long ended.

use super::{DAY, Store, floor};
use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::io;
use std::os::fd::OwnedFd;

/// How long a day's records stay after its end, in seconds: a day, and the most by which
/// clocks may differ.
const STAY: u64 = DAY + 300;

/// How many records a login drops at most: of a day with a million of them each takes some.
const MOST: usize = 256;

impl Store {
    /// Drops what is due at `now`, a bounded part of it.
    pub(super) fn sweep(&self, now: u64) -> io::Result<()> {
        // The days before this one ended that long ago.
        let due = now
            .saturating_sub(STAY)
            .checked_div(DAY)
            .unwrap_or_default();
        let days: Vec<u64> = names(&self.dir, ".")?
            .filter_map(|name| name.parse().ok())
            .filter(|day: &u64| *day < due)
            .collect();
        let Some(last) = days.iter().max() else {
            return Ok(());
        };
        // No higher than it has to be: after a clock that ran ahead, what it refuses is lost.
        floor::raise(&self.dir, last.saturating_add(1))?;
        let mut left = MOST;
        for day in days.iter().map(u64::to_string) {
            // No directory of ours, or another process was faster.
            let Ok(records) = names(&self.dir, &day) else {
                continue;
            };
            for record in records {
                if left == 0 {
                    return Ok(());
                }
                left = left.saturating_sub(1);
                // Another process may be doing the same.
                let record = format!("{day}/{record}");
                let _ = unlinkat(&self.dir, record.as_str(), UnlinkatFlags::NoRemoveDir);
            }
            let _ = unlinkat(&self.dir, &*day, UnlinkatFlags::RemoveDir);
        }
        Ok(())
    }
}

/// What is in a directory, as it is read: nobody waits for a million names.
fn names(dir: &OwnedFd, name: &str) -> io::Result<impl Iterator<Item = String> + use<>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let dir = Dir::openat(dir, name, flags, Mode::empty())?;
    let names = dir.into_iter().map_while(Result::ok).map(|entry| {
        let name = entry.file_name().to_string_lossy();
        name.into_owned()
    });
    Ok(names.filter(|name| name != "." && name != ".."))
}
