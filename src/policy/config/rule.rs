//! One `[[allow]]`: whom it lets in, where, with which claims.

use super::parse::{period, strings, unspanned};
use super::table::{Table, Values};
use super::{Account, Rule};
use crate::claim_path::ClaimPath;
use crate::rules::valid_name;
use toml::Spanned;

/// The rule, if it can be one.
pub(super) fn rule_of(mut table: Table<'_>) -> Option<Rule> {
    let notes = table.notes;
    let line = notes.line(table.span());
    let account = table.needed_text("account");
    let services = table.needed_texts("services");
    if let Some(services) = &services {
        strings(notes, "services", "\"sshd\"", services);
    }
    let account = account.and_then(|account| {
        account_of(account.get_ref())
            .map_err(|message| notes.at(account.span(), message))
            .ok()
    });
    let mut claims = Vec::new();
    for (name, value) in table.free("claims") {
        let path = ClaimPath::parse(name.get_ref());
        let path = path.map_err(|message| notes.at(name.span(), message));
        let values = value.get_ref().as_slice();
        if values.is_empty() {
            let message = "the list is empty, so no claim could equal one of its values";
            notes.at(value.span(), message);
        }
        if let Ok(path) = path {
            claims.push((path, values.to_vec()));
        }
    }
    let account = match (account, table.text("strip_suffix")) {
        (Some(account), Some(suffix)) => strip(account, suffix.get_ref())
            .map_err(|message| notes.at(suffix.span(), message))
            .ok(),
        (account, _) => account,
    };
    let mut time = |name| {
        let time = table.text(name);
        time.and_then(|time| period(notes, name, "10m", &time))
    };
    let (max_age, max_auth_age) = (time("max_age"), time("max_auth_age"));
    let mut texts = |name| {
        let value: Option<Spanned<Values>> = table.values(name);
        let texts = value.map(|value| {
            value.get_ref().texts().unwrap_or_else(|| {
                let form = format!("{name} is a text or a list of them, of which any one will do");
                notes.at(value.span(), form);
                Vec::new()
            })
        });
        texts.unwrap_or_default()
    };
    let (acr, amr) = (texts("acr"), texts("amr"));
    let once = table.flag("one_time").filter(|yes| *yes.get_ref());
    if let (Some(once), None) = (&once, max_age) {
        notes.at(
            once.span(),
            "one_time takes a max_age, so that what was used need not be remembered for \
             ever: max_age = \"10m\"",
        );
    }
    let one_time = once.is_some();
    let bound = table.flag("bound").is_some_and(Spanned::into_inner);
    let may_issue = table.flag("may_issue").map(Spanned::into_inner);
    let fetched_keys = table.flag("fetched_keys").is_some_and(Spanned::into_inner);
    table.finish();
    Some(Rule {
        line,
        account: account?,
        services: unspanned(services?),
        claims,
        max_age,
        max_auth_age,
        acr,
        amr,
        one_time,
        bound,
        may_issue,
        fetched_keys,
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
