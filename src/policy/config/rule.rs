//! One `[[allow]]`: whom it lets in, where, with which claims.

use super::parse::{period, strings, unspanned};
use super::table::{Table, Values};
use super::{Account, Rule, Strip};
use crate::claim_path::ClaimPath;
use crate::rules::valid_name;
use crate::spiffe;
use toml::Spanned;

/// The rule, if it can be one; `trust_domain` is the name of the one whose file it stands in,
/// empty where that is wrong.
pub(super) fn rule_of(mut table: Table<'_>, trust_domain: Option<&str>) -> Option<Rule> {
    let notes = table.notes;
    let line = notes.line(table.span());
    let account = table.needed_text("account");
    let services = table.needed_texts("services");
    if let Some(services) = &services {
        strings(notes, "services", "\"sshd\"", services);
    }
    let account = account.and_then(|account| {
        let span = account.span();
        account_of(account.get_ref())
            .map_err(|message| notes.at(span.clone(), message))
            .ok()
            .map(|account| Spanned::new(span, account))
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
    let account = stripped(&mut table, account, trust_domain);
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
            strip: None,
        }),
        None if text.contains(['{', '}']) || text.is_empty() => Err(FORM),
        None if !valid_name(text) => Err("no account can have this name"),
        None => Ok(Account::Named(text.to_owned())),
        Some(_) => Err(FORM),
    }
}

/// The account with what is taken off its claim: `strip_suffix`, or `strip_prefix` in the file
/// of a trust domain, whose subjects are SPIFFE IDs and so never an account's name.
fn stripped(
    table: &mut Table<'_>,
    account: Option<Spanned<Account>>,
    trust_domain: Option<&str>,
) -> Option<Account> {
    let notes = table.notes;
    let suffix = table.text("strip_suffix");
    let prefix = table.text("strip_prefix");
    let account = account?;
    let span = account.span();
    let Account::Claim { path, .. } = account.get_ref() else {
        for strip in suffix.iter().chain(&prefix) {
            let message = "what is stripped is for an account that is a placeholder";
            notes.at(strip.span(), message);
        }
        return Some(account.into_inner());
    };
    let is_subject = path.to_string() == "sub";
    let (span, strip) = match (suffix, prefix) {
        (None, None) if is_subject && trust_domain.is_some() => (span, Err(NO_ACCOUNT)),
        (None, None) => return Some(account.into_inner()),
        (Some(suffix), None) => (suffix.span(), suffix_of(suffix.get_ref())),
        (None, Some(_)) if !is_subject => (span, Err(NOT_SUBJECT)),
        (None, Some(prefix)) => (prefix.span(), prefix_of(prefix.get_ref(), trust_domain)),
        (Some(_), Some(prefix)) => (prefix.span(), Err(BOTH)),
    };
    let strip = strip.map_err(|message| notes.at(span, message)).ok()?;
    Some(Account::Claim {
        path: path.clone(),
        strip: Some(strip),
    })
}

const NO_ACCOUNT: &str = "the sub of a JWT-SVID is a SPIFFE ID, which is no account's name; take off \
     what stands before it: strip_prefix = \"spiffe://TRUST-DOMAIN/user/\"";

const BOTH: &str = "strip_suffix or strip_prefix, not both";

const NOT_SUBJECT: &str = "strip_prefix is for account = \"{sub}\"";

/// The ending begins with `@`, so that what is left is all that stood before it: of
/// `root.example.org` without `.example.org` nobody meant that `root` is left.
fn suffix_of(suffix: &str) -> Result<Strip, &'static str> {
    if suffix.starts_with('@') && suffix.len() > 1 {
        Ok(Strip::Suffix(suffix.to_owned()))
    } else {
        Err("strip_suffix begins with @, such as \"@example.org\"")
    }
}

/// What is taken off is whole segments of an ID of this trust domain, for the same reason.
fn prefix_of(prefix: &str, trust_domain: Option<&str>) -> Result<Strip, &'static str> {
    let Some(name) = trust_domain else {
        return Err("strip_prefix is for the file of a trust domain (spiffe = \"example.org\")");
    };
    let path = prefix.strip_prefix(name);
    // Nothing can begin with a name that is wrong, which is noted already.
    let is_whole = name.is_empty()
        || path == Some("/")
        || path.is_some_and(|path| {
            let before = path.strip_suffix('/');
            before.is_some_and(|path| spiffe::parse(&format!("{name}{path}")).is_some())
        });
    if is_whole {
        Ok(Strip::Prefix(prefix.to_owned()))
    } else {
        Err(
            "strip_prefix begins with the trust domain and ends with /, such as \
             \"spiffe://example.org/user/\"",
        )
    }
}
