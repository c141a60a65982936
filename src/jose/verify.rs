//! One signature, one key. The algorithm is the key's; a header that names
//! another is refused before any cryptography (RFC 8725 §3.1).

use crate::algorithm::{Algorithm, Scheme};
use crate::compact::Compact;
use crate::error::{Error, KeyError};
use crate::header::Header;
use crate::material::Material;
use crate::public_key::PublicKey;
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use zeroize::Zeroize;

/// RFC 8032 §5.1.6
const ED25519_SIGNATURE_BYTES: usize = 64;

/// A key with the one algorithm that it is used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    material: Material,
    alg: Algorithm,
    /// Whether key or configuration name the algorithm; otherwise the key's type does.
    named: bool,
}

impl VerifyingKey {
    /// Binds a key to `alg`, or to its own default algorithm.
    ///
    /// # Errors
    /// Those of [`Material::check`].
    pub fn new(material: Material, alg: Option<Algorithm>) -> Result<Self, KeyError> {
        let named = alg.is_some();
        let alg = alg.unwrap_or_else(|| material.default_algorithm());
        material.check(alg)?;
        Ok(Self {
            material,
            alg,
            named,
        })
    }

    /// The one algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.alg
    }

    /// Whether a header may say `alg`. An Ed25519 key that names no algorithm goes by both
    /// names that its one algorithm has (RFC 8037 §3.1, RFC 9864 §2.2).
    pub fn accepts(&self, alg: Algorithm) -> bool {
        let both = [self.alg, alg].map(|alg| matches!(alg.scheme(), Scheme::Ed25519));
        alg == self.alg || (!self.named && both == [true, true])
    }

    /// The key itself.
    pub const fn material(&self) -> &Material {
        &self.material
    }

    /// The bytes of each signature that it verifies.
    pub fn signature_bytes(&self) -> usize {
        match (&self.material, self.alg.scheme()) {
            (_, Scheme::Hmac(hmac)) => hmac.tag_len(),
            (_, Scheme::Ecdsa(curve)) => curve.bytes().saturating_mul(2),
            (_, Scheme::MlDsa(set)) => set.signature_bytes(),
            (_, Scheme::Ed25519) => ED25519_SIGNATURE_BYTES,
            (material, Scheme::Rsa { .. }) => material.bits().div_ceil(8),
        }
    }

    /// Checks the signature of `token`, whose header is `header`.
    ///
    /// # Errors
    /// [`Error::AlgorithmMismatch`] or [`Error::Signature`].
    pub fn verify(&self, token: &Compact<'_>, header: &Header) -> Result<(), Error> {
        if !self.accepts(header.alg) {
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
        match (&self.material, self.alg.scheme()) {
            (Material::Secret(secret), Scheme::Hmac(hmac)) => {
                hmac::verify(&hmac::Key::new(hmac, secret.bytes()), message, signature)
            }
            (Material::Public(PublicKey::Ed25519(x)), Scheme::Ed25519) => {
                UnparsedPublicKey::new(&ED25519, x).verify(message, signature)
            }
            (Material::Public(PublicKey::Ec { point, .. }), Scheme::Ecdsa(curve)) => {
                UnparsedPublicKey::new(curve.verifying(), point).verify(message, signature)
            }
            (Material::Public(PublicKey::Rsa { n, e }), Scheme::Rsa { verifying, .. }) => {
                PublicKeyComponents { n, e }.verify(verifying, message, signature)
            }
            (Material::Public(PublicKey::MlDsa { key, .. }), Scheme::MlDsa(set)) => {
                UnparsedPublicKey::new(set.verifying(), key).verify(message, signature)
            }
            // `new` let no such pair come to be.
            _ => return Err(Error::Signature),
        }
        .map_err(|_| Error::Signature)
    }
}

/// Overwrites what the verification left below: aws-lc copies signatures to its
/// stack, and a token must not outlive the login in the host's memory.
#[inline(never)]
fn wipe_stack() {
    // 16 KiB; by words, since zeroize writes each by itself, so that nothing is left out.
    let mut below = [0_u64; 2 * 1024];
    below.zeroize();
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
