//! The compact serialization (RFC 7515 §7.1): three parts, split and decoded.
//! Everything is bounded before anything is decoded.

use crate::base64url;
use crate::error::{Error, Part};
use zeroize::Zeroizing;

/// The longest token that is looked at, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// The longest header, in characters. One with a chain of certificates (`x5c`) has some
/// thousand.
const MAX_HEADER: usize = 16 * 1024;

/// The longest signature, in characters: RSA with 8192 bits has 1366, ML-DSA-87 has 6170.
const MAX_SIGNATURE: usize = 8 * 1024;

/// A token, taken apart. It has not been verified.
pub struct Compact<'a> {
    /// What the signature is over: the first two parts with their dot.
    signing_input: &'a str,
    header: Vec<u8>,
    payload: Vec<u8>,
    /// The one part that makes the others worth stealing, so it is wiped.
    signature: Zeroizing<Vec<u8>>,
}

impl<'a> Compact<'a> {
    /// Splits `token` at its dots and decodes the three parts.
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::JsonSerialization`], [`Error::Alphabet`],
    /// [`Error::Parts`], [`Error::Encrypted`], [`Error::PartTooLong`] or
    /// [`Error::Base64Url`].
    pub fn parse(token: &'a [u8]) -> Result<Self, Error> {
        Self::parse_within(MAX_BYTES, token)
    }

    /// As [`Compact::parse`], with another limit in bytes: what is no login's token, such as
    /// a list, is longer than those.
    ///
    /// # Errors
    /// As there.
    pub fn parse_within(limit: usize, token: &'a [u8]) -> Result<Self, Error> {
        if token.len() > limit {
            return Err(Error::TooLong {
                bytes: token.len(),
                limit,
            });
        }
        if token.trim_ascii_start().starts_with(b"{") {
            return Err(Error::JsonSerialization);
        }
        if let Some(offset) = token.iter().position(|byte| !is_in_alphabet(byte)) {
            return Err(Error::Alphabet(offset));
        }
        // Cannot fail after the alphabet, but says so without a panic.
        let token =
            std::str::from_utf8(token).map_err(|error| Error::Alphabet(error.valid_up_to()))?;
        let (signing_input, header, payload, signature) = match three_parts(token) {
            Some(parts) => parts,
            None => {
                return Err(match token.split('.').count() {
                    5 => Error::Encrypted,
                    parts => Error::Parts(parts),
                });
            }
        };
        for (part, text, limit) in [
            (Part::Header, header, MAX_HEADER),
            (Part::Signature, signature, MAX_SIGNATURE),
        ] {
            if text.len() > limit {
                return Err(Error::PartTooLong(part, limit));
            }
        }
        let decode = |part, text| base64url::decode(text).ok_or(Error::Base64Url(part));
        Ok(Self {
            signing_input,
            header: decode(Part::Header, header)?,
            payload: decode(Part::Payload, payload)?,
            signature: Zeroizing::new(decode(Part::Signature, signature)?),
        })
    }

    /// The decoded header, JSON if the token is well-formed.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// The decoded payload, unverified.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub(crate) fn signing_input(&self) -> &[u8] {
        self.signing_input.as_bytes()
    }

    /// The bytes of the signature.
    pub fn signature_bytes(&self) -> usize {
        self.signature.len()
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// Whether a secret is meant as a token: it begins as the base64url text of a JSON object
/// with a member does, has only the alphabet of a compact token, and at least 16 bytes.
/// Anything else is a password and none of this project's business.
pub fn is_token_shaped(secret: &[u8]) -> bool {
    secret.len() >= SHORTEST && begins_as_object(secret) && secret.iter().all(is_in_alphabet)
}

/// Nothing shorter is looked at as a token.
const SHORTEST: usize = 16;

/// What keeps a secret that is meant as a token from looking like one: people paste tokens
/// with what stands around them. Nothing for a password: none is that long, begins so, and
/// has the two dots.
pub fn blemish(secret: &[u8]) -> Option<&'static str> {
    if secret.len() < 64 {
        return None;
    }
    let inner = secret.trim_ascii();
    if inner.starts_with(b"{\"") && inner.ends_with(b"}") {
        return Some("it is a JSON serialization; only the compact one is accepted");
    }
    // RFC 6750 §2.1, and what shells and JSON put around a text.
    let bare = inner
        .strip_prefix(b"Bearer ")
        .unwrap_or(inner)
        .trim_ascii_start();
    let bare = bare.strip_prefix(b"\"").unwrap_or(bare);
    let begins = bare.get(..SHORTEST).is_some_and(is_token_shaped);
    let dots = bare.iter().filter(|byte| **byte == b'.').count();
    let has = |is: fn(&u8) -> bool| begins && dots >= 2 && secret.iter().any(is);
    if has(u8::is_ascii_whitespace) {
        Some("it is a token but for white space in it or around it")
    } else if has(|byte| *byte == b'=') {
        Some("it is a token but for padding (=), which base64url is without here")
    } else if has(|byte| !is_in_alphabet(byte)) {
        Some("it is a token but for a character that no token has")
    } else {
        None
    }
}

/// Whether the text decodes to `{`, perhaps white space, and the quote of a member's name.
fn begins_as_object(text: &[u8]) -> bool {
    let decoded = text
        .get(..4)
        .and_then(|begin| std::str::from_utf8(begin).ok())
        .and_then(base64url::decode);
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    match decoded.as_deref() {
        Some([b'{', b'"', _]) => true,
        Some([b'{', space, next]) => is_space(space) && (is_space(next) || *next == b'"'),
        _ => false,
    }
}

fn is_in_alphabet(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn three_parts(token: &str) -> Option<(&str, &str, &str, &str)> {
    let (signing_input, signature) = token.rsplit_once('.')?;
    let (header, payload) = signing_input.split_once('.')?;
    (!payload.contains('.')).then_some((signing_input, header, payload, signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(token: &[u8]) -> Error {
        Compact::parse(token).err().expect("refused")
    }

    #[test]
    fn three_parts_are_decoded() {
        let token = Compact::parse(b"e30.eyJhIjoxfQ.AQI").unwrap();
        assert_eq!(token.header(), b"{}");
        assert_eq!(token.payload(), br#"{"a":1}"#);
        assert_eq!(token.signature(), [1, 2]);
        assert_eq!(token.signing_input(), b"e30.eyJhIjoxfQ");
    }

    /// Checklist: A.2
    #[test]
    fn the_json_serialization_is_refused() {
        for json in [&b"{\"payload\":\"\"}"[..], b" \n{}", b"{"] {
            assert_eq!(refusal(json), Error::JsonSerialization);
        }
    }

    /// Checklist: A.2, A.8
    #[test]
    fn other_numbers_of_parts_are_refused() {
        assert_eq!(refusal(b""), Error::Parts(1));
        assert_eq!(refusal(b"e30"), Error::Parts(1));
        assert_eq!(refusal(b"e30.e30"), Error::Parts(2));
        assert_eq!(refusal(b"e30.e30.AQI.AQI"), Error::Parts(4));
        assert_eq!(refusal(b"e30.a.b.c.d"), Error::Encrypted);
        assert_eq!(refusal(b"......"), Error::Parts(7));
    }

    /// Checklist: A.1
    #[test]
    fn a_byte_outside_the_alphabet_is_refused_where_it_stands() {
        for (token, offset) in [
            (&b"e30=.e30.AQI"[..], 3),
            (b" e30.e30.AQI", 0),
            (b"e30.e30.AQI\n", 11),
            (b"e30.e30\0.AQI", 7),
            (b"e30.e30.AQ\xc3\xa9", 10),
        ] {
            assert_eq!(refusal(token), Error::Alphabet(offset));
        }
    }

    /// Checklist: A.3
    #[test]
    fn a_second_spelling_of_a_part_is_refused() {
        assert_eq!(refusal(b"e31.e30.AQI"), Error::Base64Url(Part::Header));
        assert_eq!(refusal(b"e30.e31.AQI"), Error::Base64Url(Part::Payload));
        assert_eq!(refusal(b"e30.e30.AQJ"), Error::Base64Url(Part::Signature));
        assert_eq!(refusal(b"e30.e30.A"), Error::Base64Url(Part::Signature));
    }

    /// Checklist: A.9, B.14
    #[test]
    fn length_is_bounded_before_anything_is_decoded() {
        let long = vec![b'a'; MAX_BYTES + 1];
        assert_eq!(
            refusal(&long),
            Error::TooLong {
                bytes: MAX_BYTES + 1,
                limit: MAX_BYTES
            }
        );
        let a = |count| "A".repeat(count);
        assert_eq!(
            refusal(format!("{}.e30.AQI", a(MAX_HEADER + 1)).as_bytes()),
            Error::PartTooLong(Part::Header, MAX_HEADER)
        );
        assert_eq!(
            refusal(format!("e30.e30.{}", a(MAX_SIGNATURE + 1)).as_bytes()),
            Error::PartTooLong(Part::Signature, MAX_SIGNATURE)
        );
        let longest = format!("{}.e30.{}", a(MAX_HEADER), a(MAX_SIGNATURE));
        assert!(Compact::parse(longest.as_bytes()).is_ok());
    }

    /// Checklist: A.1
    #[test]
    fn what_keeps_a_token_from_looking_like_one_is_named() {
        let token = format!("eyJhbGciOiJFZERTQSIsI{}.e30.AQI", "a".repeat(60));
        let blemished = |secret: &str| {
            assert!(!is_token_shaped(secret.as_bytes()), "{secret}");
            blemish(secret.as_bytes())
        };
        for (secret, word) in [
            (format!("{token}\n"), "white space"),
            (format!(" {token}"), "white space"),
            (token.replace(".e30", ".e 30"), "white space"),
            (format!("{token}=="), "padding"),
            (format!("{token}\u{e9}"), "character"),
            (format!("Bearer {token}"), "white space"),
            (format!("\"{token}\""), "character"),
            (format!("{{\"payload\":\"{token}\"}}"), "JSON serialization"),
        ] {
            assert!(blemished(&secret).is_some_and(|words| words.contains(word)));
        }
        let sentence =
            "eyJust when I thought. I was out. They pull me back in, said the Godfather.";
        for password in ["", "hunter2", "{\"secret\"}", sentence] {
            assert_eq!(blemished(password), None);
        }
        assert_eq!(blemish(token.as_bytes()), None);
    }

    #[test]
    fn a_password_does_not_look_like_a_token() {
        assert!(is_token_shaped(b"eyJhbGciOiJFZERTQSJ9"));
        for begin in [
            "{\"a\":1}",
            "{ \"alg\":1}",
            "{\n  \"alg\":1}",
            "{\r\n\"alg\":1}",
            "{\t\"alg\":1}",
        ] {
            let token = format!("{}.e30.AQIAAAAA", base64url::encode(begin.as_bytes()));
            assert!(is_token_shaped(token.as_bytes()), "{begin}");
        }
        for secret in [
            &b""[..],
            b"eyJhbGciOi",
            b"correct horse battery",
            b"fyJhbGciOiJFZERTQSJ9",
            b"evJhbGciOiJFZERTQSJ9",
            b"eyJhbGciOiJFZERTQSJ9=",
            b"eyJhbGciOiJFZERTQSJ9\n",
            b"extraordinary-horse-9",
            b"ezekiel-twenty-five-17",
            b"eyes-wide-shut-1999",
            b"ewok-village-on-endor",
            b"eyesore.of.the.village",
        ] {
            assert!(!is_token_shaped(secret), "{secret:?}");
        }
    }
}
