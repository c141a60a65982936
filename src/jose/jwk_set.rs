//! A JWK Set (RFC 7517 §5). Entries that cannot verify a signature here (of a kind
//! that is not known, for another use, out of range, broken) are left out and
//! named. A private or symmetric key refuses the whole set: it is out in the open.

use crate::error::KeyError;
use crate::json;
use crate::jwk::Jwk;
use serde_json::Value;

/// The keys of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwkSet {
    /// Those that may verify.
    pub keys: Vec<Jwk>,
    /// The index of each entry that was left out, and why.
    pub left_out: Vec<(usize, KeyError)>,
}

impl JwkSet {
    /// Reads a JWK Set, or one JWK as a set of one.
    ///
    /// # Errors
    /// [`KeyError::Private`]; [`KeyError::DuplicateKid`]; if no key is left, the
    /// cause of the first entry's, or [`KeyError::EmptySet`].
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let members =
            json::object(text).map_err(|error| KeyError::Format(format!("the file {error}")))?;
        let Some(entries) = members.get("keys") else {
            return Ok(Self {
                keys: vec![Jwk::from_members(&members)?],
                left_out: Vec::new(),
            });
        };
        let entries = entries.as_array().ok_or(KeyError::Member("keys"))?;
        let mut set = Self {
            keys: Vec::new(),
            left_out: Vec::new(),
        };
        for (index, entry) in entries.iter().enumerate() {
            let Value::Object(entry) = entry else {
                return Err(KeyError::Member("keys"));
            };
            match Jwk::from_members(entry) {
                Ok(jwk) => set.keys.push(jwk),
                Err(KeyError::Private) => return Err(KeyError::Private),
                Err(cause) => set.left_out.push((index, cause)),
            }
        }
        if set.keys.is_empty() {
            let first = set.left_out.into_iter().next().map(|(_, cause)| cause);
            return Err(first.unwrap_or(KeyError::EmptySet));
        }
        let mut kids: Vec<&str> = set
            .keys
            .iter()
            .filter_map(|jwk| jwk.kid.as_deref())
            .collect();
        kids.sort_unstable();
        match kids
            .iter()
            .zip(kids.iter().skip(1))
            .find(|(one, next)| one == next)
        {
            Some((kid, _)) => Err(KeyError::DuplicateKid((*kid).to_owned())),
            None => Ok(set),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_keys::{RFC7515_A3, RFC7638, RFC8037};

    fn parse(entries: &[&str]) -> Result<JwkSet, KeyError> {
        JwkSet::parse(format!("{{\"keys\":[{}]}}", entries.join(",")).as_bytes())
    }

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
                (3, KeyError::Use("enc".into())),
                (4, KeyError::Member("x"))
            ]
        );
    }

    #[test]
    fn what_refuses_the_whole_set() {
        assert_eq!(
            parse(&[RFC8037, r#"{"kty":"oct","k":"AA"}"#]),
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
