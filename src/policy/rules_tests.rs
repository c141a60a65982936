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
        in_pieces: false,
        proved: &[],
    };
    let rules = &config.issuers[0].allow;
    decide(rules, "i.toml", case(&claims, &request), &mut Silent)
        .map(|held| held.rule.line)
        .map_err(|refusal| refusal.reason)
}

const NOW: u64 = 10_000;

static GLOBAL: Global = Global {
    audience_host: None,
    leeway: 30,
    min_uid: 1000,
    prompt: String::new(),
    max_token_bytes: 0,
    end_with_token: Vec::new(),
    issue: None,
    fetch_program: None,
};

fn case<'a>(claims: &'a Claims, request: &'a Request<'a>) -> Case<'a> {
    Case {
        claims,
        request,
        global: &GLOBAL,
        is_fetched: false,
        now: NOW,
    }
}

const SUB: &str = "[[allow]]\naccount='{sub}'\nservices=['sshd']\n";
const DEPLOY: &str = "[[allow]]\naccount='deploy'\nservices=['sshd']\nclaims={repo=7,env='prod'}\n";

/// Checklist: A.7, A.24
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

/// Checklist: A.24
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

/// Checklist: A.24
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
fn any_one_of_several_values_will_do_and_each_claim_must_have_one() {
    let rule = "[[allow]]\naccount='deploy'\nservices=['sshd']\n\
                claims={ '/realm_access/roles'=['ops','admin'], level=[3,4] }\n";
    let at = |claims: &str| outcome(rule, claims, "deploy", Some(1));
    for claims in [
        r#"{"realm_access":{"roles":["dev","admin"]},"level":3}"#,
        r#"{"realm_access":{"roles":"ops"},"level":[1,4]}"#,
    ] {
        assert_eq!(at(claims), Ok(4), "{claims}");
    }
    for claims in [
        r#"{"realm_access":{"roles":["dev"]},"level":3}"#,
        r#"{"realm_access":{"roles":["ops"]},"level":5}"#,
        r#"{"realm_access":{"roles":["ops"]},"level":"3"}"#,
        r#"{"realm_access":{"roles":{"ops":true}},"level":3}"#,
        r#"{"realm_access":["roles","ops"],"level":3}"#,
        r#"{"/realm_access/roles":["ops"],"level":3}"#,
        r#"{"level":3}"#,
    ] {
        assert_eq!(at(claims), Err(Reason::ClaimsNotAllowed), "{claims}");
    }
}

/// Checklist: A.24
#[test]
fn an_ending_is_taken_off_exactly_and_must_be_there() {
    let rule = "[[allow]]\naccount='{/user/mail}'\nstrip_suffix='@example.org'\n\
                services=['sshd']\n";
    let at = |mail: &str, account| {
        let claims = serde_json::json!({ "user": { "mail": mail } }).to_string();
        outcome(rule, &claims, account, Some(1000))
    };
    assert_eq!(at("alice@example.org", "alice"), Ok(4));
    assert_eq!(at("a@x@example.org", "a@x"), Ok(4));
    for (mail, account) in [
        ("alice", "alice"),
        ("alice@example.org", "alice@example.org"),
        ("alice@EXAMPLE.ORG", "alice"),
        ("alice@example.org.evil.example", "alice"),
        ("alice@example.org ", "alice"),
        ("alice@sub.example.org", "alice"),
        ("alice@example.org@example.org", "alice"),
        ("Alice@example.org", "alice"),
    ] {
        let refused = Err(Reason::AccountNotAllowed);
        assert_eq!(at(mail, account), refused, "{mail}");
    }
    // What is left is still no way to a system account.
    let claims = r#"{"user":{"mail":"root@example.org"}}"#;
    let refused = Err(Reason::AccountReserved);
    assert_eq!(outcome(rule, claims, "root", Some(0)), refused);
}

#[test]
fn an_age_is_counted_from_iat_and_only_the_rule_that_asks_for_it_fails() {
    let fresh = "[[allow]]\naccount='deploy'\nservices=['sshd']\nmax_age='10m'\n";
    let at = |rules: &str, claims: &str| outcome(rules, claims, "deploy", Some(1));
    let iat = |iat: f64| format!("{{\"iat\":{iat},\"sub\":\"deploy\"}}");
    let oldest = (NOW - 600 - 30) as f64;
    assert_eq!(at(fresh, &iat(oldest)), Ok(4));
    assert_eq!(at(fresh, &iat(NOW as f64 + 20.0)), Ok(4));
    assert_eq!(at(fresh, &iat(oldest - 0.5)), Err(Reason::TooOld));
    assert_eq!(at(fresh, &iat(0.0)), Err(Reason::TooOld));
    assert_eq!(at(fresh, "{}"), Err(Reason::IssuedAtMissing));
    let wrong_service = fresh.replace("sshd", "sudo");
    let both = format!("{wrong_service}{fresh}");
    assert_eq!(at(&both, &iat(0.0)), Err(Reason::TooOld));
    let or_without = format!("{fresh}[[allow]]\naccount='deploy'\nservices=['sshd']\n");
    assert_eq!(at(&or_without, &iat(0.0)), Ok(8));
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
        in_pieces: false,
        proved: &[],
    };
    let mut steps = Steps::default();
    let decided = decide(&rules, "i.toml", case(&claims, &request), &mut steps).unwrap();
    assert_eq!(decided.rule.line, 4);
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

/// Checklist: A.26, B.13
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

/// A token that opens one login, or none without its key, makes none that opens many, unless
/// every rule says so that has a say.
#[test]
fn a_token_of_limited_use_makes_none_of_unlimited_use_unless_the_rule_says_so() {
    let may_issue = |allow: &str, claims: &str| {
        let text = format!("issuer='i'\naudience=['x']\nkeys=['/k']\n{allow}");
        let text = Source {
            file: "i.toml",
            text: &text,
        };
        let global = Source { text: "", ..text };
        let config = Config::parse(global, &[text]).whole().unwrap();
        let claims = Claims::parse(claims.as_bytes()).unwrap();
        let request = Request {
            account: "alice",
            service: "sshd",
            uid: Some(1000),
            in_pieces: false,
            proved: &[],
        };
        let rules = &config.issuers[0].allow;
        let held = decide(rules, "i.toml", case(&claims, &request), &mut Silent);
        held.unwrap().may_issue
    };
    let rule = |more: &str| format!("[[allow]]\naccount='alice'\nservices=['sshd']\n{more}\n");
    let plain = "{\"jti\":\"j\",\"iat\":10000,\"exp\":10060}";
    let bound = plain.replace('}', ",\"cnf\":{}}");
    let once = "one_time=true\nmax_age='10m'";
    for (allow, of_plain, of_bound) in [
        (rule(""), true, false),
        (rule("may_issue=true"), true, true),
        (rule("may_issue=false"), false, false),
        (rule(once), false, false),
        (rule(&format!("{once}\nmay_issue=true")), true, true),
        // It is used up by a rule that does not decide.
        (rule("may_issue=true") + &rule(once), false, false),
    ] {
        assert_eq!(may_issue(&allow, plain), of_plain, "{allow}");
        assert_eq!(may_issue(&allow, &bound), of_bound, "{allow}");
    }
}
