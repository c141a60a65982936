//! What the modules behind pam_jwt see of a secret.

use machine::Machine;

/// Logs in as alice through a stack in which pam_unix has asked already and pam_exec
/// shows what it is given; answers what that was.
fn seen_behind(machine: &Machine, arguments: &str, secret: &str) -> String {
    let stack = format!(
        "auth optional pam_unix.so\nauth optional pam_jwt.so {arguments}\n\
         auth required pam_exec.so expose_authtok /usr/local/bin/show\n"
    );
    machine.write("/etc/pam.shown/sshd", stack, 0o644);
    machine.write(
        "/usr/local/bin/show",
        "#!/bin/sh\ntr -d '\\0' > /run/shown\n",
        0o755,
    );
    let host = [
        env!("CARGO_BIN_EXE_pam-host"),
        "sshd",
        "alice",
        "/etc/pam.shown",
    ];
    let _ = machine
        .command(host)
        .stdin(format!("{secret}\nasked again\n"))
        .run()
        .expect_success();
    machine.read("/run/shown")
}

#[test]
fn a_token_is_gone_for_later_modules_however_the_login_ends() {
    let machine = Machine::ready();
    let good = machine.token(["alice"]);
    let refused = machine.token(["bob"]);
    for token in [&good, &refused] {
        for arguments in ["", "debug", "typo", "config=/nowhere", "use_first_pass"] {
            assert_eq!(
                seen_behind(&machine, arguments, token),
                "asked again",
                "{arguments:?}"
            );
        }
        assert_eq!(&seen_behind(&machine, "pass_token", token), token);
    }
}

#[test]
fn a_password_stays_for_later_modules() {
    let machine = Machine::ready();
    for arguments in ["", "pass_token", "use_first_pass"] {
        assert_eq!(
            seen_behind(&machine, arguments, "correct horse"),
            "correct horse",
            "{arguments:?}"
        );
    }
}
