//! The tokens that the server issues: access tokens (RFC 9068), ID tokens (OpenID Connect
//! Core §2), the secrets of which it keeps the digest alone, and the list of those that were
//! taken back.

pub mod access;
pub mod secret;
pub mod status;
