//! A JWK Set (RFC 7517 §5). Entries that cannot verify a signature here (of a kind
//! that is not known, for another use, out of range, broken) are left out and
//! named. A private key refuses the whole set: it is out in the open. A symmetric key is
//! taken, since it has no public half; that nobody else reads its file is the caller's to see.

use crate::error::KeyError;
use crate::json;
use crate::jwk::{Jwk, KeyUse};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The keys of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwkSet {
    /// Those that may verify.
    pub keys: Vec<Jwk>,
    /// The index of each entry that was left out, and why.
    pub left_out: Vec<(usize, KeyError)>,
}

impl JwkSet {
    /// Reads a JWK Set, or one JWK as a set of one, of keys for signatures.
    ///
    /// # Errors
    /// [`KeyError::Private`]; [`KeyError::DuplicateKid`]; if no key is left, the
    /// cause of the first entry's, or [`KeyError::EmptySet`].
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        Self::parse_for(text, KeyUse::Signature)
    }

    /// As [`JwkSet::parse`], of keys for `key_use`: those for another are left out.
    ///
    /// # Errors
    /// As of [`JwkSet::parse`].
    pub fn parse_for(text: &[u8], key_use: KeyUse) -> Result<Self, KeyError> {
        let mut members = json::key_object(text)?;
        let set = Self::from_members(&members, key_use);
        json::wipe(&mut members);
        set
    }

    fn from_members(members: &Map<String, Value>, key_use: KeyUse) -> Result<Self, KeyError> {
        let mut set = Self {
            keys: Vec::new(),
            left_out: Vec::new(),
        };
        let Some(entries) = members.get("keys") else {
            set.keys.push(Jwk::for_use(members, key_use)?);
            return Ok(set);
        };
        let entries = entries.as_array().ok_or(KeyError::Member("keys"))?;
        for (index, entry) in entries.iter().enumerate() {
            let Value::Object(entry) = entry else {
                return Err(KeyError::Member("keys"));
            };
            match Jwk::for_use(entry, key_use) {
                Ok(jwk) => set.keys.push(jwk),
                Err(KeyError::Private) => return Err(KeyError::Private),
                Err(cause) => set.left_out.push((index, cause)),
            }
        }
        if set.keys.is_empty() {
            let first = set.left_out.into_iter().next().map(|(_, cause)| cause);
            return Err(first.unwrap_or(KeyError::EmptySet));
        }
        match set.kid_that_occurs_twice() {
            Some(kid) => Err(KeyError::DuplicateKid(kid.to_owned())),
            None => Ok(set),
        }
    }

    fn kid_that_occurs_twice(&self) -> Option<&str> {
        let mut seen = BTreeSet::new();
        let mut kids = self.keys.iter().filter_map(|jwk| jwk.kid.as_deref());
        kids.find(|kid| !seen.insert(*kid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_keys::{RFC7515_A3, RFC7638, RFC8037};

    fn parse(entries: &[&str]) -> Result<JwkSet, KeyError> {
        JwkSet::parse(format!("{{\"keys\":[{}]}}", entries.join(",")).as_bytes())
    }

    /// Checklist: A.14, A.18
    #[test]
    fn entries_that_cannot_verify_are_left_out_and_named() {
        let set = parse(&[
            RFC8037,
            r#"{"kty":"XYZ"}"#,
            r#"{"kty":"EC","crv":"P-999"}"#,
            r#"{"kty":"RSA","use":"enc","n":"AA","e":"AQAB"}"#,
            r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#,
            RFC7515_A3,
        ])
        .unwrap();
        assert_eq!(set.keys.len(), 2);
        assert_eq!(
            set.left_out,
            [
                (1, KeyError::KeyType("XYZ".into())),
                (2, KeyError::Curve("P-999".into())),
                (3, KeyError::Use("enc".into(), "sig")),
                (4, KeyError::Member("x"))
            ]
        );
    }

    /// Checklist: A.18
    #[test]
    fn what_refuses_the_whole_set() {
        assert_eq!(
            parse(&[RFC8037, r#"{"kty":"RSA","n":"AA","e":"AQAB","d":"AA"}"#]),
            Err(KeyError::Private)
        );
        assert_eq!(parse(&[RFC8037, "5"]), Err(KeyError::Member("keys")));
        assert_eq!(
            parse(&[RFC7638, RFC7638]),
            Err(KeyError::DuplicateKid("2011-04-29".into()))
        );
        assert_eq!(
            JwkSet::parse(br#"{"keys":{}}"#),
            Err(KeyError::Member("keys"))
        );
    }

    #[test]
    fn a_set_without_a_key_says_why() {
        assert_eq!(parse(&[]), Err(KeyError::EmptySet));
        assert_eq!(
            parse(&[r#"{"kty":"XYZ"}"#]),
            Err(KeyError::KeyType("XYZ".into()))
        );
    }

    #[test]
    fn a_single_key_is_a_set_of_one() {
        assert_eq!(JwkSet::parse(RFC8037.as_bytes()).unwrap().keys.len(), 1);
    }
}
