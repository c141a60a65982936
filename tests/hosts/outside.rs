//! What is outside a machine does not change, however its test ends.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use machine::{Machine, wait_until};

const DEMO: &str = env!("CARGO_BIN_EXE_demo");

const WRITTEN: [&str; 8] = [
    "/etc", "/home", "/root", "/tmp", "/usr/bin", "/var/lib", "/run", "/dev",
];

#[test]
fn changes_nothing_outside() {
    let before = Outside::look();
    let machine = Machine::boot();
    machine.account("alice");
    for directory in WRITTEN {
        machine.write(&format!("{directory}/pam-jwt-was-here"), "", 0o644);
    }
    let refused = machine.run(["touch", "/pam-jwt-was-here"]).expect_code(1);
    assert!(
        refused.stderr.contains("Read-only file system"),
        "{refused}"
    );
    assert!(
        before.etc != machine.inside(etc),
        "the machine's own /etc has not changed"
    );
    drop(machine);
    before.expect_unchanged();
    for directory in WRITTEN {
        assert!(
            !Path::new(directory).join("pam-jwt-was-here").exists(),
            "{directory} was written"
        );
    }
}

#[test]
fn the_demo_changes_nothing_outside_wherever_it_is_killed() {
    let before = Outside::look();
    // Mid-boot, then where the demo has come to these lines.
    for line in [
        "",
        "== An account",
        "== alice logs in",
        "-- A stranger signs",
    ] {
        let mut demo = Demo::start();
        demo.wait_for(line);
        demo.kill();
        before.expect_unchanged();
    }
}

#[test]
fn the_demo_tells_its_story_to_the_end() {
    let before = Outside::look();
    let output = Command::new(DEMO).output().expect("the demo runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{told}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut rest = &*told;
    // In this order.
    for part in [
        "\n# pam-jwt init --issuer",
        "\nalice:*\n",
        "\nauth sufficient pam_jwt.so\n@include common-auth\n",
        "\nnothing is wrong; tokens are taken by sshd\n",
        "\"sub\": \"alice\"",
        "(alice@127.0.0.1) Password or token: <the token>\nuid=",
        "log: pam_jwt(sshd:auth): result=accepted reason=allowed account=alice ",
        "Your token expired 1 h ",
        "log: pam_jwt(sshd:auth): result=refused reason=expired account=alice ",
        "log: pam_jwt(sshd:auth): result=refused reason=signature_invalid account=alice ",
        "log: pam_jwt(sshd:auth): result=refused reason=account_not_allowed account=alice ",
        "\nREFUSED: account_not_allowed\n",
        "nothing outside it has changed",
    ] {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("{part:?} is missing or out of order in\n{told}"));
        rest = &rest[at + part.len()..];
    }
    before.expect_unchanged();
}

#[test]
fn says_what_it_takes() {
    let machine = Machine::boot();
    machine.account("alice");
    let refused = machine.command([DEMO]).user("alice").run().expect_code(1);
    for part in ["this process is not root", "`make test`"] {
        assert!(refused.stderr.contains(part), "{refused}");
    }
}

/// The demo, in the midst of it.
struct Demo {
    child: Child,
    stdout: BufReader<ChildStdout>,
    mark: String,
}

impl Demo {
    fn start() -> Demo {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let mark = format!("DEMO={}-{serial}", process::id());
        let (name, value) = mark.split_once('=').expect("written so");
        let mut child = Command::new(DEMO)
            .env(name, value)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the demo runs");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let demo = Demo {
            child,
            stdout,
            mark,
        };
        // The kernel shows the environment a little after the program has begun.
        wait_until("the demo's processes are not found", || {
            !demo.processes().is_empty()
        });
        demo
    }

    /// Reads until a line begins so; for an empty beginning, nothing.
    fn wait_for(&mut self, beginning: &str) {
        let mut seen = String::new();
        while !beginning.is_empty() && !seen.lines().any(|line| line.starts_with(beginning)) {
            let length = self.stdout.read_line(&mut seen).expect("the demo's output");
            assert_ne!(length, 0, "the demo did not come to {beginning:?}:\n{seen}");
        }
    }

    /// Kills it, and returns when its machine is gone.
    fn kill(mut self) {
        self.child.kill().expect("the demo runs");
        self.child.wait().expect("the demo is ours to wait for");
        wait_until("some of the demo is left over", || {
            self.processes().is_empty()
        });
    }

    /// What it and its machine consist of: their environment has the mark. (What runs in the
    /// machine has not, but `unshare` ends after all of it.)
    fn processes(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir("/proc").expect("/proc").flatten();
        let marked = |path: &PathBuf| {
            fs::read(path.join("environ")).is_ok_and(|environ| {
                environ
                    .split(|byte| *byte == 0)
                    .any(|v| v == self.mark.as_bytes())
            })
        };
        entries.map(|entry| entry.path()).filter(marked).collect()
    }
}

/// What must not change: every file of /etc, and what is mounted.
struct Outside {
    etc: BTreeMap<PathBuf, String>,
    mounts: String,
}

impl Outside {
    fn look() -> Outside {
        Outside {
            etc: etc(),
            mounts: fs::read_to_string("/proc/self/mountinfo").expect("/proc"),
        }
    }

    #[track_caller]
    fn expect_unchanged(&self) {
        let now = Outside::look();
        assert_eq!(self.mounts, now.mounts);
        for (path, was) in &self.etc {
            assert_eq!(Some(was), now.etc.get(path), "{}", path.display());
        }
        for path in now.etc.keys() {
            assert!(self.etc.contains_key(path), "{} is new", path.display());
        }
    }
}

fn etc() -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    describe(Path::new("/etc"), &mut found);
    found
}

/// Puts down a file's metadata and a hash of its contents, and those of all files below it.
fn describe(path: &Path, found: &mut BTreeMap<PathBuf, String>) {
    let metadata = fs::symlink_metadata(path).expect("a file of /etc");
    let mut contents = DefaultHasher::new();
    if metadata.is_dir() {
        for entry in fs::read_dir(path).expect("a directory of /etc") {
            describe(&entry.expect("an entry").path(), found);
        }
    } else if metadata.is_symlink() {
        fs::read_link(path)
            .expect("a link of /etc")
            .hash(&mut contents);
    } else if metadata.is_file() {
        fs::read(path).expect("a file of /etc").hash(&mut contents);
    }
    let line = format!(
        "mode {:o}, owner {}:{}, modified {}.{}, contents {:x}",
        metadata.mode(),
        metadata.uid(),
        metadata.gid(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        contents.finish()
    );
    found.insert(path.to_path_buf(), line);
}
