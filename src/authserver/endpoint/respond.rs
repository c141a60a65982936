//! Answers.

use crate::error::{Code, Failure, OAuthError};
use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::json;

/// JSON that nobody keeps (RFC 6749 §5.1).
pub fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let mut response = json_to_keep(value, "no-store");
    *response.status_mut() = status;
    let no_cache = HeaderValue::from_static("no-cache");
    response.headers_mut().insert(PRAGMA, no_cache);
    response
}

/// JSON that may be kept for as long as `cache_control` says.
pub fn json_to_keep(value: &impl Serialize, cache_control: &'static str) -> Response<Body> {
    // What is sent is made of strings and numbers, so it can be written.
    let body = serde_json::to_vec(value).unwrap_or_default();
    text(body, "application/json", cache_control)
}

/// An answer that says all by its status.
pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

/// There is nothing at this address.
pub fn not_found() -> Response<Body> {
    let mut response = text("there is nothing here\n", "text/plain", "no-store");
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// What pages of any origin may read, since it is the same for everybody (Fetch, CORS protocol).
pub fn for_everybody(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// A text of some type.
pub fn text(
    body: impl Into<Body>,
    media_type: &'static str,
    cache_control: &'static str,
) -> Response<Body> {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    headers.insert(
        HeaderName::from_static("x-content-type-options"),
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// What a client is told whose request failed (RFC 6749 §5.2). What is wrong inside is for the
/// log alone.
pub fn failure(failure: &Failure) -> Response<Body> {
    match failure {
        Failure::Refused(error) => refusal(error),
        Failure::Fault(fault) => {
            crate::log::fault(fault);
            refusal(&fault.told())
        }
    }
}

/// An error of a client. Who asks too often is told when to come again (RFC 6585 §4).
fn refusal(error: &OAuthError) -> Response<Body> {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let body = json!({ "error": error.code.name(), "error_description": error.description });
    let mut response = json(status, &body);
    if let Some(seconds) = error.retry_after {
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        response
            .headers_mut()
            .insert(RETRY_AFTER, seconds.get().into());
    }
    if error.code == Code::InvalidClient {
        // RFC 6749 §5.2
        let basic =
            HeaderValue::from_static("Basic realm=\"pam-jwt-authserver\", charset=\"UTF-8\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, basic);
    }
    response
}
