//! SHA-256, for names that are made of other people's text.

use crate::base64url;
use aws_lc_rs::digest::{Context, SHA256, digest};

/// The digest of `parts` in lower-case hexadecimal. Before each part goes its length in bytes
/// (64 bits, big-endian), so that no two lists of parts are one text.
pub fn sha256_hex(parts: &[&[u8]]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    hex(context.finish().as_ref())
}

/// The SHA-256 of bytes, base64url: `S256` of RFC 7636 §4.2.
pub fn sha256_base64url(bytes: &[u8]) -> String {
    base64url::encode(digest(&SHA256, bytes).as_ref())
}

/// The SHA-256 of bytes in lower-case hexadecimal, as sha256sum(1) prints it.
pub fn sha256sum(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// The left half of the SHA-256 of bytes, base64url: `at_hash` and `c_hash` of tokens whose
/// algorithm hashes so (OpenID Connect Core §3.1.3.6).
pub fn left_half_base64url(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    let (left, _) = digest.as_ref().split_at(digest.as_ref().len() / 2);
    base64url::encode(left)
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digit = |half: u8| char::from_digit(half.into(), 16);
    halves.filter_map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hashed_is_each_part_behind_its_length() {
        // printf '\0\0\0\0\0\0\0\1a\0\0\0\0\0\0\0\2bc' | sha256sum
        assert_eq!(
            sha256_hex(&[b"a", b"bc"]),
            "3fafa1cf2f19a7c1129beb20cf0983f73a489a221fc0dd2f16d1be292d089205"
        );
        assert_ne!(sha256_hex(&[b"ab", b"c"]), sha256_hex(&[b"a", b"bc"]));
        assert_ne!(sha256_hex(&[]), sha256_hex(&[b""]));
    }
}
