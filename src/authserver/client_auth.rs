//! How a client shows who it is (RFC 6749 §2.3): by a secret, in one of two places, by a signed
//! assertion, or not at all, as a public client does.

use crate::endpoint::request::Incoming;
use crate::error::{Code, Failure, OAuthError};
use crate::parameters::{Parameters, decoded};
use crate::settings::Settings;
use crate::state::Server;
use crate::token::secret;
use axum::http::header::AUTHORIZATION;
use base64ct::{Base64, Encoding};
use clients::{AuthMethod, Client};
use zeroize::Zeroizing;

/// A client that is who it says, or a public one that says who it is.
pub struct Authenticated {
    /// Its registration.
    pub client: Client,
}

/// What a client showed.
enum Shown {
    Secret {
        client_id: String,
        secret: Zeroizing<String>,
    },
    Nothing {
        client_id: String,
    },
}

/// Who asks.
///
/// # Errors
/// `invalid_client` where it is not who it says, `invalid_request` where it says so in two ways
/// (RFC 6749 §2.3).
pub async fn authenticate(
    server: &Server,
    settings: &Settings,
    request: &Incoming,
    form: &Parameters,
    _now: u64,
) -> Result<Authenticated, Failure> {
    let shown = shown(request, form)?;
    let (client_id, secret) = match &shown {
        Shown::Secret { client_id, secret } => (client_id, Some(secret)),
        Shown::Nothing { client_id } => (client_id, None),
    };
    let unknown = || OAuthError::client("the client is unknown, or not who it says");
    let client = server
        .client(settings, client_id)
        .await?
        .ok_or_else(unknown)?;
    let is_shown = match (client.token_endpoint_auth_method, secret) {
        (AuthMethod::None, None) => true,
        (AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost, Some(secret)) => {
            let digest = secret::digest(secret);
            client.secret_sha256.contains(&digest)
        }
        _ => false,
    };
    if !is_shown {
        return Err(unknown().into());
    }
    noted(server, settings, request, &client)?;
    Ok(Authenticated { client })
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
    counted.map_err(|wait| {
        request.seen.too_often(wait);
        OAuthError::new(Code::TemporarilyUnavailable, "the client asks too often")
    })
}

fn shown(request: &Incoming, form: &Parameters) -> Result<Shown, OAuthError> {
    let basic = basic(request)?;
    let in_form = (form.get("client_id"), form.get("client_secret"));
    match (basic, in_form) {
        (Some(_), (_, Some(_))) => Err(OAuthError::request(
            "the client authenticates in more than one way",
        )),
        (Some((id, _)), (Some(other), None)) if id != other => Err(OAuthError::request(
            "client_id is not the one that authenticates",
        )),
        (Some((client_id, secret)), _) => Ok(Shown::Secret { client_id, secret }),
        (None, (Some(id), Some(secret))) => Ok(Shown::Secret {
            client_id: id.to_owned(),
            secret: Zeroizing::new(secret.to_owned()),
        }),
        (None, (Some(id), None)) => Ok(Shown::Nothing {
            client_id: id.to_owned(),
        }),
        (None, (None, _)) => Err(OAuthError::client("the client does not say who it is")),
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
