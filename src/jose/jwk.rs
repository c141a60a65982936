//! A public JSON Web Key (RFC 7517 §4; key types: RFC 7518 §6, RFC 8037 §2).

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::error::KeyError;
use crate::json;
use crate::public_key::PublicKey;
use serde_json::{Map, Value};

/// A public JWK that may verify signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwk {
    /// Its own `kid`, if it has one.
    pub kid: Option<String>,
    /// Its own `alg`, if it has one.
    pub alg: Option<Algorithm>,
    /// The key.
    pub key: PublicKey,
}

/// Members that only a private or symmetric key has (RFC 7518 §6.2.2, §6.3.2,
/// §6.4.1, RFC 8037 §2, RFC 9964).
const PRIVATE_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

impl Jwk {
    /// Reads the text of one JWK.
    ///
    /// # Errors
    /// [`KeyError`], with the cause.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let members =
            json::object(text).map_err(|error| KeyError::Format(format!("the file {error}")))?;
        Self::from_members(&members)
    }

    /// Reads the members of one JWK.
    ///
    /// # Errors
    /// [`KeyError`], with the cause.
    pub fn from_members(members: &Map<String, Value>) -> Result<Self, KeyError> {
        if PRIVATE_MEMBERS
            .iter()
            .any(|name| members.contains_key(*name))
        {
            return Err(KeyError::Private);
        }
        check_purpose(members, "verify")?;
        let key = public_key(members)?;
        let alg = match text(members, "alg")? {
            None => None,
            Some(name) => Some(
                Algorithm::from_name(name)
                    .filter(|alg| key.fits(*alg))
                    .ok_or_else(|| KeyError::Algorithm(name.to_owned()))?,
            ),
        };
        Ok(Self {
            kid: text(members, "kid")?.map(str::to_owned),
            alg,
            key,
        })
    }
}

/// `use` and `key_ops` must not forbid `operation` (RFC 7517 §4.2, §4.3).
pub(crate) fn check_purpose(
    members: &Map<String, Value>,
    operation: &'static str,
) -> Result<(), KeyError> {
    match text(members, "use")? {
        None | Some("sig") => {}
        Some(other) => return Err(KeyError::Use(other.to_owned())),
    }
    match members.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(ops)) if ops.iter().any(|op| op == operation) => Ok(()),
        Some(Value::Array(_)) => Err(KeyError::KeyOps(operation)),
        Some(_) => Err(KeyError::Member("key_ops")),
    }
}

pub(crate) fn public_key(members: &Map<String, Value>) -> Result<PublicKey, KeyError> {
    match text(members, "kty")?.ok_or(KeyError::Member("kty"))? {
        "OKP" => match text(members, "crv")?.ok_or(KeyError::Member("crv"))? {
            "Ed25519" => PublicKey::ed25519(&bytes(members, "x")?),
            other => Err(KeyError::Curve(other.to_owned())),
        },
        "EC" => match text(members, "crv")?.ok_or(KeyError::Member("crv"))? {
            "P-256" => {
                let (x, y) = (coordinate(members, "x")?, coordinate(members, "y")?);
                PublicKey::p256(&[&[4], x.as_slice(), y.as_slice()].concat())
            }
            other => Err(KeyError::Curve(other.to_owned())),
        },
        "RSA" => PublicKey::rsa(&bytes(members, "n")?, &bytes(members, "e")?),
        other => Err(KeyError::KeyType(other.to_owned())),
    }
}

/// RFC 7518 §6.2.1.2: a coordinate has the full size of the curve's field.
fn coordinate(members: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyError> {
    bytes(members, name).and_then(|bytes| match bytes.len() {
        32 => Ok(bytes),
        _ => Err(KeyError::Member(name)),
    })
}

pub(crate) fn text<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, KeyError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyError::Member(name)),
    }
}

fn bytes(members: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyError> {
    let text = text(members, name)?.ok_or(KeyError::Member(name))?;
    base64url::decode(text)
        .filter(|bytes| !bytes.is_empty())
        .ok_or(KeyError::Member(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_keys::{RFC7515_A3, RFC7638, RFC8037};

    fn edited(jwk: &str, edit: impl FnOnce(&mut Map<String, Value>)) -> Result<Jwk, KeyError> {
        let mut members = json::object(jwk.as_bytes()).unwrap();
        edit(&mut members);
        Jwk::from_members(&members)
    }

    #[test]
    fn the_rfcs_keys_are_read() {
        let rsa = Jwk::parse(RFC7638.as_bytes()).unwrap();
        assert_eq!(
            (rsa.kid.as_deref(), rsa.alg, rsa.key.bits()),
            (Some("2011-04-29"), Some(Algorithm::Rs256), 2048)
        );
        for text in [RFC7515_A3, RFC8037] {
            let jwk = Jwk::parse(text.as_bytes()).unwrap();
            assert_eq!((jwk.kid, jwk.alg), (None, None));
        }
    }

    #[test]
    fn a_private_or_symmetric_key_is_refused() {
        for name in PRIVATE_MEMBERS {
            let result = edited(RFC8037, |jwk| {
                jwk.insert(name.into(), "AA".into());
            });
            assert_eq!(result, Err(KeyError::Private), "{name}");
        }
    }

    #[test]
    fn purpose_and_algorithm_must_agree() {
        let with = |name: &str, value: Value| {
            edited(RFC8037, |jwk| {
                jwk.insert(name.into(), value);
            })
        };
        assert!(with("use", "sig".into()).is_ok());
        assert!(with("key_ops", vec!["sign", "verify"].into()).is_ok());
        assert_eq!(with("use", "enc".into()), Err(KeyError::Use("enc".into())));
        assert_eq!(
            with("key_ops", vec!["sign"].into()),
            Err(KeyError::KeyOps("verify"))
        );
        assert_eq!(
            with("key_ops", "verify".into()),
            Err(KeyError::Member("key_ops"))
        );
        assert_eq!(
            with("alg", "RS256".into()),
            Err(KeyError::Algorithm("RS256".into()))
        );
        assert_eq!(
            with("alg", "HS256".into()),
            Err(KeyError::Algorithm("HS256".into()))
        );
        assert_eq!(with("kid", 5.into()), Err(KeyError::Member("kid")));
    }

    #[test]
    fn members_are_of_their_type_and_size() {
        assert_eq!(
            edited(RFC8037, |jwk| {
                jwk.remove("x");
            }),
            Err(KeyError::Member("x"))
        );
        assert_eq!(
            edited(RFC8037, |jwk| {
                jwk.insert("x".into(), "AA".into());
            }),
            Err(KeyError::Member("x"))
        );
        assert_eq!(
            edited(RFC8037, |jwk| {
                jwk.insert("crv".into(), "X25519".into());
            }),
            Err(KeyError::Curve("X25519".into()))
        );
        assert_eq!(
            edited(RFC7515_A3, |jwk| {
                jwk.insert("crv".into(), "P-384".into());
            }),
            Err(KeyError::Curve("P-384".into()))
        );
        assert_eq!(
            edited(RFC7515_A3, |jwk| {
                jwk.insert("y".into(), "AA".into());
            }),
            Err(KeyError::Member("y"))
        );
        assert_eq!(
            edited(RFC7515_A3, |jwk| {
                jwk.insert("kty".into(), "oct".into());
            }),
            Err(KeyError::KeyType("oct".into()))
        );
        assert_eq!(
            edited(RFC7638, |jwk| {
                jwk.insert("e".into(), "AQAB=".into());
            }),
            Err(KeyError::Member("e"))
        );
        assert_eq!(
            edited(RFC7638, |jwk| {
                jwk.insert("e".into(), "".into());
            }),
            Err(KeyError::Member("e"))
        );
        assert_eq!(
            edited(RFC7638, |jwk| {
                jwk.remove("kty");
            }),
            Err(KeyError::Member("kty"))
        );
    }
}
