//! Sessions that end with their token, and are told so before: under logind, in each Debian that
//! can be booted.

use machine::{Machine, RELEASES, Terminal};
use serde_json::Value;

/// A booted machine in which alice's token opens a session that ends with it.
fn booted(release: &str) -> Machine {
    let machine = Machine::boot_debian(release);
    machine.make_ready();
    let settings = "end_with_token = [\"sshd\"]\n";
    machine.write("/etc/pam-jwt/pam-jwt.toml", settings, 0o644);
    machine.pam_line("sshd", "session required pam_jwt.so");
    machine
}

/// A command on a terminal of alice's, opened by a token that lives so long.
fn session(machine: &Machine, lifetime: &str, command: &str) -> Terminal {
    let ssh = "exec ssh -F none -tt -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o PreferredAuthentications=keyboard-interactive alice@127.0.0.1 \"$0\"";
    let mut terminal = machine.command(["sh", "-c", ssh, command]).terminal();
    terminal.send_in_pieces(&machine.token(["alice", "--lifetime", lifetime]));
    terminal
}

/// What `pam-jwt sessions --warn` says that it did.
fn warned(machine: &Machine) -> Vec<Value> {
    let warn = ["timeout", "10", "pam-jwt", "sessions", "--warn", "--json"];
    let output = machine.run(warn).expect_success();
    let report: Value = serde_json::from_str(&output.stdout).expect("JSON");
    report["warned"].as_array().expect("a list").clone()
}

const WARNING: &str = ", with the token that opened it. Save your work.";

#[test]
fn a_sessions_terminals_are_told_once_that_it_ends() {
    for machine in RELEASES.map(booted) {
        let _sshd = machine.sshd(&["PasswordAuthentication no"]);
        let mut long = session(&machine, "1h", "echo ready; read line");
        long.expect("ready");
        assert_eq!(warned(&machine), [Value::Null; 0]);

        // A terminal in the terminal: a program such as tmux or script.
        let nested = "tty; script -qc 'tty; echo ready; read line' /dev/null";
        let mut short = session(&machine, "110s", nested);
        short.expect("ready");
        let list = ["pam-jwt", "sessions", "--json", "--user", "alice"];
        let list = machine.run(list).expect_success();
        let list: Value = serde_json::from_str(&list.stdout).expect("JSON");
        let open = list["sessions"].as_array().expect("a list");
        assert_eq!(open.len(), 2, "{list:#}");
        for session in open {
            assert!(session["ends"].is_u64(), "{list:#}");
            assert_eq!(session["ends"], session["opened_by"]["exp"], "{list:#}");
        }
        let told = warned(&machine);
        let [one] = &told[..] else {
            panic!("{told:#?}")
        };
        assert_eq!(
            (&one["account"], &one["service"]),
            (&"alice".into(), &"sshd".into())
        );
        let left = one["left"].as_u64().expect("seconds");
        assert!((1..=110).contains(&left), "{one}");
        let terminals = one["terminals"].as_array().expect("terminals");
        assert_eq!(terminals.len(), 2, "{one}");
        short.expect(WARNING).expect(WARNING);
        let shown = short.printed();
        for terminal in terminals {
            let path = terminal.as_str().expect("a path");
            assert!(shown.contains(&format!("{path}\r\n")), "{shown}");
        }
        assert!(shown.contains("\r\nThis session ends in 1 min "), "{shown}");

        assert_eq!(warned(&machine), [Value::Null; 0]);
        short.send_line("");
        short.wait().expect_success();
        long.send_line("");
        let all = long.wait().expect_success();
        assert!(!all.stdout.contains("This session"), "{all}");
        let left = machine.run(["find", "/run/pam-jwt/sessions", "-type", "f"]);
        assert_eq!(left.expect_success().stdout, "");
    }
}

#[test]
fn a_terminal_that_is_stopped_holds_nobody_up() {
    for machine in RELEASES.map(booted) {
        let _sshd = machine.sshd(&["PasswordAuthentication no"]);
        // One that passes nothing on, and whose program waits to write more.
        let stop =
            "perl -MPOSIX -e 'tcflow(1, TCOOFF); open(F, q(>), q(stopped)); print q(x) x 99999'";
        let stopped = session(&machine, "110s", stop);
        let mut other = session(&machine, "110s", "echo ready; read line");
        other.expect("ready");
        machine.wait_until("test -e /home/alice/stopped");
        let told = warned(&machine);
        let terminals = |one: &Value| one["terminals"].as_array().expect("a list").len();
        let mut numbers: Vec<usize> = told.iter().map(terminals).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 1], "{told:#?}");
        other.expect(WARNING);
        assert!(!stopped.printed().contains(WARNING));
    }
}

#[test]
fn a_terminal_that_is_not_its_users_is_not_told() {
    for machine in RELEASES.map(booted) {
        machine.account("bob");
        let _sshd = machine.sshd(&["PasswordAuthentication no"]);
        let mut terminal = session(&machine, "110s", "tty; read line; echo was $line");
        terminal.expect("/dev/pts/");
        let give = ["sh", "-c", "chown bob /dev/pts/[0-9]*"];
        machine.run(give).expect_success();
        let told = warned(&machine);
        assert_eq!(told.len(), 1, "{told:#?}");
        assert_eq!(told[0]["terminals"], Value::Array(Vec::new()));
        terminal.send_line("silence").expect("was silence");
        let printed = terminal.wait().expect_success();
        assert!(!printed.stdout.contains(WARNING), "{printed}");
    }
}
