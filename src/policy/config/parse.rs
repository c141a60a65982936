//! From TOML to the types of the configuration. The `toml` crate finds wrong
//! types and unknown keys; what only makes sense together is checked here.

use super::key_file::{KeyText, key_files};
use super::rule::{RuleText, rule_of};
use super::values::Values;
use super::{Fault, Issuer, Source, TokenTypes};
use crate::duration;
use crate::status::StatusMode;
use serde::Deserialize;
use std::ops::Range;
use toml::Spanned;

/// Keys that a later version will have. Like every key that is not known they are
/// refused, since to ignore one could let somebody in; these with a word of their own.
const LATER: [&str; 6] = [
    "device",
    "discover",
    "fetched_keys",
    "introspection",
    "jwks_uri",
    "spiffe",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerText {
    issuer: Spanned<String>,
    audience: Spanned<Vec<Spanned<String>>>,
    keys: Option<Spanned<Vec<Spanned<KeyText>>>>,
    typ: Option<Spanned<Values>>,
    max_lifetime: Option<Spanned<String>>,
    status: Option<Spanned<String>>,
    #[serde(default)]
    allow: Vec<Spanned<RuleText>>,
}

pub(super) fn issuer(source: Source<'_>) -> Result<Issuer, Vec<Fault>> {
    let text: IssuerText = read(source).map_err(|fault| vec![fault])?;
    let mut faults = Vec::new();
    let mut note = |result: Result<(), Fault>| faults.extend(result.err());

    if text.issuer.get_ref().is_empty() {
        note(Err(at(
            source,
            text.issuer.span(),
            "issuer is empty; it is the tokens' iss claim",
        )));
    }
    note(strings(
        source,
        "audience",
        "\"ssh://{hostname}\"",
        &text.audience,
    ));
    for entry in text.audience.get_ref() {
        note(check_hostname_placeholder(source, entry));
    }
    let keys = key_files(source, text.keys, &mut note);
    let types = match text.typ {
        None => Ok(TokenTypes::default()),
        Some(typ) => token_types(source, &typ),
    };
    let types = types.unwrap_or_else(|fault| {
        note(Err(fault));
        TokenTypes::default()
    });
    let max_lifetime = text
        .max_lifetime
        .and_then(|time| period(source, "max_lifetime", "12h", &time, &mut note));
    let status = status_mode(source, text.status).unwrap_or_else(|fault| {
        note(Err(fault));
        StatusMode::default()
    });
    let allow = text
        .allow
        .into_iter()
        .filter_map(|rule| rule_of(source, rule, &mut note))
        .collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Issuer {
        file: source.file.to_owned(),
        issuer: text.issuer.into_inner(),
        audience: unspanned(text.audience),
        keys,
        types,
        max_lifetime,
        status,
        allow,
    })
}

/// One media type or a list of them.
fn token_types(source: Source<'_>, typ: &Spanned<Values>) -> Result<TokenTypes, Fault> {
    match typ.get_ref().texts() {
        Some(names) => Ok(TokenTypes::new(names.iter().map(String::as_str))),
        None => Err(at(
            source,
            typ.span(),
            "typ is a token type or a list of them, such as \"at+jwt\" or [\"JWT\", \"none\"]",
        )),
    }
}

fn status_mode(source: Source<'_>, status: Option<Spanned<String>>) -> Result<StatusMode, Fault> {
    let Some(status) = status else {
        return Ok(StatusMode::default());
    };
    match status.get_ref().as_str() {
        "require" => Ok(StatusMode::Require),
        "if-present" => Ok(StatusMode::IfPresent),
        _ => Err(at(
            source,
            status.span(),
            "status is \"require\" or \"if-present\"",
        )),
    }
}

/// A length of time that is not nothing, in seconds.
pub(super) fn period(
    source: Source<'_>,
    name: &str,
    example: &str,
    text: &Spanned<String>,
    note: &mut impl FnMut(Result<(), Fault>),
) -> Option<u64> {
    let seconds = duration::parse(text.get_ref()).filter(|seconds| *seconds > 0);
    if seconds.is_none() {
        let message = format!("{name} is a time such as \"{example}\"");
        note(Err(at(source, text.span(), message)));
    }
    seconds
}

pub(super) fn check_hostname_placeholder(
    source: Source<'_>,
    entry: &Spanned<String>,
) -> Result<(), Fault> {
    if entry
        .get_ref()
        .replace("{hostname}", "")
        .contains(['{', '}'])
    {
        return Err(at(
            source,
            entry.span(),
            "the only placeholder in an audience is {hostname}",
        ));
    }
    Ok(())
}

pub(super) fn strings(
    source: Source<'_>,
    name: &str,
    example: &str,
    list: &Spanned<Vec<Spanned<String>>>,
) -> Result<(), Fault> {
    if list.get_ref().is_empty() {
        return Err(at(
            source,
            list.span(),
            format!("{name} is empty; name at least one: [{example}]"),
        ));
    }
    match list
        .get_ref()
        .iter()
        .find(|entry| entry.get_ref().is_empty())
    {
        Some(empty) => Err(at(
            source,
            empty.span(),
            format!("an entry of {name} is empty"),
        )),
        None => Ok(()),
    }
}

pub(super) fn unspanned(list: Spanned<Vec<Spanned<String>>>) -> Vec<String> {
    list.into_inner()
        .into_iter()
        .map(Spanned::into_inner)
        .collect()
}

pub(super) fn at(source: Source<'_>, span: Range<usize>, message: impl Into<String>) -> Fault {
    Fault::at(source.file, source.text, span, message)
}

pub(super) fn read<T: for<'de> Deserialize<'de>>(source: Source<'_>) -> Result<T, Fault> {
    toml::from_str(source.text).map_err(|error| {
        let message = advised(error.message());
        match error.span() {
            Some(span) => at(source, span, message),
            None => Fault::of_file(source.file, message),
        }
    })
}

/// What serde says, and what to do about it.
fn advised(message: &str) -> String {
    if let Some(advice) = not_built_yet(message) {
        return advice;
    }
    if message.ends_with("expected a sequence") {
        return format!("{message}; write it as a list, in [ ]");
    }
    message.to_owned()
}

/// Says of a key from [`LATER`] that it will come, where serde says that it is unknown.
fn not_built_yet(message: &str) -> Option<String> {
    let key = message.strip_prefix("unknown field `")?.split('`').next()?;
    let is_later = LATER.contains(&key);
    is_later.then(|| format!("{key} is not built yet in this version; take it out"))
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
