//! The key that a token is bound to: its `cnf` claim (RFC 7800 §3), as a thumbprint (`jkt`,
//! RFC 9449 §6.1) or as the key itself (`jwk`, RFC 7800 §3.2).

use crate::{Jwk, Material, PublicKey};
use serde_json::{Value, json};
use std::fmt;

/// The key that a `cnf` claim names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedKey {
    /// `jkt`: its RFC 7638 thumbprint with SHA-256.
    Thumbprint(String),
    /// `jwk`
    Key(PublicKey),
}

impl NamedKey {
    /// Whether it is this one.
    pub fn is(&self, key: &PublicKey) -> bool {
        match self {
            Self::Thumbprint(thumbprint) => *thumbprint == key.thumbprint(),
            Self::Key(named) => named == key,
        }
    }

    /// Its RFC 7638 thumbprint. Where the token has that itself, it is any text.
    pub fn thumbprint(&self) -> String {
        match self {
            Self::Thumbprint(thumbprint) => thumbprint.clone(),
            Self::Key(key) => key.thumbprint(),
        }
    }
}

impl fmt::Display for NamedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thumbprint(thumbprint) => write!(f, "{thumbprint:?}"),
            Self::Key(key) => f.write_str(&key.thumbprint()),
        }
    }
}

/// Reads the value of `cnf`. Members that are not known are not left aside: what they ask
/// for cannot be given here.
///
/// # Errors
/// What keeps it from naming one key.
pub fn named_key(cnf: &Value) -> Result<NamedKey, String> {
    const FORM: &str = "it names no single key by jkt or jwk, the two ways that are known here";
    let Value::Object(members) = cnf else {
        return Err(FORM.to_owned());
    };
    let mut members = members.iter();
    match (members.next(), members.next()) {
        (Some((name, Value::String(thumbprint))), None) if name == "jkt" => {
            Ok(NamedKey::Thumbprint(thumbprint.clone()))
        }
        (Some((name, Value::Object(jwk))), None) if name == "jwk" => {
            let jwk = Jwk::from_members(jwk);
            match jwk
                .map_err(|error| format!("its jwk is not usable: {error}"))?
                .key
            {
                Material::Public(key) => Ok(NamedKey::Key(key)),
                Material::Secret(_) => Err("its jwk is a symmetric key".to_owned()),
            }
        }
        _ => Err(FORM.to_owned()),
    }
}

/// The `cnf` that binds a token to `key`.
pub fn claim(key: &PublicKey) -> Value {
    json!({ "jkt": key.thumbprint() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_names_the_key_that_it_was_made_of() {
        let key = PublicKey::ed25519(&[7; 32]).unwrap();
        let other = PublicKey::ed25519(&[8; 32]).unwrap();
        let jwk: Value = serde_json::from_str(&key.canonical_jwk()).unwrap();
        for cnf in [claim(&key), json!({ "jwk": jwk })] {
            let named = named_key(&cnf).unwrap();
            assert!(named.is(&key) && !named.is(&other), "{cnf}");
        }
    }

    #[test]
    fn what_names_no_single_key_is_an_error() {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" });
        for cnf in [
            json!({}),
            json!(null),
            json!("x"),
            json!(false),
            json!({ "jkt": 5 }),
            json!({ "jkt": ["x"] }),
            json!({ "x5t#S256": "x" }),
            json!({ "kid": "x" }),
            json!({ "jku": "https://i", "kid": "x" }),
            json!({ "jkt": "x", "jwk": {} }),
            json!({ "jwk": "x" }),
            json!({ "jwk": jwk }),
            json!({ "jwk": { "kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T" } }),
        ] {
            assert!(named_key(&cnf).is_err(), "{cnf}");
        }
    }
}
