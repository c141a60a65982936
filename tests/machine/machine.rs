//! The machine itself: boot, files, accounts, and its end.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::holder::Holder;
use crate::log::{Log, Sockets};
use crate::namespaces::Namespaces;
use crate::{Command, LogLine, Mark, Output, Ssh, Sshd};

/// The name of a machine that is given none: `gethostname` and `/etc/hosts` say so.
pub(crate) const NAME: &str = "machine";

/// Where a machine with a directory on a disk has it.
pub const DISK: &str = "/srv/disk";

const NEEDS: &str = "A throwaway machine takes root with CAP_SYS_ADMIN, a kernel with overlayfs, \
    and unshare and ip (`make packages` installs util-linux and iproute2). \
    `make test` and `make demo` become root with sudo; a container has to be privileged.";

/// Where a machine without a syslog daemon logs: the harness stands in for that.
const DEV_LOG: Sockets = Sockets {
    receives: "/dev/log",
    takes: "/dev/log",
};

/// What a machine is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Overlays on this machine's files; nothing runs in it but what is started.
    Overlay,
    /// A Debian of its own, under its own systemd.
    Booted,
}

/// A throwaway machine. It ends, with every process in it, when this is
/// dropped or when the process that booted it dies, even by SIGKILL.
pub struct Machine {
    /// Only dropped: first of all, for all else to end with it.
    _holder: Holder,
    namespaces: Namespaces,
    log: Log,
    kind: Kind,
    name: String,
    serial: AtomicU32,
}

impl Machine {
    /// Boots a machine.
    ///
    /// # Panics
    ///
    /// With what to do about it, if this process may not.
    #[must_use]
    pub fn boot() -> Machine {
        Machine::boot_named(NAME)
    }

    /// Boots a machine of this name, to be [linked](Machine::link) with others.
    ///
    /// # Panics
    ///
    /// As [`Machine::boot`].
    #[must_use]
    pub fn boot_named(name: &str) -> Machine {
        Machine::try_boot_with(name, None).unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// Boots a machine that has, besides what it holds in memory, a directory on a disk:
    /// [`DISK`], where what is synced is synced. It is one of this name below cargo's target
    /// directory, is empty at first, and stays when the machine has ended.
    ///
    /// # Panics
    ///
    /// As [`Machine::boot`].
    #[must_use]
    pub fn boot_on_disk(name: &str) -> Machine {
        let directory = target().join(name);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).expect("cargo's target directory");
        Machine::try_boot_with(NAME, Some(&directory)).unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// Boots a machine, or says why not and what to do about it.
    pub fn try_boot() -> Result<Machine, String> {
        Machine::try_boot_with(NAME, None)
    }

    fn try_boot_with(name: &str, disk: Option<&Path>) -> Result<Machine, String> {
        let explain = |reason: &dyn std::fmt::Display| format!("no machine: {reason}\n{NEEDS}");
        let process = fs::metadata("/proc/self").map_err(|error| explain(&error))?;
        if process.uid() != 0 {
            return Err(explain(&"this process is not root"));
        }
        let mut command = process::Command::new("unshare");
        command
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--fork"])
            .args(["--kill-child", "--propagation", "private"])
            .args(["sh", "-c", include_str!("boot.sh"), "boot.sh", name])
            .args([checkout(), target()].iter().filter(|path| path.is_dir()));
        if let Some(disk) = disk {
            command.env("DISK", disk).env("AT", DISK);
        }
        let (holder, pid) = Holder::start(&mut command).map_err(|reason| explain(&reason))?;
        let namespaces = Namespaces::of(pid).map_err(|error| explain(&error))?;
        let machine = Machine::held(holder, namespaces, &DEV_LOG, Kind::Overlay, name);
        machine.map_err(|error| explain(&error))
    }

    /// The machine that is in these namespaces.
    pub(crate) fn held(
        holder: Holder,
        namespaces: Namespaces,
        sockets: &Sockets,
        kind: Kind,
        name: &str,
    ) -> io::Result<Machine> {
        let log = Log::listen(&namespaces, sockets)?;
        Ok(Machine {
            _holder: holder,
            namespaces,
            log,
            kind,
            name: name.to_owned(),
            serial: AtomicU32::new(0),
        })
    }

    /// It is in other namespaces now.
    pub(crate) fn restarted(&mut self, namespaces: Namespaces, sockets: &Sockets) {
        self.log = Log::listen(&namespaces, sockets).expect("the machine's log");
        self.namespaces = namespaces;
    }

    /// Runs `action` in a thread that has joined the machine: its files and
    /// its network are the machine's, and the processes it starts run there.
    /// It cannot start threads.
    pub fn inside<T: Send>(&self, action: impl FnOnce() -> T + Send) -> T {
        self.namespaces.enter(action)
    }

    /// A command to run in the machine.
    pub fn command<A: AsRef<OsStr>>(&self, argv: impl IntoIterator<Item = A>) -> Command<'_> {
        Command::new(self, argv)
    }

    /// Runs a command as root, to its end, whatever that is.
    #[must_use = "it may have failed: expect_success() or expect_code()"]
    pub fn run<A: AsRef<OsStr>>(&self, argv: impl IntoIterator<Item = A>) -> Output {
        self.command(argv).run()
    }

    /// Runs a command as root on a terminal.
    pub fn terminal<A: AsRef<OsStr>>(&self, argv: impl IntoIterator<Item = A>) -> crate::Terminal {
        self.command(argv).terminal()
    }

    /// Writes a file of root's with exactly this mode, making the directories it is in.
    pub fn write(&self, path: &str, contents: impl AsRef<[u8]>, mode: u32) {
        let contents = contents.as_ref();
        self.inside(|| {
            let written = Path::new(path)
                .parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(path, contents))
                .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)));
            written.unwrap_or_else(|error| panic!("cannot write the machine's {path}: {error}"));
        });
    }

    /// Adds to the end of a file that exists.
    pub fn append(&self, path: &str, contents: impl AsRef<[u8]>) {
        let contents = contents.as_ref();
        self.inside(|| {
            OpenOptions::new()
                .append(true)
                .open(path)
                .and_then(|mut file: File| file.write_all(contents))
                .unwrap_or_else(|error| panic!("cannot append to the machine's {path}: {error}"));
        });
    }

    /// The text of a file.
    #[must_use]
    pub fn read(&self, path: &str) -> String {
        self.inside(|| fs::read_to_string(path))
            .unwrap_or_else(|error| panic!("cannot read the machine's {path}: {error}"))
    }

    /// Adds an account that no password opens: shadow has `*`, which sshd,
    /// unlike `!`, does not take for a locked one.
    pub fn account(&self, name: &str) {
        let useradd = "useradd --create-home --shell /bin/sh --password *";
        self.run(useradd.split(' ').chain([name])).expect_success();
    }

    /// Gives an account a password, in a hash that is quick to check.
    pub fn password(&self, name: &str, password: &str) {
        self.command("chpasswd --crypt-method SHA256 --sha-rounds 1000".split(' '))
            .stdin(format!("{name}:{password}"))
            .run()
            .expect_success();
    }

    /// Installs the release artefacts as `make install` does on any machine.
    /// `make build` has made them; nothing is built here.
    pub fn install(&self) {
        self.install_under("");
    }

    /// Installs them into a system whose root is at `root`.
    pub fn install_under(&self, root: &str) {
        self.make("install", root);
    }

    /// Removes them as `make uninstall` does.
    pub fn uninstall(&self) {
        self.make("uninstall", "");
    }

    fn make(&self, target: &str, root: &str) {
        let mut make = self
            .command(["make", "--no-print-directory", "-C"])
            .arg(checkout())
            .args([target, "PREFIX=/usr", &format!("DESTDIR={root}")]);
        if let Some(directory) = std::env::var_os("CARGO_TARGET_DIR") {
            make = make.env("CARGO_TARGET_DIR", directory);
        }
        make.run().expect_success();
    }

    /// Everything logged so far, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<LogLine> {
        self.log_since(Mark::default())
    }

    /// What was logged after `mark`.
    #[must_use]
    pub fn log_since(&self, mark: Mark) -> Vec<LogLine> {
        self.log.since(mark)
    }

    /// The place in the log where the next line will be.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.log.mark()
    }

    /// Waits for a line after `mark` whose message contains `text`.
    ///
    /// # Panics
    ///
    /// At the deadline, with all that was logged instead.
    pub fn wait_for_log(&self, mark: Mark, text: &str) -> LogLine {
        self.log.wait_for(mark, text)
    }

    /// Starts sshd on port 22 of the machine's loopback, and waits till it
    /// listens. `config` is lines of sshd_config, which win over the
    /// harness's: UsePAM, KbdInteractiveAuthentication and
    /// PasswordAuthentication `yes`.
    pub fn sshd(&self, config: &[&str]) -> Sshd<'_> {
        Sshd::start(self, config)
    }

    /// Starts a further sshd, as a host of its own for the machine's programs:
    /// it has a name, an address on the loopback, and a key that every ssh
    /// client in the machine knows. `service` is its PAM service; `config` is as
    /// for [`Machine::sshd`].
    pub fn sshd_of(&self, name: &str, service: &str, config: &[&str]) -> Sshd<'_> {
        Sshd::start_host(self, name, service, config)
    }

    /// A login as `user` with the real ssh client.
    pub fn ssh(&self, user: &str) -> Ssh<'_> {
        Ssh::new(self, user)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn namespaces(&self) -> &Namespaces {
        &self.namespaces
    }

    /// What it is made of.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// A number not yet given out in this machine, for names.
    pub(crate) fn serial(&self) -> u32 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }
}

/// Where programs are looked for, in the machine and to make it.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The checkout that this was built from.
pub(crate) fn checkout() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("tests/ is in the checkout")
        .to_path_buf()
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || checkout().join("target"),
        |directory| checkout().join(directory),
    )
}
