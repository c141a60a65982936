//! Pushed authorization requests (RFC 9126): a client leaves here what it wants to ask for, and
//! the browser brings a reference to it. What is wrong with it is told at once.

use super::request::Incoming;
use super::respond::{failure, json};
use crate::authorization::interaction;
use crate::authorization::request::AuthorizationRequest;
use crate::client_auth;
use crate::error::{Failure, OAuthError};
use crate::parameters::{Parameters, encoded};
use crate::pending::Asker;
use crate::state::Server;
use crate::token::secret::Secret;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// For how many seconds a request is kept until the browser comes (§2.2). From then on until it
/// is answered takes as long as a page may take.
const LIFETIME: u64 = 60;

/// Bytes of a request, form-encoded, wherever it is brought: anybody may leave some, and as an
/// address it has to fit into a head.
pub const MOST: usize = 8 * 1024;

/// What stands before the secret in a `request_uri` (§2.2).
pub const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// The parameters that are about who the client is, and not about what it asks for.
const OF_AUTHENTICATION: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// Answers.
pub async fn answer(State(server): State<Arc<Server>>, request: Incoming) -> Response<Body> {
    match pushed(&server, &request).await {
        Ok(answer) => json(StatusCode::CREATED, &answer),
        Err(error) => failure(&error),
    }
}

async fn pushed(server: &Server, request: &Incoming) -> Result<Value, Failure> {
    let form = request.form()?;
    let settings = server.settings();
    let now = server.now()?;
    let client = client_auth::authenticate(server, &settings, request, &form, now).await?;
    if form.get("request_uri").is_some() {
        return Err(OAuthError::request("a pushed request has no request_uri").into());
    }
    let read = AuthorizationRequest::read(&settings.config, &client, &form);
    read.map_err(|refusal| refusal.error().clone())?;
    let kept = kept(&form, &client.client_id);
    if kept.len() > MOST {
        return Err(OAuthError::request("the request is too long to be kept").into());
    }
    let expires = now.saturating_add(LIFETIME);
    let kept_until = expires.saturating_add(interaction::LIFETIME);
    let asker = Asker::of(&client, request.peer);
    server
        .pending
        .admit(asker, &settings.config.limits, now, kept_until)?;
    let secret = Secret::new()?;
    server
        .store
        .put_request(&secret.digest, &client.client_id, &kept, kept_until)
        .await?;
    Ok(json!({
        "request_uri": format!("{PREFIX}{}", *secret.text),
        "expires_in": LIFETIME,
    }))
}

/// What the authorization endpoint reads again ([`Parameters::parse`]): form-encoded, as the client
/// sent it, but for how it showed who it is.
fn kept(form: &Parameters, client_id: &str) -> String {
    let is_kept = |name: &str| name != "client_id" && !OF_AUTHENTICATION.contains(&name);
    let mut kept = format!("client_id={}", encoded(client_id));
    for (name, value) in form.all().filter(|(name, _)| is_kept(name)) {
        kept.push_str(&format!("&{}={}", encoded(name), encoded(value)));
    }
    kept
}
