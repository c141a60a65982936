//! What a client says to an OAuth 2.0 authorization server (RFC 6749): what the server says of
//! itself ([`metadata`]), device logins ([`device`]), and the tokens it answers with
//! ([`token`]). All of it over [`http`], which bounds what a server can do to its client. No
//! clock and no files: times and secrets are the caller's.
#![forbid(unsafe_code)]

pub mod client;
pub mod device;
pub mod error;
pub mod http;
pub mod metadata;
pub mod token;

pub use client::Client;
pub use error::Error;
pub use http::Http;
pub use metadata::Metadata;
