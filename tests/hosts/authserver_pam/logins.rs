//! Whom the stack as it is shipped lets in.

use super::{Conversation, PASSWORD, login, login_by, machine, prompt};
use machine::{LogLine, Machine};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[test]
fn the_right_password_is_the_owners() {
    let machine = machine();
    machine.run(["groupadd", "staff2"]).expect_success();
    machine
        .run(["usermod", "-aG", "staff2", "alice"])
        .expect_success();
    let ended = login(&machine, "alice", PASSWORD);
    let uid: u32 = machine
        .run(["id", "-u", "alice"])
        .stdout
        .trim()
        .parse()
        .unwrap();
    let granted = ended.expect_granted();
    assert_eq!(
        granted,
        &json!({
            "account": "alice", "uid": uid, "groups": ["alice", "staff2"], "amr": ["pwd"],
            "changed_password": false,
        })
    );
    let line = "<5>login: result=accepted reason=allowed account=alice \
        service=pam-jwt-authserver rhost=192.0.2.7\n";
    assert_eq!(ended.journal, line);
}

#[test]
fn a_wrong_password_is_refused_and_told_to_nobody() {
    let machine = machine();
    let mark = machine.mark();
    let ended = login(&machine, "alice", "hunter2 hunter2");
    ended.expect_refused("authentication_failed", "alice");
    assert_eq!(ended.texts, Vec::<Value>::new());
    let line = machine.wait_for_log(
        mark,
        "pam_unix(pam-jwt-authserver:auth): authentication failure",
    );
    assert!(line.message.contains("rhost=192.0.2.7"), "{line}");
    let log = machine.log_since(mark);
    let all = log.iter().map(LogLine::to_string).chain([ended.journal]);
    assert!(
        !all.into_iter().any(|line| line.contains("hunter2")),
        "{log:?}"
    );
}

/// pam_unix that does not wait after a failure, so that what is waited for is seen.
pub fn hasty(machine: &Machine) {
    machine.write(
        super::STACK,
        "auth required pam_unix.so nodelay\naccount required pam_unix.so\n",
        0o644,
    );
}

#[test]
fn an_unknown_account_looks_like_any_other() {
    let machine = machine();
    hasty(&machine);
    let mark = machine.mark();
    let long = "a".repeat(300);
    for account in [
        "alice",
        "bob",
        "my password",
        "root",
        "../alice",
        "/etc/passwd",
        "-alice",
        "+",
        ":",
        "",
        "alice\n",
        "Alice",
        "daemon",
        "nobody",
        &long,
    ] {
        let mut conversation = Conversation::of(&machine, account);
        assert_eq!(conversation.asked(), [prompt("Password: ")], "{account:?}");
        let answered = Instant::now();
        conversation.answer(["wrong"]);
        let ended = conversation.end();
        assert!(answered.elapsed() >= Duration::from_secs(3), "{account:?}");
        let exists = ["alice", "root", "daemon", "nobody"].contains(&account);
        let logged = if exists { account } else { "unknown" };
        ended.expect_refused("authentication_failed", logged);
        assert_eq!(ended.texts, Vec::<Value>::new());
    }
    let log = machine.log_since(mark);
    assert!(
        !log.iter().any(|line| line.message.contains("my password")),
        "{log:?}"
    );
}

#[test]
fn the_systems_accounts_are_refused_as_if_the_password_were_wrong() {
    let machine = machine();
    hasty(&machine);
    machine
        .run(["useradd", "--system", "backup2"])
        .expect_success();
    for account in ["root", "backup2"] {
        machine.password(account, PASSWORD);
        // What would be asked next would say that the password was right.
        machine.run(["chage", "-d", "0", account]).expect_success();
        let ended = login(&machine, account, PASSWORD);
        ended.expect_refused("account_reserved", account);
        assert_eq!(ended.texts, Vec::<Value>::new());
        machine.run(["chage", "-d", "-1", account]).expect_success();
    }
    let root = login_by(&machine, "root", PASSWORD, &json!({ "allow_root": true }));
    assert_eq!(root.expect_granted()["uid"], 0);
    let system = login_by(&machine, "backup2", PASSWORD, &json!({ "min_uid": 100 }));
    assert_eq!(system.expect_granted()["account"], "backup2");
}

/// Two names of one account: whichever is typed, the tokens are for the one that the uid leads to
/// (getpwuid(3)), and that has to be let in as well.
#[test]
fn an_alias_is_the_account_itself() {
    let machine = machine();
    hasty(&machine);
    let id = machine.run(["id", "-u", "alice"]).stdout;
    let add = ["useradd", "--non-unique", "--uid", id.trim(), "ally"];
    machine.run(add).expect_success();
    machine.password("ally", "another of hers");
    let ended = login(&machine, "ally", "another of hers");
    let granted = ended.expect_granted();
    assert_eq!(granted["account"], "alice");
    assert_eq!(granted["groups"], json!(["alice"]));
    assert!(ended.journal.contains(" account=alice "), "{ended:?}");
    machine
        .run(["usermod", "-e", "1", "alice"])
        .expect_success();
    let ended = login(&machine, "ally", "another of hers");
    ended.expect_refused("account_expired", "ally");
    login(&machine, "ally", PASSWORD).expect_refused("authentication_failed", "ally");
}

#[test]
fn who_is_in_none_of_the_groups_may_not_log_in() {
    let machine = machine();
    let staff = json!({ "groups": ["staff", "wheel2"] });
    login_by(&machine, "alice", PASSWORD, &staff).expect_refused("group_missing", "alice");
    machine
        .run(["usermod", "-aG", "staff", "alice"])
        .expect_success();
    login_by(&machine, "alice", PASSWORD, &staff).expect_granted();
}

#[test]
fn an_account_without_a_password_is_nobodys() {
    let machine = machine();
    machine.run(["passwd", "-d", "alice"]).expect_success();
    // Debian's common-auth says nullok, and an application may say otherwise.
    let ended = login(&machine, "alice", "");
    ended.expect_refused("authentication_failed", "alice");
}

#[test]
fn a_locked_password_opens_nothing() {
    let machine = machine();
    machine.run(["usermod", "-L", "alice"]).expect_success();
    login(&machine, "alice", PASSWORD).expect_refused("authentication_failed", "alice");
}

#[test]
fn an_expired_account_says_so_to_its_owner_alone() {
    let machine = machine();
    machine
        .run(["usermod", "-e", "1", "alice"])
        .expect_success();
    // The stack as it is shipped ends with pam_deny, whose code it is then.
    let ended = login(&machine, "alice", PASSWORD);
    ended.expect_refused("access_denied", "alice");
    assert!(ended.shows("error", "account has expired"), "{ended:?}");
    hasty(&machine);
    let ended = login(&machine, "alice", PASSWORD);
    ended.expect_refused("account_expired", "alice");
    assert!(ended.shows("error", "account has expired"), "{ended:?}");
    let wrong = login(&machine, "alice", "wrong");
    wrong.expect_refused("authentication_failed", "alice");
    assert_eq!(wrong.texts, Vec::<Value>::new());
}

#[test]
fn an_expired_password_is_changed_in_the_same_conversation() {
    let machine = machine();
    machine.run(["chage", "-d", "0", "alice"]).expect_success();
    let mut conversation = Conversation::of(&machine, "alice");
    assert_eq!(conversation.asked(), [prompt("Password: ")]);
    conversation.answer([PASSWORD]);
    let shown = conversation.asked();
    let texts: Vec<&str> = shown.iter().map(|(style, _)| style.as_str()).collect();
    assert_eq!(texts, ["error", "info", "hidden"], "{shown:?}");
    assert!(
        shown[0].1.contains("required to change your password"),
        "{shown:?}"
    );
    assert_eq!(shown[2].1, "Current password: ");
    conversation.answer([PASSWORD]);
    assert_eq!(conversation.asked(), [prompt("New password: ")]);
    // What pam_unix takes for a bad one it asks for again.
    conversation.answer(["short"]);
    assert_eq!(conversation.asked(), [prompt("Retype new password: ")]);
    conversation.answer(["short"]);
    let shown = conversation.asked();
    assert_eq!(shown.last(), Some(&prompt("New password: ")), "{shown:?}");
    assert!(shown.len() > 1, "{shown:?}");
    let other = "another horse, another battery";
    conversation.answer([other]);
    assert_eq!(conversation.asked(), [prompt("Retype new password: ")]);
    conversation.answer([other]);
    let ended = conversation.end();
    assert_eq!(
        ended.expect_granted()["changed_password"],
        true,
        "{ended:?}"
    );
    let again = login(&machine, "alice", other);
    assert_eq!(again.expect_granted()["changed_password"], false);
    login(&machine, "alice", PASSWORD).expect_refused("authentication_failed", "alice");
}

#[test]
fn an_expired_password_that_is_not_changed_lets_nobody_in() {
    let machine = machine();
    machine.run(["chage", "-d", "0", "alice"]).expect_success();
    let mut conversation = Conversation::of(&machine, "alice");
    conversation.asked();
    conversation.answer([PASSWORD]);
    conversation.asked();
    conversation.answer(["not the current one"]);
    let ended = conversation.end();
    ended.expect_refused("password_expired", "alice");
    // The grant that shows nothing changes nothing.
    let mut conversation = Conversation::start(&machine, &json!({}));
    conversation.say(&json!({
        "account": "alice", "rhost": "192.0.2.7", "purpose": "password",
    }));
    assert_eq!(conversation.asked(), [prompt("Password: ")]);
    conversation.answer([PASSWORD]);
    conversation
        .end()
        .expect_refused("password_expired", "alice");
    let mut still = Conversation::of(&machine, "alice");
    still.asked();
    still.answer([PASSWORD]);
    assert!(still.asked().len() > 1);
}
