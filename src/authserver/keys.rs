//! The keys that the server signs with: files that `pam-jwt keys rotate` makes. All of them are
//! published, so that a new one is known everywhere before it signs, and what an old one signed
//! is good until it is over; every replica has the same files.

use crate::error::Fault;
use crate::token::introspection::Known;
use crate::token::recent::Recent;
use jose::{Algorithm, Compact, Header, Material, PrivateKey, VerifyingKey};
use serde_json::{Map, Value, json};

/// A key of a file.
struct Key {
    private: PrivateKey,
    verifying: VerifyingKey,
    /// From when on it signs, in seconds since the epoch (`nbf` of its file).
    begins: u64,
}

/// The server's keys, the one that signs latest first.
pub struct Keys {
    keys: Vec<Key>,
    jwks: String,
    /// The access tokens that these keys were found to have signed.
    pub recent: Recent<Known>,
}

impl Keys {
    /// Reads them: each a private JWK, with the time from which on it signs (`nbf`).
    ///
    /// # Errors
    /// What is wrong with which; there has to be one that signs already at `now`.
    pub fn parse<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        now: u64,
    ) -> Result<Self, String> {
        let mut keys: Vec<Key> = Vec::new();
        for (file, text) in files {
            let key = Key::parse(text).map_err(|error| format!("{file}: {error}"))?;
            if keys
                .iter()
                .any(|other| other.private.kid == key.private.kid)
            {
                return Err(format!("{file}: another file has a key with the same kid"));
            }
            keys.push(key);
        }
        keys.sort_by_key(|key| std::cmp::Reverse(key.begins));
        if !keys.iter().any(|key| key.begins <= now) {
            return Err("there is no key to sign with; make one: pam-jwt keys rotate".to_owned());
        }
        let jwks: Vec<Value> = keys.iter().filter_map(Key::public_jwk).collect();
        let jwks = json!({ "keys": jwks }).to_string();
        Ok(Self {
            keys,
            jwks,
            recent: Recent::default(),
        })
    }

    /// The key that signs at `now`.
    ///
    /// # Errors
    /// There is none, as after a clock was set back.
    pub fn signing(&self, now: u64) -> Result<&PrivateKey, Fault> {
        let key = self.keys.iter().find(|key| key.begins <= now);
        let none = || Fault::lasting("no key signs now");
        key.map(|key| &key.private).ok_or_else(none)
    }

    /// Whether one of these keys has signed the token.
    #[must_use]
    pub fn have_signed(&self, token: &Compact<'_>, header: &Header) -> bool {
        let Some(kid) = header.kid.as_deref() else {
            return false;
        };
        let key = self.keys.iter().find(|key| key.private.kid == kid);
        key.is_some_and(|key| key.verifying.verify(token, header).is_ok())
    }

    /// The JWK Set (RFC 7517 §5).
    #[must_use]
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// What they sign with, each algorithm once.
    #[must_use]
    pub fn algorithms(&self) -> Vec<&'static str> {
        let mut names: Vec<&str> = Vec::new();
        for alg in self.keys.iter().map(|key| key.private.alg.name()) {
            if !names.contains(&alg) {
                names.push(alg);
            }
        }
        names
    }
}

impl Key {
    fn parse(text: &str) -> Result<Self, String> {
        let private = PrivateKey::parse(text.as_bytes()).map_err(|error| error.to_string())?;
        if matches!(private.verifier, Material::Secret(_)) {
            return Err("it has no public half to verify with; use EdDSA or ES256".to_owned());
        }
        let verifying = VerifyingKey::new(private.verifier.clone(), Some(private.alg))
            .map_err(|error| error.to_string())?;
        let members: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        let begins = members.get("nbf").map_or(Some(0), Value::as_u64);
        Ok(Self {
            private,
            verifying,
            begins: begins.ok_or("its nbf is no time in seconds since the epoch")?,
        })
    }

    fn public_jwk(&self) -> Option<Value> {
        let Material::Public(public) = &self.private.verifier else {
            return None;
        };
        let mut jwk: Map<String, Value> = serde_json::from_str(&public.canonical_jwk()).ok()?;
        jwk.insert("kid".to_owned(), self.private.kid.as_str().into());
        jwk.insert("alg".to_owned(), self.private.alg.name().into());
        jwk.insert("use".to_owned(), "sig".into());
        Some(jwk.into())
    }
}

/// The algorithms that a client may sign its assertions with (RFC 7523 §3): those with a
/// public key.
#[must_use]
pub fn assertion_algorithms() -> Vec<&'static str> {
    let public = Algorithm::ALL
        .iter()
        .filter(|alg| !alg.name().starts_with("HS"));
    public.map(|alg| alg.name()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jose::{private_key, sign};

    fn key_file(kid: &str, begins: u64) -> String {
        let key = private_key::generate(Algorithm::EdDsa, Some(kid)).unwrap();
        let mut jwk: Map<String, Value> = serde_json::from_str(&key.private_jwk).unwrap();
        jwk.insert("nbf".to_owned(), begins.into());
        Value::from(jwk).to_string()
    }

    #[test]
    fn the_latest_that_has_begun_signs_and_all_are_published() {
        let [old, new, next] =
            [("old", 100), ("new", 200), ("next", 300)].map(|(kid, begins)| key_file(kid, begins));
        let files = [
            ("a", old.as_str()),
            ("c", next.as_str()),
            ("b", new.as_str()),
        ];
        let keys = Keys::parse(files, 250).unwrap();
        let signing = |now| keys.signing(now).ok().map(|key| key.kid.clone());
        assert_eq!(signing(250).as_deref(), Some("new"));
        assert_eq!(signing(300).as_deref(), Some("next"));
        assert_eq!(signing(199).as_deref(), Some("old"));
        assert_eq!(signing(99), None);
        let jwks: Value = serde_json::from_str(keys.jwks()).unwrap();
        let published = jwks["keys"].as_array().unwrap();
        assert_eq!(published.len(), 3);
        assert!(
            published
                .iter()
                .all(|jwk| jwk.get("d").is_none() && jwk["use"] == "sig")
        );

        let token = sign::sign(keys.signing(150).unwrap(), "at+jwt", &Map::new()).unwrap();
        let token = Compact::parse(token.as_bytes()).unwrap();
        let header = Header::parse(&token).unwrap();
        assert!(keys.have_signed(&token, &header));
        let others = Keys::parse([("n", new.as_str())], 250).unwrap();
        assert!(!others.have_signed(&token, &header));
    }

    #[test]
    fn without_a_key_that_signs_there_is_no_server() {
        assert!(Keys::parse([], 0).is_err());
        let next = key_file("next", 300);
        assert!(Keys::parse([("n", next.as_str())], 299).is_err());
        assert!(Keys::parse([("n", next.as_str()), ("m", next.as_str())], 300).is_err());
    }
}
