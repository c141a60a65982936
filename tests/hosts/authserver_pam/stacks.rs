//! Stacks that ask for more, or say more.

use super::{Conversation, PASSWORD, STACK, login, login_by, machine, prompt};
use machine::Machine;
use serde_json::{Value, json};

/// Builds a module that asks for two things at once.
fn two_prompts(machine: &Machine) {
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/hosts/authserver_pam/two_prompts.c"
    );
    let module = "/usr/local/lib/two_prompts.so";
    let cc = [
        "cc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", module, source, "-lpam",
    ];
    machine.run(cc).expect_success();
    let stack = format!("auth required {module}\naccount required pam_permit.so\n");
    machine.write(STACK, stack, 0o644);
}

/// Checklist: C.19
#[test]
fn pam_faillock_locks_and_says_so() {
    let machine = machine();
    let faillock = include_str!("../../../conf/pam.d/faillock");
    let faillock = faillock.replace("auth    sufficient                  pam_jwt.so\n", "");
    assert!(!faillock.contains("pam_jwt.so"), "{faillock}");
    let rest = "account required pam_unix.so\n";
    machine.write(STACK, faillock + rest, 0o644);
    machine.write("/etc/security/faillock.conf", "deny = 3\n", 0o644);
    login(&machine, "alice", PASSWORD).expect_granted();
    for _ in 0..3 {
        login(&machine, "alice", "wrong").expect_refused("authentication_failed", "alice");
    }
    let ended = Conversation::of(&machine, "alice");
    // It is refused before anything is asked.
    let ended = ended.end();
    ended.expect_refused("authentication_failed", "alice");
    assert!(
        ended.shows("info", "locked due to 3 failed logins"),
        "{ended:?}"
    );
    machine
        .run(["faillock", "--user", "alice", "--reset"])
        .expect_success();
    login(&machine, "alice", PASSWORD).expect_granted();
}

#[test]
fn a_second_factor_is_asked_for_and_is_in_amr_where_the_settings_say_so() {
    let machine = machine();
    let stack = machine.read(STACK);
    let line = "#auth   required    pam_oath.so";
    assert!(stack.contains(line), "{stack}");
    machine.write(STACK, stack.replace(line, &line[1..]), 0o644);
    let secret = "3132333435363738393031323334353637383930";
    machine.write("/etc/users.oath", format!("HOTP alice - {secret}\n"), 0o600);
    let code = |counter: &str| {
        let code = machine
            .run(["oathtool", "--counter", counter, secret])
            .expect_success();
        code.stdout.trim().to_owned()
    };
    let amr = json!({ "amr": ["pwd", "otp", "mfa"] });
    let second = |password: &str, code: &str| {
        let mut conversation = Conversation::by(&machine, "alice", &amr);
        assert_eq!(conversation.asked(), [prompt("Password: ")]);
        conversation.answer([password]);
        let shown = conversation.asked();
        assert_eq!(shown, [prompt("One-time password (OATH) for `alice': ")]);
        conversation.answer([code]);
        conversation.end()
    };
    let ended = second(PASSWORD, &code("0"));
    assert_eq!(ended.expect_granted()["amr"], amr["amr"]);
    for bad in [code("0"), "000000".to_owned(), String::new()] {
        second(PASSWORD, &bad).expect_refused("authentication_failed", "alice");
    }
    second(PASSWORD, &code("1")).expect_granted();
    // A wrong password does not come so far.
    login_by(&machine, "alice", "wrong", &amr).expect_refused("authentication_failed", "alice");
}

#[test]
fn a_stack_that_asks_for_nothing_hidden_proves_no_password() {
    let machine = machine();
    machine.write(
        STACK,
        "auth required pam_permit.so\naccount required pam_permit.so\n",
        0o644,
    );
    let ended = Conversation::by(&machine, "alice", &json!({ "amr": ["pwd", "kba"] })).end();
    assert_eq!(ended.expect_granted()["amr"], json!(["kba"]));
}

#[test]
fn what_is_asked_at_once_is_shown_and_answered_at_once() {
    let machine = machine();
    two_prompts(&machine);
    let ask = |answers: &[&str]| {
        let mut conversation = Conversation::of(&machine, "alice");
        let shown = conversation.asked();
        let styles: Vec<&str> = shown.iter().map(|(style, _)| style.as_str()).collect();
        assert_eq!(styles, ["info", "visible", "error", "hidden"], "{shown:?}");
        assert_eq!(shown[1].1, "Colour: ");
        conversation.say(&json!({ "answers": answers }));
        conversation
    };
    ask(&["blue", "secret"]).end().expect_granted();
    ask(&["secret", "blue"])
        .end()
        .expect_refused("authentication_failed", "alice");
    // Another number of answers is no answer: nothing of them reaches the module.
    for answers in [&["blue"][..], &[], &["blue", "secret", "more"]] {
        let journal = ask(answers).journal();
        assert!(
            journal.contains("result=refused reason=no_answer account=alice"),
            "{journal}"
        );
    }
}

/// As for a key that is to be touched: what is shown comes while the module waits.
#[test]
fn a_text_comes_before_what_it_tells_of() {
    let machine = machine();
    machine.write("/etc/touch", "Touch the key.\u{1b}[2J\n", 0o644);
    machine.write(
        "/usr/local/bin/touched",
        "#!/bin/sh\nuntil [ -e /run/touched ]; do sleep 0.05; done\n",
        0o755,
    );
    let stack = "auth required pam_echo.so file=/etc/touch\n\
        auth required pam_exec.so /usr/local/bin/touched\naccount required pam_permit.so\n";
    machine.write(STACK, stack, 0o644);
    let mut conversation = Conversation::of(&machine, "alice");
    let messages = conversation.hear().unwrap();
    assert_eq!(
        messages,
        json!({ "messages": [{ "style": "info", "text": "Touch the key.[2J" }] })
    );
    assert!(!conversation.has_ended());
    machine.write("/run/touched", "", 0o644);
    let ended = conversation.end();
    ended.expect_granted();
    assert_eq!(ended.texts, Vec::<Value>::new());
}

#[test]
fn a_stack_that_cannot_be_run_lets_nobody_in_and_is_nobodys_wrong_password() {
    let machine = machine();
    for stack in [
        "auth required pam_no_such_module.so\naccount required pam_permit.so\n",
        "auth required pam_permit.so\naccount required pam_no_such_module.so\n",
    ] {
        machine.write(STACK, stack, 0o644);
        let ended = Conversation::of(&machine, "alice").end();
        ended.expect_refused("unavailable", "alice");
        assert!(
            ended
                .journal
                .contains("<3>PAM service pam-jwt-authserver: PAM_"),
            "{ended:?}"
        );
    }
    // Without a file it is the stack of "other", which on Debian asks and lets in: it is not ours
    // to change, but a service that is named wrongly has no file of its own.
    machine.write(
        "/etc/pam.d/other",
        "auth required pam_deny.so\naccount required pam_deny.so\n",
        0o644,
    );
    machine.run(["rm", STACK]).expect_success();
    let ended = Conversation::of(&machine, "alice").end();
    assert!(ended.outcome["refused"].is_string(), "{ended:?}");
}

/// A module may make the user another one (pam_set_item(3)): whom it let in counts.
#[test]
fn who_is_let_in_is_whom_the_modules_say() {
    let machine = machine();
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/hosts/authserver_pam/other_user.c"
    );
    let module = "/usr/local/lib/other_user.so";
    let cc = [
        "cc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", module, source, "-lpam",
    ];
    machine.run(cc).expect_success();
    machine.account("bob");
    let stack = |user: &str| {
        let stack = format!("auth required {module} {user}\naccount required pam_permit.so\n");
        machine.write(STACK, stack, 0o644);
    };
    stack("bob");
    let ended = Conversation::of(&machine, "alice").end();
    assert_eq!(ended.expect_granted()["account"], "bob");
    for (user, reason) in [
        ("root", "account_reserved"),
        ("carol", "account_unknown"),
        ("Bob", "account_unknown"),
    ] {
        stack(user);
        Conversation::of(&machine, "alice")
            .end()
            .expect_refused(reason, "alice");
    }
}
