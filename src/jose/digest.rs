//! SHA-256, for names that are made of other people's text, and the hashes of ID tokens.

use crate::algorithm::Algorithm;
use crate::base64url;
use aws_lc_rs::digest::{Context, SHA256, SHA384, SHA512, digest};

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

/// The left half of the digest of bytes, base64url: `at_hash` and `c_hash` of an ID token that is
/// signed with `alg` (OpenID Connect Core §3.1.3.6), by the hash that `alg` has in its name, or
/// else the SHA-512 of Ed25519 (RFC 8032 §5.1), which clients take for ML-DSA too.
pub fn left_half_base64url(alg: Algorithm, bytes: &[u8]) -> String {
    let hash = match alg.name().get(2..) {
        Some("256") => &SHA256,
        Some("384") => &SHA384,
        _ => &SHA512,
    };
    let digest = digest(hash, bytes);
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

    #[test]
    fn the_hash_of_a_token_is_the_left_half_by_the_algorithms_hash() {
        // OpenID Connect Core appendix A.3, and hashlib of Python.
        let token = b"jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        for (alg, hash) in [
            (Algorithm::Rs256, "77QmUPtjPfzWtF2AnpK9RQ"),
            (Algorithm::Es256, "77QmUPtjPfzWtF2AnpK9RQ"),
            (Algorithm::Ps384, "jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs"),
            (
                Algorithm::EdDsa,
                "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM",
            ),
        ] {
            assert_eq!(left_half_base64url(alg, token), hash, "{alg}");
        }
    }
}
