//! From TOML to the types of the configuration. The `toml` crate finds wrong
//! types and unknown keys; what only makes sense together is checked here.

use super::{Account, Fault, Global, Issuer, KeyFile, Rule, Source, fault};
use crate::duration;
use crate::rules::valid_name;
use jose::Algorithm;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use toml::Spanned;

/// Keys that a later version will have. Like every key that is not known they are
/// refused, since to ignore one could let somebody in; these with a word of their own.
const LATER: [&str; 20] = [
    "acr",
    "amr",
    "device",
    "discover",
    "end_with_token",
    "fetched_keys",
    "introspection",
    "issue",
    "jwks_uri",
    "max_age",
    "max_auth_age",
    "max_lifetime",
    "max_token_bytes",
    "may_issue",
    "one_time",
    "prompt",
    "spiffe",
    "status",
    "strip_suffix",
    "typ",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GlobalText {
    audience_host: Option<Spanned<String>>,
    leeway: Option<Spanned<String>>,
    min_uid: Option<Spanned<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerText {
    issuer: Spanned<String>,
    audience: Spanned<Vec<Spanned<String>>>,
    keys: Option<Spanned<Vec<Spanned<KeyText>>>>,
    #[serde(default)]
    allow: Vec<Spanned<RuleText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    account: Spanned<String>,
    services: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    claims: BTreeMap<Spanned<String>, Spanned<toml::Value>>,
}

struct KeyText {
    file: String,
    alg: Option<String>,
    kid: Option<String>,
}

pub(super) fn global(source: Source<'_>) -> Result<Global, Fault> {
    let text: GlobalText = read(source)?;
    let mut global = Global::default();
    if let Some(host) = text.audience_host {
        if host.get_ref().is_empty() {
            return Err(at(
                source,
                host.span(),
                "audience_host is empty; leave it out instead",
            ));
        }
        global.audience_host = Some(host.into_inner());
    }
    if let Some(leeway) = text.leeway {
        global.leeway = duration::parse(leeway.get_ref())
            .filter(|seconds| *seconds <= 300)
            .ok_or_else(|| {
                at(
                    source,
                    leeway.span(),
                    "leeway is a time of at most 5m, such as \"30s\"",
                )
            })?;
    }
    if let Some(min_uid) = text.min_uid {
        if *min_uid.get_ref() == 0 {
            return Err(at(
                source,
                min_uid.span(),
                "min_uid is at least 1: root needs its own rule",
            ));
        }
        global.min_uid = min_uid.into_inner();
    }
    Ok(global)
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
        allow,
    })
}

fn key_files(
    source: Source<'_>,
    keys: Option<Spanned<Vec<Spanned<KeyText>>>>,
    note: &mut impl FnMut(Result<(), Fault>),
) -> Vec<KeyFile> {
    let Some(keys) = keys.filter(|keys| !keys.get_ref().is_empty()) else {
        note(Err(Fault::of_file(
            source.file,
            "keys is missing or empty; name the issuer's public keys: keys = [\"/etc/pam-jwt/keys/NAME.jwks\"]",
        )));
        return Vec::new();
    };
    let mut files = Vec::new();
    for entry in keys.into_inner() {
        let span = entry.span();
        let KeyText { file, alg, kid } = entry.into_inner();
        if !file.starts_with('/') {
            note(Err(at(
                source,
                span.clone(),
                "the file of a key is an absolute path",
            )));
        }
        let known = match &alg {
            None => None,
            Some(name) => {
                let known = Algorithm::from_name(name);
                if known.is_none() {
                    let names = Algorithm::ALL.map(Algorithm::name).join(", ");
                    note(Err(at(
                        source,
                        span,
                        format!("alg {name:?} is not supported; known are {names}"),
                    )));
                }
                known
            }
        };
        files.push(KeyFile {
            file,
            alg: known,
            kid,
        });
    }
    files
}

fn rule_of(
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
    let mut claims = Vec::new();
    for (name, value) in rule.claims {
        match claim_value(name.get_ref(), value.get_ref()) {
            Ok(value) => claims.push((name.into_inner(), value)),
            Err(message) => note(Err(at(source, value.span(), message))),
        }
    }
    Some(Rule {
        line,
        account: account?,
        services: unspanned(rule.services),
        claims,
    })
}

fn account_of(text: &str) -> Result<Account, &'static str> {
    let claim = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    match claim {
        Some(pointer) if pointer.starts_with('/') => Err(POINTER_NOT_BUILT),
        Some(claim) if !claim.is_empty() && !claim.contains(['{', '}']) => {
            Ok(Account::Claim(claim.to_owned()))
        }
        None if text.contains(['{', '}']) || text.is_empty() => Err(ACCOUNT_FORM),
        None if !valid_name(text) => Err("no account can have this name"),
        None => Ok(Account::Named(text.to_owned())),
        Some(_) => Err(ACCOUNT_FORM),
    }
}

const ACCOUNT_FORM: &str =
    "account is a name, or one placeholder alone such as \"{preferred_username}\"";
const POINTER_NOT_BUILT: &str = "a JSON Pointer to a nested claim is not built yet in this version";

fn claim_value(name: &str, value: &toml::Value) -> Result<Value, &'static str> {
    if name.starts_with('/') {
        return Err(POINTER_NOT_BUILT);
    }
    match value {
        toml::Value::String(text) => Ok(Value::from(text.as_str())),
        toml::Value::Integer(number) => Ok(Value::from(*number)),
        toml::Value::Boolean(yes) => Ok(Value::from(*yes)),
        toml::Value::Array(_) => Err("a list of values is not built yet in this version"),
        _ => Err("a claim is compared with a string, an integer or a boolean"),
    }
}

fn check_hostname_placeholder(source: Source<'_>, entry: &Spanned<String>) -> Result<(), Fault> {
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

fn strings(
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

fn unspanned(list: Spanned<Vec<Spanned<String>>>) -> Vec<String> {
    list.into_inner()
        .into_iter()
        .map(Spanned::into_inner)
        .collect()
}

fn at(source: Source<'_>, span: Range<usize>, message: impl Into<String>) -> Fault {
    Fault::at(source.file, source.text, span, message)
}

fn read<T: for<'de> Deserialize<'de>>(source: Source<'_>) -> Result<T, Fault> {
    toml::from_str(source.text).map_err(|error| {
        let message = not_built_yet(error.message()).unwrap_or_else(|| error.message().to_owned());
        match error.span() {
            Some(span) => at(source, span, message),
            None => Fault::of_file(source.file, message),
        }
    })
}

/// Says of a key from [`LATER`] that it will come, where serde says that it is unknown.
fn not_built_yet(message: &str) -> Option<String> {
    let key = message.strip_prefix("unknown field `")?.split('`').next()?;
    let is_later = LATER.contains(&key);
    is_later.then(|| format!("{key} is not built yet in this version; take it out"))
}

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyTextVisitor)
    }
}

struct KeyTextVisitor;

impl<'de> Visitor<'de> for KeyTextVisitor {
    type Value = KeyText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path, or { file = \"PATH\", alg = \"ALG\", kid = \"KID\" }")
    }

    fn visit_str<E>(self, file: &str) -> Result<KeyText, E> {
        Ok(KeyText {
            file: file.to_owned(),
            alg: None,
            kid: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeyText, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            file: String,
            alg: Option<String>,
            kid: Option<String>,
        }
        let Table { file, alg, kid } = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(KeyText { file, alg, kid })
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
