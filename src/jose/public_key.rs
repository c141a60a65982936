//! A public key's numbers: checked when they are read, so that a
//! [`PublicKey`] that exists is one that can verify.

use crate::base64url;
use crate::curve::Curve;
use crate::error::KeyError;
use crate::ml_dsa::ParameterSet;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::UnparsedPublicKey;

/// A public key of a type that is known here.
#[derive(Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// RFC 8037 §2: the 32 bytes of `x`.
    Ed25519([u8; 32]),
    /// RFC 7518 §6.2.1.
    Ec {
        /// The curve.
        curve: Curve,
        /// `0x04`, `x`, `y` (SEC 1 §2.3.3).
        point: Vec<u8>,
    },
    /// RFC 7518 §6.3.1: big-endian, without leading zeros.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The public exponent.
        e: Vec<u8>,
    },
    /// RFC 9964 §3, §5.
    MlDsa {
        /// The parameter set, which is the key's algorithm.
        set: ParameterSet,
        /// `pub`: the key as FIPS 204 §7.2 encodes it.
        key: Vec<u8>,
    },
}

impl PublicKey {
    /// An Ed25519 key. Bytes that are no point of the curve are found when a
    /// signature is verified, and refuse it. One of the few points of small order
    /// would accept a signature that nobody made; whoever can put it among the
    /// trusted keys could put any key there.
    ///
    /// # Errors
    /// [`KeyError::Member`] for another length.
    pub fn ed25519(x: &[u8]) -> Result<Self, KeyError> {
        x.try_into()
            .map(Self::Ed25519)
            .map_err(|_| KeyError::Member("x"))
    }

    /// A key on `curve` from its uncompressed point (SEC 1 §2.3.3).
    ///
    /// # Errors
    /// [`KeyError::Point`] for anything that is no point of the curve.
    pub fn ec(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        if point.first() != Some(&4) {
            return Err(KeyError::Point(curve));
        }
        UnparsedPublicKey::new(curve.verifying(), point)
            .parse()
            .map_err(|_| KeyError::Point(curve))?;
        Ok(Self::Ec {
            curve,
            point: point.to_vec(),
        })
    }

    /// An RSA key. Leading zeros are dropped.
    ///
    /// # Errors
    /// [`KeyError::ModulusBits`] outside 2048 to 8192 bits (RFC 7518 §3.3),
    /// [`KeyError::EvenModulus`] for what is no product of two primes,
    /// [`KeyError::Exponent`] for one that is even, below 65537 or above 2^33.
    pub fn rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let (n, e) = (strip_zeros(n), strip_zeros(e));
        let bits = bits(n);
        if !(2048..=8192).contains(&bits) {
            return Err(KeyError::ModulusBits(bits));
        }
        if n.last().is_none_or(|low| low & 1 == 0) {
            return Err(KeyError::EvenModulus);
        }
        let exponent = e
            .iter()
            .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        if e.len() > 5 || !(65_537..1 << 33).contains(&exponent) || exponent & 1 == 0 {
            return Err(KeyError::Exponent);
        }
        Ok(Self::Rsa {
            n: n.to_vec(),
            e: e.to_vec(),
        })
    }

    /// An ML-DSA key. Every text of the right length is one (FIPS 204 algorithm 23).
    ///
    /// # Errors
    /// [`KeyError::Length`] for any other, such as another parameter set's.
    pub fn ml_dsa(set: ParameterSet, key: &[u8]) -> Result<Self, KeyError> {
        let (bytes, needed) = (key.len(), set.public_bytes());
        if bytes != needed {
            return Err(KeyError::Length {
                member: "pub",
                bytes,
                needed,
                alg: set.algorithm(),
            });
        }
        Ok(Self::MlDsa {
            set,
            key: key.to_vec(),
        })
    }

    /// The size that is usually named for such a key, in bits. For ML-DSA no other is
    /// named than that of its encoding.
    pub fn bits(&self) -> usize {
        match self {
            Self::Ed25519(_) => 256,
            Self::Ec { curve, .. } => curve.bits(),
            Self::Rsa { n, .. } => bits(n),
            Self::MlDsa { key, .. } => key.len().saturating_mul(8),
        }
    }

    /// The RFC 7638 thumbprint with SHA-256, base64url.
    pub fn thumbprint(&self) -> String {
        base64url::encode(digest(&SHA256, self.canonical_jwk().as_bytes()).as_ref())
    }

    /// The required members in lexicographic order without white space: the
    /// input of the thumbprint (RFC 7638 §3, RFC 8037 §2, RFC 9964 §6) and a valid JWK.
    pub fn canonical_jwk(&self) -> String {
        let enc = base64url::encode;
        match self {
            Self::Ed25519(x) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, enc(x)),
            Self::Ec { curve, point } => {
                let coordinates = point.get(1..).unwrap_or_default();
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                format!(
                    r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
                    curve.name(),
                    enc(x),
                    enc(y)
                )
            }
            Self::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, enc(e), enc(n)),
            Self::MlDsa { set, key } => format!(
                r#"{{"alg":"{}","kty":"AKP","pub":"{}"}}"#,
                set.algorithm(),
                enc(key)
            ),
        }
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.canonical_jwk())
    }
}

fn strip_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn bits(number: &[u8]) -> usize {
    let unused = number
        .first()
        .map_or(0, |high| high.leading_zeros() as usize);
    number.len().saturating_mul(8).saturating_sub(unused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwk::Jwk;
    use crate::material::Material;
    use crate::{private_key, test_keys};

    #[test]
    fn thumbprints_are_those_of_the_rfcs() {
        // RFC 7638 §3.1 and RFC 8037 A.3
        let rsa = test_keys::rfc7638_public();
        assert_eq!(
            rsa.thumbprint().unwrap(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
        let ed = test_keys::rfc8037_public();
        assert_eq!(
            ed.thumbprint().unwrap(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    /// Checklist: A.16
    #[test]
    fn a_point_off_the_curve_is_refused() {
        for curve in Curve::ALL {
            let generated = private_key::generate(curve.algorithm(), None).unwrap();
            let jwk = Jwk::parse(generated.public_jwk.unwrap().as_bytes()).unwrap();
            let Material::Public(PublicKey::Ec { point: good, .. }) = jwk.key else {
                panic!("an EC key")
            };
            for at in [1, curve.bytes(), curve.bytes() + 1, 2 * curve.bytes()] {
                let mut bad = good.clone();
                bad[at] ^= 1;
                assert_eq!(PublicKey::ec(curve, &bad), Err(KeyError::Point(curve)));
            }
            let mut compressed = good.clone();
            compressed[0] = 2;
            let compressed = &compressed[..=curve.bytes()];
            for bad in [&[][..], &[0], &good[1..], compressed] {
                assert_eq!(PublicKey::ec(curve, bad), Err(KeyError::Point(curve)));
            }
            for other in Curve::ALL.into_iter().filter(|other| *other != curve) {
                assert_eq!(PublicKey::ec(other, &good), Err(KeyError::Point(other)));
            }
        }
        assert_eq!(PublicKey::ed25519(&[1; 31]), Err(KeyError::Member("x")));
    }

    /// Checklist: A.15
    #[test]
    fn rsa_sizes_and_exponents_are_bounded() {
        let n = |bytes: usize| {
            let mut n = vec![0xff; bytes];
            n[0] = 0x80;
            n
        };
        let e = [1, 0, 1];
        for good in [256, 384, 512, 1024] {
            assert!(PublicKey::rsa(&n(good), &e).is_ok());
        }
        for (bad, bits) in [(128, 1024), (255, 2040), (1025, 8200)] {
            assert_eq!(
                PublicKey::rsa(&n(bad), &e),
                Err(KeyError::ModulusBits(bits))
            );
        }
        assert_eq!(PublicKey::rsa(&[], &e), Err(KeyError::ModulusBits(0)));
        let mut even = n(256);
        even[255] = 0xfe;
        assert_eq!(PublicKey::rsa(&even, &e), Err(KeyError::EvenModulus));
        for bad in [
            &[][..],
            &[1],
            &[3],
            &[1, 0, 0],
            &[2, 0, 0, 0, 1],
            &[1, 0, 0, 0, 0, 1],
            &[1; 9],
        ] {
            assert_eq!(
                PublicKey::rsa(&n(256), bad),
                Err(KeyError::Exponent),
                "{bad:?}"
            );
        }
        assert_eq!(
            PublicKey::rsa(&[&[0, 0], &n(256)[..]].concat(), &[0, 1, 0, 1]),
            PublicKey::rsa(&n(256), &e)
        );
    }
}
