//! Who may log in as whom: the `[[allow]]` rules of an issuer's file, in file
//! order. The first rule that holds decides, and only that rule counts.

use crate::authenticate::{Refusal, Request};
use crate::config::{Account, Rule};
use crate::explain::Observer;
use crate::reason::Reason;
use jose::Claims;
use serde_json::Value;
use std::fmt;

/// `nobody` and the kernel's overflow uid: no account of anybody's.
const OVERFLOW_UID: u32 = 65_534;

/// Finds the first of `rules`, which stand in `file`, that lets `request` in.
///
/// # Errors
/// The reason of the rule that came closest.
pub(crate) fn decide<'a>(
    rules: &'a [Rule],
    file: &str,
    claims: &Claims,
    request: &Request<'_>,
    min_uid: u32,
    observer: &mut dyn Observer,
) -> Result<&'a Rule, Refusal> {
    let name_fits = valid_name(request.account);
    if !name_fits {
        observer.check(
            format_args!("account"),
            false,
            format_args!("{:?} cannot be an account's name", request.account),
        );
        return Err(Reason::AccountNameInvalid.into());
    }
    // Ranked by how far a rule got, so that the reason is the one to act on.
    let mut closest: Option<(usize, Reason)> = None;
    let mut decided = None;
    for rule in rules {
        let place = Place {
            file,
            line: rule.line,
        };
        let conditions = [
            (
                service(rule, request, place, observer),
                Reason::ServiceNotAllowed,
            ),
            (
                account(rule, claims, request, place, observer),
                Reason::AccountNotAllowed,
            ),
            (
                claims_hold(rule, claims, place, observer),
                Reason::ClaimsNotAllowed,
            ),
            (known(request, place, observer), Reason::AccountUnknown),
            (
                permitted(rule, request, min_uid, place, observer),
                Reason::AccountReserved,
            ),
        ];
        match conditions
            .into_iter()
            .enumerate()
            .find(|(_, (holds, _))| !holds)
        {
            // Those behind it are looked at all the same, for whoever watches.
            None => decided = decided.or(Some(rule)),
            Some((rank, (_, reason))) if closest.is_none_or(|(best, _)| rank > best) => {
                closest = Some((rank, reason));
            }
            Some(_) => {}
        }
    }
    if rules.is_empty() {
        observer.check(
            format_args!("rules"),
            false,
            format_args!("{file} has no [[allow]]"),
        );
    }
    decided.ok_or_else(|| {
        let reason = closest.map_or(Reason::NoRule, |(_, reason)| reason);
        reason.into()
    })
}

/// What the system's own tools and other programs that handle the name accept.
pub(crate) fn valid_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && !name.starts_with('-')
        && !name
            .chars()
            .any(|c| c.is_control() || matches!(c, '/' | ':' | '\u{fffd}'))
        && !matches!(name, "." | "..")
}

fn service(
    rule: &Rule,
    request: &Request<'_>,
    place: Place<'_>,
    observer: &mut dyn Observer,
) -> bool {
    let holds = rule
        .services
        .iter()
        .any(|service| service == request.service);
    observer.check(
        format_args!("{place} service"),
        holds,
        format_args!("{:?} in {:?}", request.service, rule.services),
    );
    holds
}

fn account(
    rule: &Rule,
    claims: &Claims,
    request: &Request<'_>,
    place: Place<'_>,
    observer: &mut dyn Observer,
) -> bool {
    match &rule.account {
        Account::Named(account) => {
            let holds = account == request.account;
            observer.check(
                format_args!("{place} account"),
                holds,
                format_args!("asked for {:?}, rule names {account:?}", request.account),
            );
            holds
        }
        Account::Claim(claim) => {
            let value = claims.get(claim);
            let holds = value.and_then(Value::as_str) == Some(request.account);
            observer.check(
                format_args!("{place} account"),
                holds,
                format_args!(
                    "asked for {:?}, claim {claim} is {}",
                    request.account,
                    shown(value)
                ),
            );
            holds
        }
    }
}

fn claims_hold(
    rule: &Rule,
    claims: &Claims,
    place: Place<'_>,
    observer: &mut dyn Observer,
) -> bool {
    let mut all = true;
    for (claim, wanted) in &rule.claims {
        let value = claims.get(claim);
        let holds = value.is_some_and(|value| match value {
            Value::Array(elements) => elements.contains(wanted),
            single => single == wanted,
        });
        observer.check(
            format_args!("{place} claim"),
            holds,
            format_args!("{claim} is {}, wanted is {wanted}", shown(value)),
        );
        all = all && holds;
    }
    all
}

fn known(request: &Request<'_>, place: Place<'_>, observer: &mut dyn Observer) -> bool {
    if request.uid.is_none() {
        observer.check(
            format_args!("{place} uid"),
            false,
            format_args!("the system has no account {:?}", request.account),
        );
    }
    request.uid.is_some()
}

/// A placeholder never leads to a system account: what fills it is the user's
/// own to edit at many providers.
fn permitted(
    rule: &Rule,
    request: &Request<'_>,
    min_uid: u32,
    place: Place<'_>,
    observer: &mut dyn Observer,
) -> bool {
    let (Account::Claim(_), Some(uid)) = (&rule.account, request.uid) else {
        return true;
    };
    let holds = uid != 0 && uid >= min_uid && uid != OVERFLOW_UID;
    observer.check(
        format_args!("{place} uid"),
        holds,
        format_args!("uid {uid}; a placeholder matches {min_uid} and above, but not 65534"),
    );
    holds
}

/// `rule FILE:LINE`
#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a str,
    line: usize,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}:{}", self.file, self.line)
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), Value::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Source};
    use crate::explain::{Silent, Steps};

    fn outcome(
        allow: &str,
        claims: &str,
        account: &str,
        uid: Option<u32>,
    ) -> Result<usize, Reason> {
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
    const DEPLOY: &str =
        "[[allow]]\naccount='deploy'\nservices=['sshd']\nclaims={repo=7,env='prod'}\n";

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
}
