//! What is changed in the server's files is taken up by itself (inotify(7)). Watched are the
//! directories that they are in, since whoever changes a file well puts another in its place.

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::Duration;
use system::clock::Deadline;

/// What comes within this time is one change.
const SETTLES: Duration = Duration::from_millis(100);

/// Some directories, and whether anything is new in them.
pub struct Watch {
    inotify: Inotify,
    settled: Option<Deadline>,
}

impl Watch {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// The system's, where this user watches as much as it may.
    pub fn new() -> Result<Self, Errno> {
        let flags = InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK;
        Ok(Self {
            inotify: Inotify::init(flags)?,
            settled: None,
        })
    }

    /// Watches these too. One that is not there yet is told of by the one above it.
    pub fn add(&self, directories: &[PathBuf]) {
        let what = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_ONLYDIR;
        for directory in directories {
            // One that is watched already stays so.
            let _ = self.inotify.add_watch(directory, what);
        }
    }

    /// What to wait for.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }

    /// Until when to wait at most.
    pub fn end(&self) -> Option<Deadline> {
        self.settled
    }

    /// Whether something is new, and has been for a moment: once for each change.
    pub fn has_changed(&mut self) -> bool {
        while self
            .inotify
            .read_events()
            .is_ok_and(|events| !events.is_empty())
        {
            self.settled.get_or_insert_with(|| Deadline::after(SETTLES));
        }
        let has_settled = |end: &mut Deadline| end.left().is_zero();
        self.settled.take_if(has_settled).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::fs;

    /// Whether a change is told of; it waits for it as the monitor does.
    fn has_changed(watch: &mut Watch) -> bool {
        let mut watched = [PollFd::new(watch.descriptor(), PollFlags::POLLIN)];
        poll(&mut watched, PollTimeout::from(10_000u16)).unwrap();
        assert!(!watch.has_changed(), "it has not settled");
        let left = watch.end().unwrap().left() + Duration::from_millis(1);
        poll(&mut [], PollTimeout::try_from(left).unwrap()).unwrap();
        watch.has_changed()
    }

    #[test]
    fn a_file_that_is_written_put_there_or_taken_away_is_a_change() {
        let dir = tempdir("files");
        let mut watch = Watch::new().unwrap();
        watch.add(&[dir.clone(), dir.join("later")]);
        assert!(!watch.has_changed());
        assert!(watch.end().is_none());
        fs::write(dir.join("new"), "1").unwrap();
        fs::write(dir.join("new"), "2").unwrap();
        assert!(has_changed(&mut watch));
        assert!(!watch.has_changed(), "it is told once");
        fs::rename(dir.join("new"), dir.join("other")).unwrap();
        assert!(has_changed(&mut watch));
        fs::create_dir(dir.join("later")).unwrap();
        assert!(has_changed(&mut watch));
        watch.add(&[dir.join("later")]);
        fs::write(dir.join("later/new"), "").unwrap();
        assert!(has_changed(&mut watch));
        fs::remove_file(dir.join("other")).unwrap();
        assert!(has_changed(&mut watch));
        // Who reads changes nothing.
        fs::read(dir.join("later/new")).unwrap();
        assert!(!watch.has_changed() && watch.end().is_none());
        fs::remove_dir_all(dir).unwrap();
    }

    fn tempdir(name: &str) -> PathBuf {
        let name = format!("pam-jwt-watch-{name}-{}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        fs::create_dir_all(&dir).unwrap();
        dir
    }
}
