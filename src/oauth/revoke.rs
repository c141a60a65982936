//! A token that is wanted no more (RFC 7009).

use crate::token::refusal;
use crate::{Client, Error, Http, Metadata};

/// What kind of token it is, which spares the server a search (§2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `access_token`
    Access,
    /// `refresh_token`, with which the access tokens go that came of it, as far as the server
    /// can (§2.1).
    Refresh,
}

/// Revokes a token. One that the server does not know is revoked (§2.2).
///
/// # Errors
/// Why it is not.
pub fn revoke(
    http: &Http,
    metadata: &Metadata,
    client: &Client,
    token: &str,
    kind: Kind,
) -> Result<(), Error> {
    let endpoint = metadata.revocation_endpoint.as_deref();
    let endpoint = endpoint.ok_or(Error::Unsupported("revocation_endpoint"))?;
    let hint = match kind {
        Kind::Access => "access_token",
        Kind::Refresh => "refresh_token",
    };
    let form = [("token", token), ("token_type_hint", hint)];
    let answer = client.post(http, metadata, endpoint, &form)?;
    match answer.status {
        200 => Ok(()),
        _ => Err(refusal(&answer)),
    }
}
