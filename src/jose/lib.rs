//! JSON Object Signing and Encryption, as far as a verifier of JWTs needs it:
//! bytes in, types out. No I/O and no clock.
//!
//! A token passes through the modules in this order: [`compact`] splits it and
//! decodes its parts, [`header`] reads what it says of itself, [`verify`]
//! checks the signature with a key from [`jwk`], [`jwk_set`] or [`pem`], and
//! [`claims`] reads the payload. The key decides the algorithm; the header may
//! only agree (RFC 8725 §3.1).
#![forbid(unsafe_code)]

pub mod algorithm;
pub mod base64url;
pub mod certificate;
pub mod claims;
pub mod compact;
pub mod confirmation;
pub mod curve;
pub mod digest;
pub mod error;
pub mod header;
pub mod json;
pub mod jwk;
pub mod jwk_set;
pub mod material;
pub mod ml_dsa;
pub mod pem;
pub mod private_key;
pub mod public_key;
pub mod secret_key;
pub mod sign;
pub mod ssh_key;
pub mod status_list;
#[cfg(test)]
mod test_keys;
#[cfg(test)]
mod vectors;
pub mod verify;

pub use algorithm::Algorithm;
pub use certificate::Validity;
pub use claims::{Claims, NumericDate};
pub use compact::Compact;
pub use curve::Curve;
pub use error::{Error, KeyError};
pub use header::Header;
pub use jwk::{Jwk, KeyUse};
pub use jwk_set::JwkSet;
pub use material::Material;
pub use ml_dsa::ParameterSet;
pub use private_key::PrivateKey;
pub use public_key::PublicKey;
pub use verify::VerifyingKey;
