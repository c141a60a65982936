use super::*;
use crate::config::{Global, Source};
use crate::login_token::LoginToken;

const NOW: u64 = 1_000_000;

fn settings(more: &str) -> Issue {
    let text = format!(
        "[issue]\nissuer = \"https://h\"\naudience = [\"ssh://b\"]\nlifetime = \"1h\"\n\
         services = [\"sshd\", \"login\", \"su\", \"cron\"]\n{more}"
    );
    let source = Source {
        file: "f",
        text: &text,
    };
    Global::parse(source).unwrap().issue.unwrap()
}

/// Of alice at the login on a console.
fn opening<'a>(proof: Option<&'a Proof>) -> Session<'a> {
    Session {
        account: "alice",
        uid: 1000,
        groups: &|| Ok(vec!["users".to_owned(), "ops".to_owned()]),
        host: "h1",
        service: "login",
        proof,
        ssh: None,
        id: "s",
        token_id: "j",
        now: NOW,
    }
}

/// As sshd opens it.
fn ssh<'a>(proof: Option<&'a Proof>, before: Option<&'a str>, now: &'a str) -> Session<'a> {
    Session {
        service: "sshd",
        ssh: Some(SshSession {
            before,
            now: Some(now),
        }),
        ..opening(proof)
    }
}

fn token(more: &str, may_issue: bool) -> Proof {
    let claims = format!(
        "{{\"iss\":\"i\",\"jti\":\"o\",\"exp\":{}{more}}}",
        NOW + 600
    );
    let claims = jose::Claims::parse(claims.as_bytes()).unwrap();
    Proof::Token(LoginToken::of("i", &claims, may_issue))
}

const ASKED: Proof = Proof::Asked(NOW - 5);

fn withheld(settings: &Issue, about: Session<'_>) -> String {
    match session(settings, about) {
        Err(Refusal::Withheld(words)) => words,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_clock_that_was_set_back_since_makes_no_login_of_later() {
    let ahead = Proof::Asked(NOW + 3600);
    let claims = session(&settings(""), opening(Some(&ahead))).unwrap();
    assert_eq!(
        (&claims["auth_time"], &claims["iat"]),
        (&json!(NOW), &json!(NOW))
    );
}

#[test]
fn the_claims_are_those_of_rfc_9068_and_what_the_settings_add() {
    let plain = settings("");
    let claims = session(&plain, opening(Some(&ASKED))).unwrap();
    let expected = json!({
        "iss": "https://h", "sub": "alice", "aud": "ssh://b", "exp": NOW + 3600, "iat": NOW,
        "jti": "j", "client_id": "pam:login", "sid": "s", "auth_time": NOW - 5,
    });
    assert_eq!(Value::Object(claims), expected);
    let more = settings(
        "claims = { sun = \"{account}\", groups = \"{groups}\", at = \"{uid}@{host}/{service}\" }",
    );
    let claims = session(&more, opening(Some(&ASKED))).unwrap();
    assert_eq!(claims["sun"], "alice");
    assert_eq!(claims["groups"], json!(["users", "ops"]));
    assert_eq!(claims["at"], "1000@h1/login");
}

#[test]
fn groups_are_asked_for_where_something_needs_them_alone() {
    let fails = || Err("no answer".to_owned());
    let unknown = |proof| Session {
        groups: &fails,
        ..opening(proof)
    };
    assert!(session(&settings(""), unknown(Some(&ASKED))).is_ok());
    for more in ["groups = [\"ops\"]", "claims = { g = [\"{groups}\"] }"] {
        let refused = session(&settings(more), unknown(Some(&ASKED)));
        assert_eq!(
            refused,
            Err(Refusal::Failed("no answer".to_owned())),
            "{more}"
        );
    }
}

#[test]
fn it_is_for_whom_the_settings_name_and_root_is_named_alone() {
    let of = |more: &str, account: &str, uid| {
        let about = Session {
            account,
            uid,
            ..opening(Some(&ASKED))
        };
        session(&settings(more), about).is_ok()
    };
    for (more, meant) in [
        ("", [true, false, false, false]),
        ("min_uid = 2000", [false, false, false, false]),
        ("min_uid = 100", [true, true, false, false]),
        ("groups = [\"ops\"]", [true, true, false, false]),
        ("groups = [\"wheel\"]", [false, false, false, false]),
        ("accounts = [\"alice\"]", [true, false, false, false]),
        ("accounts = [\"root\"]", [false, false, true, false]),
        (
            "accounts = [\"nobody\"]\nmin_uid = 1000",
            [true, false, false, true],
        ),
    ] {
        let found = [
            ("alice", 1000),
            ("daemon", 100),
            ("root", 0),
            ("nobody", 65_534),
        ]
        .map(|(account, uid)| of(more, account, uid));
        assert_eq!(found, meant, "{more}");
    }
    // Another name for root is not the one that was named.
    assert!(!of("accounts = [\"root\"]\nmin_uid = 1", "toor", 0));
}

#[test]
fn a_service_that_is_not_named_has_none() {
    let about = Session {
        service: "sudo",
        ..opening(Some(&ASKED))
    };
    assert!(withheld(&settings(""), about).contains("services"));
}

#[test]
fn a_token_makes_none_that_is_fresher_than_itself() {
    let about = |proof| {
        session(
            &settings("password_services = [\"login\"]"),
            opening(Some(proof)),
        )
        .unwrap()
    };
    let whole = token(",\"auth_time\":7,\"acr\":\"2\",\"amr\":[\"otp\"]", true);
    let claims = about(&whole);
    assert_eq!(claims["exp"], NOW + 600);
    assert_eq!(
        (&claims["auth_time"], &claims["acr"], &claims["amr"]),
        (&json!(7), &json!("2"), &json!(["otp"]))
    );
    let bare = token("", true);
    let claims = about(&bare);
    for name in ["auth_time", "acr", "amr"] {
        assert!(!claims.contains_key(name), "{name}");
    }
    // Within the leeway it opens a login, and nothing after it.
    let late = Session {
        now: NOW + 600,
        ..opening(Some(&bare))
    };
    assert!(withheld(&settings(""), late).contains("no time left"));
    let long = Session {
        now: NOW - 7200,
        ..opening(Some(&bare))
    };
    assert_eq!(session(&settings(""), long).unwrap()["exp"], NOW - 3600);
}

#[test]
fn a_token_of_a_one_time_rule_makes_none_unless_the_rule_says_so() {
    let once = token("", false);
    assert!(withheld(&settings(""), opening(Some(&once))).contains("may_issue"));
}

#[test]
fn without_authentication_nothing_is_said_of_it() {
    let about = Session {
        service: "cron",
        ..opening(None)
    };
    let claims = session(&settings("password_services = [\"cron\"]"), about).unwrap();
    for name in ["auth_time", "acr", "amr"] {
        assert!(!claims.contains_key(name), "{name}");
    }
    assert!(withheld(&settings("methods = [\"password\", \"token\"]"), about).contains("none"));
}

#[test]
fn a_password_is_claimed_where_the_settings_say_so() {
    let claims = |more: &str, about| session(&settings(more), about).unwrap();
    assert!(!claims("", opening(Some(&ASKED))).contains_key("amr"));
    let told = claims("password_services = [\"login\"]", opening(Some(&ASKED)));
    assert_eq!(told["amr"], json!(["pwd"]));
    assert!(!claims("password_services = [\"su\"]", opening(Some(&ASKED))).contains_key("amr"));
}

const KEY: &str = "publickey ssh-ed25519 AAAA\n";
const HARDWARE: &str = "publickey sk-ssh-ed25519@openssh.com AAAA\n";
const PAM: &str = "keyboard-interactive/pam\n";

#[test]
fn a_key_counts_where_the_settings_name_publickey() {
    let (both, with_key) = (
        settings("password_services = [\"sshd\"]"),
        settings("methods = [\"publickey\", \"password\"]\npassword_services = [\"sshd\"]"),
    );
    let key_then_pam = format!("{KEY}{PAM}");
    let pam_then_key = format!("{PAM}{KEY}");
    let cases = [
        (None, None, KEY, json!(["swk"])),
        (None, None, HARDWARE, json!(["hwk"])),
        (
            Some(&ASKED),
            Some(KEY),
            &*key_then_pam,
            json!(["swk", "pwd"]),
        ),
        // What was proved later nobody but sshd has said, or so one hopes.
        (Some(&ASKED), Some(""), &*pam_then_key, json!(["pwd"])),
    ];
    for (proof, before, now, amr) in cases {
        let about = ssh(proof, before, now);
        assert!(
            withheld(&both, about).contains("do not name publickey"),
            "{now}"
        );
        let claims = session(&with_key, about).unwrap();
        assert_eq!(claims["amr"], amr, "{now}");
        assert_eq!(
            claims["auth_time"],
            if proof.is_some() { NOW - 5 } else { NOW }
        );
    }
    let host = "hostbased ssh-ed25519 AAAA\n";
    assert!(withheld(&with_key, ssh(None, None, host)).contains("hostbased"));
    let pam = session(&both, ssh(Some(&ASKED), Some(""), PAM)).unwrap();
    assert_eq!(pam["amr"], json!(["pwd"]));
}

/// sshd goes on in one PAM transaction with the next method, and the user may have set the
/// variable.
#[test]
fn what_pam_was_asked_counts_where_it_let_somebody_in() {
    let with_key = settings("methods = [\"publickey\", \"password\", \"token\"]");
    let token = token("", true);
    for now in ["", KEY] {
        for proof in [&ASKED, &token] {
            let words = withheld(&with_key, ssh(Some(proof), Some(""), now));
            assert!(words.contains("another was tried before"), "{words}");
        }
    }
}

#[test]
fn what_is_not_known_of_an_ssh_login_is_not_assumed() {
    let with_key = settings("methods = [\"publickey\", \"password\", \"token\", \"none\"]");
    // That PAM was asked nobody has told; or the variable is not sshd's any more.
    for now in ["", PAM, "password\n", &format!("{KEY}{PAM}"), "nonsense"] {
        let words = withheld(&with_key, ssh(None, None, now));
        assert!(
            words.contains("how the login came about") || words.contains("do not name"),
            "{now}: {words}"
        );
    }
    let gone = Session {
        ssh: Some(SshSession {
            before: None,
            now: None,
        }),
        ..ssh(None, None, "")
    };
    assert!(withheld(&with_key, gone).contains("SSH_AUTH_INFO_0"));
    let other = ssh(Some(&ASKED), Some(KEY), PAM);
    assert!(withheld(&with_key, other).contains("SSH_AUTH_INFO_0"));
    // A hardware key that somebody has added since counts for nothing.
    let added = format!("{KEY}{PAM}{HARDWARE}");
    let claims = session(&with_key, ssh(Some(&ASKED), Some(KEY), &added)).unwrap();
    assert_eq!(claims["amr"], json!(["swk"]));
}
