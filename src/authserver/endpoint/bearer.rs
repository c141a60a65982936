//! Who has the token may ask (RFC 6750): where requests have it, and what is answered where it is
//! missing or not good enough. It is taken from the head alone: a form or an address is written
//! down in too many places (RFC 9700 §4.3.2).

use super::request::Incoming;
use super::respond::{empty, json};
use crate::error::OAuthError;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::json;

/// The token of a request; none where it has no `Authorization`, or one of another scheme.
///
/// # Errors
/// `invalid_request`, where it has several or what is no token (RFC 6750 §2.1).
pub fn token(request: &Incoming) -> Result<Option<&str>, OAuthError> {
    if !request.headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let malformed = || OAuthError::request("the Authorization field is not one bearer token");
    let value = request.header(AUTHORIZATION.as_str());
    let (scheme, token) = value
        .and_then(|value| value.split_once(' '))
        .ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    let token = token.trim();
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || !token.bytes().all(is_part) {
        return Err(malformed());
    }
    Ok(Some(token))
}

/// What is answered to who showed no token: how to, and nothing of an error (RFC 6750 §3.1).
#[must_use]
pub fn challenge() -> Response<Body> {
    let mut response = empty(StatusCode::UNAUTHORIZED);
    let value = HeaderValue::from_static("Bearer realm=\"pam-jwt-authserver\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, value);
    response
}

/// What is answered to who showed one that is not good enough; `scope` would be (RFC 6750 §3).
#[must_use]
pub fn refusal(error: &OAuthError, scope: Option<&str>) -> Response<Body> {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    let (name, description) = (error.code.name(), &error.description);
    let body = json!({ "error": name, "error_description": description });
    let mut response = json(status, &body);
    let mut value = format!(
        "Bearer realm=\"pam-jwt-authserver\", error=\"{name}\", \
         error_description=\"{description}\""
    );
    if let Some(scope) = scope {
        value.push_str(&format!(", scope=\"{scope}\""));
    }
    // A description is printable ASCII without quotes.
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}
