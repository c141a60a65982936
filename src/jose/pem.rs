//! A PEM public key: `-----BEGIN PUBLIC KEY-----` around a SubjectPublicKeyInfo
//! (RFC 7468 §13, RFC 5280 §4.1; algorithms: RFC 3279, RFC 5480, RFC 8410, RFC 9881),
//! or `-----BEGIN CERTIFICATE-----` around one with dates ([`crate::certificate`]), or
//! `-----BEGIN RSA PUBLIC KEY-----` as older tools write it (RFC 8017 A.1.1).

use crate::certificate::{self, Validity};
use crate::curve::Curve;
use crate::error::KeyError;
use crate::ml_dsa::ParameterSet;
use crate::public_key::PublicKey;
use spki::der::asn1::UintRef;
use spki::der::{self, Decode, Document, Reader, SliceReader};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The named curves (RFC 5480 §2.1.1.1).
const CURVES: [(ObjectIdentifier, Curve); 3] = [
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        Curve::P256,
    ),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), Curve::P384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), Curve::P521),
];

/// The parameter sets of ML-DSA (RFC 9881 §2).
const PARAMETER_SETS: [(ObjectIdentifier, ParameterSet); 3] = [
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"),
        ParameterSet::MlDsa44,
    ),
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"),
        ParameterSet::MlDsa65,
    ),
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"),
        ParameterSet::MlDsa87,
    ),
];

/// What a PEM file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pem {
    /// The key.
    pub key: PublicKey,
    /// When it may be used, where it came in a certificate.
    pub validity: Option<Validity>,
}

/// Whether `text` is meant as PEM: a line begins a block, perhaps below an
/// explanation (RFC 7468 §5.2). No JSON text has such a line.
pub fn is_pem(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n')
        .any(|line| line.starts_with(b"-----BEGIN "))
}

/// Reads one PEM public key or certificate.
///
/// # Errors
/// [`KeyError`], with the cause. A private key says so.
pub fn parse(text: &[u8]) -> Result<Pem, KeyError> {
    let text = std::str::from_utf8(text.trim_ascii())
        .map_err(|_| KeyError::Format("the file is not text".into()))?;
    // Also one whose text is no PEM by RFC 7468, such as OpenSSH's.
    if text
        .lines()
        .any(|line| line.starts_with("-----BEGIN ") && line.ends_with("PRIVATE KEY-----"))
    {
        return Err(KeyError::Private);
    }
    let blocks = text
        .lines()
        .filter(|line| line.starts_with("-----BEGIN "))
        .count();
    if blocks > 1 {
        return Err(KeyError::Format(format!(
            "it has {blocks} PEM blocks; a file holds one, of a chain the first"
        )));
    }
    let (label, document) = Document::from_pem(text)
        .map_err(|error| KeyError::Format(format!("the file is not one PEM block: {error}")))?;
    let plain = |key| {
        Ok(Pem {
            key,
            validity: None,
        })
    };
    match label {
        "PUBLIC KEY" => plain(subject_public_key_info(document.as_bytes())?),
        "RSA PUBLIC KEY" => plain(rsa_public_key(document.as_bytes())?),
        "CERTIFICATE" => {
            let (key, validity) = certificate::parse(document.as_bytes())?;
            Ok(Pem {
                key: subject_public_key_info(&key)?,
                validity: Some(validity),
            })
        }
        label => Err(KeyError::Format(format!(
            "a PEM block {label:?} is no public key"
        ))),
    }
}

fn subject_public_key_info(der: &[u8]) -> Result<PublicKey, KeyError> {
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(not_der)?;
    let key = info
        .subject_public_key
        .as_bytes()
        .ok_or(KeyError::Member("subjectPublicKey"))?;
    match info.algorithm.oid {
        ED25519 => PublicKey::ed25519(key),
        EC_PUBLIC_KEY => {
            let oid = info.algorithm.parameters_oid();
            let oid = oid.map_err(|_| KeyError::Curve("unnamed".into()))?;
            let known = CURVES.iter().find(|(known, _)| *known == oid);
            let (_, curve) = known.ok_or_else(|| KeyError::Curve(oid.to_string()))?;
            PublicKey::ec(*curve, key)
        }
        RSA_ENCRYPTION => rsa_public_key(key),
        other => {
            let known = PARAMETER_SETS.iter().find(|(known, _)| *known == other);
            let (_, set) = known.ok_or_else(|| KeyError::KeyType(other.to_string()))?;
            PublicKey::ml_dsa(*set, key)
        }
    }
}

/// `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }`
/// (RFC 8017 A.1.1).
fn rsa_public_key(der: &[u8]) -> Result<PublicKey, KeyError> {
    let mut reader = SliceReader::new(der).map_err(not_der)?;
    let pair = reader.sequence(|seq| {
        Ok::<_, der::Error>((
            UintRef::decode(seq)?.as_bytes(),
            UintRef::decode(seq)?.as_bytes(),
        ))
    });
    let (n, e) = pair.map_err(not_der)?;
    reader.finish().map_err(not_der)?;
    PublicKey::rsa(n, e)
}

fn not_der(error: der::Error) -> KeyError {
    KeyError::Format(format!("the public key is not DER: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made with openssl genpkey and openssl pkey -pubout; the private halves are gone.
    const ED: &str = include_str!("testdata/ed25519.pub.pem");
    const EC: &str = include_str!("testdata/p256.pub.pem");
    const EC384: &str = include_str!("testdata/p384.pub.pem");
    const EC521: &str = include_str!("testdata/p521.pub.pem");
    const RSA: &str = include_str!("testdata/rsa2048.pub.pem");

    #[test]
    fn openssls_public_keys_are_read() {
        for (text, bits) in [
            (ED, 256),
            (EC, 256),
            (EC384, 384),
            (EC521, 521),
            (RSA, 2048),
        ] {
            let explained = format!("Example's key of 2026\n{text}");
            assert!(is_pem(text.as_bytes()) && is_pem(explained.as_bytes()));
            let pem = parse(text.as_bytes()).unwrap();
            assert_eq!(parse(explained.as_bytes()).as_ref(), Ok(&pem));
            assert_eq!((pem.key.bits(), pem.validity), (bits, None));
        }
    }

    /// Made with Python's cryptography (OpenSSL 4.0) from the seeds of RFC 9964 A.1.
    #[test]
    fn an_ml_dsa_key_is_the_same_as_its_jwk() {
        for (text, vector) in [
            (
                include_str!("testdata/ml-dsa-44.pub.pem"),
                include_str!("testdata/vectors/rfc9964-a1-ml-dsa-44.json"),
            ),
            (
                include_str!("testdata/ml-dsa-65.pub.pem"),
                include_str!("testdata/vectors/rfc9964-a1-ml-dsa-65.json"),
            ),
            (
                include_str!("testdata/ml-dsa-87.pub.pem"),
                include_str!("testdata/vectors/rfc9964-a1-ml-dsa-87.json"),
            ),
            (
                include_str!("testdata/ml-dsa-44.crt.pem"),
                include_str!("testdata/vectors/rfc9964-a1-ml-dsa-44.json"),
            ),
        ] {
            let vector: serde_json::Value = serde_json::from_str(vector).unwrap();
            let jwk = crate::Jwk::parse(vector["key"].to_string().as_bytes()).unwrap();
            let pem = parse(text.as_bytes()).unwrap();
            assert_eq!(crate::Material::Public(pem.key), jwk.key);
            assert_eq!(pem.validity.is_some(), text.contains("CERTIFICATE"));
        }
    }

    /// One parameter set's key under the name of another's.
    #[test]
    fn an_ml_dsa_key_has_the_length_that_its_name_says() {
        let text = include_str!("testdata/ml-dsa-44.pub.pem");
        let (label, der) = Document::from_pem(text).unwrap();
        let last_of_name = 17;
        let at = der.as_bytes().iter().position(|byte| *byte == last_of_name);
        for (last, alg) in [
            (18, crate::Algorithm::MlDsa65),
            (19, crate::Algorithm::MlDsa87),
        ] {
            let mut renamed = der.as_bytes().to_vec();
            renamed[at.unwrap()] = last;
            let text = Document::try_from(renamed).unwrap();
            let text = text.to_pem(label, der::pem::LineEnding::LF).unwrap();
            let refused = parse(text.as_bytes());
            assert!(matches!(
                refused,
                Err(KeyError::Length { bytes: 1312, alg: said, .. }) if said == alg
            ));
        }
    }

    #[test]
    fn an_rsa_key_is_the_same_in_both_forms() {
        let older = include_str!("testdata/rsa2048.pkcs1.pem");
        assert_eq!(parse(older.as_bytes()), parse(RSA.as_bytes()));
    }

    #[test]
    fn what_is_no_public_key_says_what_it_is() {
        let relabelled = |label: &str| ED.replace("PUBLIC KEY", label);
        assert_eq!(
            parse(relabelled("PRIVATE KEY").as_bytes()),
            Err(KeyError::Private)
        );
        assert_eq!(
            parse(relabelled("EC PRIVATE KEY").as_bytes()),
            Err(KeyError::Private)
        );
        let long_lines = relabelled("OPENSSH PRIVATE KEY").replacen("=\n", "", 1);
        assert_eq!(parse(long_lines.as_bytes()), Err(KeyError::Private));
        for other in [
            relabelled("CERTIFICATE"),
            relabelled("X"),
            ED.replace("-----END", ""),
            format!("{ED}{ED}"),
        ] {
            assert!(
                matches!(parse(other.as_bytes()), Err(KeyError::Format(_))),
                "{other}"
            );
        }
        assert!(matches!(
            parse(b"-----BEGIN \xff"),
            Err(KeyError::Format(_))
        ));
    }

    /// Checklist: A.15
    #[test]
    fn keys_of_other_kinds_are_named() {
        for (text, cause) in [
            (
                include_str!("testdata/secp256k1.pub.pem"),
                KeyError::Curve("1.3.132.0.10".into()),
            ),
            (
                include_str!("testdata/ed448.pub.pem"),
                KeyError::KeyType("1.3.101.113".into()),
            ),
            (
                include_str!("testdata/rsa1024.pub.pem"),
                KeyError::ModulusBits(1024),
            ),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(cause));
        }
    }
}
