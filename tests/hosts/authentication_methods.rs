//! The real sshd where AuthenticationMethods asks for two things: a key and a token.

use machine::{Login, Machine};

/// alice logs in with her key and her token, in the order that `methods` says, and
/// with nothing less.
fn both_are_needed(methods: &str) {
    let (first, second) = methods.split_once(',').expect("two methods");
    let machine = Machine::ready();
    machine.account("bob");
    let (key, strangers) = (machine.ssh_key("alice"), machine.ssh_key("bob"));
    let token = machine.token(["alice"]);
    let foreign = machine.token(["alice", "--audience", "ssh://other"]);
    let _sshd = machine.sshd(&[&format!("AuthenticationMethods {methods}")]);
    let login = |methods: &str, key: &str, answer: &str| {
        machine
            .ssh("alice")
            .option(&format!("PreferredAuthentications={methods}"))
            .option(&format!("IdentityFile={key}"))
            .option("IdentitiesOnly=yes")
            .answers([answer])
            .command("id -un")
    };

    let both = login(methods, &key, &token);
    assert_eq!(
        (both.code(), both.stdout.as_str()),
        (Some(0), "alice\n"),
        "{both}"
    );
    assert_eq!(both.prompts.len(), 1, "{both}");
    expect_logged(&both, "result=accepted reason=allowed account=alice");

    // What the client is told are the methods that could go on.
    let denied = |login: &Login, next: &str| {
        assert_eq!(
            (login.code(), login.stdout.as_str()),
            (Some(255), ""),
            "{login}"
        );
        let expected = format!("Permission denied ({next}).");
        assert!(login.stderr.contains(&expected), "{login}");
    };
    denied(&login(first, &key, &token), second);
    let not_begun = login(second, &key, &token);
    denied(&not_begun, first);
    assert_eq!(not_begun.prompts, [""; 0], "{not_begun}");

    let wrong_token = login(methods, &key, &foreign);
    let open = if first == "publickey" { second } else { first };
    denied(&wrong_token, open);
    expect_logged(&wrong_token, "result=refused reason=audience_mismatch");
    denied(&login(methods, &strangers, &token), "publickey");
}

fn expect_logged(login: &Login, text: &str) {
    assert!(
        login.log.iter().any(|line| line.message.contains(text)),
        "no line has {text:?}:\n{login}"
    );
}

#[test]
fn a_key_first_and_a_token_second_log_in_together() {
    both_are_needed("publickey,keyboard-interactive");
}

#[test]
fn a_token_first_and_a_key_second_log_in_together() {
    both_are_needed("keyboard-interactive,publickey");
}

#[test]
fn a_key_and_a_token_given_as_the_password_log_in_together() {
    both_are_needed("publickey,password");
}
