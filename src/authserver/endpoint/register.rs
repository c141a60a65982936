//! Dynamic client registration (RFC 7591 §3): off, for who has an initial access token, or for
//! everybody on this machine.

use super::bearer;
use super::request::Incoming;
use super::respond::{failure, json, not_found};
use crate::config::{Registration, RegistrationMode};
use crate::error::{Code, Failure, Fault, OAuthError};
use crate::log::audit::{Event, Kind};
use crate::registration;
use crate::state::Server;
use crate::token::secret::{self, Secret};
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use clients::{AuthMethod, Client};
use jose::sign;
use serde_json::Value;
use std::sync::Arc;

/// Answers.
pub async fn answer(State(server): State<Arc<Server>>, request: Incoming) -> Response<Body> {
    let settings = server.settings();
    let registration = &settings.config.registration;
    if registration.mode == RegistrationMode::Off {
        return not_found();
    }
    match may(registration, &request) {
        Ok(true) => {}
        Ok(false) => return bearer::challenge(),
        Err(error) => return bearer::refusal(&error, None),
    }
    match registered(&server, registration, &request).await {
        Ok(shown) => json(StatusCode::CREATED, &shown),
        Err(error) => failure(&error),
    }
}

/// Whether this request may register a client; not, where it does not say that it may.
fn may(registration: &Registration, request: &Incoming) -> Result<bool, OAuthError> {
    match registration.mode {
        RegistrationMode::Off => Ok(false),
        RegistrationMode::Open if request.peer.is_loopback() => Ok(true),
        RegistrationMode::Open => Err(OAuthError::new(
            Code::InsufficientScope,
            "clients are registered from the machine itself",
        )),
        RegistrationMode::InitialAccessToken => {
            let Some(token) = bearer::token(request)? else {
                return Ok(false);
            };
            let known = &registration.initial_access_tokens;
            if known.contains(&secret::digest(token)) {
                return Ok(true);
            }
            let why = "the initial access token is unknown";
            Err(OAuthError::new(Code::InvalidToken, why))
        }
    }
}

async fn registered(
    server: &Server,
    registration: &Registration,
    request: &Incoming,
) -> Result<Value, Failure> {
    if !request.is("application/json") {
        let why = "the client is described in application/json";
        return Err(OAuthError::new(Code::InvalidClientMetadata, why).into());
    }
    let described = registration::read(request.body()?, &registration.scopes)?;
    let now = server.now()?;
    let secret = match described.token_endpoint_auth_method {
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => Some(Secret::new()?),
        AuthMethod::PrivateKeyJwt | AuthMethod::None => None,
    };
    let client = Client {
        client_id: sign::random_name().map_err(Fault::lasting)?,
        client_id_issued_at: Some(now),
        secret_sha256: secret.iter().map(|secret| secret.digest.clone()).collect(),
        ..described
    };
    let most = u64::try_from(registration.most).unwrap_or(u64::MAX);
    if !server.store.register(&client, most).await? {
        let why = "no more clients can be registered until an administrator removes some";
        return Err(OAuthError::new(Code::TemporarilyUnavailable, why).into());
    }
    server.audit(&Event {
        client_id: Some(&client.client_id),
        scope: Some(&client.scopes.join(" ")),
        peer: Some(request.peer),
        ..Event::new(Kind::Registration)
    });
    let secret = secret.as_ref().map(|secret| secret.text.as_str());
    Ok(registration::shown(&client, secret))
}
