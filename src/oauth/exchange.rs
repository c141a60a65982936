//! A token for another one: token exchange (RFC 8693).

use crate::http::Text;
use crate::token::Tokens;
use crate::{Client, Error, Http, Metadata};

/// `grant_type`
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// What is given for it (§3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An access token.
    Access,
    /// An ID token.
    Id,
}

impl Subject {
    const fn kind(self) -> &'static str {
        match self {
            Self::Access => "urn:ietf:params:oauth:token-type:access_token",
            Self::Id => "urn:ietf:params:oauth:token-type:id_token",
        }
    }
}

/// Asks for a token for `audience` (§2.1). What it is good for is the server's to say.
///
/// # Errors
/// [`Error::Refused`] with what the server says, or why there is no answer.
pub fn exchange(
    http: &Http,
    metadata: &Metadata,
    client: &Client,
    (token, subject): (&str, Subject),
    audience: &str,
) -> Result<Text, Error> {
    let form = [
        ("grant_type", GRANT),
        ("subject_token", token),
        ("subject_token_type", subject.kind()),
        ("audience", audience),
    ];
    let Tokens { access, .. } = client.tokens(http, metadata, &form)?;
    Ok(access)
}
