//! The lists of what was taken back (Token Status List §8).

use super::respond::{failure, text};
use crate::error::{Failure, Fault};
use crate::state::Server;
use crate::token::access::list_uri;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use jose::sign;
use jose::status_list::{Bits, StatusList};
use std::sync::Arc;

/// For how many seconds a copy is good. Hosts that ask for one (`status = "require"`) let nobody in
/// with a copy that is older, so this spans several tries to get one; that there may be a newer
/// one sooner is for `Cache-Control` to say.
const TTL: u64 = 600;

/// The type of a list (§8.1).
const MEDIA_TYPE: &str = "application/statuslist+jwt";

/// Answers.
pub async fn answer(State(server): State<Arc<Server>>, Path(list): Path<String>) -> Response<Body> {
    let number = list
        .parse()
        .ok()
        .filter(|number: &u64| number.to_string() == list);
    let Some(number) = number else {
        let mut response = text("there is no such list\n", "text/plain", "no-store");
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    match signed(&server, number) {
        Ok(token) => text(token, MEDIA_TYPE, "public, max-age=60"),
        Err(fault) => failure(&Failure::Fault(fault)),
    }
}

fn signed(server: &Server, number: u64) -> Result<String, Fault> {
    let now = server.now()?;
    let settings = server.settings();
    let bits = server.revoked.bits(number);
    let list = StatusList {
        uri: list_uri(&settings.config.issuer, number),
        issued_at: now,
        expires: Some(now.saturating_add(TTL.saturating_mul(5))),
        ttl: Some(TTL),
        bits: Bits::new(1).ok_or_else(|| Fault::lasting("a list has one bit for each token"))?,
        compressed: status_list::deflate::deflate(&bits).map_err(Fault::lasting)?,
    };
    let key = settings
        .keys
        .signing(now)
        .ok_or_else(|| Fault::lasting("no key signs now"))?;
    let mut claims = list.claims();
    claims.insert("iss".to_owned(), settings.config.issuer.as_str().into());
    sign::sign(key, "statuslist+jwt", &claims).map_err(Fault::lasting)
}
