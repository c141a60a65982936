//! `issuers.d/*.toml`. Types and unknown keys are seen to in [`super::table`]; what only makes
//! sense together is checked here.

use super::key_file::key_files;
use super::remote;
use super::rule::rule_of;
use super::table::{Notes, Table, Values};
use super::{Fault, Issuer, Source, TokenTypes, key_use};
use crate::duration;
use crate::spiffe;
use crate::status::StatusMode;
use toml::Spanned;

pub(super) fn issuer(source: Source<'_>) -> Result<Issuer, Vec<Fault>> {
    let notes = Notes::of(source);
    let built = read(source, &notes);
    notes.unless_faulty(built)
}

fn read(source: Source<'_>, notes: &Notes<'_>) -> Option<Issuer> {
    let mut table = notes.root()?;
    let (issuer, is_trust_domain) = name(&mut table);
    let audience = table.needed_texts("audience");
    if let Some(audience) = &audience {
        strings(notes, "audience", "\"ssh://{hostname}\"", audience);
        for entry in audience.get_ref() {
            check_hostname_placeholder(notes, entry);
        }
    }
    let fetch = remote::fetch(&mut table);
    let key_use = key_use(is_trust_domain);
    let keys = key_files(&mut table, fetch.is_some(), key_use);
    let status_lists = remote::status_lists(&mut table);
    let device = remote::device(&mut table);
    let introspection = remote::introspection(&mut table);
    let asks = device.is_some() || introspection.is_some();
    let discovers = fetch.as_ref().is_some_and(|fetch| fetch.jwks_uri.is_none());
    if let Some(issuer) = issuer.as_ref().filter(|_| asks || discovers) {
        remote::check_address(notes, "the issuer that is asked", issuer);
    }
    let types = table.values("typ");
    let types = match types {
        Some(types) => token_types(notes, &types),
        // What a JWT-SVID may say (JWT-SVID §2.3).
        None if is_trust_domain => TokenTypes::new(["JWT", "JOSE", TokenTypes::ABSENT]),
        None => TokenTypes::default(),
    };
    let max_lifetime = table.text("max_lifetime");
    let max_lifetime = max_lifetime.and_then(|time| period(notes, "max_lifetime", "12h", &time));
    let status = table.text("status");
    let status = status.map_or_else(StatusMode::default, |status| status_mode(notes, &status));
    let rules = table.tables("allow").into_iter();
    let name = issuer.as_ref().map(|name| name.get_ref().as_str());
    let trust_domain = is_trust_domain.then(|| name.unwrap_or_default());
    let allow = rules
        .filter_map(|rule| rule_of(rule, trust_domain))
        .collect();
    table.finish();
    Some(Issuer {
        file: source.file.to_owned(),
        issuer: issuer?.into_inner(),
        is_trust_domain,
        audience: unspanned(audience?),
        keys,
        fetch,
        status_lists,
        device,
        introspection,
        types,
        max_lifetime,
        status,
        allow,
    })
}

/// What its tokens are known by: `issuer`, or `spiffe`, and whether it is the latter.
fn name(table: &mut Table<'_>) -> (Option<Spanned<String>>, bool) {
    let notes = table.notes;
    if !table.has("spiffe") {
        let issuer = table.needed_text("issuer");
        if let Some(issuer) = &issuer {
            if issuer.get_ref().is_empty() {
                notes.at(
                    issuer.span(),
                    "issuer is empty; it is the tokens' iss claim",
                );
            } else if spiffe::is_meant(issuer.get_ref()) {
                let message = "a trust domain is named by spiffe = \"example.org\" in place of \
                     issuer, since its tokens have no iss";
                notes.at(issuer.span(), message);
            }
        }
        return (issuer, false);
    }
    let domain = table.text("spiffe");
    if let Some(issuer) = table.text("issuer") {
        let message = "spiffe stands in place of issuer: the tokens of a trust domain have no iss";
        notes.at(issuer.span(), message);
    }
    let name = domain.and_then(|domain| {
        let name = spiffe::name_of(domain.get_ref());
        let name = name.map_err(|message| notes.at(domain.span(), message));
        Some(Spanned::new(domain.span(), name.ok()?))
    });
    (name, true)
}

/// One media type or a list of them.
fn token_types(notes: &Notes<'_>, typ: &Spanned<Values>) -> TokenTypes {
    match typ.get_ref().texts() {
        Some(names) => TokenTypes::new(names.iter().map(String::as_str)),
        None => {
            notes.at(
                typ.span(),
                "typ is a token type or a list of them, such as \"at+jwt\" or [\"JWT\", \"none\"]",
            );
            TokenTypes::default()
        }
    }
}

fn status_mode(notes: &Notes<'_>, status: &Spanned<String>) -> StatusMode {
    match status.get_ref().as_str() {
        "require" => StatusMode::Require,
        "if-present" => StatusMode::IfPresent,
        _ => {
            notes.at(status.span(), "status is \"require\" or \"if-present\"");
            StatusMode::default()
        }
    }
}

/// A length of time that is not nothing, in seconds.
pub(super) fn period(
    notes: &Notes<'_>,
    name: &str,
    example: &str,
    text: &Spanned<String>,
) -> Option<u64> {
    let seconds = duration::parse(text.get_ref()).filter(|seconds| *seconds > 0);
    if seconds.is_none() {
        let message = format!("{name} is a time such as \"{example}\"");
        notes.at(text.span(), message);
    }
    seconds
}

pub(super) fn check_hostname_placeholder(notes: &Notes<'_>, entry: &Spanned<String>) {
    let rest = entry.get_ref().replace("{hostname}", "");
    if rest.contains(['{', '}']) {
        let message = "the only placeholder in an audience is {hostname}";
        notes.at(entry.span(), message);
    }
}

/// Notes a list that is empty, or has an empty text in it.
pub(super) fn strings(
    notes: &Notes<'_>,
    name: &str,
    example: &str,
    list: &Spanned<Vec<Spanned<String>>>,
) {
    if list.get_ref().is_empty() {
        let message = format!("{name} is empty; name at least one: [{example}]");
        notes.at(list.span(), message);
    }
    for empty in list
        .get_ref()
        .iter()
        .filter(|entry| entry.get_ref().is_empty())
    {
        notes.at(empty.span(), format!("an entry of {name} is empty"));
    }
}

pub(super) fn unspanned(list: Spanned<Vec<Spanned<String>>>) -> Vec<String> {
    list.into_inner()
        .into_iter()
        .map(Spanned::into_inner)
        .collect()
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
