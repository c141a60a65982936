//! The harness itself: a machine is one, and leaves nothing behind.

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

use machine::{Machine, Mark};

const WRITTEN: [&str; 8] = [
    "/etc", "/home", "/root", "/tmp", "/usr/bin", "/var/lib", "/run", "/dev",
];
const YEAR_2040: &str = "2040-01-01 00:00:00";

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
fn two_machines_do_not_see_each_other() {
    let machines = [Machine::boot(), Machine::boot()];
    let _sshds = machines.each_ref().map(|machine| machine.sshd(&[]));
    let [one, other] = &machines;
    for (machine, name, stranger) in [(one, "alice", "bob"), (other, "bob", "alice")] {
        machine.account(name);
        machine.password(name, name);
        machine.write("/tmp/owner", name, 0o644);
        let login = machine.ssh(name).answers([name]).command("cat /tmp/owner");
        assert_eq!(login.stdout, name, "{login}");
        machine.run(["id", stranger]).expect_code(1);
    }
    assert!(
        one.log().iter().all(|line| !line.message.contains("bob")),
        "{:#?}",
        one.log()
    );
}

#[test]
fn keeps_the_log() {
    let machine = Machine::boot();
    machine
        .run(["logger", "-t", "first", "-p", "authpriv.info", "hi"])
        .expect_success();
    let mark = machine.mark();
    machine
        .run([
            "logger",
            "-t",
            "second",
            "-p",
            "auth.err",
            "key=value: what",
        ])
        .expect_success();
    let lines = |mark| {
        machine
            .log_since(mark)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        lines(Mark::default()),
        ["<86> first: hi", "<35> second: key=value: what"]
    );
    assert_eq!(lines(mark), ["<35> second: key=value: what"]);
    assert_eq!(machine.wait_for_log(Mark::default(), "hi").program, "first");
}

#[test]
fn moves_the_clock() {
    let machine = Machine::boot();
    machine.account("alice");
    machine.password("alice", "secret");
    let _sshd = machine.sshd(&[]);
    let date = || {
        machine
            .run(["date", "-u", "+%F %T"])
            .expect_success()
            .stdout
    };
    let login = || {
        machine
            .ssh("alice")
            .answers(["secret"])
            .command("date -u '+%F %T'")
    };

    machine.set_clock(YEAR_2040);
    assert_eq!(date(), format!("{YEAR_2040}\n"));
    for login in [
        login(),
        machine
            .ssh("alice")
            .password()
            .answers(["secret"])
            .command("date -u '+%F %T'"),
    ] {
        assert_eq!(login.stdout, format!("{YEAR_2040}\n"), "{login}");
    }

    // A clock that stands still stops no timeout.
    machine
        .run(["timeout", "0.1", "sleep", "10"])
        .expect_code(124);
    let uptime = "import time; print(time.clock_gettime(time.CLOCK_BOOTTIME) < 1e9)";
    if Path::new("/usr/bin/python3").exists() {
        assert_eq!(
            machine
                .run(["python3", "-c", uptime])
                .expect_success()
                .stdout,
            "True\n"
        );
    }

    machine.set_clock("2041-02-03 04:05:06");
    assert_eq!(login().stdout, "2041-02-03 04:05:06\n");
    machine.real_clock();
    assert!(date().as_str() < YEAR_2040);
    assert!(login().stdout.as_str() < YEAR_2040);
}

#[test]
fn moves_the_clock_of_a_caller_that_is_not_root() {
    let machine = Machine::boot();
    for name in ["alice", "bob"] {
        machine.account(name);
    }
    machine.password("alice", "secret");
    machine.set_clock(YEAR_2040);
    let mut su = machine
        .command(["su", "alice", "-c", "date -u '+%F %T'"])
        .user("bob")
        .terminal();
    su.expect("Password: ")
        .send_line("secret")
        .expect(YEAR_2040);
    su.wait().expect_success();
}

#[test]
fn su_asks_on_a_terminal() {
    let machine = Machine::boot();
    for name in ["alice", "bob"] {
        machine.account(name);
    }
    machine.password("alice", "secret");

    let mut su = machine.command(["su", "-", "alice"]).user("bob").terminal();
    su.expect("Password: ")
        .send_line("secret")
        .expect("$ ")
        .send_line("id -un; tty; exit 7");
    let output = su.wait().expect_code(7);
    assert!(output.stdout.contains("alice\r\n/dev/pts/"), "{output}");
    assert!(!output.stdout.contains("secret"), "{output}");

    let mut su = machine.command(["su", "-", "alice"]).user("bob").terminal();
    su.expect("Password: ")
        .send_line("wrong")
        .expect("Authentication failure");
    su.wait().expect_code(1);
}

#[test]
fn root_gets_a_terminal_without_being_asked() {
    let machine = Machine::boot();
    machine.account("alice");
    let mut su = machine.terminal(["su", "alice", "-c", "read line; echo \"$line, $USER\""]);
    su.send_line("hello").expect("hello, alice");
    su.wait().expect_success();
}

#[test]
fn sshd_asks_and_the_prompts_are_kept() {
    let machine = Machine::boot();
    machine.account("alice");
    machine.password("alice", "secret");
    let sshd = machine.sshd(&["KbdInteractiveAuthentication yes"]);

    let login = machine
        .ssh("alice")
        .kbdint()
        .answers(["secret"])
        .command("id -un; exit 3");
    assert_eq!(
        (login.code(), login.stdout.as_str()),
        (Some(3), "alice\n"),
        "{login}"
    );
    assert_eq!(login.prompts, ["(alice@127.0.0.1) Password: "], "{login}");

    let login = machine
        .ssh("alice")
        .password()
        .answers(["secret"])
        .command("id -un");
    assert_eq!(
        (login.code(), login.stdout.as_str()),
        (Some(0), "alice\n"),
        "{login}"
    );
    assert_eq!(login.prompts, ["alice@127.0.0.1's password: "], "{login}");

    let mark = machine.mark();
    let login = machine.ssh("alice").answers(["wrong"]).command("id -un");
    assert_eq!(
        (login.code(), login.stdout.as_str()),
        (Some(255), ""),
        "{login}"
    );
    machine.wait_for_log(mark, "pam_unix(sshd:auth): authentication failure");

    let pid = sshd.pid().to_string();
    drop(sshd);
    machine.run(["kill", "-0", &pid]).expect_code(1);
}

#[test]
fn sshd_gets_1023_bytes_of_an_answer() {
    let machine = Machine::boot();
    machine.account("alice");
    machine.write("/etc/pam.d/sshd", "auth requisite pam_exec.so expose_authtok /usr/bin/tee /run/answer\naccount required pam_permit.so\nsession required pam_permit.so\n", 0o644);
    let _sshd = machine.sshd(&[]);
    let login = machine
        .ssh("alice")
        .answers(["x".repeat(1023)])
        .command("true");
    assert_eq!(login.prompts.len(), 1, "{login}");
    // pam_exec passes on 511 of them.
    assert_eq!(
        machine.read("/run/answer").trim_end_matches('\0').len(),
        511,
        "{login}"
    );
}

#[test]
fn runs_commands_as_they_are_told() {
    let machine = Machine::boot();
    machine.account("alice");
    let output = machine
        .command(["sh", "-c", "cat; echo $GREETING >&2; id -un; exit 4"])
        .stdin("from stdin\n")
        .env("GREETING", "hello")
        .user("alice")
        .run()
        .expect_code(4);
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("from stdin\nalice\n", "hello\n")
    );
    assert_eq!(machine.run(["hostname"]).stdout, "machine\n");
    machine.run(["no-such-program"]).expect_code(127);

    machine.write("/etc/new/file", "one\n", 0o600);
    machine.append("/etc/new/file", "two\n");
    assert_eq!(machine.read("/etc/new/file"), "one\ntwo\n");
    assert_eq!(
        machine.run(["stat", "-c", "%a %U", "/etc/new/file"]).stdout,
        "600 root\n"
    );
}

#[test]
fn installs_what_was_built() {
    let machine = Machine::boot();
    machine.install();
    machine.run(["pam-jwt", "--version"]).expect_success();
    let beside = "$(dirname \"$(find /usr/ -name pam_unix.so)\")/pam_jwt.so";
    let module = machine
        .run(["sh", "-c", &format!("stat -c '%a %U' {beside}")])
        .expect_success();
    assert_eq!(module.stdout, "644 root\n");
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
