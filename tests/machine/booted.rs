//! A machine that is booted: a Debian of this machine's release or another, with its
//! systemd, logind, journal and sshd, in systemd-nspawn.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process;

use crate::Machine;
use crate::holder::Holder;
use crate::log::Sockets;
use crate::machine::{Kind, NAME, checkout, target};
use crate::namespaces::Namespaces;
use crate::wait_until;

/// The socket of a syslog daemon beside the journal, which passes each line on to it;
/// programs still log to the journal's.
const JOURNAL: Sockets = Sockets {
    receives: "/run/systemd/journal/syslog",
    takes: "/dev/log",
};

/// What joins the machine's control groups, without which logind does not know its
/// processes from strangers. A child does that: a thread cannot alone. It enters them
/// before it takes their names for its own: afterwards it could not name where it is.
pub(crate) const JOIN: [&str; 4] = [
    "sh",
    "-c",
    "echo $$ >/sys/fs/cgroup/init.scope/cgroup.procs && \
        exec nsenter --cgroup=/proc/1/ns/cgroup \"$@\"",
    "sh",
];

/// The releases of Debian that can be booted.
pub const RELEASES: [&str; 2] = ["bookworm", "trixie"];

impl Machine {
    /// Boots the Debian of a release, one of [`RELEASES`], that `make test` has put into
    /// target/ (tests/debian.sh). Its files are in memory, and all of it ends as any
    /// machine does.
    ///
    /// # Panics
    ///
    /// With what to do about it, if there is no such Debian or this process may not.
    #[must_use]
    pub fn boot_debian(release: &str) -> Machine {
        Machine::boot_debian_named(release, NAME)
    }

    /// Boots one of this name, to be [linked](Machine::link) with others.
    ///
    /// # Panics
    ///
    /// As [`Machine::boot_debian`].
    #[must_use]
    pub fn boot_debian_named(release: &str, name: &str) -> Machine {
        let booted = || {
            let tar = debian(release)?;
            let mut command = process::Command::new("unshare");
            command
                .args(["--mount", "--propagation", "private"])
                .args(["sh", "-c", include_str!("boot-debian.sh"), "boot-debian.sh"])
                .arg(name)
                .arg(tar)
                .args([checkout(), target()])
                // An interrupt from the keyboard ends the test, which ends this tidily.
                .process_group(0);
            let (holder, pid) = Holder::start(&mut command)?;
            let namespaces = Namespaces::of(pid).map_err(|error| error.to_string())?;
            Machine::held(holder, namespaces, &JOURNAL, Kind::Booted, name)
                .map_err(|error| error.to_string())
        };
        booted().unwrap_or_else(|reason| panic!("no booted machine: {reason}"))
    }

    /// Boots the Debian of the release that this machine's is not.
    ///
    /// # Panics
    ///
    /// As [`Machine::boot_debian`] does.
    #[must_use]
    pub fn boot_other_debian() -> Machine {
        Machine::boot_debian(other_release())
    }
}

impl Machine {
    /// Restarts one that is booted: all its processes end, what is in /run goes, what is on its
    /// disk stays. A terminal that was open is closed; what is logged is kept from here on.
    ///
    /// # Panics
    ///
    /// If it does not come up again.
    pub fn reboot(&mut self) {
        let namespace = self.namespaces().pid();
        let is_init = |pid: &u32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let pids = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
            pids.is_some_and(|pids| pids.split_whitespace().next_back() == Some("1"))
        };
        let old = pids().find(|pid| {
            let own = fs::metadata(format!("/proc/{pid}/ns/pid"));
            is_init(pid) && own.is_ok_and(|own| own.ino() == namespace)
        });
        let old = old.expect("its systemd");
        // nspawn is another then.
        let above = |pid: u32| parent(parent(pid)?);
        let shell = above(old).expect("what starts nspawn");
        let _ = self.run(["systemctl", "--no-block", "reboot"]);
        let mut found = None;
        wait_until("it is restarted", || {
            found = pids().find(|pid| *pid != old && above(*pid) == Some(shell) && is_init(pid));
            found.is_some()
        });
        let pid = found.expect("it was found").to_string();
        wait_until("it runs again", || {
            let mut command = process::Command::new("nsenter");
            command.args([
                "--target",
                &pid,
                "--all",
                "systemctl",
                "is-system-running",
                "--wait",
            ]);
            let state = command.output().map(|output| output.stdout);
            state.is_ok_and(|state| state == b"running\n")
        });
        let pid = pid.parse().expect("a pid");
        self.restarted(Namespaces::of(pid).expect("its namespaces"), &JOURNAL);
    }
}

/// The processes that there are outside.
fn pids() -> impl Iterator<Item = u32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    line.trim().parse().ok()
}

/// The tar file of a small Debian of a release, or why it could not be had.
pub fn debian(release: &str) -> Result<PathBuf, String> {
    if let Ok(reason) = fs::read_to_string(target().join(format!("{release}.not-made"))) {
        return Err(reason.trim_end().to_owned());
    }
    let tar = target().join(format!("{release}.tar"));
    if tar.exists() {
        Ok(tar)
    } else {
        Err(format!("{} is missing: `make test`", tar.display()))
    }
}

/// Where `make deb` has put the packages.
///
/// # Panics
///
/// If it has not.
#[must_use]
#[track_caller]
pub fn packages() -> String {
    let made = target().join("deb");
    let is_built = made.join("built").exists();
    assert!(is_built, "no packages in {}: `make deb`", made.display());
    made.display().to_string()
}

/// The one of the [`RELEASES`] whose login is of another kind than this machine's: trixie
/// where it is shadow's, as bookworm's is, and bookworm where it is util-linux's.
#[must_use]
pub fn other_release() -> &'static str {
    let version = process::Command::new("login").arg("--version").output();
    // shadow's knows no such option.
    let is_util_linux =
        version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("util-linux"));
    RELEASES[usize::from(!is_util_linux)]
}
