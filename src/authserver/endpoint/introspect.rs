//! Introspection (RFC 7662): whether a token is good, and what it says, for who may ask. Of
//! whatever else it is the answer says nothing at all.

use super::request::Incoming;
use super::respond::{failure, text};
use crate::client_auth;
use crate::error::{Failure, OAuthError};
use crate::settings::Settings;
use crate::state::Server;
use crate::token::introspection::{Known, of_refresh};
use crate::token::{access, is_jwt, secret};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::Response;
use clients::Client;
use std::sync::Arc;

/// What is answered of a token that is not good, or not the caller's to ask about (§2.2).
const INACTIVE: Bytes = Bytes::from_static(b"{\"active\":false}");

/// Answers.
pub async fn answer(State(server): State<Arc<Server>>, request: Incoming) -> Response<Body> {
    match answered(&server, &request).await {
        Ok(answer) => text(answer, "application/json", "no-store"),
        Err(error) => failure(&error),
    }
}

async fn answered(server: &Server, request: &Incoming) -> Result<Bytes, Failure> {
    let form = request.form()?;
    let settings = server.settings();
    let now = server.now()?;
    let client = client_auth::authenticate(server, &settings, request, &form, now).await?;
    if client.is_public() {
        let why = "who asks about tokens has to show who it is";
        return Err(OAuthError::client(why).into());
    }
    // `token_type_hint` says nothing that the token does not (§2.1).
    let token = form.need("token")?;
    if is_jwt(token) {
        return Ok(of_access(server, &settings, &client, token, now));
    }
    let kept = server.store.refresh(&secret::digest(token)).await?;
    let kept = kept.filter(|kept| {
        kept.is_good(now)
            && kept.grant.expires > now
            && (client.introspects || kept.grant.client_id == client.client_id)
    });
    let answer = kept.map(|kept| {
        let expires = kept.expires.min(kept.grant.expires);
        of_refresh(&settings.config.issuer, &kept.grant, expires).to_string()
    });
    Ok(answer.map_or(INACTIVE, Bytes::from))
}

/// The answer about an access token, for which nobody asks the store.
fn of_access(
    server: &Server,
    settings: &Settings,
    client: &Client,
    token: &str,
    now: u64,
) -> Bytes {
    let recent = &settings.keys.recent;
    let digest = secret::digest(token);
    let known = recent.get(&digest).or_else(|| {
        let verified = access::verify(token, &settings.config.issuer, &settings.keys, now)?;
        let known = Arc::new(Known::of(&verified));
        recent.put(digest, Arc::clone(&known));
        Some(known)
    });
    let answer = known.and_then(|known| known.answer_to(client, &server.revoked, now));
    answer.unwrap_or(INACTIVE)
}
