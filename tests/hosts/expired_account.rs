//! An account that has expired: a good token is accepted, and the account phase,
//! which is pam_unix's, refuses the login all the same.

use machine::{Machine, Mark};

/// A machine where alice's tokens open `service` and her account has expired.
fn expired(service: &str) -> Machine {
    let machine = Machine::ready();
    if service != "sshd" {
        machine.pam_line(service, "auth sufficient pam_jwt.so");
    }
    machine.services(&[service]);
    machine
        .run(["usermod", "-e", "1", "alice"])
        .expect_success();
    machine
}

/// What auth and account have logged since `mark`.
fn expect_logged(machine: &Machine, mark: Mark, service: &str) {
    machine.wait_for_log(
        mark,
        &format!("pam_jwt({service}:auth): result=accepted reason=allowed account=alice service={service}"),
    );
    machine.wait_for_log(
        mark,
        &format!("pam_unix({service}:account): account alice has expired (account expired)"),
    );
}

#[test]
fn sshd_refuses_it_by_either_method() {
    let machine = expired("sshd");
    let _sshd = machine.sshd(&[]);
    let token = machine.token(["alice"]);
    for ask in [machine::Ssh::kbdint, machine::Ssh::password] {
        let mark = machine.mark();
        let login = ask(machine.ssh("alice").answers([token.as_str()])).command("id -un");
        assert_eq!(
            (login.code(), login.stdout.as_str()),
            (Some(255), ""),
            "{login}"
        );
        expect_logged(&machine, mark, "sshd");
    }
}

#[test]
fn su_refuses_it() {
    let machine = expired("su");
    machine.account("bob");
    let token = machine.token(["alice"]);
    let mark = machine.mark();
    let su = machine.command(["su", "alice", "-c", "id -un"]).user("bob");
    let mut su = su.terminal();
    su.expect("Password or token: ").send_line(&token);
    let output = su.wait().expect_code(1);
    assert!(!output.stdout.contains("\nalice"), "{output}");
    expect_logged(&machine, mark, "su");
}

#[test]
fn sudo_refuses_a_caller_whose_account_it_is() {
    let machine = expired("sudo");
    machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);
    let token = machine.token(["alice"]);
    let mark = machine.mark();
    let mut sudo = machine
        .command(["sudo", "-k", "id", "-un"])
        .user("alice")
        .terminal();
    sudo.expect("Password or token: ").send_line(&token);
    let output = sudo.wait().expect_code(1);
    assert!(!output.stdout.contains("\nroot"), "{output}");
    expect_logged(&machine, mark, "sudo");
}
