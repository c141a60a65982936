//! What does not end with a token.

use std::time::SystemTime;

use machine::{Machine, Terminal, tell};
use serde_json::Value;

use crate::open::{Open, is_there, scope_of};
use crate::{
    ACCEPTED, at_login, end_with_token, expires, in_each_release, now, says, services, token,
    wait_until,
};

/// A shell of bob's in a session, by su with a token of his; its pid and the token's exp.
fn su(machine: &Machine, terminal: &mut Terminal, lifetime: &str) -> (u32, u64) {
    let token = machine.token(["bob", "--lifetime", lifetime]);
    let mark = machine.mark();
    terminal
        .send_line("su bob")
        .expect("token: ")
        .send_line(&token);
    let expires = expires(&machine.wait_for_log(mark, ACCEPTED));
    let line = machine.wait_for_log(
        mark,
        "result=uncapped reason=not_capped account=bob service=su",
    );
    assert!(
        line.message.contains("it is inside another, session-"),
        "{line}"
    );
    terminal
        .send_line("cd; echo $$ >pid; echo i''nside")
        .expect("inside");
    let sessions = says(machine, "pam-jwt sessions --user bob --json");
    assert!(sessions.contains("\"ends\": null"), "{sessions}");
    let pid = says(machine, "cat ~bob/pid");
    (pid.parse().expect("a pid"), expires)
}

/// Sessions that a password opened, and one of a service that `end_with_token` does not name.
fn last(machine: &Machine, _: &str) {
    machine.account("bob");
    services(machine, &["sshd", "login", "su"]);
    end_with_token(machine, &["sshd", "su"]);
    let _sshd = machine.sshd(&[]);
    let ssh = || machine.ssh("alice").answers(["secret"]);
    let token = token(machine, 20);
    for (terminal, has_su) in [
        (ssh().kbdint().terminal(), true),
        (ssh().password().terminal(), false),
        (at_login(machine, &token), false),
    ] {
        let mut open = Open::at(machine, terminal);
        assert_eq!(open.limit(), "infinity");
        assert_eq!(open.ends(), Value::Null);
        if has_su {
            let (pid, expires) = su(machine, &mut open.terminal, "3s");
            wait_until("bob's token expires", || now() > expires + 2);
            open.terminal.send_line("echo sti''ll").expect("still");
            assert!(is_there(machine, pid));
            assert_eq!(scope_of(machine, pid), open.scope);
            open.terminal.send_line("exit");
        }
        // What did not end nobody was told would.
        let shown = open.terminal.printed();
        assert!(!shown.contains("This session"), "{shown}");
        open.terminal.send_line("kill $!; exit");
        open.leaves_nothing();
    }
}

#[test]
fn a_session_that_no_token_opened_or_that_is_not_named_lasts() {
    in_each_release(last);
}

/// What is started in a session that ends.
fn outlives(machine: &Machine, debian: &str) {
    machine.account("bob");
    services(machine, &["sshd", "su"]);
    end_with_token(machine, &["sshd", "su"]);
    // For the time that processes have which do not heed SIGTERM.
    machine.write(
        "/etc/systemd/system/session-.scope.d/stop.conf",
        "[Scope]\nTimeoutStopSec=2s\n",
        0o644,
    );
    let lets = "loginctl enable-linger alice && systemctl daemon-reload";
    machine.run(["sh", "-c", lets]).expect_success();
    let _sshd = machine.sshd(&[]);

    let since = SystemTime::now();
    let mark = machine.mark();
    let token = token(machine, 30);
    let terminal = machine.ssh("alice").answers([token]).terminal();
    let expires = expires(&machine.wait_for_log(mark, ACCEPTED));
    let mut open = Open::at(machine, terminal);
    let more = "systemd-run --user --unit=kept sh -c 'echo $$$$ >kept; exec sleep 1000'; \
        sh -c 'trap \"\" HUP TERM; echo $$ >heedless; while :; do sleep 1; done' & \
        while ! [ -s kept ] || ! [ -s heedless ]; do :; done; echo mo''re";
    open.terminal.send_line(more).expect("more");
    let pid = |file: &str| {
        says(machine, &format!("cat ~alice/{file}"))
            .parse()
            .expect("a pid")
    };
    let kept = pid("kept");
    assert_eq!(scope_of(machine, kept), "kept.service");
    let (inside, _) = su(machine, &mut open.terminal, "1h");
    open.pids.extend([pid("heedless"), inside]);
    for pid in &open.pids {
        assert_eq!(scope_of(machine, *pid), open.scope);
    }
    let seconds = open.ended(since, expires);
    open.leaves_nothing();
    assert!(is_there(machine, kept));
    tell(&format!(
        "{debian}: with a su in it, and what heeds neither SIGTERM nor SIGHUP, a session was gone \
         {seconds:.1} s after its token of 30 s was made, where TimeoutStopSec=2s"
    ));
}

#[test]
fn what_is_in_the_session_ends_with_it_and_what_the_users_systemd_runs_does_not() {
    in_each_release(outlives);
}
