//! The warning, by the timer that is installed.

use machine::{Machine, tell};

use crate::open::Open;
use crate::{
    ACCEPTED, end_with_token, expires, in_each_release, now, says, services, token, wait_until,
};

const WARNING: &str = ", with the token that opened it. Save your work.";

fn warns(machine: &Machine, debian: &str) {
    services(machine, &["sshd"]);
    end_with_token(machine, &["sshd"]);
    let enable = "systemctl --quiet enable --now pam-jwt-sessions.timer";
    machine.run(["sh", "-c", enable]).expect_success();
    let _sshd = machine.sshd(&[]);
    let shell = |secret: &str| machine.ssh("alice").answers([secret]).terminal();

    let others = [shell("secret"), shell(&token(machine, 3600))];
    let others = others.map(|terminal| Open::at(machine, terminal));
    let mark = machine.mark();
    let terminal = shell(&token(machine, 125));
    let expires = expires(&machine.wait_for_log(mark, ACCEPTED));
    let mut open = Open::at(machine, terminal);
    wait_until("the warning", || open.terminal.printed().contains(WARNING));
    let left = expires.checked_sub(now()).expect("time is left");
    assert!(left <= 120, "{left}");
    tell(&format!(
        "{debian}: a session was warned {left} s before its end"
    ));

    // Once, however often it is looked at afterwards.
    let again = "systemctl start pam-jwt-sessions.service && systemctl show -P ExecMainStatus pam-jwt-sessions.service";
    assert_eq!(says(machine, again), "0");
    let shown = |open: &mut Open<'_>| {
        open.terminal.send_line("echo sil''ence").expect("silence");
        open.terminal.printed()
    };
    let printed = shown(&mut open);
    assert_eq!(printed.matches("This session ends").count(), 1, "{printed}");
    for mut other in others {
        let printed = shown(&mut other);
        assert!(!printed.contains("This session"), "{printed}");
    }
}

#[test]
fn the_timer_warns_a_session_two_minutes_before_its_end() {
    in_each_release(warns);
}
