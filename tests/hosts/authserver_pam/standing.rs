//! Whether an account may still log in, which PAM is asked while its owner is not there.

use super::{Conversation, Ended, PASSWORD, machine};
use machine::{AuthServer, CLIENT_SECRET, Machine, Visitor};
use serde_json::json;

/// A client that is told passwords, and comes again without them.
const OLD: &str = "grant_types = [\"password\", \"refresh_token\"]
redirect_uris = [\"https://old.example.org/callback\"]
scopes = [\"read\"]
";

/// What the account lines say of an account.
#[track_caller]
fn checked(machine: &Machine, account: &str) -> Ended {
    let mut conversation = Conversation::start(machine, &json!({}));
    conversation.say(&json!({
        "account": account, "rhost": "192.0.2.7", "purpose": "check",
    }));
    let ended = conversation.end();
    // Nobody is there to whom anything could be said.
    assert!(ended.texts.is_empty(), "{ended:?}");
    ended
}

#[test]
fn the_account_lines_are_asked_and_nobody_else() {
    let machine = machine();
    let sh = |script: &str| {
        machine.run(["sh", "-ec", script]).expect_success();
    };
    let refused = |account: &str, reason: &str, logged: &str| {
        let ended = checked(&machine, account);
        assert_eq!(ended.outcome["refused"], reason, "{ended:?}");
        let line = format!(
            "<5>account: result=refused reason={reason} account={logged} \
             service=pam-jwt-authserver rhost=192.0.2.7\n"
        );
        assert!(ended.journal.ends_with(&line), "{ended:?}");
    };
    let good = checked(&machine, "alice");
    assert_eq!(good.expect_granted()["account"], "alice");
    // What is as it should be is asked for often.
    assert_eq!(good.journal, "");
    sh("usermod -e 1 alice");
    // The stack as it is shipped ends with pam_deny, whose code it is then.
    refused("alice", "access_denied", "alice");
    sh("usermod -e '' alice && chage -d 0 alice");
    refused("alice", "password_expired", "alice");
    // A password that is locked is no account that is (usermod(8)): keys still open it, too.
    sh("chage -d -1 alice && usermod -L alice");
    checked(&machine, "alice").expect_granted();
    sh("userdel alice");
    refused("alice", "access_denied", "unknown");
}

/// By what they had before: a refresh token, and a browser in which they have logged in.
#[test]
fn whose_account_has_expired_gets_nothing_new() {
    let machine = machine();
    machine.install();
    let server = AuthServer::on(&machine)
        .client("old", Some(CLIENT_SECRET), OLD)
        .start();
    let user = server.basic("old");
    let post = |form: &[(&str, &str)]| server.post("/token", &["--user", &user], form);
    let tokens = post(&[
        ("grant_type", "password"),
        ("username", "alice"),
        ("password", PASSWORD),
    ]);
    let tokens = tokens.expect(200).json();
    let refresh_token = tokens["refresh_token"].as_str().expect("one");
    let refresh = || {
        post(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ])
    };
    let mut visitor = Visitor::new(&machine, &server.issuer);
    let logged_in = "logged in as <strong>alice";
    let page = visitor.log_in("/device", "alice", PASSWORD, "");
    assert!(page.contains(logged_in), "{page}");
    let page = visitor.open("/device");
    assert!(page.contains(logged_in), "{page}");

    // A new server does not know that PAM has just let the account pass.
    machine
        .run(["usermod", "-e", "1", "alice"])
        .expect_success();
    server.stop();
    server.again();
    assert_eq!(refresh().expect(400).json()["error"], "invalid_grant");
    server.wait_for_log("account: result=refused reason=access_denied account=alice ");
    let page = visitor.open("/device");
    assert!(
        !page.contains(logged_in) && page.contains("Account name"),
        "{page}"
    );
    // Neither was ended by that.
    machine.run(["usermod", "-e", "", "alice"]).expect_success();
    refresh().expect(200);
    let page = visitor.open("/device");
    assert!(page.contains(logged_in), "{page}");
    server.stop();
}
