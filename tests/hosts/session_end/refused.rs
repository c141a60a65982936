//! Sessions that nothing would end are not begun; where nothing ever does, the log says so.

use machine::{Login, Machine};

use crate::{SESSION, end_with_token, in_each_release, now, says, services, token, wait_until};

/// The login is refused when its session begins, and leaves nothing.
fn refused(machine: &Machine, login: &Login, reason: &str) {
    // What sshd ends a session with that PAM has refused; it may greet before.
    assert_eq!(login.code(), Some(254), "{login}");
    assert!(!login.stdout.contains("alice"), "{login}");
    let line =
        format!("pam_jwt(sshd:session): result=refused reason={reason} account=alice service=sshd");
    let logged = login.log.iter().any(|one| one.message.starts_with(&line));
    assert!(logged, "{login}");
    wait_until("no session is left", || {
        // In Debian 13 that of the user's own systemd is one, which ends later.
        let list = "loginctl --no-legend list-sessions | grep -v manager";
        says(machine, list).is_empty()
    });
    assert_eq!(says(machine, "find /run/pam-jwt -type f"), "");
}

fn is_refused(machine: &Machine, _: &str) {
    services(machine, &["sshd"]);
    end_with_token(machine, &["sshd"]);
    let _sshd = machine.sshd(&[]);
    let both = |token: &str, reason: &str| {
        let ssh = || machine.ssh("alice").answers([token]);
        refused(machine, &ssh().kbdint().command("id -un"), reason);
        refused(machine, &ssh().password().command("id -un"), reason);
    };

    // Its exp is over, and leeway lets it in.
    let late = token(machine, 1);
    let past = now() + 1;
    wait_until("the token expires", || now() > past);
    both(&late, "no_time_left");

    // pam_systemd would take no notice.
    let stack = machine.read("/etc/pam.d/sshd").replace(SESSION, "");
    machine.write("/etc/pam.d/sshd", format!("{stack}{SESSION}\n"), 0o644);
    both(&token(machine, 20), "session_order");
}

#[test]
fn a_session_that_nothing_would_end_is_refused() {
    in_each_release(is_refused);
}

/// What the user sets where pam_env reads it before pam_systemd comes.
fn has_its_end(machine: &Machine, _: &str) {
    services(machine, &["sshd"]);
    machine.pam_line("sshd", "auth required pam_env.so user_readenv=1");
    end_with_token(machine, &["sshd"]);
    let _sshd = machine.sshd(&[]);
    for set in [
        "XDG_SEAT DEFAULT=seat0\nXDG_VTNR DEFAULT=9999\n",
        "XDG_SESSION_CLASS DEFAULT=none\n",
        "XDG_SESSION_CLASS DEFAULT=nonsense\n",
        "XDG_SESSION_TYPE DEFAULT=nonsense\n",
        "XDG_SESSION_DESKTOP DEFAULT=../..\n",
        "XDG_SESSION_INCOMPLETE DEFAULT=1\n",
    ] {
        machine.write_as("alice", "/home/alice/.pam_environment", set, 0o600);
        let login = machine.ssh("alice").answers([token(machine, 600)]);
        let limit = "systemctl show -p RuntimeMaxUSec session-$XDG_SESSION_ID.scope";
        let login = login.command(limit);
        assert_eq!(login.code(), Some(0), "{set}: {login}");
        assert!(login.stdout.contains("RuntimeMaxUSec="), "{set}: {login}");
        assert!(!login.stdout.contains("infinity"), "{set}: {login}");
    }
}

#[test]
fn what_the_user_tells_pam_systemd_leaves_the_session_its_end() {
    in_each_release(has_its_end);
}

#[test]
fn without_logind_the_session_goes_on_and_the_log_says_so() {
    let machine = Machine::ready();
    services(&machine, &["sshd"]);
    end_with_token(&machine, &["sshd"]);
    let _sshd = machine.sshd(&[]);
    let token = token(&machine, 20);
    for method in ["keyboard-interactive", "password"] {
        let mark = machine.mark();
        let ssh = machine.ssh("alice").answers([token.as_str()]);
        let ssh = match method {
            "password" => ssh.password(),
            _ => ssh,
        };
        let mut shell = ssh.terminal();
        shell
            .send_line("echo I am $(id -un); exit")
            .expect("I am alice");
        let printed = shell.wait().expect_success().stdout;
        assert!(!printed.contains("This session"), "{printed}");
        let line = machine.wait_for_log(
            mark,
            "result=uncapped reason=not_capped account=alice service=sshd",
        );
        assert!(
            line.message.contains("systemd-logind does not run here"),
            "{line}"
        );
    }
}
