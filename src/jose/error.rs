//! What can be wrong with a token, and what with a key: named for the cause.

use crate::algorithm::Algorithm;
use crate::curve::Curve;
use crate::json::JsonError;
use std::fmt;

/// A part of a compact token (RFC 7515 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The JOSE header.
    Header,
    /// The payload, for a JWT its claims.
    Payload,
    /// The signature.
    Signature,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}

/// Why a token was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Longer than the limit; nothing was decoded.
    TooLong {
        /// Bytes in the token.
        bytes: usize,
        /// Bytes that are allowed.
        limit: usize,
    },
    /// A part is longer than its limit, which is in characters; nothing was decoded.
    PartTooLong(Part, usize),
    /// The JSON serialization (RFC 7515 §7.2), which a login does not take.
    JsonSerialization,
    /// The payload is not in the token (RFC 7515 appendix F).
    Detached,
    /// A byte outside `[A-Za-z0-9_.-]` at this offset (RFC 8725bis §3.13).
    Alphabet(usize),
    /// Not three parts (RFC 7515 §7.1).
    Parts(usize),
    /// Five parts: an encrypted token (RFC 7516), which proves no sender.
    Encrypted,
    /// A part is not strict base64url (RFC 7515 §2).
    Base64Url(Part),
    /// A part is not one JSON object with unique names (RFC 7515 §5.2).
    Json(Part, JsonError),
    /// A header parameter has the wrong type or is missing.
    HeaderParameter(&'static str),
    /// `crit` is malformed or names what is not understood (RFC 7515 §4.1.11).
    Critical(String),
    /// The payload is not base64url-encoded (RFC 7797 §3).
    UnencodedPayload,
    /// The header's `alg` is `none` or is not supported.
    AlgorithmUnsupported(String),
    /// The header's `alg` is not the key's (RFC 8725 §3.1).
    AlgorithmMismatch {
        /// What the token's header says.
        header: Algorithm,
        /// What the key is for.
        key: Algorithm,
    },
    /// The signature is not by this key over these bytes.
    Signature,
    /// A registered claim has the wrong type (RFC 7519 §4.1).
    Claim {
        /// The claim's name.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes, limit } => {
                write!(f, "the token has {bytes} bytes, the limit is {limit}")
            }
            Self::PartTooLong(part, limit) => {
                write!(f, "the {part} has more than {limit} characters")
            }
            Self::JsonSerialization => {
                f.write_str("the JSON serialization; only the compact one is accepted")
            }
            Self::Detached => f.write_str("the payload is empty: a detached one is not accepted"),
            Self::Alphabet(offset) => write!(
                f,
                "byte {offset} is not one of A-Z a-z 0-9 - _ . (a compact token has nothing else)"
            ),
            Self::Parts(parts) => write!(f, "{parts} parts instead of three"),
            Self::Encrypted => f.write_str("five parts: an encrypted token (JWE)"),
            Self::Base64Url(part) => write!(f, "the {part} is not base64url"),
            Self::Json(part, error) => write!(f, "the {part} {error}"),
            Self::HeaderParameter(name) => {
                write!(f, "the header's {name} is missing or of the wrong type")
            }
            Self::Critical(name) => write!(f, "the header's crit: {name}"),
            Self::UnencodedPayload => f.write_str("the header's b64 is not true"),
            Self::AlgorithmUnsupported(name) => {
                write!(f, "the header's alg {name:?} is not supported")
            }
            Self::AlgorithmMismatch { header, key } => {
                write!(f, "the header says {header}, the key is for {key}")
            }
            Self::Signature => f.write_str("the signature is not by this key"),
            Self::Claim { name, expected } => write!(f, "{name} is not {expected}"),
        }
    }
}

impl std::error::Error for Error {}

/// Why a key was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The file is neither a JWK, a JWK Set, a PEM public key nor a certificate.
    Format(String),
    /// A key type that this version does not know (RFC 7517 §4.1).
    KeyType(String),
    /// A curve that this version does not know (RFC 7518 §6.2.1.1).
    Curve(String),
    /// An algorithm that this version does not know, or not for this key type.
    Algorithm(String),
    /// `use` is this, and not what the key is wanted for (RFC 7517 §4.2).
    Use(String, &'static str),
    /// `key_ops` lacks what the key is wanted for (RFC 7517 §4.3).
    KeyOps(&'static str),
    /// A member is missing, of the wrong type or not strict base64url.
    Member(&'static str),
    /// An `AKP` key without `alg`, which alone says what its bytes are (RFC 9964 §3).
    AlgorithmMissing,
    /// A member has another length than its algorithm's have.
    Length {
        /// The member's name.
        member: &'static str,
        /// The bytes that it has.
        bytes: usize,
        /// The bytes that it needs.
        needed: usize,
        /// The algorithm.
        alg: Algorithm,
    },
    /// A private key where a public one belongs.
    Private,
    /// A public key where a private one belongs.
    Public,
    /// The point is not on the curve that `crv` names (RFC 7518 §6.2.1).
    Point(Curve),
    /// A symmetric key is shorter than the hash of its algorithm (RFC 7518 §3.2).
    SecretBytes {
        /// The bytes that it has.
        bytes: usize,
        /// The bytes that it needs.
        needed: usize,
    },
    /// A certificate whose key is not for signatures (RFC 5280 §4.2.1.3).
    KeyUsage,
    /// An RSA modulus outside 2048 to 8192 bits (RFC 7518 §3.3).
    ModulusBits(usize),
    /// An RSA modulus that is even, so no product of two large primes.
    EvenModulus,
    /// An RSA exponent that is even, below 65537 or above 2^33.
    Exponent,
    /// Public and private parts do not belong together.
    Inconsistent,
    /// The set is empty of keys that could verify anything.
    EmptySet,
    /// A file with a secret in it has escapes (`\\`), which would leave copies in memory.
    Escaped,
    /// A `kid` for a new key that is empty or has quotes, backslashes or controls in it.
    KidText,
    /// A symmetric key has no `kid`, and its thumbprint, from which it could be guessed, is
    /// not to be one (RFC 7638 §7).
    KidMissing,
    /// Two keys of a set have one `kid` (RFC 7517 §5).
    DuplicateKid(String),
    /// The key has another `kid` than the configuration gives it.
    Kid {
        /// Its own.
        own: String,
        /// The configured one.
        configured: String,
    },
    /// Signing or generating failed inside the cryptographic library.
    Library,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(what) => write!(f, "{what}"),
            Self::KeyType(kty) => write!(f, "key type {kty:?} is not supported"),
            Self::Curve(crv) => write!(f, "curve {crv:?} is not supported"),
            Self::Algorithm(alg) => {
                write!(f, "algorithm {alg:?} is not supported for this key")
            }
            Self::Use(value, wanted) => write!(f, "its use is {value:?}, not {wanted:?}"),
            Self::KeyOps(wanted) => write!(f, "its key_ops lack {wanted:?}"),
            Self::Member(name) => {
                write!(
                    f,
                    "member {name:?} is missing, of the wrong type or not base64url"
                )
            }
            Self::AlgorithmMissing => f.write_str(
                "a key of type \"AKP\" needs its own \"alg\": ML-DSA-44, ML-DSA-65 or ML-DSA-87",
            ),
            Self::Length {
                member,
                bytes,
                needed,
                alg,
            } => write!(
                f,
                "member {member:?} has {bytes} bytes; that of {alg} has {needed}"
            ),
            Self::Private => f.write_str("it holds a private key where a public one belongs"),
            Self::Public => f.write_str("it holds a public key where a private one belongs"),
            Self::Point(curve) => write!(f, "its point is not on the curve {}", curve.name()),
            Self::SecretBytes { bytes, needed } => {
                write!(
                    f,
                    "it has {bytes} bytes; its algorithm needs at least {needed}"
                )
            }
            Self::KeyUsage => f.write_str("the certificate's key usage lacks digitalSignature"),
            Self::ModulusBits(bits) => {
                write!(f, "its modulus has {bits} bits; 2048 to 8192 are accepted")
            }
            Self::EvenModulus => f.write_str("its modulus is even"),
            Self::Exponent => f.write_str("its exponent is not an odd number from 65537 to 2^33"),
            Self::Inconsistent => {
                f.write_str("its public and private parts do not belong together")
            }
            Self::EmptySet => f.write_str("it has no key that could verify a signature"),
            Self::Escaped => {
                f.write_str("it holds a secret and has a backslash in it; write it without escapes")
            }
            Self::KidText => {
                f.write_str("a kid is a text without quotes, backslashes and control characters")
            }
            Self::KidMissing => f.write_str(
                "a symmetric key needs a kid: its own, or keys = [{ file = \"…\", kid = \"…\" }]",
            ),
            Self::DuplicateKid(kid) => write!(f, "two keys have the kid {kid:?}"),
            Self::Kid { own, configured } => {
                write!(
                    f,
                    "its kid is {own:?}, the configuration says {configured:?}"
                )
            }
            Self::Library => f.write_str("the cryptographic library refused"),
        }
    }
}

impl std::error::Error for KeyError {}
