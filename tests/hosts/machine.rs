//! The harness itself: each machine is one of its own.

use std::path::Path;

use machine::{Machine, Mark, in_pieces};

const YEAR_2040: &str = "2040-01-01 00:00:00";

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
fn linked_machines_reach_each_other_and_nobody_else() {
    let [a, b, c] = ["a", "b", "c"].map(Machine::boot_named);
    a.link("192.0.2.1", &b, "192.0.2.2");
    b.link("192.0.2.2", &c, "192.0.2.3");
    let reaches = |machine: &Machine, address: &str| {
        let ssh = machine.run(["ssh-keyscan", "-T", "1", address]);
        ssh.stdout.contains("ssh-ed25519")
    };
    let listen = |address: &str| format!("ListenAddress {address}");
    let _sshds = [(&a, "192.0.2.1"), (&b, "192.0.2.2"), (&c, "192.0.2.3")]
        .map(|(machine, address)| machine.sshd(&[&listen(address)]));
    assert!(reaches(&a, "b") && reaches(&b, "a"), "a and b");
    assert!(reaches(&b, "c") && reaches(&c, "b"), "b and c");
    assert!(!reaches(&a, "192.0.2.3") && !reaches(&c, "192.0.2.1"));
    for (machine, devices) in [
        (&a, &["b", "lo"][..]),
        (&b, &["a", "c", "lo"]),
        (&c, &["b", "lo"]),
    ] {
        let network = machine
            .run(["cat", "/proc/net/dev"])
            .expect_success()
            .stdout;
        let names = network.lines().filter_map(|line| line.split_once(':'));
        let mut names: Vec<_> = names.map(|(name, _)| name.trim()).collect();
        names.sort_unstable();
        assert_eq!(names, devices);
        let routes = machine.run(["ip", "route"]).expect_success().stdout;
        assert!(
            routes.lines().all(|route| route.starts_with("192.0.2.")),
            "{routes}"
        );
        let hostname = machine.run(["hostname"]).stdout;
        assert_eq!(hostname.trim(), machine.name());
    }
    assert!(!Path::new("/sys/class/net/a").exists(), "outside");
}

#[test]
fn has_tokens_of_every_length() {
    let machine = Machine::ready();
    for bytes in [300, 301, 302, 303, 500, 511, 1000, 1023, 4095, 60_000] {
        let token = machine.token_of(bytes, ["alice"]);
        assert_eq!(token.len(), bytes);
        let pieces = in_pieces(&token);
        assert_eq!(pieces.concat(), token);
        assert_eq!(pieces.len(), bytes / 500 + 1);
        let (last, full) = pieces.split_last().expect("pieces");
        assert!(full.iter().all(|piece| piece.len() == 500) && last.len() < 500);
        let verify = ["pam-jwt", "verify", "--user", "alice", "--service", "sshd"];
        let _ = machine.command(verify).stdin(token).run().expect_success();
    }
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
fn further_sshds_are_hosts_of_their_own() {
    let machine = Machine::boot();
    machine.account("alice");
    let key = machine.ssh_key("alice");
    machine.write("/etc/pam.d/two", "account required pam_deny.so\n", 0o644);
    let one = "account required pam_permit.so\nsession required pam_permit.so\n";
    machine.write("/etc/pam.d/one", one, 0o644);
    let _sshds = ["one", "two"].map(|name| machine.sshd_of(name, name, &[]));
    let login = |name: &str| {
        let ssh = machine.command(["ssh", "-o", "BatchMode=yes", "-i", &key, "-l", "alice"]);
        ssh.args([name, "set -- $SSH_CONNECTION; getent hosts $3"])
            .run()
    };
    let output = login("one").expect_success();
    assert_eq!(output.stdout.split_whitespace().nth(1), Some("one"));
    let _ = login("two").expect_code(255);
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
