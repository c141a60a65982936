//! base64url without padding (RFC 7515 §2), strict: no `=`, no white space, no
//! other alphabet, and the unused bits of the last character are zero, so that
//! one value has one spelling.

use base64ct::{Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

/// Decodes `text`, or nothing if it is not the one spelling of some bytes.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(text).ok()
}

/// As [`decode`]; whatever was decoded is wiped when dropped, and so where the text turns
/// out to be none.
pub(crate) fn decode_secret(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; text.len()]);
    let length = Base64UrlUnpadded::decode(text, &mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

/// Encodes `bytes` without padding.
pub fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checklist: A.3
    #[test]
    fn refuses_everything_but_the_one_spelling() {
        assert_eq!(decode("_-8").as_deref(), Some(&[0xff, 0xef][..]));
        assert_eq!(decode("").as_deref(), Some(&[][..]));
        for bad in [
            "_-8=", "_-9", "_-8 ", " _-8", "_-\n8", "/+8", "_", "_-8_-", "é",
        ] {
            assert_eq!(decode(bad), None, "{bad:?}");
            assert_eq!(decode_secret(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn every_length_comes_back() {
        for len in 0..70_u8 {
            let bytes: Vec<u8> = (0..len).map(|i| i.wrapping_mul(37)).collect();
            let text = encode(&bytes);
            assert_eq!(decode_secret(&text).as_deref(), Some(&bytes));
            assert_eq!(decode(&text), Some(bytes));
        }
    }
}
