//! The tokens that the server issues: access tokens (RFC 9068), ID tokens (OpenID Connect
//! Core §2), the secrets of which it keeps the digest alone, and the list of those that were
//! taken back.

pub mod access;
pub mod id_token;
pub mod introspection;
pub mod recent;
pub mod secret;
pub mod status;
pub mod user_code;

/// Whether a token is a JWT, as access tokens are; codes and refresh tokens have no dot.
#[must_use]
pub fn is_jwt(token: &str) -> bool {
    token.contains('.')
}
