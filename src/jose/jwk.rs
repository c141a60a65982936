//! A JSON Web Key that verifies (RFC 7517 §4; key types: RFC 7518 §6, RFC 8037 §2,
//! RFC 9964 §3):
//! a public key, or a symmetric one.

use crate::algorithm::{Algorithm, Scheme};
use crate::base64url;
use crate::curve::Curve;
use crate::error::KeyError;
use crate::json;
use crate::material::Material;
use crate::public_key::PublicKey;
use crate::secret_key::SecretKey;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// A JWK that may verify signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwk {
    /// Its own `kid`, if it has one.
    pub kid: Option<String>,
    /// Its own `alg`, if it has one.
    pub alg: Option<Algorithm>,
    /// The key.
    pub key: Material,
}

/// What a key has to be for, by its `use` (RFC 7517 §4.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyUse {
    /// `sig`, or it does not say.
    #[default]
    Signature,
    /// `jwt-svid`, and nothing else: in the bundle of a trust domain stand keys for other
    /// purposes, and what does not say is to be ignored (SPIFFE Trust Domain and Bundle §4.2.2).
    JwtSvid,
}

impl KeyUse {
    /// What `use` is, where it is there.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Signature => "sig",
            Self::JwtSvid => "jwt-svid",
        }
    }

    /// Whether such a key may be for `alg`: JWT-SVIDs have a few (JWT-SVID §2.1).
    ///
    /// # Errors
    /// [`KeyError::Algorithm`]
    pub fn check(self, alg: Algorithm) -> Result<(), KeyError> {
        match (self, alg.scheme()) {
            (Self::Signature, _) | (_, Scheme::Rsa { .. } | Scheme::Ecdsa(_)) => Ok(()),
            _ => Err(KeyError::Algorithm(alg.to_string())),
        }
    }
}

/// Members that only a private key has (RFC 7518 §6.2.2, §6.3.2, RFC 8037 §2, RFC 9964 §3).
/// `k` is not one of them: it is what a symmetric key consists of (RFC 7518 §6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"];

impl Jwk {
    /// Reads the text of one JWK.
    ///
    /// # Errors
    /// [`KeyError`], with the cause.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let mut members = json::key_object(text)?;
        let jwk = Self::from_members(&members);
        json::wipe(&mut members);
        jwk
    }

    /// Reads the members of one JWK for signatures. Wiping them is the caller's.
    ///
    /// # Errors
    /// [`KeyError`], with the cause.
    pub fn from_members(members: &Map<String, Value>) -> Result<Self, KeyError> {
        Self::for_use(members, KeyUse::Signature)
    }

    /// Reads the members of one JWK that is for `key_use`. Wiping them is the caller's.
    pub(crate) fn for_use(members: &Map<String, Value>, key_use: KeyUse) -> Result<Self, KeyError> {
        let has = |name: &&str| members.contains_key(*name);
        let private = match text(members, "kty")? {
            Some("oct") => PRIVATE_MEMBERS.iter().any(has),
            Some("OKP" | "EC" | "RSA" | "AKP") => PRIVATE_MEMBERS.iter().any(has) || has(&"k"),
            // What members a key of another type has is not known; it is not used anyway.
            _ => false,
        };
        if private {
            return Err(KeyError::Private);
        }
        check_purpose(members, key_use, "verify")?;
        let key = material(members)?;
        let alg = algorithm(members)?;
        let meant = alg.unwrap_or_else(|| key.default_algorithm());
        key.check(meant)?;
        key_use.check(meant)?;
        Ok(Self {
            kid: text(members, "kid")?.map(str::to_owned),
            alg,
            key,
        })
    }
}

/// Its own `alg`, which must be one that is known.
pub(crate) fn algorithm(members: &Map<String, Value>) -> Result<Option<Algorithm>, KeyError> {
    text(members, "alg")?
        .map(|name| Algorithm::from_name(name).ok_or_else(|| KeyError::Algorithm(name.to_owned())))
        .transpose()
}

/// `use` and `key_ops` must not forbid `operation` (RFC 7517 §4.2, §4.3).
pub(crate) fn check_purpose(
    members: &Map<String, Value>,
    key_use: KeyUse,
    operation: &'static str,
) -> Result<(), KeyError> {
    match (text(members, "use")?, key_use) {
        (None, KeyUse::Signature) => {}
        (Some(named), _) if named == key_use.name() => {}
        (named, _) => {
            let named = named.unwrap_or_default().to_owned();
            return Err(KeyError::Use(named, key_use.name()));
        }
    }
    match members.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(ops)) if ops.iter().any(|op| op == operation) => Ok(()),
        Some(Value::Array(_)) => Err(KeyError::KeyOps(operation)),
        Some(_) => Err(KeyError::Member("key_ops")),
    }
}

/// The key in `members`, private members left aside.
pub(crate) fn material(members: &Map<String, Value>) -> Result<Material, KeyError> {
    let public = match text(members, "kty")?.ok_or(KeyError::Member("kty"))? {
        "oct" => return Ok(Material::Secret(SecretKey::new(bytes(members, "k")?))),
        "OKP" => match text(members, "crv")?.ok_or(KeyError::Member("crv"))? {
            "Ed25519" => PublicKey::ed25519(&bytes(members, "x")?),
            other => Err(KeyError::Curve(other.to_owned())),
        },
        "EC" => {
            let crv = text(members, "crv")?.ok_or(KeyError::Member("crv"))?;
            let curve = Curve::from_name(crv).ok_or_else(|| KeyError::Curve(crv.to_owned()))?;
            let (x, y) = (
                coordinate(members, "x", curve)?,
                coordinate(members, "y", curve)?,
            );
            PublicKey::ec(curve, &[&[4], x.as_slice(), y.as_slice()].concat())
        }
        "RSA" => PublicKey::rsa(&bytes(members, "n")?, &bytes(members, "e")?),
        "AKP" => {
            let alg = algorithm(members)?.ok_or(KeyError::AlgorithmMissing)?;
            match alg.scheme() {
                Scheme::MlDsa(set) => PublicKey::ml_dsa(set, &bytes(members, "pub")?),
                _ => Err(KeyError::Algorithm(alg.to_string())),
            }
        }
        other => Err(KeyError::KeyType(other.to_owned())),
    };
    public.map(Material::Public)
}

/// RFC 7518 §6.2.1.2: a coordinate has the full size of the curve's field.
fn coordinate(
    members: &Map<String, Value>,
    name: &'static str,
    curve: Curve,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    bytes(members, name).and_then(|bytes| {
        if bytes.len() == curve.bytes() {
            Ok(bytes)
        } else {
            Err(KeyError::Member(name))
        }
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

/// The bytes of a member, wiped when dropped since it may be a secret one.
pub(crate) fn bytes(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let text = text(members, name)?.ok_or(KeyError::Member(name))?;
    base64url::decode_secret(text)
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
    fn a_symmetric_key_is_what_its_k_says_and_nothing_else() {
        let oct = |alg: &str, bytes: usize| {
            let k = base64url::encode(&vec![1; bytes]);
            Jwk::parse(format!(r#"{{"kty":"oct","alg":"{alg}","k":"{k}"}}"#).as_bytes())
        };
        let jwk = oct("HS512", 64).unwrap();
        assert!(jwk.key.is_secret() && jwk.key.bits() == 512);
        let (bytes, needed) = (63, 64);
        let short = KeyError::SecretBytes { bytes, needed };
        assert_eq!(oct("HS512", 63), Err(short));
        let wrong = KeyError::Algorithm("RS256".into());
        assert_eq!(oct("RS256", 64), Err(wrong));
        let private = br#"{"kty":"oct","k":"AAAA","d":"AAAA"}"#;
        assert_eq!(Jwk::parse(private), Err(KeyError::Private));
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
    fn a_private_key_is_refused() {
        for name in PRIVATE_MEMBERS.iter().chain(&["k"]).copied() {
            let result = edited(RFC8037, |jwk| {
                jwk.insert(name.into(), "AA".into());
            });
            assert_eq!(result, Err(KeyError::Private), "{name}");
        }
    }

    /// Checklist: A.14, B.16
    #[test]
    fn purpose_and_algorithm_must_agree() {
        let with = |name: &str, value: Value| {
            edited(RFC8037, |jwk| {
                jwk.insert(name.into(), value);
            })
        };
        assert!(with("use", "sig".into()).is_ok());
        assert!(with("key_ops", vec!["sign", "verify"].into()).is_ok());
        assert_eq!(
            with("use", "enc".into()),
            Err(KeyError::Use("enc".into(), "sig"))
        );
        assert_eq!(
            with("key_ops", vec!["sign"].into()),
            Err(KeyError::KeyOps("verify"))
        );
        assert_eq!(
            with("key_ops", "verify".into()),
            Err(KeyError::Member("key_ops"))
        );
        for alg in ["HS256", "RS256", "ES256", "none", "eddsa"] {
            assert_eq!(
                with("alg", alg.into()),
                Err(KeyError::Algorithm(alg.into()))
            );
        }
        assert_eq!(with("kid", 5.into()), Err(KeyError::Member("kid")));
    }

    #[test]
    fn a_key_of_a_trust_domain_says_jwt_svid_and_no_other_key_does() {
        let named = |name: Option<&str>, key_use| {
            let mut members = json::object(RFC7515_A3.as_bytes()).unwrap();
            if let Some(name) = name {
                members.insert("use".into(), name.into());
            }
            Jwk::for_use(&members, key_use).map(drop)
        };
        let refused = |name: &str, wanted| Err(KeyError::Use(name.into(), wanted));
        for (name, for_signatures, for_svids) in [
            (Some("jwt-svid"), refused("jwt-svid", "sig"), Ok(())),
            (Some("sig"), Ok(()), refused("sig", "jwt-svid")),
            (None, Ok(()), refused("", "jwt-svid")),
            (
                Some("x509-svid"),
                refused("x509-svid", "sig"),
                refused("x509-svid", "jwt-svid"),
            ),
        ] {
            assert_eq!(named(name, KeyUse::Signature), for_signatures);
            assert_eq!(named(name, KeyUse::JwtSvid), for_svids);
        }
        // What signs JWT-SVIDs is RSA or ECDSA.
        let mut ed25519 = json::object(RFC8037.as_bytes()).unwrap();
        ed25519.insert("use".into(), "jwt-svid".into());
        let refused = Jwk::for_use(&ed25519, KeyUse::JwtSvid);
        assert_eq!(refused, Err(KeyError::Algorithm("EdDSA".into())));
    }

    /// Checklist: A.16, B.16
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
            Err(KeyError::Member("x"))
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
            Err(KeyError::Member("k"))
        );
        assert_eq!(
            edited(RFC7515_A3, |jwk| {
                jwk.insert("kty".into(), "LMS".into());
            }),
            Err(KeyError::KeyType("LMS".into()))
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
