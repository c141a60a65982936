//! What a signature is checked with: a public key, or a secret that both sides have.

use crate::algorithm::{Algorithm, Scheme};
use crate::error::KeyError;
use crate::public_key::PublicKey;
use crate::secret_key::SecretKey;

/// A key that verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Material {
    /// A public key.
    Public(PublicKey),
    /// A symmetric key.
    Secret(SecretKey),
}

impl Material {
    /// The algorithm of a key that names none: its curve's or parameter set's, RS256 or HS256.
    pub fn default_algorithm(&self) -> Algorithm {
        match self {
            Self::Public(PublicKey::Ed25519(_)) => Algorithm::EdDsa,
            Self::Public(PublicKey::Ec { curve, .. }) => curve.algorithm(),
            Self::Public(PublicKey::Rsa { .. }) => Algorithm::Rs256,
            Self::Public(PublicKey::MlDsa { set, .. }) => set.algorithm(),
            Self::Secret(_) => Algorithm::Hs256,
        }
    }

    /// Whether signatures of `alg` can be checked with it.
    ///
    /// # Errors
    /// [`KeyError::Algorithm`] for another kind of key, [`KeyError::SecretBytes`] for a
    /// secret shorter than the hash (RFC 7518 §3.2).
    pub fn check(&self, alg: Algorithm) -> Result<(), KeyError> {
        let fits = match (self, alg.scheme()) {
            (Self::Secret(secret), Scheme::Hmac(hmac)) => {
                let (bytes, needed) = (secret.bytes().len(), hmac.tag_len());
                if bytes < needed {
                    return Err(KeyError::SecretBytes { bytes, needed });
                }
                true
            }
            (Self::Public(PublicKey::Ec { curve, .. }), Scheme::Ecdsa(wanted)) => *curve == wanted,
            (Self::Public(PublicKey::MlDsa { set, .. }), Scheme::MlDsa(wanted)) => *set == wanted,
            (Self::Public(PublicKey::Ed25519(_)), Scheme::Ed25519)
            | (Self::Public(PublicKey::Rsa { .. }), Scheme::Rsa { .. }) => true,
            _ => false,
        };
        if fits {
            Ok(())
        } else {
            Err(KeyError::Algorithm(alg.to_string()))
        }
    }

    /// The size that is usually named for such a key, in bits.
    pub fn bits(&self) -> usize {
        match self {
            Self::Public(public) => public.bits(),
            Self::Secret(secret) => secret.bytes().len().saturating_mul(8),
        }
    }

    /// The RFC 7638 thumbprint of a public key. From that of a symmetric one it could be
    /// guessed, if a person chose it, so there is none (RFC 7638 §7).
    pub fn thumbprint(&self) -> Option<String> {
        match self {
            Self::Public(public) => Some(public.thumbprint()),
            Self::Secret(_) => None,
        }
    }

    /// Whether it has to be kept from others.
    pub const fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_))
    }
}
