//! One signature, one key. The algorithm is the key's; a header that names
//! another is refused before any cryptography (RFC 8725 §3.1).

use crate::algorithm::Algorithm;
use crate::compact::Compact;
use crate::error::{Error, KeyError};
use crate::header::Header;
use crate::public_key::PublicKey;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use zeroize::Zeroize;

/// A public key with the one algorithm that it is used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    key: PublicKey,
    alg: Algorithm,
}

impl VerifyingKey {
    /// Binds `key` to `alg`, or to its own default algorithm.
    ///
    /// # Errors
    /// [`KeyError::Algorithm`] where the key cannot make such signatures.
    pub fn new(key: PublicKey, alg: Option<Algorithm>) -> Result<Self, KeyError> {
        let alg = alg.unwrap_or_else(|| key.default_algorithm());
        if key.fits(alg) {
            Ok(Self { key, alg })
        } else {
            Err(KeyError::Algorithm(alg.to_string()))
        }
    }

    /// The one algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.alg
    }

    /// The key itself.
    pub const fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// Checks the signature of `token`, whose header is `header`.
    ///
    /// # Errors
    /// [`Error::AlgorithmMismatch`] or [`Error::Signature`].
    pub fn verify(&self, token: &Compact<'_>, header: &Header) -> Result<(), Error> {
        if header.alg != self.alg {
            return Err(Error::AlgorithmMismatch {
                header: header.alg,
                key: self.alg,
            });
        }
        let result = self.check(token.signing_input(), token.signature());
        wipe_stack();
        result
    }

    #[inline(never)]
    fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        match &self.key {
            PublicKey::Ed25519(x) => UnparsedPublicKey::new(&ED25519, x).verify(message, signature),
            PublicKey::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            PublicKey::Rsa { n, e } => {
                PublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        }
        .map_err(|_| Error::Signature)
    }
}

/// Overwrites what the verification left below: aws-lc copies signatures to its
/// stack, and a token must not outlive the login in the host's memory.
#[inline(never)]
fn wipe_stack() {
    let mut below = [0_u8; 16 * 1024];
    below.zeroize();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64url;
    use crate::test_keys::{SIGNED, public_half};

    fn check(key: &VerifyingKey, token: &str) -> Result<(), Error> {
        let token = Compact::parse(token.as_bytes())?;
        key.verify(&token, &Header::parse(&token)?)
    }

    #[test]
    fn the_rfcs_tokens_verify() {
        for (private, token) in SIGNED {
            let key = VerifyingKey::new(public_half(private), None).unwrap();
            assert_eq!(check(&key, token.trim()), Ok(()), "{token}");
        }
    }

    #[test]
    fn a_changed_bit_anywhere_is_refused() {
        for (private, token) in SIGNED {
            let key = VerifyingKey::new(public_half(private), None).unwrap();
            let token = token.trim();
            for at in (0..token.len()).filter(|at| token.as_bytes()[*at] != b'.') {
                let mut changed = token.as_bytes().to_vec();
                changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
                assert!(
                    check(&key, std::str::from_utf8(&changed).unwrap()).is_err(),
                    "byte {at}"
                );
            }
        }
    }

    #[test]
    fn a_signature_of_another_length_is_refused() {
        for (private, token) in SIGNED {
            let key = VerifyingKey::new(public_half(private), None).unwrap();
            let (input, signature) = token.trim().rsplit_once('.').unwrap();
            let signature = base64url::decode(signature).unwrap();
            for wrong in [
                &[][..],
                &signature[1..],
                &signature[..signature.len() - 1],
                &[&signature[..], &[0]].concat(),
            ] {
                let token = format!("{input}.{}", base64url::encode(wrong));
                assert_eq!(check(&key, &token), Err(Error::Signature));
            }
        }
    }

    #[test]
    fn an_ecdsa_signature_of_zeros_is_refused() {
        let (private, token) = SIGNED[1];
        let key = VerifyingKey::new(public_half(private), None).unwrap();
        let (input, _) = token.trim().rsplit_once('.').unwrap();
        let token = format!("{input}.{}", base64url::encode(&[0; 64]));
        assert_eq!(check(&key, &token), Err(Error::Signature));
    }

    #[test]
    fn the_key_decides_the_algorithm() {
        for (private, _) in SIGNED {
            let key = VerifyingKey::new(public_half(private), None).unwrap();
            for (_, token) in SIGNED {
                let result = check(&key, token.trim());
                assert!(matches!(
                    result,
                    Ok(()) | Err(Error::AlgorithmMismatch { .. })
                ));
            }
            assert_eq!(
                SIGNED
                    .iter()
                    .filter(|(_, token)| check(&key, token.trim()).is_ok())
                    .count(),
                1
            );
        }
        let ed = public_half(SIGNED[2].0);
        assert_eq!(
            VerifyingKey::new(ed, Some(Algorithm::Rs256)),
            Err(KeyError::Algorithm("RS256".into()))
        );
    }
}
