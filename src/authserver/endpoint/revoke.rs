//! Revocation (RFC 7009): a client says that a token of its own is to be good no more. When the
//! answer goes out, the store has it on the disk.

use super::request::Incoming;
use super::respond::{empty, failure};
use crate::client_auth;
use crate::error::{Code, Failure, OAuthError};
use crate::log::audit::{Event, Kind};
use crate::settings::Settings;
use crate::state::Server;
use crate::store::Issued;
use crate::token::status::still_matters;
use crate::token::{access, is_jwt, secret};
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use clients::Client;
use serde_json::Value;
use std::sync::Arc;

/// Answers: a token that is unknown, has expired or was taken back is good no more, as asked
/// (§2.2).
pub async fn answer(State(server): State<Arc<Server>>, request: Incoming) -> Response<Body> {
    match answered(&server, &request).await {
        Ok(()) => empty(StatusCode::OK),
        Err(error) => failure(&error),
    }
}

/// What the audit log is told of a token of this client's.
fn event<'a>(client: &'a Client, request: &Incoming) -> Event<'a> {
    Event {
        client_id: Some(&client.client_id),
        peer: Some(request.peer),
        ..Event::new(Kind::Revocation)
    }
}

async fn answered(server: &Server, request: &Incoming) -> Result<(), Failure> {
    let form = request.form()?;
    let settings = server.settings();
    let now = server.now()?;
    let client = client_auth::authenticate(server, &settings, request, &form, now).await?;
    // `token_type_hint` says nothing that the token does not (§2.1).
    let token = form.need("token")?;
    if is_jwt(token) {
        access_token(
            server,
            &settings,
            &client,
            token,
            event(&client, request),
            now,
        )
        .await
    } else {
        refresh_token(server, &client, token, event(&client, request), now).await
    }
}

async fn access_token(
    server: &Server,
    settings: &Settings,
    client: &Client,
    token: &str,
    event: Event<'_>,
    now: u64,
) -> Result<(), Failure> {
    // A host may take it for a while after it has expired.
    let Some(verified) = access::verify(
        token,
        &settings.config.issuer,
        &settings.keys,
        still_matters(now),
    ) else {
        return Ok(());
    };
    let owner = verified.claims.get("client_id").and_then(Value::as_str);
    own(client, owner.unwrap_or_default())?;
    let expires = verified.claims.expires.map_or(0, |expires| expires.floor());
    if !server.revoked.has(verified.index) {
        server.revoke(&[(verified.index, expires)]).await?;
    }
    let subject = verified.claims.subject.as_deref();
    server.audit(&Event {
        account: subject.filter(|subject| !subject.contains(':')),
        jti: verified.claims.id.as_deref(),
        ..event
    });
    Ok(())
}

/// Takes back what a person allowed: this refresh token, all before and after it, and the access
/// tokens that came of them (§2.1).
async fn refresh_token(
    server: &Server,
    client: &Client,
    token: &str,
    event: Event<'_>,
    now: u64,
) -> Result<(), Failure> {
    let Some(kept) = server.store.refresh(&secret::digest(token)).await? else {
        return Ok(());
    };
    own(client, &kept.grant.client_id)?;
    let issued = server.store.revoke_family(&kept.grant.id, now).await?;
    server.revoked.add(issued.into_iter().map(Issued::pair));
    server.audit(&Event {
        account: Some(&kept.grant.account),
        sid: Some(&kept.grant.id),
        ..event
    });
    Ok(())
}

/// A client takes back what is its own (§2.1); the error is that of RFC 6749 §5.2 for a token
/// that was issued to another.
fn own(client: &Client, owner: &str) -> Result<(), OAuthError> {
    if client.client_id == owner {
        return Ok(());
    }
    let why = "the token was issued to another client";
    Err(OAuthError::new(Code::InvalidGrant, why))
}
