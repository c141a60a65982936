//! Codes, refresh tokens and whatever else is good for whoever has it: 256 random bits, of which
//! the store has the digest alone, so that who reads it has none of them.

use crate::error::Fault;
use jose::{digest, sign};
use zeroize::Zeroizing;

/// A new one, and the digest under which it is kept.
pub struct Secret {
    /// What is handed out.
    pub text: Zeroizing<String>,
    /// What is kept.
    pub digest: String,
}

impl Secret {
    /// Makes one.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn new() -> Result<Self, Fault> {
        let text = sign::random_secret().map_err(Fault::lasting)?;
        let digest = digest(&text);
        Ok(Self { text, digest })
    }
}

/// The digest of one that was presented.
#[must_use]
pub fn digest(text: &str) -> String {
    digest::sha256sum(text.as_bytes())
}
