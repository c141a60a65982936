#![forbid(unsafe_code)]
//! pam-jwt
fn main() {}
