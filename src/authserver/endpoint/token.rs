//! The token endpoint (RFC 6749 §3.2): who asks, by which grant, and what comes of it.

use super::request::Incoming;
use super::respond::{failure, json};
use crate::client_auth;
use crate::error::{Code, Failure, OAuthError};
use crate::grant::{self, Context, TokenResponse};
use crate::log::audit::{Event, Kind};
use crate::parameters::Parameters;
use crate::state::Server;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use clients::GrantType;
use std::sync::Arc;

/// Answers.
pub async fn answer(State(server): State<Arc<Server>>, request: Incoming) -> Response<Body> {
    let form = match request.form() {
        Ok(form) => form,
        Err(error) => return failure(&error.into()),
    };
    let answered = answered(&server, &request, &form).await;
    tell(&server, &request, &form, &answered);
    match answered {
        Ok(tokens) => json(StatusCode::OK, &tokens),
        Err(error) => failure(&error),
    }
}

/// Tells the audit log who got tokens, or why there are none. A device that waits for its person
/// is no event.
fn tell(
    server: &Server,
    request: &Incoming,
    form: &Parameters,
    answered: &Result<TokenResponse, Failure>,
) {
    let client_id = request.seen.client_id();
    let grant = form.get("grant_type").and_then(GrantType::from_name);
    let event = Event {
        client_id: client_id.as_deref(),
        grant: grant.map(GrantType::name),
        peer: Some(request.peer),
        ..Event::new(Kind::Token)
    };
    match answered {
        Ok(tokens) => server.audit(&Event {
            account: tokens.noted.account.as_deref(),
            scope: Some(tokens.scope.as_str()).filter(|scope| !scope.is_empty()),
            jti: Some(&tokens.noted.jti),
            sid: tokens.noted.family.as_deref(),
            ..event
        }),
        Err(failure) => match failure.code() {
            Code::AuthorizationPending | Code::SlowDown => {}
            code => server.audit(&Event {
                refused: Some(code.name()),
                ..event
            }),
        },
    }
}

async fn answered(
    server: &Server,
    request: &Incoming,
    form: &Parameters,
) -> Result<TokenResponse, Failure> {
    let settings = server.settings();
    let now = server.now()?;
    let client = client_auth::authenticate(server, &settings, request, form, now).await?;
    let grant = GrantType::from_name(form.need("grant_type")?)
        .filter(|grant| *grant != GrantType::Implicit)
        .ok_or_else(|| {
            OAuthError::new(
                Code::UnsupportedGrantType,
                "there is no such grant at this server",
            )
        })?;
    if !client.may(grant) {
        let why = "the client is not registered for this grant";
        return Err(OAuthError::new(Code::UnauthorizedClient, why).into());
    }
    let context = Context {
        server,
        settings: &settings,
        client: &client,
        form,
        peer: request.peer,
        now,
    };
    grant::granted(grant, &context).await
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
