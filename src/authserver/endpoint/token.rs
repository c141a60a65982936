//! The token endpoint (RFC 6749 §3.2): who asks, by which grant, and what comes of it.

use super::request::Incoming;
use super::respond::{failure, json};
use crate::client_auth::{self, Authenticated};
use crate::error::{Code, Failure, OAuthError};
use crate::grant::{self, Context, TokenResponse};
use crate::state::Server;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use clients::GrantType;
use std::sync::Arc;

/// Answers.
pub async fn answer(State(server): State<Arc<Server>>, request: Incoming) -> Response<Body> {
    match answered(&server, &request).await {
        Ok(tokens) => json(StatusCode::OK, &tokens),
        Err(error) => failure(&error),
    }
}

async fn answered(server: &Server, request: &Incoming) -> Result<TokenResponse, Failure> {
    let form = request.form()?;
    let settings = server.settings();
    let now = server.now()?;
    let Authenticated { client } =
        client_auth::authenticate(server, &settings, request, &form, now).await?;
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
        form: &form,
        peer: request.peer,
        now,
    };
    grant::granted(grant, &context).await
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
