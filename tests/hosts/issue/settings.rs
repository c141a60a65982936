//! What `[issue]` says: to whom, with which claims, and what becomes of a session that cannot
//! have its token.

use crate::login::{Host, SHOW, Session};
use crate::{PASSWORD, claims, issue, made, sh};
use machine::{Machine, tell};
use serde_json::{Value, json};

/// root's su to an account, which no secret is needed for.
fn su(machine: &Machine, account: &str) -> Session {
    Session::of(machine, || {
        let su = machine.run(["su", account, "-c", SHOW]);
        su.expect_success().to_string()
    })
}

#[test]
fn further_claims_are_filled_in_as_the_session_is() {
    let machine = made(Machine::boot(), "");
    sh(&machine, "groupadd ops && usermod -aG ops bob");
    let uid: u32 = sh(&machine, "id -u bob").parse().expect("a number");
    issue(
        &machine,
        r#"claims = { sun = "{account}", "wlcg.ver" = "1.0", scope = "compute.read", uid = "{uid}", groups = "{groups}", at = "{account}/{uid}@{host} by {service}", list = ["{service}", 5, true], n = 7 }"#,
    );
    let password = Host::Sudo.session(&machine, PASSWORD);
    let token = Host::Sudo.session(&machine, &machine.token(["alice"]));
    for session in [password, token, su(&machine, "bob")] {
        let claims = claims(&machine, session.token());
        let service = claims["client_id"].as_str().expect("a text");
        let service = service.strip_prefix("pam:").expect("a service");
        for (name, value) in [
            ("sun", json!("bob")),
            ("wlcg.ver", json!("1.0")),
            ("scope", json!("compute.read")),
            ("uid", json!(uid)),
            ("groups", json!(["bob", "ops"])),
            ("at", json!(format!("bob/{uid}@machine by {service}"))),
            ("list", json!([service, 5, true])),
            ("n", json!(7)),
        ] {
            assert_eq!(claims[name], value, "{name}");
        }
    }
}

#[test]
fn it_is_for_whom_the_settings_name_and_root_is_named_alone() {
    let machine = made(Machine::boot(), "");
    sh(
        &machine,
        "groupadd ops && usermod -aG ops bob && usermod -aG ops root
        useradd --system --create-home --shell /bin/sh daemon1 && usermod -aG ops daemon1
        useradd --no-create-home --home /root --shell /bin/sh --non-unique --uid 0 toor",
    );
    let least = sh(&machine, "id -u daemon1");
    let (least, all) = (
        format!("min_uid = {least}"),
        ["alice", "bob", "daemon1", "root", "toor"],
    );
    for (settings, meant) in [
        ("", &["alice", "bob"][..]),
        ("accounts = [\"alice\"]", &["alice"]),
        ("accounts = [\"root\"]", &["root"]),
        ("groups = [\"ops\"]", &["bob", "daemon1"]),
        (
            "groups = [\"ops\"]\naccounts = [\"alice\", \"root\"]",
            &["alice", "bob", "daemon1", "root"],
        ),
        (&least, &["alice", "bob", "daemon1"]),
        ("groups = [\"nobody-has\"]", &[]),
    ] {
        issue(&machine, settings);
        for account in all {
            let session = su(&machine, account);
            let has = session
                .shown
                .as_ref()
                .map(|shown| claims(&machine, &shown.token)["sub"].clone());
            let expected = meant.contains(&account).then(|| Value::from(account));
            assert_eq!(has, expected, "{settings}: {account}");
            if has.is_none() {
                let line = machine.wait_for_log(session.mark, "reason=issue_withheld ");
                assert!(
                    line.message.contains("[issue] is not for this account"),
                    "{line}"
                );
            }
        }
    }
}

#[test]
fn a_service_that_is_not_named_has_none() {
    let machine = made(Machine::boot(), "");
    sh(&machine, "sed -i 's/\"su\", //' /etc/pam-jwt/pam-jwt.toml");
    assert!(Host::Su.session(&machine, PASSWORD).shown.is_none());
    assert!(Host::SuLogin.session(&machine, PASSWORD).shown.is_some());
}

/// What each of these makes impossible, and how it is made good again.
const OBSTACLES: [(&str, &str, &str); 3] = [
    (
        "cd /etc/pam-jwt/private && mv local.jwk away",
        "cd /etc/pam-jwt/private && mv away local.jwk",
        "name the key in [issue], or make one: pam-jwt keygen",
    ),
    (
        "chmod 644 /etc/pam-jwt/private/local.jwk",
        "chmod 600 /etc/pam-jwt/private/local.jwk",
        "others than root can read",
    ),
    (
        "cd /etc/pam-jwt && cp pam-jwt.toml away && echo x >>pam-jwt.toml",
        "cd /etc/pam-jwt && mv away pam-jwt.toml",
        "pam-jwt.toml",
    ),
];

/// The hosts that end where a session is refused; login asks for another account.
const END: [Host; 5] = [
    Host::SshPassword,
    Host::SshKeyboard,
    Host::Su,
    Host::SuLogin,
    Host::Sudo,
];

const OPTIONAL: &str = "session optional pam_jwt.so issue";
const REQUIRED: &str = "session required pam_jwt.so issue=required";

/// Puts another line in place of this one.
fn replace(machine: &Machine, line: &str, with: &str) {
    for service in ["sshd", "su", "sudo"] {
        let path = format!("/etc/pam.d/{service}");
        let stack = machine.read(&path);
        assert!(stack.contains(line), "{stack}");
        machine.write(&path, stack.replace(line, with), 0o644);
    }
}

/// There is no session, and the log has these words.
#[track_caller]
fn is_refused(machine: &Machine, host: Host, answer: &str, words: &str) {
    let mark = machine.mark();
    let printed = host.printed(machine, answer);
    assert!(!printed.contains("shown "), "{host:?}: {printed}");
    machine.wait_for_log(mark, words);
}

#[test]
fn a_token_that_cannot_be_issued_stops_no_session_unless_it_is_required() {
    let machine = made(Machine::boot(), "");
    let mut refused = 0;
    for (breaks, mends, words) in OBSTACLES {
        sh(&machine, breaks);
        for host in END {
            let session = host.session(&machine, PASSWORD);
            assert!(session.shown.is_none(), "{host:?}");
            let line = machine.wait_for_log(session.mark, "result=failed reason=issue_failed ");
            assert!(line.message.contains(words), "{line}");
        }
        replace(&machine, OPTIONAL, REQUIRED);
        for host in END {
            let words = "the line says issue=required, and there is no token";
            is_refused(&machine, host, PASSWORD, words);
            refused += 1;
        }
        sh(&machine, mends);
        for host in END {
            assert!(host.session(&machine, PASSWORD).shown.is_some(), "{host:?}");
        }
        replace(&machine, REQUIRED, OPTIONAL);
    }
    tell(&format!(
        "{refused} sessions were refused that could not have their token"
    ));
    assert_eq!(sh(&machine, "find /run/pam-jwt -type f"), "");
}

/// What the settings withhold is nothing that fails.
#[test]
fn a_token_that_is_withheld_stops_no_session_also_where_it_is_required() {
    let machine = made(Machine::boot(), "accounts = [\"carol\"]");
    replace(&machine, OPTIONAL, REQUIRED);
    for host in END {
        assert!(host.session(&machine, PASSWORD).shown.is_none(), "{host:?}");
    }
}

/// Within the leeway a token opens everything but a session that is to end with it.
#[test]
fn no_host_opens_a_session_that_would_have_no_time() {
    let machine = made(Machine::boot(), "");
    let above = "end_with_token = [\"sshd\", \"su\", \"su-l\", \"sudo\"]\n";
    let settings = "/etc/pam-jwt/pam-jwt.toml";
    machine.write(settings, above.to_owned() + &machine.read(settings), 0o644);
    replace(&machine, OPTIONAL, "session required pam_jwt.so issue");
    let token = machine.token(["alice", "--lifetime", "1m"]);
    for host in END {
        assert!(host.session(&machine, PASSWORD).shown.is_some(), "{host:?}");
        assert!(host.session(&machine, &token).shown.is_some(), "{host:?}");
    }
    machine.set_clock("+75s");
    for host in END {
        is_refused(&machine, host, &token, "reason=no_time_left ");
    }
    assert_eq!(sh(&machine, "find /run/pam-jwt -type f"), "");
}
