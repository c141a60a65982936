//! How a client shows who it is (RFC 6749 §2.3): by a secret, in one of two places, by a signed
//! assertion, or not at all, as a public client does.

pub mod assertion;

use crate::endpoint::request::Incoming;
use crate::error::{Failure, OAuthError};
use crate::parameters::{Parameters, decoded};
use crate::settings::Settings;
use crate::state::Server;
use crate::token::secret;
use axum::http::header::AUTHORIZATION;
use base64ct::{Base64, Encoding};
use clients::{AuthMethod, Client};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// What a client showed.
enum Shown {
    Secret {
        client_id: String,
        secret: Zeroizing<String>,
    },
    Assertion {
        client_id: String,
        assertion: String,
    },
    Nothing {
        client_id: String,
    },
}

/// Who asks: a client that is who it says, or a public one that says who it is.
///
/// # Errors
/// `invalid_client` where it is not who it says, `invalid_request` where it says so in two ways
/// (RFC 6749 §2.3). Whether there is such a client is not told by it, nor by how long it takes.
pub async fn authenticate<'s>(
    server: &Server,
    settings: &'s Settings,
    request: &Incoming,
    form: &Parameters,
    now: u64,
) -> Result<Cow<'s, Client>, Failure> {
    let shown = shown(request, form)?;
    let unknown = || OAuthError::client("the client is unknown, or not who it says");
    let digest = match &shown {
        Shown::Secret { secret, .. } => Some(secret::digest(secret)),
        _ => None,
    };
    let client = server.client(settings, shown.client_id()).await?;
    let Some(client) = client else {
        return Err(unknown().into());
    };
    let method = client.token_endpoint_auth_method;
    let is_shown = match (&shown, digest) {
        (Shown::Secret { .. }, Some(digest)) => {
            let has_secret = matches!(
                method,
                AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost
            );
            has_secret && client.secret_sha256.contains(&digest)
        }
        (Shown::Assertion { assertion, .. }, _) => {
            assertion::is_good(server, &settings.config, &client, assertion, now).await?
        }
        _ => method == AuthMethod::None,
    };
    if is_shown {
        noted(server, settings, request, &client)?;
        return Ok(client);
    }
    if settings.clients.get(&client.client_id).is_some() {
        // For one that is not in the files the store was asked: so it is here.
        server.store.registered(&client.client_id).await?;
    }
    Err(unknown().into())
}

/// Notes for the access log who asks, and counts for a client that cannot be another.
fn noted(
    server: &Server,
    settings: &Settings,
    request: &Incoming,
    client: &Client,
) -> Result<(), OAuthError> {
    request.seen.client(&client.client_id, !client.is_public());
    if client.is_public() {
        return Ok(());
    }
    let per_minute = settings.config.limits.requests_per_minute;
    let now = server.milliseconds();
    let counted = server.rates.client(&client.client_id, per_minute, now);
    counted.map_err(|wait| OAuthError::too_often(wait, "the client asks too often"))
}

impl Shown {
    fn client_id(&self) -> &str {
        match self {
            Self::Secret { client_id, .. }
            | Self::Assertion { client_id, .. }
            | Self::Nothing { client_id } => client_id,
        }
    }
}

fn shown(request: &Incoming, form: &Parameters) -> Result<Shown, OAuthError> {
    let named = form.get("client_id");
    let unnamed = || OAuthError::client("the client does not say who it is");
    let by_name = || named.map(str::to_owned).ok_or_else(unnamed);
    let secret = form.get("client_secret");
    let shown = match (basic(request)?, secret, assertion(form)?) {
        (Some((client_id, secret)), None, None) => Shown::Secret { client_id, secret },
        (None, Some(secret), None) => Shown::Secret {
            client_id: by_name()?,
            secret: Zeroizing::new(secret.to_owned()),
        },
        (None, None, Some(assertion)) => Shown::Assertion {
            client_id: assertion::subject(assertion).ok_or_else(unnamed)?,
            assertion: assertion.to_owned(),
        },
        (None, None, None) => Shown::Nothing {
            client_id: by_name()?,
        },
        _ => {
            let why = "the client authenticates in more than one way";
            return Err(OAuthError::request(why));
        }
    };
    consistent(shown, named)
}

/// `client_id` may be said once more, but no other.
fn consistent(shown: Shown, named: Option<&str>) -> Result<Shown, OAuthError> {
    if named.is_none_or(|named| named == shown.client_id()) {
        Ok(shown)
    } else {
        let why = "client_id is not the one that authenticates";
        Err(OAuthError::request(why))
    }
}

/// `client_assertion` (RFC 7521 §4.2).
fn assertion(form: &Parameters) -> Result<Option<&str>, OAuthError> {
    match (
        form.get("client_assertion"),
        form.get("client_assertion_type"),
    ) {
        (None, None) => Ok(None),
        (Some(assertion), Some(assertion::TYPE)) => Ok(Some(assertion)),
        (Some(_), Some(_)) => Err(OAuthError::client("no such client_assertion_type is known")),
        _ => Err(OAuthError::request(
            "client_assertion and client_assertion_type go together",
        )),
    }
}

/// Id and secret of HTTP Basic, each form-decoded (RFC 6749 §2.3.1).
fn basic(request: &Incoming) -> Result<Option<(String, Zeroizing<String>)>, OAuthError> {
    if !request.headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let malformed = || OAuthError::client("the Authorization field is no HTTP Basic");
    let value = request
        .header(AUTHORIZATION.as_str())
        .ok_or_else(malformed)?;
    let (scheme, credentials) = value.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let pair = Base64::decode_vec(credentials.trim()).map_err(|_| malformed())?;
    let pair = Zeroizing::new(pair);
    let colon = pair
        .iter()
        .position(|byte| *byte == b':')
        .ok_or_else(malformed)?;
    let (id, secret) = pair.split_at_checked(colon).ok_or_else(malformed)?;
    let secret = secret.strip_prefix(b":").unwrap_or(secret);
    let id = decoded(id).map_err(|_| malformed())?;
    let secret = decoded(secret).map_err(|_| malformed())?;
    Ok(Some((id.to_string(), secret)))
}

#[cfg(test)]
mod tests;
