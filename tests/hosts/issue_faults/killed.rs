//! A host program that is killed (SIGKILL) between any two phases: what it leaves is gone with
//! the next login, and nothing of the sessions that go on.

use super::{HANDOFF, PASSWORD, RUN, SESSIONS, Steps, files, machine_with, settled, sh, su};
use machine::Machine;

/// Kills the program that runs the stack, at the line and in the phase that /run/kill names.
const KILL: &str = "#!/bin/sh\n\
    [ \"$(cat /run/kill)\" = \"$1 $PAM_TYPE\" ] && kill -KILL $PPID\n\
    exit 0\n";

/// Sessions that go on, of the same user and another, and one that is about to begin.
struct Others {
    _open: Vec<Steps>,
    files: Vec<String>,
}

fn machine() -> Machine {
    let machine = machine_with("");
    machine.write("/etc/kill", KILL, 0o755);
    machine.write("/run/kill", "", 0o644);
    let line = |type_: &str, place: &str| {
        format!("{type_} optional pam_exec.so quiet seteuid \\/etc\\/kill {place}")
    };
    let (above, below) = (line("session", "above"), line("session", "below"));
    let account = line("account", "above");
    sh(
        &machine,
        &format!(
            "cd /etc/pam.d; sed -i 's/^session optional pam_jwt.*/{above}\\n&\\n{below}\\n{account}/' su sshd"
        ),
    );
    machine
}

fn others(machine: &Machine) -> Others {
    let token = machine.token(["alice"]);
    let mut all = Vec::new();
    for account in ["alice", "bob"] {
        let mut steps = Steps::of(machine, "sudo", account);
        steps.succeeds("open_session");
        all.push(steps);
    }
    // Its record is the last that is written before the test begins, so it sweeps none of it.
    let mut steps = Steps::of(machine, "sshd", "alice");
    steps.succeeds(&format!("child sshd alice {token}"));
    all.push(steps);
    let files = files(machine, RUN);
    assert_eq!(files.len(), 5, "{files:#?}");
    Others { _open: all, files }
}

impl Others {
    /// What there is besides theirs: hand-offs, sessions and tokens.
    #[track_caller]
    fn left(&self, machine: &Machine) -> [usize; 3] {
        let all = files(machine, RUN);
        assert!(self.files.iter().all(|file| all.contains(file)), "{all:#?}");
        let new = all.iter().filter(|file| !self.files.contains(file));
        let mut left = [0; 3];
        for file in new {
            let kind = if file.starts_with(HANDOFF) {
                0
            } else if file.starts_with(SESSIONS) {
                1
            } else {
                2
            };
            left[kind] += 1;
        }
        left
    }

    /// After a further login there is nothing of what was left.
    fn swept(&self, machine: &Machine) {
        let bobs = machine.command(["su", "bob", "-c", "test -s $BEARER_TOKEN_FILE"]);
        let bobs = bobs.user("alice").stdin(format!("{PASSWORD}\n")).run();
        let _ = bobs.expect_success();
        settled(machine, &self.files);
    }
}

#[test]
fn what_a_su_leaves_that_is_killed_is_swept_at_the_next_login() {
    let machine = machine();
    let others = others(&machine);
    let token = machine.token(["alice"]);
    // setcred has the line with `issue` where no token has ended the stack above it.
    for (answer, by_setcred) in [(&*token, [0, 0, 0]), (PASSWORD, [0, 1, 1])] {
        for (at, left) in [
            ("above account", [1, 0, 0]),
            ("above open_session", by_setcred),
            ("below open_session", [0, 1, 1]),
            ("above close_session", [0, 1, 1]),
            ("below close_session", [0, 0, 0]),
        ] {
            machine.write("/run/kill", at, 0o644);
            let su = su(&machine, answer, "true");
            assert_ne!(su.code(), Some(0), "{at}: {su}");
            assert_eq!(others.left(&machine), left, "{at}");
            machine.write("/run/kill", "", 0o644);
            others.swept(&machine);
        }
    }
}

#[test]
fn what_an_sshd_leaves_that_is_killed_is_swept_at_the_next_login() {
    let machine = machine();
    let others = others(&machine);
    let token = machine.token(["alice"]);
    let _sshd = machine.sshd(&[]);
    for answer in [&*token, PASSWORD] {
        for (at, left) in [
            ("above account", [1, 0, 0]),
            ("above open_session", [0, 0, 0]),
            ("below open_session", [0, 1, 1]),
            ("above close_session", [0, 1, 1]),
            ("below close_session", [0, 0, 0]),
        ] {
            machine.write("/run/kill", at, 0o644);
            let _ = machine.ssh("alice").answers([answer]).command("true");
            gone(&machine);
            assert_eq!(others.left(&machine), left, "{at}");
            machine.write("/run/kill", "", 0o644);
            others.swept(&machine);
        }
    }
}

/// Waits until no process of sshd's is alice's any more.
fn gone(machine: &Machine) {
    machine.wait_until("! pgrep -f 'sshd[:] alice'");
}

/// In the middle of the session: su is gone, and its user's shell is not. Its token was the
/// session's, which nobody will close.
#[test]
fn a_session_whose_program_is_killed_has_ended() {
    let machine = machine();
    let others = others(&machine);
    let mut su = machine.terminal([
        "su",
        "alice",
        "-c",
        "echo su $PPID with $BEARER_TOKEN_FILE; exec cat",
    ]);
    su.expect("with ").expect("\n");
    let printed = su.printed();
    let pid = printed.split("su ").nth(1).expect("a pid");
    let pid = pid.split(' ').next().expect("a pid");
    assert_eq!(others.left(&machine), [0, 1, 1]);
    // A login meanwhile takes nothing away.
    sh(&machine, "su bob -c true");
    assert_eq!(others.left(&machine), [0, 1, 1]);
    sh(&machine, &format!("kill -KILL {pid}"));
    assert_eq!(others.left(&machine), [0, 1, 1]);
    // Whoever looks sweeps as well.
    let sessions = machine.run(["pam-jwt", "sessions"]).expect_success();
    assert_eq!(sessions.stdout.matches("alice").count(), 1, "{sessions}");
    others.swept(&machine);
}
