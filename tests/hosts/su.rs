//! The real su, which is setuid and hands the module its caller's environment.

use machine::Machine;

#[test]
fn nothing_in_the_callers_environment_reaches_the_module() {
    let machine = Machine::ready();
    machine.account("bob");
    machine.pam_line("su", "auth sufficient pam_jwt.so");
    machine.services(&["su"]);
    let token = machine.token(["bob"]);
    // Of this one aws-lc makes an abort, unless it does not see it.
    let abort = ("OPENSSL_ia32cap", "|0xffffffffffffffff");
    for (name, value) in [
        abort,
        ("RUST_BACKTRACE", "full"),
        ("SSLKEYLOGFILE", "/tmp/x"),
    ] {
        let su = machine
            .command(["su", "bob", "-c", "id -un"])
            .user("alice")
            .env(name, value);
        let mut su = su.terminal();
        su.expect("Password or token: ").send_line(&token);
        let output = su.wait().expect_success();
        assert!(
            output.stdout.trim_end().ends_with("bob"),
            "{name}: {output}"
        );
    }
}

/// Two accounts with passwords, of which alice runs su, and pam_jwt before pam_unix.
fn alice_and_bob() -> Machine {
    let machine = Machine::ready();
    machine.account("bob");
    machine.password("bob", "correct horse");
    // su-l includes su.
    machine.pam_line("su", "auth sufficient pam_jwt.so");
    machine
}

/// alice's su to bob: what she types in answer to the prompts, and who she is then.
fn su(machine: &Machine, login: bool, answers: &[(&str, &str)]) -> String {
    let su: &[&str] = if login { &["su", "-"] } else { &["su"] };
    let mut su = machine
        .command(su)
        .args(["bob", "-c", "echo I am $(id -un)"])
        .user("alice")
        .terminal();
    for (prompt, answer) in answers {
        su.expect(prompt).send_line(answer);
    }
    su.wait().stdout
}

#[test]
fn su_and_su_with_a_login_shell_are_services_of_their_own() {
    let machine = alice_and_bob();
    let token = machine.token(["bob"]);
    for (allowed, other, login) in [("su", "su-l", false), ("su-l", "su", true)] {
        machine.services(&[allowed]);
        let mark = machine.mark();
        let screen = su(&machine, login, &[("Password or token: ", &token)]);
        assert!(screen.contains("I am bob"), "{allowed}: {screen}");
        machine.wait_for_log(
            mark,
            &format!(
                "pam_jwt({allowed}:auth): result=accepted reason=allowed account=bob service={allowed}"
            ),
        );

        let mark = machine.mark();
        let screen = su(&machine, !login, &[("Password or token: ", &token)]);
        assert!(!screen.contains("I am"), "{other}: {screen}");
        machine.wait_for_log(
            mark,
            &format!(
                "pam_jwt({other}:auth): result=refused reason=service_not_allowed account=bob service={other}"
            ),
        );
    }
}

#[test]
fn a_password_opens_su_as_before() {
    let machine = alice_and_bob();
    machine.services(&["su", "su-l"]);
    let bobs = "correct horse";
    for login in [false, true] {
        let screen = su(&machine, login, &[("Password or token: ", bobs)]);
        assert!(screen.contains("I am bob"), "{screen}");
        let screen = su(&machine, login, &[("Password or token: ", "wrong horse")]);
        assert!(!screen.contains("I am"), "{screen}");
    }
    // Behind a refused token nobody asks again.
    let foreign = machine.token(["bob", "--audience", "ssh://other"]);
    let screen = su(&machine, false, &[("Password or token: ", &foreign)]);
    assert!(!screen.contains("I am"), "{screen}");
}

/// Checklist: A.24
#[test]
fn a_token_of_the_caller_does_not_open_somebody_elses_account() {
    let machine = alice_and_bob();
    machine.services(&["su", "su-l"]);
    let token = machine.token(["alice"]);
    for (login, service) in [(false, "su"), (true, "su-l")] {
        let mark = machine.mark();
        let screen = su(&machine, login, &[("Password or token: ", &token)]);
        assert!(!screen.contains("I am"), "{service}: {screen}");
        machine.wait_for_log(
            mark,
            &format!(
                "pam_jwt({service}:auth): result=refused reason=account_not_allowed account=bob service={service}"
            ),
        );
    }
}

/// From a pipe su reads a NUL like any other byte, and hands over a string that ends there.
#[test]
fn of_an_answer_with_a_nul_su_hands_over_what_stands_before_it() {
    let machine = alice_and_bob();
    machine.services(&["su"]);
    let token = machine.token(["bob"]);
    let (start, end) = token.split_at(token.len() - 20);
    let su = |answer: String| {
        let su = machine.command(["su", "bob", "-c", "echo I am $(id -un)"]);
        su.user("alice").stdin(answer).run()
    };
    for answer in [format!("{start}\0{end}\n"), format!("\0{token}\n")] {
        assert_eq!(su(answer).expect_code(1).stdout, "");
    }
    let output = su(format!("{token}\0{end}\n")).expect_success();
    assert_eq!(output.stdout, "I am bob\n", "{output}");
}
