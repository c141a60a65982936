//! Rules that ask for more than the right claims.

use super::*;
use crate::authenticate::Request;
use crate::config::{Config, Global, Source};
use crate::explain::{Silent, Steps};
use crate::rules::{Case, decide};
use jose::Claims;

const NOW: u64 = 10_000;

/// What becomes of a token with these claims under a rule with these lines: whether it is to
/// be used up, or why it is refused.
fn outcome(lines: &str, claims: &str) -> Result<bool, (Reason, Note)> {
    let rule = format!("[[allow]]\naccount='alice'\nservices=['sshd']\n{lines}\n");
    outcome_of(&rule, claims)
}

fn outcome_of(allow: &str, claims: &str) -> Result<bool, (Reason, Note)> {
    let text = format!("issuer='i'\naudience=['x']\nkeys=['/k']\n{allow}");
    let source = |file, text| Source { file, text };
    let config = Config::parse(source("pam-jwt.toml", ""), &[source("i.toml", &text)]);
    let config = config.whole().unwrap();
    let claims = Claims::parse(claims.as_bytes()).unwrap();
    let request = Request {
        account: "alice",
        service: "sshd",
        uid: Some(1000),
        in_pieces: false,
        proved: &[],
    };
    let case = Case {
        claims: &claims,
        request: &request,
        global: &Global::default(),
        is_fetched: false,
        now: NOW,
    };
    let rules = &config.issuers[0].allow;
    let silent = decide(rules, "i.toml", case, &mut Silent).map(|held| held.use_up);
    let mut steps = Steps::default();
    let watched = decide(rules, "i.toml", case, &mut steps).map(|held| held.use_up);
    assert_eq!(silent, watched);
    if rules.len() == 1 {
        assert_eq!(watched.is_ok(), steps.0.iter().all(|step| step.passed));
    }
    watched.map_err(|refusal| (refusal.reason, refusal.note))
}

fn lacks(what: &str) -> Note {
    Note::Lacks(what.to_owned())
}

#[test]
fn the_class_of_the_login_is_one_that_the_rule_names() {
    let one = "acr='gold'";
    assert_eq!(outcome(one, r#"{"acr":"gold"}"#), Ok(false));
    let either = "acr=['gold','2']";
    assert_eq!(outcome(either, r#"{"acr":"2"}"#), Ok(false));
    for claims in [
        "{}",
        r#"{"acr":"Gold"}"#,
        r#"{"acr":2}"#,
        r#"{"acr":""}"#,
        r#"{"acr":[]}"#,
    ] {
        let refused = Err((Reason::AcrInsufficient, lacks("acr gold or 2")));
        assert_eq!(outcome(either, claims), refused, "{claims}");
    }
}

#[test]
fn a_method_of_the_login_is_one_that_the_rule_names() {
    let rule = "amr=['otp','hwk']";
    for claims in [
        r#"{"amr":["pwd","otp"]}"#,
        r#"{"amr":["hwk"]}"#,
        r#"{"amr":"otp"}"#,
    ] {
        assert_eq!(outcome(rule, claims), Ok(false), "{claims}");
    }
    for claims in [
        "{}",
        r#"{"amr":["pwd"]}"#,
        r#"{"amr":[]}"#,
        r#"{"amr":["otp2",7]}"#,
    ] {
        let refused = Err((Reason::AmrInsufficient, lacks("amr otp or hwk")));
        assert_eq!(outcome(rule, claims), refused, "{claims}");
    }
}

#[test]
fn a_login_at_the_issuer_is_recent_by_auth_time_and_not_by_iat() {
    let rule = "max_auth_age='10m'";
    // 600 s, and 30 s by which clocks may differ.
    for at in ["10000", "9400", "9370", "10030", "9370.9"] {
        let claims = format!(r#"{{"auth_time":{at},"iat":0}}"#);
        assert_eq!(outcome(rule, &claims), Ok(false), "{at}");
    }
    for (at, over) in [("9369", 31), ("9369.9", 31), ("0", 9400)] {
        let claims = format!(r#"{{"auth_time":{at},"iat":10000}}"#);
        let refused = Err((Reason::AuthTooOld, Note::OverBy(over)));
        assert_eq!(outcome(rule, &claims), refused, "{at}");
    }
    // Whoever says that it will be is not believed.
    let to_come = Err((Reason::IssuedInFuture, Note::EarlyBy(31)));
    assert_eq!(outcome(rule, r#"{"auth_time":10031}"#), to_come);
    for claims in [
        r#"{"iat":10000}"#,
        r#"{"auth_time":"10000"}"#,
        r#"{"auth_time":-1}"#,
    ] {
        let refused = Err((Reason::AuthTimeMissing, Note::None));
        assert_eq!(outcome(rule, claims), refused, "{claims}");
    }
}

/// Checklist: A.27
#[test]
fn what_is_used_once_has_a_jti_and_lives_no_longer_than_max_age() {
    let rule = "one_time=true\nmax_age='10m'";
    let claims = |jti: &str, iat: u64, exp: &str| {
        outcome(rule, &format!(r#"{{"jti":{jti},"iat":{iat},"exp":{exp}}}"#))
    };
    assert_eq!(claims("\"j\"", 9900, "10500"), Ok(true));
    let long = Err((Reason::LifetimeTooLong, Note::OverBy(1)));
    assert_eq!(claims("\"j\"", 9900, "10501"), long);
    assert_eq!(claims("\"j\"", 9900, "10500.1"), long);
    let missing = Err((Reason::JtiMissing, Note::None));
    assert_eq!(claims("\"\"", 9900, "10500"), missing);
    assert_eq!(outcome(rule, r#"{"iat":9900,"exp":10500}"#), missing);
    // Elsewhere max_age says nothing of exp.
    assert_eq!(
        outcome("max_age='10m'", r#"{"iat":9900,"exp":99999}"#),
        Ok(false)
    );
    assert_eq!(outcome("one_time=false", "{}"), Ok(false));
}

/// Checklist: A.27
#[test]
fn a_token_that_fits_one_rule_of_one_use_is_used_up_whichever_rule_decides() {
    let plain = "[[allow]]\naccount='alice'\nservices=['sshd']\n";
    let once = format!("{plain}one_time=true\nmax_age='10m'\n");
    let good = r#"{"jti":"j","iat":9900,"exp":10000}"#;
    for rules in [format!("{plain}{once}"), format!("{once}{plain}")] {
        assert_eq!(outcome_of(&rules, good), Ok(true));
        // It does not fit the one.
        assert_eq!(outcome_of(&rules, r#"{"iat":9900,"exp":10000}"#), Ok(false));
    }
}

#[test]
fn a_rule_can_ask_for_a_token_that_is_bound_to_a_key() {
    assert_eq!(outcome("bound=true", r#"{"cnf":{"jkt":"x"}}"#), Ok(false));
    let missing = Err((Reason::BindingMissing, Note::None));
    assert_eq!(outcome("bound=true", "{}"), missing);
    assert_eq!(outcome("bound=false", "{}"), Ok(false));
}

#[test]
fn of_two_rules_the_reason_is_that_of_the_one_that_came_closest() {
    let rules = "[[allow]]\naccount='alice'\nservices=['sshd']\namr='otp'\n\
                 [[allow]]\naccount='alice'\nservices=['sshd']\nclaims={x=1}\n";
    let refused = Err((Reason::AmrInsufficient, lacks("amr otp")));
    assert_eq!(outcome_of(rules, "{}"), refused);
    assert_eq!(outcome_of(rules, r#"{"x":1}"#), Ok(false));
}
