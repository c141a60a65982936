//! What is outside a machine does not change, however its test ends.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use machine::Machine;

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
fn changes_nothing_outside_when_it_is_killed() {
    let before = Outside::look();
    for stage in ["boots", "booted", "account", "login"] {
        let mut victim = Victim::start(stage);
        victim.wait_for(stage);
        assert!(
            !victim.processes().is_empty(),
            "{stage}: the victim's processes are not found"
        );
        victim.kill();
        before.expect_unchanged();
    }
}

#[test]
fn says_what_it_takes() {
    let machine = Machine::boot();
    machine.account("alice");
    let this_program = fs::read(env::current_exe().expect("this program")).expect("its file");
    machine.write("/usr/local/bin/boots", this_program, 0o755);
    let refused = machine
        .command(["boots", "--exact", "victim", "--ignored"])
        .user("alice")
        .run();
    for part in ["this process is not root", "`make test`"] {
        assert!(refused.stdout.contains(part), "{refused}");
    }
}

/// Not a test of its own: the process that `changes_nothing_outside_when_it_is_killed` kills.
#[test]
#[ignore = "runs until it is killed"]
fn victim() {
    println!("boots");
    let machine = Machine::boot();
    println!("booted");
    machine.account("alice");
    machine.password("alice", "secret");
    println!("account");
    let _sshd = machine.sshd(&[]);
    println!("login");
    loop {
        let _ = machine.ssh("alice").answers(["secret"]).command("true");
    }
}

/// Another process of this test program, in the midst of using a machine.
struct Victim {
    child: Child,
    stdout: BufReader<ChildStdout>,
    mark: String,
}

impl Victim {
    fn start(stage: &str) -> Victim {
        let mark = format!("VICTIM={}-{stage}", process::id());
        let (name, value) = mark.split_once('=').expect("written so");
        let mut child = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", "victim", "--ignored", "--nocapture"])
            .env(name, value)
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program runs");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        Victim {
            child,
            stdout,
            mark,
        }
    }

    fn wait_for(&mut self, stage: &str) {
        let mut seen = String::new();
        while !seen.lines().any(|line| line.ends_with(stage)) {
            let length = self
                .stdout
                .read_line(&mut seen)
                .expect("the victim's output");
            assert_ne!(length, 0, "the victim did not come to {stage:?}:\n{seen}");
        }
    }

    /// Kills it, and returns when its machine is gone.
    fn kill(mut self) {
        self.child.kill().expect("the victim runs");
        self.child.wait().expect("the victim is ours to wait for");
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.processes().is_empty() {
            assert!(
                Instant::now() < deadline,
                "left over: {:?}",
                self.processes()
            );
            thread::sleep(Duration::from_millis(10));
        }
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
