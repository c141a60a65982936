//! Keys printed in the RFCs, for the unit tests.

use crate::jwk::Jwk;
use crate::material::Material;

/// RFC 7638 §3.1
pub(crate) const RFC7638: &str = include_str!("testdata/rfc7638-3.1.jwk");
/// RFC 7515 A.3.1, the public half
pub(crate) const RFC7515_A3: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
/// RFC 8037 A.2
pub(crate) const RFC8037: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// The private keys of RFC 7515 A.2 and A.3 and RFC 8037 A.1
pub(crate) const PRIVATE: [&str; 3] = [
    include_str!("testdata/rfc7515-a2.private.jwk"),
    include_str!("testdata/rfc7515-a3.private.jwk"),
    include_str!("testdata/rfc8037-a1.private.jwk"),
];

pub(crate) fn rfc7638_public() -> Material {
    Jwk::parse(RFC7638.as_bytes()).unwrap().key
}

pub(crate) fn rfc8037_public() -> Material {
    Jwk::parse(RFC8037.as_bytes()).unwrap().key
}
