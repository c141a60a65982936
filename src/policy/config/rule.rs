//! One `[[allow]]`: whom it lets in, where, with which claims.

use super::parse::{at, period, strings, unspanned};
use super::values::Values;
use super::{Account, Fault, Rule, Source, fault};
use crate::claim_path::ClaimPath;
use crate::rules::valid_name;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    account: Spanned<String>,
    services: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    claims: BTreeMap<Spanned<String>, Spanned<Values>>,
    strip_suffix: Option<Spanned<String>>,
    max_age: Option<Spanned<String>>,
    max_auth_age: Option<Spanned<String>>,
    acr: Option<Spanned<Values>>,
    amr: Option<Spanned<Values>>,
    one_time: Option<Spanned<bool>>,
    #[serde(default)]
    bound: bool,
    may_issue: Option<bool>,
}

/// The rule, if it can be one; every fault is noted.
pub(super) fn rule_of(
    source: Source<'_>,
    rule: Spanned<RuleText>,
    note: &mut impl FnMut(Result<(), Fault>),
) -> Option<Rule> {
    let line = fault::line_number(source.text, rule.span().start);
    let rule = rule.into_inner();
    note(strings(source, "services", "\"sshd\"", &rule.services));
    let account = account_of(rule.account.get_ref())
        .map_err(|message| note(Err(at(source, rule.account.span(), message))))
        .ok();
    let account = match (account, rule.strip_suffix) {
        (Some(account), Some(suffix)) => strip(account, suffix.get_ref())
            .map_err(|message| note(Err(at(source, suffix.span(), message))))
            .ok(),
        (account, _) => account,
    };
    let mut claims = Vec::new();
    for (name, value) in rule.claims {
        let path = ClaimPath::parse(name.get_ref());
        let path = path.map_err(|message| note(Err(at(source, name.span(), message))));
        let values = value.get_ref().as_slice();
        if values.is_empty() {
            let message = "the list is empty, so no claim could equal one of its values";
            note(Err(at(source, value.span(), message)));
        }
        if let Ok(path) = path {
            claims.push((path, values.to_vec()));
        }
    }
    let once = rule.one_time.as_ref().filter(|yes| *yes.get_ref());
    let one_time = once.is_some();
    if let (Some(one_time), None) = (once, &rule.max_age) {
        note(Err(at(
            source,
            one_time.span(),
            "one_time takes a max_age, so that what was used need not be remembered for \
             ever: max_age = \"10m\"",
        )));
    }
    let mut time = |name, time: Option<Spanned<String>>| {
        time.and_then(|time| period(source, name, "10m", &time, note))
    };
    let max_age = time("max_age", rule.max_age);
    let max_auth_age = time("max_auth_age", rule.max_auth_age);
    let mut texts = |name, value: Option<Spanned<Values>>| {
        let Some(value) = value else {
            return Vec::new();
        };
        value.get_ref().texts().unwrap_or_else(|| {
            let form = format!("{name} is a text or a list of them, of which any one will do");
            note(Err(at(source, value.span(), form)));
            Vec::new()
        })
    };
    Some(Rule {
        line,
        account: account?,
        services: unspanned(rule.services),
        claims,
        max_age,
        max_auth_age,
        acr: texts("acr", rule.acr),
        amr: texts("amr", rule.amr),
        one_time,
        bound: rule.bound,
        // Of a token that opens one login, one that opens many would be made.
        may_issue: rule.may_issue.unwrap_or(!one_time),
    })
}

fn account_of(text: &str) -> Result<Account, &'static str> {
    const FORM: &str =
        "account is a name, or one placeholder alone such as \"{preferred_username}\"";
    let claim = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    match claim {
        Some(claim) if !claim.is_empty() && !claim.contains(['{', '}']) => Ok(Account::Claim {
            path: ClaimPath::parse(claim)?,
            strip_suffix: None,
        }),
        None if text.contains(['{', '}']) || text.is_empty() => Err(FORM),
        None if !valid_name(text) => Err("no account can have this name"),
        None => Ok(Account::Named(text.to_owned())),
        Some(_) => Err(FORM),
    }
}

/// The ending begins with `@`, so that what is left is all that stood before it: of
/// `root.example.org` without `.example.org` nobody meant that `root` is left.
fn strip(account: Account, suffix: &str) -> Result<Account, &'static str> {
    match account {
        Account::Named(_) => Err("strip_suffix is for an account that is a placeholder"),
        Account::Claim { .. } if !suffix.starts_with('@') || suffix.len() < 2 => {
            Err("strip_suffix begins with @, such as \"@example.org\"")
        }
        Account::Claim { path, .. } => Ok(Account::Claim {
            path,
            strip_suffix: Some(suffix.to_owned()),
        }),
    }
}
