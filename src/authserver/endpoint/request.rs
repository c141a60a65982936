//! A request as the endpoints see it: who sends it, and the parameters, each once.

use crate::error::OAuthError;
use crate::log::access::Seen;
use crate::parameters::Parameters;
use axum::body::{Body, Bytes};
use axum::extract::FromRequest;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::convert::Infallible;
use std::net::IpAddr;

/// From which address a request comes: of the connection, or what a trusted proxy says. The
/// server puts it beside each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// The most that a body may have, which the server puts beside each request.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimit(pub usize);

/// A request.
pub struct Incoming {
    /// Who sends it.
    pub peer: IpAddr,
    /// Its head's fields.
    pub headers: HeaderMap,
    /// Where is noted who turns out to ask.
    pub seen: Seen,
    query: Option<String>,
    body: Result<Bytes, OAuthError>,
}

impl Incoming {
    /// The parameters of the query.
    ///
    /// # Errors
    /// `invalid_request`
    pub fn query(&self) -> Result<Parameters, OAuthError> {
        Parameters::parse(self.query.as_deref().unwrap_or_default().as_bytes())
    }

    /// The query as it was sent.
    #[must_use]
    pub fn raw_query(&self) -> &str {
        self.query.as_deref().unwrap_or_default()
    }

    /// Whether the query has a parameter of this name, well-formed or not.
    #[must_use]
    pub fn has_in_query(&self, name: &str) -> bool {
        let pairs = self.query.as_deref().unwrap_or_default().split('&');
        pairs
            .filter_map(|pair| pair.split('=').next())
            .any(|one| one == name)
    }

    /// The parameters of the body, which has to be a form (RFC 6749 §3.2): none are taken from
    /// a query, since addresses end up in logs.
    ///
    /// # Errors
    /// `invalid_request`
    pub fn form(&self) -> Result<Parameters, OAuthError> {
        if !self.is("application/x-www-form-urlencoded") {
            return Err(OAuthError::request(
                "the parameters are a form in the body: application/x-www-form-urlencoded",
            ));
        }
        if self.query.as_deref().is_some_and(|query| !query.is_empty()) {
            return Err(OAuthError::request(
                "no parameters are taken from the address",
            ));
        }
        Parameters::parse(self.body()?)
    }

    /// The body.
    ///
    /// # Errors
    /// `invalid_request`, where it was too long or did not come to its end.
    pub fn body(&self) -> Result<&[u8], OAuthError> {
        self.body
            .as_ref()
            .map(|bytes| &bytes[..])
            .map_err(Clone::clone)
    }

    /// Whether the body is of this type.
    #[must_use]
    pub fn is(&self, media_type: &str) -> bool {
        let content_type = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let essence = content_type.and_then(|value| value.split(';').next());
        essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
    }

    /// The field of this name, where it is there once and is ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok();
        value.filter(|_| values.next().is_none())
    }
}

impl<S: Sync> FromRequest<S> for Incoming {
    type Rejection = Infallible;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Infallible> {
        let (head, body) = request.into_parts();
        let unspecified = IpAddr::from([0, 0, 0, 0]);
        let peer = head
            .extensions
            .get::<Peer>()
            .map_or(unspecified, |peer| peer.0);
        let limit = head
            .extensions
            .get::<BodyLimit>()
            .map_or(0, |limit| limit.0);
        let seen = head.extensions.get::<Seen>().cloned().unwrap_or_default();
        let body = Limited::new(body, limit).collect().await;
        let body = body.map(|body| body.to_bytes()).map_err(|error| {
            OAuthError::request(if error.is::<LengthLimitError>() {
                "the body is too long"
            } else {
                "the body did not come to its end"
            })
        });
        Ok(Self {
            peer,
            headers: head.headers,
            seen,
            query: head.uri.query().map(str::to_owned),
            body,
        })
    }
}
