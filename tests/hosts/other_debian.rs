//! The Debian of the other release, booted: its own ssh, sshd, su and sudo with tokens of
//! any length, under systemd and logind.

use std::env;
use std::fs;
use std::process::{Child, Command, Stdio};

use machine::{
    LENGTHS, Login, Machine, RELEASES, Sshd, in_pieces, other_release, tell, wait_until,
};

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
fn each_release_boots() {
    for release in RELEASES {
        let machine = Machine::boot_debian(release);
        assert_eq!(says(&machine, "systemctl is-system-running"), "running");
        assert_eq!(says(&machine, "systemctl --failed --no-legend"), "");
        assert_eq!(says(&machine, "cat /proc/1/comm"), "systemd");
        assert_eq!(says(&machine, "hostname"), "machine");
        let codename = says(&machine, ". /etc/os-release; echo $VERSION_CODENAME");
        assert_eq!(codename, release);
        tell(&format!(
            "Debian {} boots, with {} and {}",
            machine.read("/etc/debian_version").trim_end(),
            says(&machine, "ssh -V 2>&1"),
            says(&machine, "systemctl --version | head -n 1"),
        ));
    }
}

#[test]
fn the_other_debian_is_not_this_one() {
    let own = fs::read_to_string("/etc/os-release").expect("/etc/os-release");
    let codename = format!("VERSION_CODENAME={}\n", other_release());
    assert!(!own.contains(&codename), "{own}");
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

/// sshd, whose host key everybody knows, and carol, who has the client.
fn sshd_and_carol(machine: &Machine) -> Sshd<'_> {
    machine.account("carol");
    let sshd = machine.sshd(&["PasswordAuthentication no"]);
    let scan = "ssh-keyscan -t ed25519 machine 2>/dev/null > /etc/ssh/ssh_known_hosts";
    machine.run(["sh", "-c", scan]).expect_success();
    sshd
}

/// A script of somebody's who has a token where jwt-ssh looks for one.
fn script<'m>(machine: &'m Machine, user: &str, token: &str, script: &str) -> machine::Command<'m> {
    let file = format!("/home/{user}/token");
    machine.write(&file, token, 0o644);
    let text = format!("cd; {script}");
    let command = machine.command(["sh", "-ec", &text]).user(user);
    command.env("BEARER_TOKEN_FILE", file)
}

#[test]
fn tokens_of_any_length_log_in_to_its_sshd_through_its_ssh() {
    let machine = booted();
    let _sshd = sshd_and_carol(&machine);
    let login = |token: &str| {
        let login = "jwt-ssh alice@machine 'id -un'";
        script(&machine, "carol", token, login).run()
    };
    for bytes in LENGTHS {
        let mark = machine.mark();
        let output = login(&machine.token_of(bytes, ["alice"]));
        assert_eq!(
            (output.code(), &*output.stdout, &*output.stderr),
            (Some(0), "alice\n", ""),
            "{bytes}: {output}"
        );
        machine.wait_for_log(mark, &audit("sshd"));

        let mark = machine.mark();
        let output = login(&machine.token_of(bytes, ["carol"]));
        assert_eq!(output.code(), Some(255), "{bytes}: {output}");
        assert!(
            output.stderr.contains("Permission denied") && output.stdout.is_empty(),
            "{bytes}: {output}"
        );
        machine.wait_for_log(
            mark,
            "reason=account_not_allowed account=alice service=sshd",
        );
    }
}

#[test]
fn what_runs_its_ssh_runs_jwt_ssh() {
    let machine = booted();
    let _sshd = sshd_and_carol(&machine);
    let prepare = "
        mkdir data; echo content > data/file; git init -q repository; cd repository
        git config user.name c; git config user.email c; git commit -q --allow-empty -m 'one commit'";
    let prepare = script(&machine, "carol", "", prepare).run();
    let _ = prepare.expect_success();
    let bare = ["git", "init", "-q", "--bare", "/home/alice/repository"];
    let bare = machine.command(bare).user("alice").run();
    let _ = bare.expect_success();
    let logins = [
        (
            "scp -q -S jwt-ssh data/file alice@machine:copy
             scp -q -S jwt-ssh alice@machine:copy back; cat back",
            "content\n",
        ),
        (
            "echo 'get copy got' | sftp -q -b - -S jwt-ssh alice@machine >log; cat got",
            "content\n",
        ),
        (
            "rsync -a -e jwt-ssh data alice@machine:tree
             rsync -a -e jwt-ssh alice@machine:tree/ synced; cat synced/data/file",
            "content\n",
        ),
        (
            "export GIT_SSH=jwt-ssh
             rm -rf clone; git -C repository push -q -f alice@machine:repository HEAD:refs/heads/main
             git clone -q -b main alice@machine:repository clone; git -C clone log --format=%s",
            "one commit\n",
        ),
    ];
    for bytes in LENGTHS {
        let token = machine.token_of(bytes, ["alice"]);
        for (text, printed) in logins {
            let output = script(&machine, "carol", &token, text).run();
            assert_eq!(
                (output.code(), &*output.stdout, &*output.stderr),
                (Some(0), printed, ""),
                "{bytes}: {output}"
            );
        }
    }
}

#[test]
fn its_su_and_sudo_take_tokens_in_pieces() {
    let machine = booted();
    machine.account("bob");
    let su = || {
        let su = machine.command(["su", "alice", "-c", "echo I am $(id -un)"]);
        su.user("bob").terminal()
    };
    let sudo = || {
        let sudo = machine.command(["sudo", "-k", "sh", "-c", "echo I am $(id -un)"]);
        sudo.user("alice")
    };
    for bytes in LENGTHS {
        let token = machine.token_of(bytes, ["alice"]);
        let mark = machine.mark();
        let mut terminal = su();
        terminal.send_in_pieces(&token);
        terminal.expect("I am alice");
        terminal.wait().expect_success();
        machine.wait_for_log(mark, &audit("su"));

        let mark = machine.mark();
        let mut terminal = sudo().terminal();
        terminal.send_in_pieces(&token);
        terminal.expect("I am root");
        terminal.wait().expect_success();
        machine.wait_for_log(mark, &audit("sudo"));

        let foreign = machine.token_of(bytes, ["bob"]);
        let mut terminal = su();
        terminal.send_in_pieces(&foreign);
        terminal.expect("Authentication failure");
        terminal.wait().expect_code(1);

        let mut terminal = sudo().terminal();
        terminal.send_in_pieces(&foreign);
        terminal.expect("Sorry, try again.");
    }
}

#[test]
fn its_sudo_takes_tokens_from_jwt_ssh_and_from_standard_input() {
    let machine = booted();
    let sudo = |option: &str, token: &str| {
        let sudo = format!("sudo -k {option} sh -c 'echo I am $(id -un)'");
        let sudo = script(&machine, "alice", token, &sudo);
        sudo.env("SUDO_ASKPASS", "/usr/bin/jwt-ssh-askpass")
    };
    for bytes in LENGTHS {
        let token = machine.token_of(bytes, ["alice"]);
        let output = sudo("-A", &token).run().expect_success();
        assert_eq!(output.stdout, "I am root\n", "{bytes}: {output}");
        let lines = in_pieces(&token).join("\n") + "\n";
        let output = sudo("-S", "").stdin(lines).run().expect_success();
        assert_eq!(output.stdout, "I am root\n", "{bytes}: {output}");
    }
    let mark = machine.mark();
    let output = sudo("-A", &machine.token_of(1500, ["carol"])).run();
    assert_eq!(output.expect_code(1).stdout, "");
    machine.wait_for_log(
        mark,
        "reason=account_not_allowed account=alice service=sudo",
    );
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
            .args(["--exact", "its_su_and_sudo_take_tokens_in_pieces"])
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
