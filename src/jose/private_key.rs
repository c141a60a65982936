//! A private JWK (RFC 7518 §6.2.2, §6.3.2, §6.4, RFC 8037 §2, RFC 9964 §4): generated,
//! written, read back, and turned into something that signs.

use crate::algorithm::{Algorithm, Scheme};
use crate::base64url;
use crate::curve::Curve;
use crate::error::KeyError;
use crate::json;
use crate::jwk::{self, KeyUse};
use crate::material::Material;
use crate::ml_dsa::{ParameterSet, SEED_BYTES};
use crate::public_key::PublicKey;
use crate::secret_key::SecretKey;
use crate::sign::random_id;
use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeyPairComponents, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, PqdsaKeyPair};
use serde_json::{Map, Value};
use spki::der::asn1::{AnyRef, OctetStringRef, UintRef};
use spki::der::{Decode, Reader, SliceReader};
use zeroize::Zeroizing;

/// A key that signs, with what verifies and its `kid`.
pub struct PrivateKey {
    /// Its own `kid`, or the thumbprint of its public half.
    pub kid: String,
    /// What it signs with.
    pub alg: Algorithm,
    /// What verifies its signatures: its public half, or a symmetric key itself.
    pub verifier: Material,
    pub(crate) signer: Signer,
}

pub(crate) enum Signer {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    MlDsa(PqdsaKeyPair),
    Hmac(SecretKey),
}

/// The private members, in the order of RSAPrivateKey (RFC 8017 A.1.2).
const MEMBERS: [&str; 6] = ["d", "p", "q", "dp", "dq", "qi"];

impl PrivateKey {
    /// Reads a private JWK.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::Public`] where the private part is missing.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let mut members = json::key_object(text)?;
        let key = Self::from_members(&members);
        json::wipe(&mut members);
        key
    }

    fn from_members(members: &Map<String, Value>) -> Result<Self, KeyError> {
        jwk::check_purpose(members, KeyUse::Signature, "sign")?;
        let verifier = jwk::material(members)?;
        let alg = jwk::algorithm(members)?.unwrap_or_else(|| verifier.default_algorithm());
        verifier.check(alg)?;
        let kid = match jwk::text(members, "kid")? {
            Some(kid) => kid.to_owned(),
            None => verifier.thumbprint().ok_or(KeyError::KidMissing)?,
        };
        Ok(Self {
            kid,
            alg,
            signer: signer(&verifier, members)?,
            verifier,
        })
    }
}

fn signer(verifier: &Material, members: &Map<String, Value>) -> Result<Signer, KeyError> {
    let public = match verifier {
        Material::Secret(secret) => return Ok(Signer::Hmac(secret.clone())),
        Material::Public(public) => public,
    };
    let private: &[&str] = match public {
        PublicKey::MlDsa { .. } => &["priv"],
        _ => &MEMBERS,
    };
    if !private.iter().any(|name| members.contains_key(*name)) {
        return Err(KeyError::Public);
    }
    let secret = |name| jwk::bytes(members, name);
    let inconsistent = |_| KeyError::Inconsistent;
    Ok(match public {
        PublicKey::Ed25519(x) => Signer::Ed25519(
            Ed25519KeyPair::from_seed_and_public_key(&secret("d")?, x).map_err(inconsistent)?,
        ),
        PublicKey::Ec { curve, point } => Signer::Ecdsa(
            EcdsaKeyPair::from_private_key_and_public_key(curve.signing(), &secret("d")?, point)
                .map_err(inconsistent)?,
        ),
        PublicKey::Rsa { n, e } => Signer::Rsa(
            RsaKeyPair::from_components(&KeyPairComponents {
                public_key: PublicKeyComponents { n, e },
                d: secret("d")?,
                p: secret("p")?,
                q: secret("q")?,
                dP: secret("dp")?,
                dQ: secret("dq")?,
                qInv: secret("qi")?,
            })
            .map_err(inconsistent)?,
        ),
        PublicKey::MlDsa { set, key } => {
            let pair = set.key_pair(&secret("priv")?)?;
            if pair.public_key().as_ref() != key {
                return Err(KeyError::Inconsistent);
            }
            Signer::MlDsa(pair)
        }
    })
}

/// A new key as the texts of its JWKs.
pub struct Generated {
    /// With the private members, wiped when dropped.
    pub private_jwk: Zeroizing<String>,
    /// Without them; a symmetric key has no such half.
    pub public_jwk: Option<String>,
    /// Its `kid`.
    pub kid: String,
}

/// Makes a key for `alg`; RSA keys get 3072 bits (NIST SP 800-57: good beyond 2030),
/// symmetric ones the bytes of their hash (RFC 7518 §3.2). Without `kid` its kid is 12
/// letters and digits, the first of the thumbprint or random ones: enough to be unique
/// among one's keys, short in every token, and never taken for an option on a command
/// line.
///
/// # Errors
/// [`KeyError::Library`]; [`KeyError::KidText`] for a kid that JSON would escape.
pub fn generate(alg: Algorithm, kid: Option<&str>) -> Result<Generated, KeyError> {
    // What JSON would escape; a file with a secret has no escapes ([`KeyError::Escaped`]).
    let is_odd = |c: char| c.is_control() || matches!(c, '"' | '\\');
    if kid.is_some_and(|kid| kid.is_empty() || kid.contains(is_odd)) {
        return Err(KeyError::KidText);
    }
    let (public, secret) = match alg.scheme() {
        Scheme::Hmac(hmac) => return generate_hmac(alg, hmac.tag_len(), kid),
        Scheme::Ed25519 => generate_ed25519()?,
        Scheme::Ecdsa(curve) => generate_ec(curve)?,
        Scheme::Rsa { .. } => generate_rsa()?,
        Scheme::MlDsa(set) => generate_ml_dsa(set)?,
    };
    let kid = kid.map_or_else(|| short(&public.thumbprint()), str::to_owned);
    let tail = tail(alg, &kid);
    let canonical = public.canonical_jwk();
    let members = canonical.strip_suffix('}').ok_or(KeyError::Library)?;
    let public_jwk = format!("{members},{tail}}}");
    let private_jwk = Zeroizing::new(format!("{members},{tail},{}}}", secret.as_str()));
    Ok(Generated {
        private_jwk,
        public_jwk: Some(public_jwk),
        kid,
    })
}

fn generate_hmac(alg: Algorithm, bytes: usize, kid: Option<&str>) -> Result<Generated, KeyError> {
    let mut k = Zeroizing::new(vec![0; bytes]);
    SystemRandom::new().fill(&mut k).map_err(library)?;
    let kid = match kid {
        Some(kid) => kid.to_owned(),
        None => short(&random_id()?),
    };
    let (tail, member) = (tail(alg, &kid), member("k", &k));
    let private_jwk = Zeroizing::new(format!(r#"{{"kty":"oct",{tail},{}}}"#, member.as_str()));
    Ok(Generated {
        private_jwk,
        public_jwk: None,
        kid,
    })
}

/// The members that say what a key is for. To an ML-DSA key its `alg` belongs already.
fn tail(alg: Algorithm, kid: &str) -> String {
    let alg = match alg.scheme() {
        Scheme::MlDsa(_) => String::new(),
        _ => format!(r#""alg":"{alg}","#),
    };
    format!(r#"{alg}"kid":{},"use":"sig""#, Value::from(kid))
}

fn short(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .take(12)
        .collect()
}

type Halves = (PublicKey, Zeroizing<String>);

fn library<E>(_: E) -> KeyError {
    KeyError::Library
}

fn member(name: &str, bytes: &[u8]) -> Zeroizing<String> {
    let value = Zeroizing::new(base64url::encode(bytes));
    Zeroizing::new(format!(r#""{name}":"{}""#, value.as_str()))
}

fn generate_ed25519() -> Result<Halves, KeyError> {
    let pair = Ed25519KeyPair::generate().map_err(library)?;
    let seed = pair
        .seed()
        .and_then(|seed| seed.as_be_bytes())
        .map_err(library)?;
    Ok((
        PublicKey::ed25519(pair.public_key().as_ref())?,
        member("d", seed.as_ref()),
    ))
}

fn generate_ec(curve: Curve) -> Result<Halves, KeyError> {
    let pair = EcdsaKeyPair::generate(curve.signing()).map_err(library)?;
    let d = pair.private_key().as_be_bytes().map_err(library)?;
    Ok((
        PublicKey::ec(curve, pair.public_key().as_ref())?,
        member("d", d.as_ref()),
    ))
}

fn generate_ml_dsa(set: ParameterSet) -> Result<Halves, KeyError> {
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    SystemRandom::new().fill(&mut *seed).map_err(library)?;
    let pair = set.key_pair(&*seed)?;
    Ok((
        PublicKey::ml_dsa(set, pair.public_key().as_ref())?,
        member("priv", &*seed),
    ))
}

fn generate_rsa() -> Result<Halves, KeyError> {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    let pair = RsaKeyPair::generate(KeySize::Rsa3072).map_err(library)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(library)?;
    rsa_members(der.as_ref()).map_err(library)?
}

/// PrivateKeyInfo (RFC 5208 §5) around RSAPrivateKey (RFC 8017 A.1.2).
fn rsa_members(pkcs8: &[u8]) -> Result<Result<Halves, KeyError>, spki::der::Error> {
    let mut reader = SliceReader::new(pkcs8)?;
    let key = reader.sequence(|info| {
        let _version = UintRef::decode(info)?;
        let _algorithm = AnyRef::decode(info)?;
        Ok::<_, spki::der::Error>(<&OctetStringRef>::decode(info)?.as_bytes())
    })?;
    SliceReader::new(key)?.sequence(|seq| {
        let _version = UintRef::decode(seq)?;
        let mut next = || Ok::<_, spki::der::Error>(UintRef::decode(seq)?.as_bytes());
        let public = PublicKey::rsa(next()?, next()?);
        let mut secret = Zeroizing::new(String::with_capacity(4096));
        for name in MEMBERS {
            if !secret.is_empty() {
                secret.push(',');
            }
            secret.push_str(&member(name, next()?));
        }
        Ok(public.map(|public| (public, secret)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwk::Jwk;
    use crate::test_keys::{PRIVATE, RFC8037};

    #[test]
    fn a_generated_key_comes_back_with_its_halves_together() {
        for alg in Algorithm::ALL {
            let generated = generate(*alg, None).unwrap();
            let private = PrivateKey::parse(generated.private_jwk.as_bytes()).unwrap();
            assert_eq!((private.alg, &private.kid), (*alg, &generated.kid));
            assert_eq!(generated.kid.len(), 12);
            let as_public = Jwk::parse(generated.private_jwk.as_bytes());
            let public = match generated.public_jwk {
                Some(text) => {
                    assert_eq!(as_public, Err(KeyError::Private));
                    Jwk::parse(text.as_bytes()).unwrap()
                }
                None => as_public.unwrap(),
            };
            assert_eq!(
                (public.alg, public.kid.as_ref(), &public.key),
                (Some(*alg), Some(&private.kid), &private.verifier)
            );
            assert_eq!(public.key.is_secret(), alg.is_symmetric());
        }
    }

    #[test]
    fn a_kid_of_ones_own_is_plain_text() {
        for alg in [Algorithm::EdDsa, Algorithm::Hs256] {
            let generated = generate(alg, Some("2026-a é/:=")).unwrap();
            let private = PrivateKey::parse(generated.private_jwk.as_bytes()).unwrap();
            assert_eq!(private.kid, "2026-a é/:=");
            for odd in ["a\"b", "a\\b", "a\nb", ""] {
                assert_eq!(generate(alg, Some(odd)).err(), Some(KeyError::KidText));
            }
        }
    }

    #[test]
    fn a_symmetric_key_without_a_kid_signs_nothing() {
        let oct = br#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
        assert!(Jwk::parse(oct).is_ok());
        assert_eq!(PrivateKey::parse(oct).err(), Some(KeyError::KidMissing));
    }

    #[test]
    fn halves_that_do_not_belong_together_are_refused() {
        for private in PRIVATE {
            assert!(PrivateKey::parse(private.as_bytes()).is_ok());
        }
        let other = generate(Algorithm::EdDsa, None).unwrap();
        let members = json::object(other.private_jwk.as_bytes()).unwrap();
        let mixed = PRIVATE[2].replace(
            "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            members["d"].as_str().unwrap(),
        );
        assert_eq!(
            PrivateKey::parse(mixed.as_bytes()).err(),
            Some(KeyError::Inconsistent)
        );
    }

    #[test]
    fn a_public_key_cannot_sign() {
        assert_eq!(
            PrivateKey::parse(RFC8037.as_bytes()).err(),
            Some(KeyError::Public)
        );
    }
}
