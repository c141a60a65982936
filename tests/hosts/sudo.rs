//! The real sudo, on a terminal and from standard input: the account is the caller's.

use machine::{Command, Machine};

/// A machine where alice may run anything, and pam_jwt stands before pam_unix.
fn alice_may_sudo() -> Machine {
    let machine = Machine::ready();
    machine.password("alice", "correct horse");
    for service in ["sudo", "sudo-i"] {
        machine.pam_line(service, "auth sufficient pam_jwt.so");
    }
    machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);
    machine
}

/// alice's sudo, for which nothing is remembered.
fn sudo<'m>(machine: &'m Machine, options: &[&str]) -> Command<'m> {
    machine
        .command(["sudo", "-k"])
        .args(options)
        .args(["sh", "-c", "echo I am $(id -un)"])
        .user("alice")
}

const LOGIN: [(&str, &[&str]); 2] = [("sudo", &[]), ("sudo-i", &["-i"])];

/// Checklist: A.24
#[test]
fn a_token_of_the_caller_opens_sudo_where_a_rule_names_it() {
    let machine = alice_may_sudo();
    let token = machine.token(["alice"]);
    for ((service, options), (other, others_options)) in
        [(LOGIN[0], LOGIN[1]), (LOGIN[1], LOGIN[0])]
    {
        machine.services(&[service]);
        let mut accepted = sudo(&machine, options).terminal();
        accepted.expect("Password or token: ").send_line(&token);
        let output = accepted.wait().expect_success();
        assert!(output.stdout.contains("I am root"), "{output}");

        let mark = machine.mark();
        let mut refused = sudo(&machine, others_options).terminal();
        refused.expect("Password or token: ").send_line(&token);
        machine.wait_for_log(
            mark,
            &format!(
                "pam_jwt({other}:auth): result=refused reason=service_not_allowed account=alice service={other}"
            ),
        );
        // sudo asks again, as after a wrong password, and now gets the right one.
        refused
            .expect("Sorry, try again.")
            .expect("Password or token: ")
            .send_line("correct horse");
        let output = refused.wait().expect_success();
        assert!(output.stdout.contains("I am root"), "{output}");
    }
}

#[test]
fn a_password_opens_sudo_as_before() {
    let machine = alice_may_sudo();
    machine.services(&["sudo", "sudo-i"]);
    for (service, options) in LOGIN {
        let mut sudo = sudo(&machine, options).terminal();
        sudo.expect("Password or token: ")
            .send_line("correct horse");
        let output = sudo.wait().expect_success();
        assert!(output.stdout.contains("I am root"), "{service}: {output}");
    }
}

/// Checklist: A.24
#[test]
fn a_token_of_the_target_does_not_open_sudo() {
    let machine = alice_may_sudo();
    machine.account("bob");
    machine.services(&["sudo", "sudo-i"]);
    let token = machine.token(["bob"]);
    for (service, options) in LOGIN {
        let mark = machine.mark();
        let mut sudo = sudo(&machine, &[options, &["-u", "bob"]].concat()).terminal();
        sudo.expect("Password or token: ").send_line(&token);
        machine.wait_for_log(
            mark,
            &format!(
                "pam_jwt({service}:auth): result=refused reason=account_not_allowed account=alice service={service}"
            ),
        );
        sudo.expect("Sorry, try again.");
    }
}

#[test]
fn a_token_from_standard_input_opens_sudo() {
    let machine = alice_may_sudo();
    machine.services(&["sudo"]);
    let token = machine.token(["alice"]);
    assert!(token.len() <= 511, "sudo takes no more of an answer");
    let output = sudo(&machine, &["-S"]).stdin(format!("{token}\n")).run();
    assert_eq!(output.expect_success().stdout, "I am root\n");

    let foreign = machine.token(["alice", "--audience", "ssh://other"]);
    let output = sudo(&machine, &["-S"]).stdin(format!("{foreign}\n")).run();
    assert_eq!(output.expect_code(1).stdout, "");

    // One that is longer never comes to the module.
    let long = machine.token(["alice", "--claim", &format!("pad={}", "x".repeat(300))]);
    let mark = machine.mark();
    let output = sudo(&machine, &["-S"]).stdin(format!("{long}\n")).run();
    assert_eq!(output.expect_code(1).stdout, "");
    machine.wait_for_log(
        mark,
        "pam_jwt(sudo:auth): result=refused reason=no_answer account=alice",
    );
}
