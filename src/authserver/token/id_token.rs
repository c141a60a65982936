//! ID tokens (OpenID Connect Core §2): for the client itself, who has logged in and when.

use crate::error::Fault;
use jose::digest::left_half_base64url;
use jose::{PrivateKey, sign};
use serde_json::{Map, Value};

/// What an ID token says.
#[derive(Debug, Clone, Default)]
pub struct IdToken<'a> {
    /// `iss`
    pub issuer: &'a str,
    /// `sub`
    pub subject: &'a str,
    /// `aud`
    pub client_id: &'a str,
    /// `iat`, in seconds since the epoch.
    pub now: u64,
    /// For how many seconds it is good.
    pub lifetime: u64,
    /// `auth_time`
    pub auth_time: Option<u64>,
    /// `amr` (RFC 8176)
    pub amr: &'a [String],
    /// `nonce`
    pub nonce: Option<&'a str>,
    /// The access token beside which it is handed out (`at_hash`, §3.1.3.6).
    pub access_token: Option<&'a str>,
}

impl IdToken<'_> {
    /// The token.
    ///
    /// # Errors
    /// The library has none to give.
    pub fn signed(&self, key: &PrivateKey) -> Result<String, Fault> {
        let mut claims = Map::new();
        let hash = |token: &str| left_half_base64url(key.alg, token.as_bytes());
        for (name, value) in [
            ("iss", Some(Value::from(self.issuer))),
            ("sub", Some(self.subject.into())),
            ("aud", Some(self.client_id.into())),
            ("iat", Some(self.now.into())),
            ("exp", Some(self.now.saturating_add(self.lifetime).into())),
            ("auth_time", self.auth_time.map(Value::from)),
            ("amr", (!self.amr.is_empty()).then(|| self.amr.into())),
            ("nonce", self.nonce.map(Value::from)),
            ("at_hash", self.access_token.map(|token| hash(token).into())),
        ] {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value);
            }
        }
        sign::sign(key, "JWT", &claims).map_err(Fault::lasting)
    }
}
