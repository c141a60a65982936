//! `pam-jwt-authserver`: an OAuth 2.0 authorization server (RFC 6749) whose users are the
//! accounts that PAM knows, and whose access tokens are JWTs (RFC 9068).
#![forbid(unsafe_code)]

mod clock;
mod error;
mod parameters;

fn main() {}
