//! A password or token on its way through the process: wiped when dropped, never printed.

use std::fmt;
use std::hint::black_box;

use zeroize::Zeroizing;

/// Secret bytes, overwritten when dropped. Not `Clone` and not `PartialEq`: each copy would be one
/// more to lose, and each comparison one that may tell how far it came.
///
/// (pam-bindings' `SecretBytes` cannot be constructed outside of it, which [`Secret::concat`] and
/// [`Handle::set_authtok`](crate::Handle::set_authtok) need.)
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The bytes. A copy of them is the caller's to wipe.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The pieces joined, allocated at once: a vector that grows leaves unwiped copies behind.
    #[must_use]
    pub fn concat(pieces: &[Self]) -> Self {
        let length = pieces.iter().map(|piece| piece.0.len()).sum();
        let mut whole = Vec::with_capacity(length);
        for piece in pieces {
            whole.extend_from_slice(&piece.0);
        }
        Self::from(whole)
    }
}

/// Takes the buffer over; what it held before it last grew is not reached.
impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

/// A copy leaves what it copied in vector registers, and the dynamic linker saves those on the
/// stack where it binds a function late. A copy of as many zeros goes through the same ones. (The
/// bytes are wiped by `Zeroizing` all the same.)
impl Drop for Secret {
    fn drop(&mut self) {
        let zeros = vec![0; self.0.len()];
        self.0.copy_from_slice(black_box(&zeros));
        black_box(&self.0);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_tell() {
        let secret = Secret::from(b"hunter2".to_vec());
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
    }

    #[test]
    fn concat_joins_in_order_without_spare_room() {
        let pieces = [b"one ".to_vec(), Vec::new(), b"two".to_vec()].map(Secret::from);
        let whole = Secret::concat(&pieces);
        assert_eq!(whole.as_bytes(), b"one two");
        assert_eq!(whole.0.capacity(), 7);
        assert_eq!(Secret::concat(&[]).as_bytes(), b"");
    }
}
