//! The lists of what was taken back (Token Status List §8), each signed once until something in
//! it changes, and where there are any (§9).

use super::request::Incoming;
use super::respond::{failure, for_everybody, json_to_keep, not_found, text};
use crate::error::{Failure, Fault};
use crate::settings::Settings;
use crate::state::Server;
use crate::token::access::list_uri;
use crate::token::status::{BLOCK_LIFETIME, Revoked, still_matters};
use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderValue, Response, StatusCode};
use jose::status_list::{Bits, StatusList, TYPE};
use jose::{digest, sign};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// For how many seconds a copy is good. Hosts that ask for one (`status = "require"`) let nobody in
/// with a copy that is older, so this spans several tries to get one; that there may be a newer
/// one sooner is for `Cache-Control` to say.
const TTL: u64 = 600;

/// For how many seconds a list goes out as it was signed, where nothing in it changes: whoever
/// fetches it has nearly all of [`TTL`] left.
const FRESH: u64 = 60;

/// The type of a list (§8.1).
const MEDIA_TYPE: &str = "application/statuslist+jwt";

/// The lists as they were signed last.
#[derive(Default)]
pub struct SignedLists {
    by_number: Mutex<BTreeMap<u64, SignedList>>,
}

/// A list as it goes out.
#[derive(Clone)]
struct SignedList {
    token: Bytes,
    tag: HeaderValue,
    /// When it was signed.
    at: u64,
    /// What had been taken back then.
    additions: u64,
}

/// Answers with a list.
pub async fn answer(
    State(server): State<Arc<Server>>,
    list: Result<Path<String>, PathRejection>,
    request: Incoming,
) -> Response<Body> {
    let number = list.ok().and_then(|Path(list)| {
        let number: u64 = list.parse().ok()?;
        (number.to_string() == list).then_some(number)
    });
    let Some(number) = number else {
        return not_found();
    };
    if request.has_in_query("time") {
        // A list of another time (§8.4), of which none is kept.
        return super::respond::empty(StatusCode::NOT_IMPLEMENTED);
    }
    match current(&server, number).await {
        Ok(Some(copy)) => sent(copy, request.header(IF_NONE_MATCH.as_str())),
        Ok(None) => not_found(),
        Err(fault) => failure(&Failure::Fault(fault)),
    }
}

/// Answers where the lists are that a token which has not expired may be in, or that the next one
/// will be in: a host that lets nobody in without a list has it before its first token comes.
pub async fn all(State(server): State<Arc<Server>>) -> Response<Body> {
    match uris(&server).await {
        Ok(uris) => {
            let lists = json!({ "status_lists": uris });
            for_everybody(json_to_keep(&lists, "public, max-age=60"))
        }
        Err(fault) => failure(&Failure::Fault(fault)),
    }
}

async fn uris(server: &Server) -> Result<Vec<String>, Fault> {
    let settings = server.settings();
    // The last token of a block lives so long after it was drawn.
    let longest = settings
        .config
        .lifetimes
        .access_token
        .saturating_add(BLOCK_LIFETIME);
    let since = still_matters(server.now()?).saturating_sub(longest);
    let mut lists = server.store.lists(since).await?;
    let last = server.store.lists(0).await?.last().copied();
    lists.extend(last);
    lists.push(last.map_or(0, |last| last.saturating_add(1)));
    lists.sort_unstable();
    lists.dedup();
    let uri = |list: u64| list_uri(&settings.config.issuer, list);
    Ok(lists.into_iter().map(uri).collect())
}

fn sent(copy: SignedList, known: Option<&str>) -> Response<Body> {
    let is_known = known.is_some_and(|known| known.as_bytes() == copy.tag.as_bytes());
    let mut response = text(copy.token, MEDIA_TYPE, "public, max-age=60");
    if is_known {
        *response.body_mut() = Body::empty();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    response.headers_mut().insert(ETAG, copy.tag);
    for_everybody(response)
}

/// The list as it is now; none where there is none of this number.
async fn current(server: &Server, number: u64) -> Result<Option<SignedList>, Fault> {
    if !server.has_list(number).await? {
        return Ok(None);
    }
    let now = server.now()?;
    let settings = server.settings();
    let copy = server
        .status_lists
        .current(number, now, &settings, &server.revoked);
    copy.map(Some)
}

impl SignedLists {
    /// The list as it is, signed anew where something was taken back since, or where it was
    /// signed some time ago.
    fn current(
        &self,
        number: u64,
        now: u64,
        settings: &Settings,
        revoked: &Revoked,
    ) -> Result<SignedList, Fault> {
        // Whoever asks while it is signed waits here, and has the same copy.
        let mut copies = self
            .by_number
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let additions = revoked.additions();
        let is_good = |copy: &SignedList| {
            copy.additions == additions && (copy.at..copy.at + FRESH).contains(&now)
        };
        copies.retain(|_, copy| is_good(copy));
        if let Some(copy) = copies.get(&number) {
            return Ok(copy.clone());
        }
        let token = signed(number, now, settings, revoked)?;
        let tag = format!("\"{}\"", digest::sha256_base64url(token.as_bytes()));
        let copy = SignedList {
            tag: HeaderValue::try_from(tag).map_err(Fault::lasting)?,
            token: token.into(),
            at: now,
            additions,
        };
        copies.insert(number, copy.clone());
        Ok(copy)
    }
}

fn signed(number: u64, now: u64, settings: &Settings, revoked: &Revoked) -> Result<String, Fault> {
    let list = StatusList {
        uri: list_uri(&settings.config.issuer, number),
        issued_at: now,
        expires: Some(now.saturating_add(TTL.saturating_mul(5))),
        ttl: Some(TTL),
        bits: Bits::new(1).ok_or_else(|| Fault::lasting("a list has one bit for each token"))?,
        compressed: status_list::deflate::deflate(&revoked.bits(number)).map_err(Fault::lasting)?,
    };
    let key = settings.keys.signing(now)?;
    let mut claims = list.claims();
    claims.insert("iss".to_owned(), settings.config.issuer.as_str().into());
    sign::sign(key, TYPE, &claims).map_err(Fault::lasting)
}

#[cfg(test)]
#[path = "status_list_tests.rs"]
mod tests;
