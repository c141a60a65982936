//! A symmetric key (RFC 7518 §6.4): whoever verifies with it can also sign, so
//! it is handled as a private key is. It is made from the `k` of a JWK alone; a
//! public key's bytes have no way to become one (RFC 8725 §2.1).

use crate::base64url;
use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroizing;

/// A symmetric key, wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(Zeroizing<Vec<u8>>);

impl SecretKey {
    pub(crate) const fn new(k: Zeroizing<Vec<u8>>) -> Self {
        Self(k)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The RFC 7638 thumbprint. Of a key that a person chose it tells enough to guess it,
    /// so it is for comparing and not for showing (RFC 7638 §7).
    pub(crate) fn thumbprint(&self) -> String {
        let k = Zeroizing::new(base64url::encode(&self.0));
        let jwk = Zeroizing::new(format!(r#"{{"k":"{}","kty":"oct"}}"#, k.as_str()));
        base64url::encode(digest(&SHA256, jwk.as_bytes()).as_ref())
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(..)")
    }
}
