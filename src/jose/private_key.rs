//! A private JWK (RFC 7518 §6.2.2, §6.3.2, RFC 8037 §2): generated, written,
//! read back, and turned into something that signs.

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::error::KeyError;
use crate::json;
use crate::jwk;
use crate::public_key::PublicKey;
use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeyPairComponents, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use serde::Deserialize;
use serde_json::Value;
use spki::der::asn1::{AnyRef, OctetStringRef, UintRef};
use spki::der::{Decode, Reader, SliceReader};
use zeroize::Zeroizing;

/// A key that signs, with its public half and its `kid`.
pub struct PrivateKey {
    /// Its own `kid`, or the thumbprint.
    pub kid: String,
    /// What it signs with.
    pub alg: Algorithm,
    /// Its public half.
    pub public: PublicKey,
    pub(crate) signer: Signer,
}

pub(crate) enum Signer {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

/// The private members, in the order of RSAPrivateKey (RFC 8017 A.1.2).
const MEMBERS: [&str; 6] = ["d", "p", "q", "dp", "dq", "qi"];

/// The private members, each wiped when it is dropped.
#[derive(Deserialize)]
struct PrivateMembers {
    #[serde(default)]
    d: Wiped,
    #[serde(default)]
    p: Wiped,
    #[serde(default)]
    q: Wiped,
    #[serde(default)]
    dp: Wiped,
    #[serde(default)]
    dq: Wiped,
    #[serde(default)]
    qi: Wiped,
}

#[derive(Default, Deserialize)]
#[serde(from = "String")]
struct Wiped(Zeroizing<String>);

impl From<String> for Wiped {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Wiped {
    fn bytes(&self, name: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match base64url::decode(&self.0) {
            Some(bytes) if !bytes.is_empty() => Ok(Zeroizing::new(bytes)),
            _ => Err(KeyError::Member(name)),
        }
    }
}

impl PrivateKey {
    /// Reads a private JWK.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::Public`] where the private part is missing.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let mut members =
            json::object(text).map_err(|error| KeyError::Format(format!("the file {error}")))?;
        // The typed copy below has the private members; these are wiped at once.
        let mut private = false;
        for name in MEMBERS {
            match members.remove(name) {
                None => {}
                Some(Value::String(text)) => {
                    drop(Zeroizing::new(text));
                    private = true;
                }
                Some(_) => return Err(KeyError::Member(name)),
            }
        }
        if !private {
            return Err(KeyError::Public);
        }
        jwk::check_purpose(&members, "sign")?;
        let public = jwk::public_key(&members)?;
        let alg = match jwk::text(&members, "alg")? {
            None => public.default_algorithm(),
            Some(name) => Algorithm::from_name(name)
                .filter(|alg| public.fits(*alg))
                .ok_or_else(|| KeyError::Algorithm(name.to_owned()))?,
        };
        let secret: PrivateMembers =
            serde_json::from_slice(text).map_err(|_| KeyError::Member("d"))?;
        let signer = signer(&public, &secret)?;
        let kid = jwk::text(&members, "kid")?.map_or_else(|| public.thumbprint(), str::to_owned);
        Ok(Self {
            kid,
            alg,
            public,
            signer,
        })
    }
}

fn signer(public: &PublicKey, secret: &PrivateMembers) -> Result<Signer, KeyError> {
    let d = secret.d.bytes("d")?;
    let inconsistent = |_| KeyError::Inconsistent;
    Ok(match public {
        PublicKey::Ed25519(x) => {
            Signer::EdDsa(Ed25519KeyPair::from_seed_and_public_key(&d, x).map_err(inconsistent)?)
        }
        PublicKey::P256(point) => Signer::Es256(
            EcdsaKeyPair::from_private_key_and_public_key(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                &d,
                point,
            )
            .map_err(inconsistent)?,
        ),
        PublicKey::Rsa { n, e } => Signer::Rs256(
            RsaKeyPair::from_components(&KeyPairComponents {
                public_key: PublicKeyComponents { n, e },
                d,
                p: secret.p.bytes("p")?,
                q: secret.q.bytes("q")?,
                dP: secret.dp.bytes("dp")?,
                dQ: secret.dq.bytes("dq")?,
                qInv: secret.qi.bytes("qi")?,
            })
            .map_err(inconsistent)?,
        ),
    })
}

/// A new key as the texts of two JWKs.
pub struct Generated {
    /// With the private members, wiped when dropped.
    pub private_jwk: Zeroizing<String>,
    /// Without them.
    pub public_jwk: String,
    /// Its `kid`.
    pub kid: String,
}

/// Makes a key for `alg`; RSA keys get 3072 bits (NIST SP 800-57: good beyond
/// 2030). Without `kid` its kid is the first 12 letters and digits of the
/// thumbprint: enough to be unique among one's keys, short in every token, and
/// never taken for an option on a command line.
///
/// # Errors
/// [`KeyError::Library`].
pub fn generate(alg: Algorithm, kid: Option<&str>) -> Result<Generated, KeyError> {
    let (public, secret) = match alg {
        Algorithm::EdDsa => generate_ed25519()?,
        Algorithm::Es256 => generate_p256()?,
        Algorithm::Rs256 => generate_rsa()?,
    };
    let kid = match kid {
        Some(kid) => kid.to_owned(),
        None => {
            let thumbprint = public.thumbprint();
            thumbprint
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(12)
                .collect()
        }
    };
    let quoted = Value::from(kid.as_str());
    let canonical = public.canonical_jwk();
    let members = canonical.strip_suffix('}').ok_or(KeyError::Library)?;
    let public_jwk = format!(r#"{members},"alg":"{alg}","kid":{quoted},"use":"sig"}}"#);
    let private_jwk = Zeroizing::new(format!(
        r#"{members},"alg":"{alg}","kid":{quoted},"use":"sig",{}}}"#,
        secret.as_str()
    ));
    Ok(Generated {
        private_jwk,
        public_jwk,
        kid,
    })
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

fn generate_p256() -> Result<Halves, KeyError> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(library)?;
    let d = pair.private_key().as_be_bytes().map_err(library)?;
    Ok((
        PublicKey::p256(pair.public_key().as_ref())?,
        member("d", d.as_ref()),
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
    use crate::test_keys::{RFC8037, SIGNED};

    #[test]
    fn a_generated_key_comes_back_with_its_halves_together() {
        for alg in Algorithm::ALL {
            let generated = generate(alg, None).unwrap();
            let private = PrivateKey::parse(generated.private_jwk.as_bytes()).unwrap();
            let public = Jwk::parse(generated.public_jwk.as_bytes()).unwrap();
            assert_eq!((private.alg, &private.public), (alg, &public.key));
            assert_eq!((Some(private.kid), generated.kid.len()), (public.kid, 12));
            assert_eq!(
                Jwk::parse(generated.private_jwk.as_bytes()),
                Err(KeyError::Private)
            );
        }
    }

    #[test]
    fn a_kid_of_ones_own_is_quoted() {
        let generated = generate(Algorithm::EdDsa, Some("a\"b")).unwrap();
        assert_eq!(
            Jwk::parse(generated.public_jwk.as_bytes())
                .unwrap()
                .kid
                .as_deref(),
            Some("a\"b")
        );
    }

    #[test]
    fn halves_that_do_not_belong_together_are_refused() {
        for (private, _) in SIGNED {
            assert!(PrivateKey::parse(private.as_bytes()).is_ok());
        }
        let other = generate(Algorithm::EdDsa, None).unwrap();
        let members = json::object(other.private_jwk.as_bytes()).unwrap();
        let mixed = SIGNED[2].0.replace(
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
