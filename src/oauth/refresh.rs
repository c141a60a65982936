//! New tokens for a refresh token (RFC 6749 §6).

use crate::token::Tokens;
use crate::{Client, Error, Http, Metadata};

/// Asks for them, for `resource` where the refresh token is good for several (RFC 8707 §2.2).
/// Where the answer has a new refresh token, the old one is used up (RFC 9700 §4.14.2).
///
/// # Errors
/// [`Error::Refused`] with what the server says (`invalid_grant` where the refresh token is
/// good no more), or why there is no answer.
pub fn refresh(
    http: &Http,
    metadata: &Metadata,
    client: &Client,
    refresh_token: &str,
    resource: Option<&str>,
) -> Result<Tokens, Error> {
    let mut form = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
    ];
    form.extend(resource.map(|resource| ("resource", resource)));
    client.tokens(http, metadata, &form)
}
