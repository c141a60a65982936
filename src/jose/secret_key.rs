//! A symmetric key (RFC 7518 §6.4): whoever verifies with it can also sign, so
//! it is handled as a private key is. It is made from the `k` of a JWK alone; a
//! public key's bytes have no way to become one (RFC 8725 §2.1).

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
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(..)")
    }
}
