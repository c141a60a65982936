//! The keys that its tokens are verified with (RFC 7517 §5).

use super::respond::{for_everybody, text};
use crate::state::Server;
use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use std::sync::Arc;

/// Answers. A new key is published for longer than this is kept before it signs.
pub async fn answer(State(server): State<Arc<Server>>) -> Response<Body> {
    let jwks = server.settings().keys.jwks().to_owned();
    for_everybody(text(
        jwks,
        "application/jwk-set+json",
        "public, max-age=300",
    ))
}
