//! What a client says to an OAuth 2.0 authorization server (RFC 6749): what the server says of
//! itself ([`metadata`]); logins in a browser here ([`code`]) or anywhere ([`device`]), for which
//! there is a QR code ([`qr`]); the tokens it answers with ([`token`]), and what becomes of
//! them: [`refresh`], [`exchange`], [`revoke`]; what it says of opaque ones ([`introspect`]). All of it over [`http`], which bounds what a
//! server can do to its client. No clock and no files: times and secrets are the caller's.
#![forbid(unsafe_code)]

pub mod client;
pub mod code;
pub mod device;
pub mod error;
pub mod exchange;
pub mod http;
pub mod introspect;
pub mod metadata;
pub mod qr;
pub mod refresh;
pub mod revoke;
pub mod token;

pub use client::Client;
pub use error::Error;
pub use http::Http;
pub use metadata::Metadata;
