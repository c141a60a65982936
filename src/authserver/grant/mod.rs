//! The grants: what is presented, to what is given for it. One file each.

mod client_credentials;

use crate::error::{Code, Failure, OAuthError};
use crate::parameters::Parameters;
use crate::settings::Settings;
use crate::state::Server;
use clients::{Client, GrantType};
use serde::Serialize;
use std::net::IpAddr;

/// What a grant is decided on.
pub struct Context<'a> {
    /// The server.
    pub server: &'a Server,
    /// Its settings, as they were when the request came.
    pub settings: &'a Settings,
    /// Who asks.
    pub client: &'a Client,
    /// What it sent.
    pub form: &'a Parameters,
    /// From where.
    pub peer: IpAddr,
    /// When, in seconds since the epoch.
    pub now: u64,
}

/// An answer of the token endpoint (RFC 6749 §5.1).
#[derive(Debug, Clone, Serialize)]
pub struct TokenResponse {
    /// `access_token`
    pub access_token: String,
    /// `issued_token_type` (RFC 8693 §2.2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<&'static str>,
    /// `token_type`
    pub token_type: &'static str,
    /// `expires_in`, in seconds.
    pub expires_in: u64,
    /// `scope`: always said, so that nobody has to guess.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// `refresh_token`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// `id_token` (OpenID Connect Core §3.1.3.3)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
}

/// What the grant comes to.
///
/// # Errors
/// Why there is no token.
pub async fn granted(grant: GrantType, context: &Context<'_>) -> Result<TokenResponse, Failure> {
    match grant {
        GrantType::ClientCredentials => client_credentials::granted(context).await,
        _ => Err(OAuthError::new(
            Code::UnsupportedGrantType,
            "there is no such grant at this server",
        )
        .into()),
    }
}
