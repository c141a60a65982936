//! Rules that hold, rules that do not, and the reason that is given.

use super::*;
use crate::config::{Config, Source};
use crate::explain::{Silent, Steps};

fn outcome(allow: &str, claims: &str, account: &str, uid: Option<u32>) -> Result<usize, Reason> {
    let text = format!("issuer='i'\naudience=['x']\nkeys=['/k']\n{allow}");
    let config = Config::parse(
        Source {
            file: "pam-jwt.toml",
            text: "",
        },
        &[Source {
            file: "i.toml",
            text: &text,
        }],
    )
    .whole()
    .unwrap();
    let claims = Claims::parse(claims.as_bytes()).unwrap();
    let request = Request {
        account,
        service: "sshd",
        uid,
    };
    let rules = &config.issuers[0].allow;
    decide(rules, "i.toml", &claims, &request, 1000, &mut Silent)
        .map(|rule| rule.line)
        .map_err(|refusal| refusal.reason)
}

const SUB: &str = "[[allow]]\naccount='{sub}'\nservices=['sshd']\n";
const DEPLOY: &str = "[[allow]]\naccount='deploy'\nservices=['sshd']\nclaims={repo=7,env='prod'}\n";

#[test]
fn a_placeholder_takes_a_strings_whole_value() {
    assert_eq!(
        outcome(SUB, r#"{"sub":"alice"}"#, "alice", Some(1000)),
        Ok(4)
    );
    for sub in [r#""Alice""#, r#""alice ""#, r#""ali""#, r#""bob""#, r#""""#] {
        let claims = format!("{{\"sub\":{sub}}}");
        assert_eq!(
            outcome(SUB, &claims, "alice", Some(1000)),
            Err(Reason::AccountNotAllowed)
        );
    }
    let groups = SUB.replace("{sub}", "{groups}");
    for value in [r#"["alice"]"#, "5", "null", "{}"] {
        let claims = format!("{{\"groups\":{value}}}");
        assert_eq!(
            outcome(&groups, &claims, "alice", Some(1000)),
            Err(Reason::AccountNotAllowed)
        );
    }
    assert_eq!(
        outcome(SUB, "{}", "alice", Some(1000)),
        Err(Reason::AccountNotAllowed)
    );
}

#[test]
fn a_placeholder_never_matches_a_system_account() {
    for uid in [0, 1, 999, 65_534] {
        assert_eq!(
            outcome(SUB, r#"{"sub":"x"}"#, "x", Some(uid)),
            Err(Reason::AccountReserved),
            "{uid}"
        );
    }
    for uid in [1000, 65_533, 65_535, u32::MAX] {
        assert_eq!(
            outcome(SUB, r#"{"sub":"x"}"#, "x", Some(uid)),
            Ok(4),
            "{uid}"
        );
    }
}

#[test]
fn root_is_let_in_by_a_rule_that_names_it() {
    let root = "[[allow]]\naccount='root'\nservices=['sshd']\nclaims={admin=true}\n";
    assert_eq!(outcome(root, r#"{"admin":true}"#, "root", Some(0)), Ok(4));
    assert_eq!(
        outcome(root, r#"{"admin":"true"}"#, "root", Some(0)),
        Err(Reason::ClaimsNotAllowed)
    );
    // Another rule's name for root does not count for the placeholder's.
    let both = format!("{root}{SUB}");
    assert_eq!(
        outcome(&both, r#"{"sub":"root"}"#, "root", Some(0)),
        Err(Reason::AccountReserved)
    );
}

#[test]
fn every_claim_must_hold_with_its_type() {
    assert_eq!(
        outcome(DEPLOY, r#"{"repo":7,"env":"prod"}"#, "deploy", Some(1)),
        Ok(4)
    );
    assert_eq!(
        outcome(
            DEPLOY,
            r#"{"repo":[6,7],"env":["dev","prod"]}"#,
            "deploy",
            Some(1)
        ),
        Ok(4)
    );
    for claims in [
        r#"{"repo":"7","env":"prod"}"#,
        r#"{"repo":7.0,"env":"prod"}"#,
        r#"{"repo":7}"#,
        r#"{"repo":7,"env":"Prod"}"#,
        r#"{"repo":7,"env":["dev"]}"#,
        r#"{"repo":7,"env":[["prod"]]}"#,
        r#"{"repo":7,"env":{"prod":1}}"#,
        r#"{"repo":null,"env":"prod"}"#,
    ] {
        assert_eq!(
            outcome(DEPLOY, claims, "deploy", Some(1)),
            Err(Reason::ClaimsNotAllowed),
            "{claims}"
        );
    }
}

#[test]
fn the_reason_is_that_of_the_rule_that_came_closest() {
    let su = "[[allow]]\naccount='alice'\nservices=['su']\n";
    assert_eq!(outcome("", "{}", "alice", Some(1000)), Err(Reason::NoRule));
    assert_eq!(
        outcome(su, "{}", "alice", Some(1000)),
        Err(Reason::ServiceNotAllowed)
    );
    assert_eq!(
        outcome(&format!("{su}{DEPLOY}"), "{}", "alice", Some(1000)),
        Err(Reason::AccountNotAllowed)
    );
    assert_eq!(
        outcome(&format!("{DEPLOY}{su}"), "{}", "deploy", Some(1000)),
        Err(Reason::ClaimsNotAllowed)
    );
    assert_eq!(
        outcome(SUB, r#"{"sub":"x"}"#, "x", None),
        Err(Reason::AccountUnknown)
    );
    assert_eq!(
        outcome(SUB, r#"{"sub":"y"}"#, "x", None),
        Err(Reason::AccountNotAllowed)
    );
}

#[test]
fn the_first_rule_that_holds_decides() {
    let two = format!("[[allow]]\naccount='bob'\nservices=['sshd']\n{SUB}");
    assert_eq!(
        outcome(&two, r#"{"sub":"alice"}"#, "alice", Some(1000)),
        Ok(7)
    );
}

#[test]
fn whoever_watches_sees_every_rule() {
    let text = format!("issuer='i'\naudience=['x']\nkeys=['/k']\n{SUB}{DEPLOY}");
    let config = Config::parse(
        Source {
            file: "pam-jwt.toml",
            text: "",
        },
        &[Source {
            file: "i.toml",
            text: &text,
        }],
    );
    let rules = config.whole().unwrap().issuers.remove(0).allow;
    let claims = Claims::parse(br#"{"sub":"alice"}"#).unwrap();
    let request = Request {
        account: "alice",
        service: "sshd",
        uid: Some(1000),
    };
    let mut steps = Steps::default();
    let decided = decide(&rules, "i.toml", &claims, &request, 1000, &mut steps).unwrap();
    assert_eq!(decided.line, 4);
    let failed = |rule: &str| {
        steps
            .0
            .iter()
            .any(|step| step.name.starts_with(rule) && !step.passed)
    };
    assert!(
        !failed("rule i.toml:4") && failed("rule i.toml:7"),
        "{:?}",
        steps.0
    );
}

#[test]
fn names_that_no_account_can_have_are_refused_before_any_rule() {
    let long = "x".repeat(256);
    for name in [
        "",
        "-x",
        "a/b",
        "../a",
        "..",
        "a:b",
        "a\nb",
        "a\0b",
        "a\u{fffd}",
        &long,
    ] {
        let claims = serde_json::json!({ "sub": name }).to_string();
        assert_eq!(
            outcome(SUB, &claims, name, Some(1000)),
            Err(Reason::AccountNameInvalid),
            "{name:?}"
        );
    }
}
