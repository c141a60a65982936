//! The signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2, RFC 9964 §5).

use crate::curve::Curve;
use crate::ml_dsa::ParameterSet;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaParameters, RsaSignatureEncoding,
};
use std::fmt;

macro_rules! algorithms {
    ($($variant:ident $name:literal $text:literal)*) => {
        /// A signature algorithm, named as in the `alg` header parameter.
        ///
        /// `none` has no value here, so that no code path can select it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Algorithm {
            $(#[doc = $text] $variant,)*
        }

        impl Algorithm {
            /// Every algorithm, in the order in which help texts list them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The registered name. Compared with case (RFC 7515 §4.1.1).
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

algorithms! {
    EdDsa "EdDSA" "Ed25519 signatures under their first name (RFC 8037 §3.1)."
    Ed25519 "Ed25519" "Ed25519 signatures under the name that says so (RFC 9864 §2.2)."
    Es256 "ES256" "ECDSA over P-256 with SHA-256 (RFC 7518 §3.4)."
    Es384 "ES384" "ECDSA over P-384 with SHA-384 (RFC 7518 §3.4)."
    Es512 "ES512" "ECDSA over P-521 with SHA-512 (RFC 7518 §3.4)."
    Rs256 "RS256" "RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3)."
    Rs384 "RS384" "RSASSA-PKCS1-v1_5 with SHA-384 (RFC 7518 §3.3)."
    Rs512 "RS512" "RSASSA-PKCS1-v1_5 with SHA-512 (RFC 7518 §3.3)."
    Ps256 "PS256" "RSASSA-PSS with SHA-256 and a salt as long as the hash (RFC 7518 §3.5)."
    Ps384 "PS384" "RSASSA-PSS with SHA-384 and a salt as long as the hash (RFC 7518 §3.5)."
    Ps512 "PS512" "RSASSA-PSS with SHA-512 and a salt as long as the hash (RFC 7518 §3.5)."
    MlDsa44 "ML-DSA-44" "ML-DSA with the parameters of security category 2 (RFC 9964 §5)."
    MlDsa65 "ML-DSA-65" "ML-DSA with the parameters of security category 3 (RFC 9964 §5)."
    MlDsa87 "ML-DSA-87" "ML-DSA with the parameters of security category 5 (RFC 9964 §5)."
    Hs256 "HS256" "HMAC with SHA-256 (RFC 7518 §3.2)."
    Hs384 "HS384" "HMAC with SHA-384 (RFC 7518 §3.2)."
    Hs512 "HS512" "HMAC with SHA-512 (RFC 7518 §3.2)."
}

/// What an algorithm takes: the kind of key, and how that is used.
pub(crate) enum Scheme {
    Ed25519,
    Ecdsa(Curve),
    Rsa {
        verifying: &'static RsaParameters,
        signing: &'static RsaSignatureEncoding,
    },
    MlDsa(ParameterSet),
    Hmac(hmac::Algorithm),
}

impl Scheme {
    const fn rsa(
        verifying: &'static RsaParameters,
        signing: &'static RsaSignatureEncoding,
    ) -> Self {
        Self::Rsa { verifying, signing }
    }
}

impl Algorithm {
    /// The algorithm that is registered under exactly this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|alg| alg.name() == name)
    }

    /// Every name, for help and messages: `EdDSA, Ed25519, ES256, …`
    pub fn names() -> String {
        let names: Vec<&str> = Self::ALL.iter().map(|alg| alg.name()).collect();
        names.join(", ")
    }

    /// Whether whoever can verify can also sign.
    pub const fn is_symmetric(self) -> bool {
        matches!(self.scheme(), Scheme::Hmac(_))
    }

    pub(crate) const fn scheme(self) -> Scheme {
        match self {
            Self::EdDsa | Self::Ed25519 => Scheme::Ed25519,
            Self::Es256 => Scheme::Ecdsa(Curve::P256),
            Self::Es384 => Scheme::Ecdsa(Curve::P384),
            Self::Es512 => Scheme::Ecdsa(Curve::P521),
            Self::Rs256 => Scheme::rsa(&RSA_PKCS1_2048_8192_SHA256, &RSA_PKCS1_SHA256),
            Self::Rs384 => Scheme::rsa(&RSA_PKCS1_2048_8192_SHA384, &RSA_PKCS1_SHA384),
            Self::Rs512 => Scheme::rsa(&RSA_PKCS1_2048_8192_SHA512, &RSA_PKCS1_SHA512),
            Self::Ps256 => Scheme::rsa(&RSA_PSS_2048_8192_SHA256, &RSA_PSS_SHA256),
            Self::Ps384 => Scheme::rsa(&RSA_PSS_2048_8192_SHA384, &RSA_PSS_SHA384),
            Self::Ps512 => Scheme::rsa(&RSA_PSS_2048_8192_SHA512, &RSA_PSS_SHA512),
            Self::MlDsa44 => Scheme::MlDsa(ParameterSet::MlDsa44),
            Self::MlDsa65 => Scheme::MlDsa(ParameterSet::MlDsa65),
            Self::MlDsa87 => Scheme::MlDsa(ParameterSet::MlDsa87),
            Self::Hs256 => Scheme::Hmac(hmac::HMAC_SHA256),
            Self::Hs384 => Scheme::Hmac(hmac::HMAC_SHA384),
            Self::Hs512 => Scheme::Hmac(hmac::HMAC_SHA512),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checklist: A.7, A.10
    #[test]
    fn names_are_compared_with_case_and_none_is_no_algorithm() {
        assert_eq!(Algorithm::ALL.len(), 17);
        for alg in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(alg.name()), Some(*alg));
            assert_eq!(Algorithm::from_name(&alg.name().to_lowercase()), None);
        }
        // All sixteen spellings: a bit of the number makes a letter a capital.
        for capitals in 0..16 {
            let spelt = "none".chars().enumerate().map(|(at, letter)| {
                let is_capital = capitals >> at & 1 == 1;
                if is_capital {
                    letter.to_ascii_uppercase()
                } else {
                    letter
                }
            });
            let spelt: String = spelt.collect();
            assert_eq!(Algorithm::from_name(&spelt), None, "{spelt}");
        }
        assert_eq!(Algorithm::from_name(""), None);
    }
}
