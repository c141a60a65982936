//! The machine itself: boot, files, accounts, and its end.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::log::Log;
use crate::namespaces::Namespaces;
use crate::{Command, LogLine, Mark, Output, Ssh, Sshd};

/// The name every machine has: `gethostname` and `/etc/hosts` say so.
const NAME: &str = "machine";

const NEEDS: &str = "A throwaway machine takes root with CAP_SYS_ADMIN, a kernel with overlayfs, \
    and unshare and ip (`make packages` installs util-linux and iproute2). \
    `make test` and `make demo` become root with sudo; a container has to be privileged.";

/// A throwaway machine. It ends, with every process in it, when this is
/// dropped or when the process that booted it dies, even by SIGKILL.
pub struct Machine {
    /// `unshare`, whose child is the machine's pid 1 and reads our end of its stdin.
    holder: Child,
    namespaces: Namespaces,
    log: Log,
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
        Machine::try_boot().unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// Boots a machine, or says why not and what to do about it.
    pub fn try_boot() -> Result<Machine, String> {
        let explain = |reason: &dyn std::fmt::Display| format!("no machine: {reason}\n{NEEDS}");
        let process = fs::metadata("/proc/self").map_err(|error| explain(&error))?;
        if process.uid() != 0 {
            return Err(explain(&"this process is not root"));
        }
        let mut holder = std::process::Command::new("unshare")
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--fork"])
            .args(["--kill-child", "--propagation", "private"])
            .args(["sh", "-c", include_str!("boot.sh"), "boot.sh", NAME])
            .args([checkout(), target()].iter().filter(|path| path.is_dir()))
            .env("PATH", PATH)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| explain(&format_args!("unshare: {error}")))?;

        let mut line = String::new();
        let stdout = holder.stdout.take().expect("piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(|error| explain(&error))?;
        let Ok(pid) = line.trim().parse() else {
            let mut reason = String::new();
            let mut stderr = holder.stderr.take().expect("piped");
            stderr
                .read_to_string(&mut reason)
                .map_err(|error| explain(&error))?;
            holder.wait().map_err(|error| explain(&error))?;
            return Err(explain(&reason.trim()));
        };
        let namespaces = Namespaces::of(pid).map_err(|error| explain(&error))?;
        let log = Log::listen(&namespaces).map_err(|error| explain(&error))?;
        Ok(Machine {
            holder,
            namespaces,
            log,
            serial: AtomicU32::new(0),
        })
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
        let mut install = self
            .command(["make", "--no-print-directory", "-C"])
            .arg(checkout())
            .args(["install", "PREFIX=/usr", &format!("DESTDIR={root}")]);
        if let Some(directory) = std::env::var_os("CARGO_TARGET_DIR") {
            install = install.env("CARGO_TARGET_DIR", directory);
        }
        install.run().expect_success();
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

    /// A login as `user` with the real ssh client.
    pub fn ssh(&self, user: &str) -> Ssh<'_> {
        Ssh::new(self, user)
    }

    /// A number not yet given out in this machine, for names.
    pub(crate) fn serial(&self) -> u32 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Its pid 1 reads the end of file, and is gone only after all others.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// Where programs are looked for, in the machine and to make it.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The checkout that this was built from.
fn checkout() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("tests/ is in the checkout")
        .to_path_buf()
}

/// Where cargo builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || checkout().join("target"),
        |directory| checkout().join(directory),
    )
}
