//! The Debian of the other release, booted: its own sshd, su and sudo with pam-jwt, under
//! systemd and logind.

use std::env;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use machine::{Login, Machine, tell};

/// A machine whose sshd, su and sudo take alice's tokens.
fn booted() -> Machine {
    let machine = Machine::boot_other_debian();
    machine.make_ready();
    machine.services(&["sshd", "su", "sudo"]);
    for service in ["su", "sudo"] {
        machine.pam_line(service, "auth sufficient pam_jwt.so");
    }
    machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);
    machine
}

/// What a command of root's prints.
fn says(machine: &Machine, command: &str) -> String {
    let output = machine.run(["sh", "-c", command]).expect_success();
    output.stdout.trim_end().to_owned()
}

fn accepted(login: &Login) {
    assert_eq!(
        (login.code(), login.stdout.as_str()),
        (Some(0), "alice\n"),
        "{login}"
    );
}

fn refused(login: &Login) {
    assert_eq!(
        (login.code(), login.stdout.as_str()),
        (Some(255), ""),
        "{login}"
    );
}

/// What is logged when a token of alice's is accepted.
fn audit(service: &str) -> String {
    format!(
        "pam_jwt({service}:auth): result=accepted reason=allowed account=alice service={service}"
    )
}

#[test]
fn the_other_debian_boots_and_is_not_this_one() {
    let machine = Machine::boot_other_debian();
    assert_eq!(says(&machine, "systemctl is-system-running"), "running");
    assert_eq!(says(&machine, "systemctl --failed --no-legend"), "");
    assert_eq!(says(&machine, "cat /proc/1/comm"), "systemd");
    assert_eq!(says(&machine, "hostname"), "machine");

    let release = |text: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with("VERSION_CODENAME="));
        line.map(str::to_owned)
    };
    let own = fs::read_to_string("/etc/os-release").expect("/etc/os-release");
    let other = machine.read("/etc/os-release");
    assert_ne!(release(&own), release(&other));
    assert!(release(&other).is_some(), "{other}");
    tell(&format!(
        "the other Debian is {}, with {}",
        machine.read("/etc/debian_version").trim_end(),
        says(&machine, "ssh -V 2>&1"),
    ));
}

#[test]
fn its_sshd_takes_a_token_and_no_other() {
    let machine = booted();
    let _sshd = machine.sshd(&["PasswordAuthentication no"]);
    let token = machine.token(["alice"]);
    let login = || machine.ssh("alice").answers([token.as_str()]).kbdint();

    let mark = machine.mark();
    accepted(&login().command("id -un"));
    machine.wait_for_log(mark, &audit("sshd"));
    // Not that of the unit: the journal may come to a line when who sent it is gone.
    let journal = says(
        &machine,
        "journalctl --sync && journalctl --boot --output cat",
    );
    assert!(journal.contains(&audit("sshd")), "{journal}");

    // It is a session of logind's.
    let session = login().command("cat /proc/self/cgroup");
    assert!(
        session
            .stdout
            .contains("/user.slice/user-1000.slice/session-"),
        "{session}"
    );

    let mark = machine.mark();
    let foreign = machine.token(["alice", "--audience", "ssh://other"]);
    refused(
        &machine
            .ssh("alice")
            .answers([foreign])
            .kbdint()
            .command("id -un"),
    );
    machine.wait_for_log(mark, "reason=audience_mismatch account=alice service=sshd");
    refused(
        &machine
            .ssh("alice")
            .answers(["wrong"])
            .kbdint()
            .command("id -un"),
    );
}

#[test]
fn its_su_and_sudo_take_a_token() {
    let machine = booted();
    machine.account("bob");
    let token = machine.token(["alice"]);
    let foreign = machine.token(["alice", "--audience", "ssh://other"]);
    let su = || {
        let su = machine.command(["su", "alice", "-c", "id -un"]);
        su.user("bob").terminal()
    };
    let sudo = || {
        let sudo = machine.command(["sudo", "-k", "sh", "-c", "echo I am $(id -un)"]);
        sudo.user("alice").terminal()
    };

    let mark = machine.mark();
    let mut terminal = su();
    terminal.expect("Password or token: ").send_line(&token);
    terminal.expect("alice");
    terminal.wait().expect_success();
    machine.wait_for_log(mark, &audit("su"));

    let mut terminal = su();
    terminal.expect("Password or token: ").send_line(&foreign);
    terminal.expect("Authentication failure");
    terminal.wait().expect_code(1);

    let mark = machine.mark();
    let mut terminal = sudo();
    terminal.expect("Password or token: ").send_line(&token);
    terminal.expect("I am root");
    terminal.wait().expect_success();
    machine.wait_for_log(mark, &audit("sudo"));

    let mut terminal = sudo();
    terminal.expect("Password or token: ").send_line(&foreign);
    terminal.expect("Sorry, try again.");
}

#[test]
fn it_ends_with_the_test_that_booted_it_and_leaves_nothing() {
    let mounts = || fs::read_to_string("/proc/self/mountinfo").expect("/proc");
    let before = mounts();

    let mut killed = Killed::start();
    killed.test.kill().expect("the test runs");
    killed.expect("test ! -e $group");
    assert_eq!(before, mounts());

    // Nobody is left to remove the group, but the next to boot.
    let killed = Killed::start();
    let status = Command::new("kill")
        .args(["-KILL", &killed.holder])
        .status();
    assert!(status.expect("kill").success());
    // Another test's machine may have been the next.
    killed.expect("test ! -e $group || grep -qx 'populated 0' $group/cgroup.events");
    assert_eq!(before, mounts());
    drop(Machine::boot_other_debian());
    killed.expect("test ! -e $group");
}

/// Another process of these tests, in whose booted machine something runs.
struct Killed {
    test: Child,
    /// The pid of what holds the machine, which its control group is named after.
    holder: String,
}

impl Killed {
    fn start() -> Killed {
        let test = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", "its_su_and_sudo_take_a_token"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the test runs");
        let mut killed = Killed {
            test,
            holder: String::new(),
        };
        wait_until("the other test boots no machine", || {
            killed.holder = holder_of(&killed.test);
            killed.in_cgroups(
                "grep -q . $group/payload/system.slice/ssh.service/cgroup.procs 2>/dev/null",
            )
        });
        killed
    }

    fn expect(&self, script: &str) {
        wait_until(&format!("not so: {script}"), || self.in_cgroups(script));
    }

    /// Whether a script succeeds where the machine's control group is `$group`.
    fn in_cgroups(&self, script: &str) -> bool {
        let mounted = format!(
            "mount -t cgroup2 cgroup2 /sys/fs/cgroup && group=/sys/fs/cgroup/pam-jwt-tests.{} && {script}",
            self.holder
        );
        Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", &mounted])
            .status()
            .expect("unshare: `make packages`")
            .success()
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.test.kill();
        let _ = self.test.wait();
    }
}

/// The pid of what holds a test's machine; nothing while there is none.
fn holder_of(test: &Child) -> String {
    let threads = fs::read_dir(format!("/proc/{}/task", test.id())).expect("/proc");
    let children: String = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .collect();
    let holds = |pid: &&str| {
        fs::read_to_string(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.contains("boot-debian.sh"))
    };
    let holder = children.split_whitespace().find(holds);
    holder.unwrap_or_default().to_owned()
}

#[track_caller]
fn wait_until(otherwise: &str, mut comes: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !comes() {
        assert!(Instant::now() < deadline, "{otherwise}");
        thread::sleep(Duration::from_millis(10));
    }
}
