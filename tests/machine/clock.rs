//! Another time of day for everything in a machine, by libfaketime.

use std::fs;
use std::path::Path;
use std::process;

use crate::Machine;

/// `$LIB` is the dynamic linker's: lib/x86_64-linux-gnu, lib64, and so on.
const LIBRARY: &str = "/usr/$LIB/faketime/libfaketimeMT.so.1";

const PRELOAD: &str = "/etc/ld.so.preload";

/// What every command in a machine has in its environment. Without another
/// clock nothing reads it.
///
/// Only the time of day is moved: timeouts, and what is measured since boot,
/// go on. And all share one semaphore, which exists before any of them: a
/// process that had to make its own would remove it as it exits, which sshd's
/// sandbox takes for an attack.
pub(crate) const CLOCK_ENVIRONMENT: [(&str, &str); 2] = [
    ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ("FAKETIME_SHARED", "/faketime_sem_0 /faketime_shm_0"),
];

impl Machine {
    /// Sets the clock of every process started from now on, to what
    /// faketime(1) understands: `2040-01-01 00:00:00` (UTC) stands still,
    /// `+2h` runs on from there. A running sshd follows with the next
    /// connection.
    pub fn set_clock(&self, time: &str) {
        self.write("/etc/faketimerc", format!("{time}\n"), 0o644);
        self.inside(|| {
            if !Path::new("/dev/shm/faketime_shm_0").exists() {
                share_semaphore();
            }
        });
        // For the sessions of sshd, su and sudo, through pam_env.
        let [(name, value), _] = CLOCK_ENVIRONMENT;
        self.write("/etc/environment", format!("{name}={value}\n"), 0o644);
        self.write(PRELOAD, format!("{LIBRARY}\n"), 0o644);
        self.run(["date"]).expect_success();
    }

    /// Gives every process started from now on the real clock again.
    pub fn real_clock(&self) {
        self.inside(|| fs::remove_file(PRELOAD))
            .expect("set_clock was called before");
    }
}

/// Makes the semaphore and the memory that `FAKETIME_SHARED` names, by way of
/// a process that is killed before it can remove its own.
fn share_semaphore() {
    process::Command::new("/bin/sh")
        .args(["-c", "kill -KILL $$"])
        .env_clear()
        .env("LD_PRELOAD", LIBRARY)
        .status()
        .expect("/bin/sh");
    let mut made = 0;
    for entry in fs::read_dir("/dev/shm").expect("/dev/shm") {
        let path = entry.expect("/dev/shm").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (kind, _pid) = name.rsplit_once('_').unwrap_or((&name, ""));
        if kind.ends_with("faketime_sem") || kind.ends_with("faketime_shm") {
            fs::rename(&path, path.with_file_name(format!("{kind}_0"))).expect("a name of ours");
            made += 1;
        }
    }
    assert_eq!(
        made, 2,
        "{LIBRARY} does not work here: `make packages` installs libfaketime"
    );
    process::Command::new("chmod")
        .args(["-R", "a+rw", "/dev/shm"])
        .status()
        .expect("chmod");
}
