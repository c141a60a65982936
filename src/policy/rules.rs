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
#[path = "rules_tests.rs"]
mod tests;
