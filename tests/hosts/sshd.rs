//! The real sshd: by keyboard-interactive and by password, with tokens and with
//! passwords, and where nothing but a token is accepted.

use machine::{Login, Machine};

fn accepted(login: &Login) {
    assert_eq!(
        (login.code(), login.stdout.trim_end()),
        (Some(0), "alice"),
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

#[test]
fn a_token_logs_in_by_either_method() {
    let machine = Machine::ready();
    let _sshd = machine.sshd(&[]);
    let token = machine.token(["alice"]);

    let login = machine
        .ssh("alice")
        .answers([token.as_str()])
        .kbdint()
        .command("id -un");
    accepted(&login);
    assert_eq!(
        login.prompts,
        ["(alice@127.0.0.1) Password or token: "],
        "{login}"
    );

    let login = machine
        .ssh("alice")
        .answers([token.as_str()])
        .password()
        .command("id -un");
    accepted(&login);
    assert_eq!(login.prompts, ["alice@127.0.0.1's password: "], "{login}");
}

#[test]
fn a_password_works_as_before_and_is_asked_for_once() {
    let machine = Machine::ready();
    machine.password("alice", "correct horse");
    let _sshd = machine.sshd(&[]);
    for ask in [machine::Ssh::kbdint, machine::Ssh::password] {
        let login = ask(machine.ssh("alice").answers(["correct horse"])).command("id -un");
        accepted(&login);
        assert_eq!(login.prompts.len(), 1, "{login}");
        let login = ask(machine.ssh("alice").answers(["wrong horse"])).command("id -un");
        refused(&login);
        assert!(
            !format!("{login}").contains("not_a_token"),
            "a password is logged:\n{login}"
        );
    }
}

#[test]
fn a_refused_token_is_one_failed_attempt_and_the_next_may_be_by_password() {
    let machine = Machine::ready();
    machine.password("alice", "correct horse");
    let _sshd = machine.sshd(&[]);
    let foreign = machine.token(["alice", "--audience", "ssh://other"]);
    let ssh = || {
        let answers = [foreign.as_str(), "correct horse"];
        machine.ssh("alice").answers(answers).kbdint()
    };
    // pam_unix does not ask for a secret of its own.
    let login = ssh().command("id -un");
    refused(&login);
    assert_eq!(login.prompts.len(), 1, "{login}");
    let audit = login
        .log
        .iter()
        .filter(|line| line.message.contains("reason=audience_mismatch"));
    assert_eq!(audit.count(), 1, "{login}");

    let login = ssh().option("NumberOfPasswordPrompts=2").command("id -un");
    accepted(&login);
    let prompt = "(alice@127.0.0.1) Password or token: ";
    assert_eq!(login.prompts, [prompt, prompt], "{login}");
}

#[test]
fn where_nothing_but_a_token_is_accepted_nothing_else_is() {
    let machine = Machine::ready();
    machine.password("alice", "correct horse");
    let debian = machine.read("/etc/pam.d/sshd");
    let session: String = debian
        .lines()
        .filter(|line| line.starts_with("session") || line.starts_with("@include common-session"))
        .map(|line| format!("{line}\n"))
        .collect();
    let head = machine.read("/usr/share/doc/pam-jwt/pam.d/sshd-token-only");
    machine.write("/etc/pam.d/sshd", format!("{head}{session}"), 0o644);
    let key = machine.ssh_key("alice");
    let _sshd = machine.sshd(&[]);

    let token = machine.token(["alice"]);
    accepted(
        &machine
            .ssh("alice")
            .answers([token.as_str()])
            .kbdint()
            .command("id -un"),
    );
    accepted(
        &machine
            .ssh("alice")
            .answers([token.as_str()])
            .password()
            .command("id -un"),
    );
    refused(
        &machine
            .ssh("alice")
            .answers(["correct horse"])
            .kbdint()
            .command("id -un"),
    );
    refused(
        &machine
            .ssh("alice")
            .answers(["correct horse"])
            .password()
            .command("id -un"),
    );

    let login = machine
        .ssh("alice")
        .option("PreferredAuthentications=publickey")
        .option(&format!("IdentityFile={key}"))
        .command("id -un");
    refused(&login);
    let audit = "pam_jwt(sshd:account): result=refused reason=token_required account=alice service=sshd rhost=127.0.0.1";
    assert!(
        login.log.iter().any(|line| line.message == audit),
        "{login}"
    );
}

#[test]
fn faillock_locks_tokens_out_too_and_counts_those_that_are_refused() {
    let machine = Machine::ready();
    machine.password("alice", "correct horse");
    let head = machine.read("/usr/share/doc/pam-jwt/pam.d/faillock");
    let debian = machine.read("/etc/pam.d/sshd");
    let rest = debian
        .replace("auth sufficient pam_jwt.so\n", "")
        .replace("@include common-auth\n", "");
    machine.write("/etc/pam.d/sshd", format!("{head}{rest}"), 0o644);
    machine.write("/etc/security/faillock.conf", "deny = 2\n", 0o644);
    let _sshd = machine.sshd(&[]);
    let failures = || {
        let shown = machine
            .run(["faillock", "--user", "alice"])
            .expect_success()
            .stdout;
        shown
            .lines()
            .filter(|line| line.trim_end().ends_with('V'))
            .count()
    };

    let token = machine.token(["alice"]);
    accepted(
        &machine
            .ssh("alice")
            .answers([token.as_str()])
            .kbdint()
            .command("id -un"),
    );
    assert_eq!(failures(), 0);
    accepted(
        &machine
            .ssh("alice")
            .answers(["correct horse"])
            .kbdint()
            .command("id -un"),
    );

    // A refused token is a failure as a wrong password is.
    let foreign = machine.token(["alice", "--audience", "ssh://other"]);
    for (secret, so_far) in [(foreign.as_str(), 1), ("wrong", 2)] {
        refused(
            &machine
                .ssh("alice")
                .answers([secret])
                .kbdint()
                .command("id -un"),
        );
        assert_eq!(failures(), so_far);
    }
    refused(
        &machine
            .ssh("alice")
            .answers([token.as_str()])
            .kbdint()
            .command("id -un"),
    );
}
