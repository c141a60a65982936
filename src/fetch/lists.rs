//! The status lists of an issuer: asked for, verified with its keys, unpacked, and stored for
//! logins (draft-ietf-oauth-status-list).

use crate::clock::Deadline;
use crate::{http, schedule};
use ::status_list::{Verified, verify};
use jose::json;
use jose::sign::random_number;
use jose::status_list::TYPE;
use policy::config::is_address;
use policy::trust::{Trust, TrustedIssuer};

use system::fetched::ListState;
use system::status_store::{self, Head, Place, Stored};

/// No list token has more bytes: a hundred million tokens of which none is like its neighbour
/// take 17 MB.
const MOST: usize = 32 * 1024 * 1024;

/// No issuer has more lists, of those that it names itself.
const MOST_LISTS: usize = 100;

/// For how long a list is good that does not say so, in seconds.
const LONG: u64 = 86_400;

/// The lists that `issuer` names at `uri` (§ Status List Aggregation).
///
/// # Errors
/// What is wrong with the answer.
pub fn aggregated(uri: &str, issuer: &str, deadline: Deadline) -> Result<Vec<String>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{uri}: {error}");
    if !may_name(issuer, uri) {
        return Err(failed(&"it is no https URL"));
    }
    let answer = http(deadline, 512 * 1024)?.get(uri, None);
    let answer = answer.map_err(|error| failed(&error))?;
    if answer.status != 200 {
        return Err(failed(&oauth::Error::Status(answer.status)));
    }
    named(issuer, &answer.body).ok_or_else(|| failed(&oauth::Error::Form("a list of status lists")))
}

/// Whether what `issuer` has published over https may name this place: one that is over https
/// too, and none of this machine.
fn may_name(issuer: &str, uri: &str) -> bool {
    is_address(uri) && (!issuer.starts_with("https://") || uri.starts_with("https://"))
}

fn named(issuer: &str, body: &[u8]) -> Option<Vec<String>> {
    let members = json::object(body).ok()?;
    let uris = members.get("status_lists")?.as_array()?;
    let uris: Option<Vec<String>> = uris
        .iter()
        .map(|uri| {
            uri.as_str()
                .filter(|uri| may_name(issuer, uri))
                .map(str::to_owned)
        })
        .collect();
    uris.filter(|uris| uris.len() <= MOST_LISTS)
}

/// The notes of the lists that there are now, those of before where there are any.
pub fn noted(uris: impl Iterator<Item = String>, before: &[ListState]) -> Vec<ListState> {
    let mut lists: Vec<ListState> = Vec::new();
    for uri in uris {
        if lists.iter().any(|list| list.uri == uri) {
            continue;
        }
        let known = before.iter().find(|list| list.uri == uri).cloned();
        lists.push(known.unwrap_or_else(|| ListState {
            uri,
            ..ListState::default()
        }));
    }
    lists
}

/// Whether it is time for a list of `issuer` at `now`: also where it is not there, or is signed
/// by a key that is trusted no longer, but not while it fails.
pub fn is_due(list: &ListState, issuer: &TrustedIssuer, now: u64) -> bool {
    let is_here = || {
        let head = status_store::head(Place::fetched(), &issuer.issuer, &list.uri);
        head.is_ok_and(|head| issuer.keys.iter().any(|key| key.kid == head.kid))
    };
    schedule::is_due(now, list.attempted_at, list.next_at) || (list.failures == 0 && !is_here())
}

/// Fetches a list of `issuer` at `now`, and notes how that went.
///
/// # Errors
/// Why there is no new one; the one that was there stays.
pub fn fetch(
    list: &mut ListState,
    issuer: &str,
    trust: &Trust,
    deadline: Deadline,
    now: u64,
) -> Result<(), String> {
    list.attempted_at = now;
    let fetched = get(&list.uri, issuer, trust, deadline, now);
    match fetched {
        Ok((good_for, cache_control)) => {
            list.next_at = schedule::after_list(now, cache_control.as_deref(), good_for);
            list.checked_at = Some(now);
            list.failures = 0;
            list.error = None;
            Ok(())
        }
        Err(why) => {
            list.failures = list.failures.saturating_add(1);
            let random = random_number().unwrap_or(0);
            list.next_at = schedule::after_failure(now, list.failures, random);
            list.error = Some(why.clone());
            Err(why)
        }
    }
}

/// For how many seconds the list is good, and its `Cache-Control`.
fn get(
    uri: &str,
    issuer: &str,
    trust: &Trust,
    deadline: Deadline,
    now: u64,
) -> Result<(u64, Option<String>), String> {
    let answer = http(deadline, MOST)?.get_as(uri, &format!("application/{TYPE}"));
    let answer = answer.map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(oauth::Error::Status(answer.status).to_string());
    }
    let verified = verify(answer.body.trim_ascii(), trust, Some(issuer), now)?;
    let stale_at = store(verified, uri, now)?;
    let good_for = stale_at.map_or(LONG, |at| at.saturating_sub(now));
    Ok((good_for, answer.cache_control))
}

/// From when on the list is stale that was stored.
fn store(verified: Verified, uri: &str, now: u64) -> Result<Option<u64>, String> {
    let Verified {
        issuer,
        kid,
        list,
        statuses,
    } = verified;
    if list.uri != uri {
        return Err(format!("what is there is the list {:?}", list.uri));
    }
    let head = Head {
        stale_at: list.stale_at(now),
        bytes: statuses.len() as u64,
        issued_at: list.issued_at,
        bits: list.bits,
        uri: list.uri,
        issuer,
        kid,
    };
    match status_store::store(Place::fetched(), &head, &statuses, false)? {
        Stored::Done => Ok(head.stale_at),
        Stored::Older(_) => Err("it is older than the one that is here".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_names_its_lists_by_addresses() {
        // draft-ietf-oauth-status-list § Status List Aggregation in JSON Format
        let example = r#"{"status_lists": ["https://example.com/statuslists/1",
            "https://example.com/statuslists/2", "https://example.com/statuslists/3"]}"#;
        let named = |body: &[u8]| named("https://example.com", body);
        assert_eq!(named(example.as_bytes()).unwrap().len(), 3);
        assert_eq!(named(br#"{"status_lists":[]}"#), Some(Vec::new()));
        for odd in [
            "",
            "[]",
            "{}",
            r#"{"status_lists":"https://a/1"}"#,
            r#"{"status_lists":["http://a/1"]}"#,
            r#"{"status_lists":["file:///etc/passwd"]}"#,
            r#"{"status_lists":["http://127.0.0.1/1"]}"#,
            r#"{"status_lists":[1]}"#,
        ] {
            assert_eq!(named(odd.as_bytes()), None, "{odd}");
        }
        let many = vec!["https://a/1"; MOST_LISTS + 1];
        let many = serde_json::json!({ "status_lists": many });
        assert_eq!(named(many.to_string().as_bytes()), None);
        // An issuer on this machine has its lists there too.
        let local = br#"{"status_lists":["http://127.0.0.1:1/1"]}"#;
        let uris = super::named("http://127.0.0.1:1", local);
        assert_eq!(uris.unwrap().len(), 1);
    }

    #[test]
    fn notes_go_with_their_list() {
        let before = [ListState {
            uri: "https://a/1".into(),
            failures: 3,
            ..ListState::default()
        }];
        let uris = ["https://a/2", "https://a/1", "https://a/2"].map(str::to_owned);
        let lists = noted(uris.into_iter(), &before);
        let lists: Vec<(&str, u64)> = lists
            .iter()
            .map(|list| (list.uri.as_str(), list.failures))
            .collect();
        assert_eq!(lists, [("https://a/2", 0), ("https://a/1", 3)]);
    }
}
