//! How the test process gets at the inside of a machine: a thread joins its
//! namespaces, acts, and ends. What it does with `std::fs` then concerns the
//! machine's files (a path through `/proc/PID/root` would not: an absolute
//! symbolic link leads back out), and what it starts is a process of the
//! machine, yet a child of the test.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::panic;
use std::process;
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

/// The namespaces of one machine, held open.
pub(crate) struct Namespaces {
    files: Vec<(File, CloneFlags)>,
}

impl Namespaces {
    /// Those of a process, by its pid outside.
    pub(crate) fn of(pid: u32) -> io::Result<Namespaces> {
        let open =
            |name, kind| File::open(format!("/proc/{pid}/ns/{name}")).map(|file| (file, kind));
        let files = vec![
            open("uts", CloneFlags::CLONE_NEWUTS)?,
            open("ipc", CloneFlags::CLONE_NEWIPC)?,
            open("net", CloneFlags::CLONE_NEWNET)?,
            open("pid", CloneFlags::CLONE_NEWPID)?,
            open("mnt", CloneFlags::CLONE_NEWNS)?,
        ];
        Ok(Namespaces { files })
    }

    /// What tells the pid namespace from others.
    pub(crate) fn pid(&self) -> u64 {
        let mut files = self.files.iter();
        let pid = files.find(|(_, kind)| *kind == CloneFlags::CLONE_NEWPID);
        let (file, _) = pid.expect("one of them is that of pids");
        file.metadata().expect("of an open file").ino()
    }

    /// Where programs outside find the network namespace.
    pub(crate) fn network(&self) -> String {
        let mut files = self.files.iter();
        let network = files.find(|(_, kind)| *kind == CloneFlags::CLONE_NEWNET);
        let (file, _) = network.expect("one of them is the network's");
        format!("/proc/{}/fd/{}", process::id(), file.as_raw_fd())
    }

    /// Runs `action` in a thread that has joined them, its directory being `/`.
    /// It can start processes, but no threads: those would be of another pid
    /// namespace than their process.
    pub(crate) fn enter<T: Send>(&self, action: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            // Threads share root and directory; one that does cannot join a mount namespace.
            unshare(CloneFlags::CLONE_FS).expect("unshare(CLONE_FS)");
            for (file, kind) in &self.files {
                setns(file, *kind).expect("setns: is the machine still there?");
            }
            action()
        };
        thread::scope(|scope| scope.spawn(inside).join())
            .unwrap_or_else(|panicked| panic::resume_unwind(panicked))
    }
}
