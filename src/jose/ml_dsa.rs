//! ML-DSA, the signatures of FIPS 204 that a quantum computer does not break, as RFC 9964
//! uses them: key type `AKP`, an empty context, and a private key that is its seed.

use crate::algorithm::Algorithm;
use crate::error::KeyError;
use aws_lc_rs::signature::{
    ML_DSA_44, ML_DSA_44_SIGNING, ML_DSA_65, ML_DSA_65_SIGNING, ML_DSA_87, ML_DSA_87_SIGNING,
    PqdsaKeyPair, PqdsaSigningAlgorithm, PqdsaVerificationAlgorithm,
};

/// The bytes of a seed, which `priv` is (RFC 9964 §4).
pub(crate) const SEED_BYTES: usize = 32;

/// A parameter set (FIPS 204 table 1). Each is for one algorithm, which is why it can
/// decide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterSet {
    /// ML-DSA-44, of security category 2
    MlDsa44,
    /// ML-DSA-65, of security category 3
    MlDsa65,
    /// ML-DSA-87, of security category 5
    MlDsa87,
}

impl ParameterSet {
    /// Every parameter set.
    pub const ALL: [Self; 3] = [Self::MlDsa44, Self::MlDsa65, Self::MlDsa87];

    /// The one algorithm that signs with it; its name is the key's `alg`.
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::MlDsa44 => Algorithm::MlDsa44,
            Self::MlDsa65 => Algorithm::MlDsa65,
            Self::MlDsa87 => Algorithm::MlDsa87,
        }
    }

    /// The bytes of a public key (FIPS 204 table 2).
    pub const fn public_bytes(self) -> usize {
        match self {
            Self::MlDsa44 => 1312,
            Self::MlDsa65 => 1952,
            Self::MlDsa87 => 2592,
        }
    }

    /// The bytes of a signature (FIPS 204 table 2).
    pub const fn signature_bytes(self) -> usize {
        match self {
            Self::MlDsa44 => 2420,
            Self::MlDsa65 => 3309,
            Self::MlDsa87 => 4627,
        }
    }

    pub(crate) const fn verifying(self) -> &'static PqdsaVerificationAlgorithm {
        match self {
            Self::MlDsa44 => &ML_DSA_44,
            Self::MlDsa65 => &ML_DSA_65,
            Self::MlDsa87 => &ML_DSA_87,
        }
    }

    const fn signing(self) -> &'static PqdsaSigningAlgorithm {
        match self {
            Self::MlDsa44 => &ML_DSA_44_SIGNING,
            Self::MlDsa65 => &ML_DSA_65_SIGNING,
            Self::MlDsa87 => &ML_DSA_87_SIGNING,
        }
    }

    /// What signs with `seed`.
    pub(crate) fn key_pair(self, seed: &[u8]) -> Result<PqdsaKeyPair, KeyError> {
        if seed.len() != SEED_BYTES {
            return Err(KeyError::Length {
                member: "priv",
                bytes: seed.len(),
                needed: SEED_BYTES,
                alg: self.algorithm(),
            });
        }
        PqdsaKeyPair::from_seed(self.signing(), seed).map_err(|_| KeyError::Library)
    }
}

#[cfg(test)]
#[path = "ml_dsa_tests.rs"]
mod tests;
