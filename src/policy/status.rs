//! Token status lists (draft-ietf-oauth-status-list): a token names its place in a list that
//! its issuer keeps, and what the list says there is what has become of it.

use crate::decision::{Note, Refusal};
use crate::explain::Observer;
use crate::reason::Reason;
use crate::revocation::{Kind, Mark};
use crate::standing::{Lists, Standing};
use crate::trust::TrustedIssuer;
use jose::Claims;
use serde_json::Value;

/// `status` of an issuer's file: what a list that is missing or stale means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatusMode {
    /// `"if-present"`: a token is refused for what a list says, not for what none says.
    #[default]
    IfPresent,
    /// `"require"`: a token is accepted only where a fresh list says that it is valid.
    Require,
}

/// What a list says of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The status: 0 is valid, 1 invalid, 2 suspended (§ Status Types).
    pub value: u8,
    /// From when on the list is stale, in seconds since the epoch.
    pub stale_at: Option<u64>,
    /// The kid of the issuer's key that has signed the list.
    pub kid: String,
    /// When it did (`iat`), in seconds since the epoch.
    pub issued_at: u64,
    /// Whether it came over the network, and was not loaded by root.
    pub is_fetched: bool,
}

/// Why a list says nothing of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListFault {
    /// There is no such list on this machine.
    Missing,
    /// It cannot be used, in words for the log.
    Unusable(String),
    /// It has so many entries, and the token names one beyond them.
    OutOfRange(u64),
}

/// Where a token stands in which list (§ Referenced Token in JOSE).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference<'a> {
    /// `uri`
    pub uri: &'a str,
    /// `idx`
    pub index: u64,
}

impl<'a> Reference<'a> {
    /// The reference in these claims, if there is one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(claims: &'a Claims) -> Result<Option<Self>, &'static str> {
        let Some(Value::Object(status)) = claims.get("status") else {
            return Ok(None);
        };
        let Some(reference) = status.get("status_list") else {
            return Ok(None);
        };
        let member = |name: &str| reference.get(name);
        let index = member("idx").and_then(Value::as_u64);
        let uri = member("uri").and_then(Value::as_str);
        let uri = uri.filter(|uri| !uri.is_empty());
        match (uri, index) {
            (Some(uri), Some(index)) => Ok(Some(Self { uri, index })),
            _ => Err("status_list needs a uri and an idx, a whole number"),
        }
    }
}

/// Nothing that the issuer's list says speaks against the token at `now`. Where `lists` are not
/// all, others may only speak against it.
pub(crate) fn check(
    issuer: &TrustedIssuer,
    claims: &Claims,
    lists: Lists,
    standing: &dyn Standing,
    now: u64,
    observer: &mut dyn Observer,
) -> Result<(), Refusal> {
    let (outcome, words) = judge(issuer, claims, lists, standing, now);
    observer.check(
        format_args!("status"),
        outcome.is_ok(),
        format_args!("{words}"),
    );
    outcome.map_err(|reason| Refusal {
        reason,
        note: Note::Detail(words),
    })
}

type Judged = (Result<(), Reason>, String);

fn judge(
    issuer: &TrustedIssuer,
    claims: &Claims,
    lists: Lists,
    standing: &dyn Standing,
    now: u64,
) -> Judged {
    let reference = match Reference::of(claims) {
        Ok(Some(reference)) => reference,
        Ok(None) => {
            let words = "the token names no status list".to_owned();
            return (unknown(issuer, Reason::StatusMissing), words);
        }
        Err(fault) => return (Err(Reason::StatusUnknown), fault.to_owned()),
    };
    let said_by = |lists| {
        let listed = standing.listed(lists, &issuer.issuer, reference.uri, reference.index);
        let is_fetched = listed.as_ref().is_ok_and(|listed| listed.is_fetched);
        (said(issuer, reference, listed, standing, now), is_fetched)
    };
    // What lies among the fetched lists and nobody had fetched says nothing.
    let found = if issuer.lists_are_fetched {
        Lists::All
    } else {
        Lists::Loaded
    };
    match said_by(found) {
        ((Ok(()), _), true) if lists == Lists::Loaded => match said_by(Lists::Loaded).0 {
            (Err(Reason::StatusUnknown), words) => (Err(Reason::KeyFetched), words),
            loaded => loaded,
        },
        (all, _) => all,
    }
}

/// What follows the configured choice; anything else that is wrong refuses.
const fn unknown(issuer: &TrustedIssuer, reason: Reason) -> Result<(), Reason> {
    match issuer.status {
        StatusMode::Require => Err(reason),
        StatusMode::IfPresent => Ok(()),
    }
}

fn said(
    issuer: &TrustedIssuer,
    Reference { uri, index }: Reference<'_>,
    listed: Result<Listed, ListFault>,
    standing: &dyn Standing,
    now: u64,
) -> Judged {
    let place = format!("entry {index} of {uri:?}");
    if let Ok(Err(why)) = listed
        .as_ref()
        .map(|listed| signed(listed, issuer, standing))
    {
        return (Err(Reason::StatusUnknown), format!("{uri:?} {why}"));
    }
    match listed {
        // What was revoked when the list was new still is; only `valid` grows stale.
        Ok(listed) if listed.value != 0 => (
            Err(Reason::StatusInvalid),
            format!("{place} is {}", name_of(listed.value)),
        ),
        Ok(listed) if listed.stale_at.is_some_and(|end| now >= end) => (
            unknown(issuer, Reason::StatusUnknown),
            format!("{place} was valid, but the list is stale"),
        ),
        Ok(_) => (Ok(()), format!("{place} is valid")),
        Err(ListFault::Missing) => (
            unknown(issuer, Reason::StatusUnknown),
            format!("there is no list {uri:?} here"),
        ),
        Err(ListFault::Unusable(why)) => (Err(Reason::StatusUnknown), why),
        Err(ListFault::OutOfRange(size)) => (
            Err(Reason::StatusUnknown),
            format!("{place} is beyond its {size} entries"),
        ),
    }
}

/// The key that has signed a list is one whose lists are heeded still.
fn signed(listed: &Listed, issuer: &TrustedIssuer, standing: &dyn Standing) -> Result<(), String> {
    let kid = &listed.kid;
    if issuer.keys.iter().all(|key| key.kid != *kid) {
        return Err(format!(
            "was signed by the kid {kid:?}, which is no longer trusted; load a new list"
        ));
    }
    let mark = Mark {
        issuer: &issuer.issuer,
        kind: Kind::Key,
        value: kid,
    };
    match standing.revocation(mark)? {
        Some(entry) if entry.covers_times(Some(listed.issued_at), None) => Err(format!(
            "was signed by the kid {kid:?}, which is revoked{entry}; load a new list"
        )),
        _ => Ok(()),
    }
}

/// A status for people (§ Status Types Values).
fn name_of(value: u8) -> String {
    match value {
        1 => "invalid (1)".to_owned(),
        2 => "suspended (2)".to_owned(),
        other => format!("not valid ({other})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(status: &str) -> Result<Option<(String, u64)>, &'static str> {
        let claims = format!("{{\"status\":{status}}}");
        let claims = Claims::parse(claims.as_bytes()).unwrap();
        let reference = Reference::of(&claims)?;
        Ok(reference.map(|Reference { uri, index }| (uri.to_owned(), index)))
    }

    /// Checklist: A.29
    #[test]
    fn a_reference_has_a_uri_and_a_whole_number() {
        let good = reference(r#"{"status_list":{"uri":"u","idx":5,"x":1},"other":1}"#);
        assert_eq!(good, Ok(Some(("u".into(), 5))));
        // Other ways to say what has become of a token, and claims of other people's.
        for none in [r#"{"other":{}}"#, "{}", "\"active\"", "null", "[]"] {
            assert_eq!(reference(none), Ok(None), "{none}");
        }
        for bad in [
            r#"{"idx":5}"#,
            r#"{"uri":"u"}"#,
            r#"{"uri":"","idx":5}"#,
            r#"{"uri":5,"idx":5}"#,
            r#"{"uri":"u","idx":-1}"#,
            r#"{"uri":"u","idx":5.5}"#,
            r#"{"uri":"u","idx":"5"}"#,
            r#"{"uri":"u","idx":18446744073709551616}"#,
            "[]",
            "null",
        ] {
            let bad = format!(r#"{{"status_list":{bad}}}"#);
            assert!(reference(&bad).is_err(), "{bad}");
        }
    }
}
