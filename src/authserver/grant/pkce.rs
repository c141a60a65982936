//! Proof Key for Code Exchange (RFC 7636), by S256 alone.

use crate::error::OAuthError;
use jose::digest;

/// Whether whoever redeems the code is who asked for it.
///
/// # Errors
/// `invalid_grant` (§4.6)
pub fn verify(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), OAuthError> {
    let why = match (challenge, verifier) {
        (None, None) => return Ok(()),
        (Some(challenge), Some(verifier)) if is_verifier(verifier) => {
            if digest::sha256_base64url(verifier.as_bytes()) == challenge {
                return Ok(());
            }
            "code_verifier is not the one of code_challenge"
        }
        (Some(_), Some(_)) => "code_verifier is 43 to 128 letters, digits and - . _ ~",
        (Some(_), None) => "code_verifier is missing",
        (None, Some(_)) => "the code was asked for without a code_challenge",
    };
    Err(OAuthError::grant(why))
}

/// §4.1
fn is_verifier(text: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checklist: C.4
    #[test]
    fn a_verifier_is_that_of_the_challenge_and_nothing_else() {
        // RFC 7636 appendix B
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(verify(Some(challenge), Some(verifier)), Ok(()));
        assert_eq!(verify(None, None), Ok(()));
        for (challenge, verifier) in [
            (Some(challenge), None),
            (None, Some(verifier)),
            (
                Some(challenge),
                Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK"),
            ),
            // `plain` is not taken.
            (Some(verifier), Some(verifier)),
        ] {
            assert!(verify(challenge, verifier).is_err(), "{verifier:?}");
        }
    }

    /// Checklist: C.4
    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        let of = |text: &str| {
            let challenge = digest::sha256_base64url(text.as_bytes());
            verify(Some(&challenge), Some(text)).is_ok()
        };
        assert!(of(&"a".repeat(43)) && of(&"~".repeat(128)));
        assert!(!of(&"a".repeat(42)) && !of(&"a".repeat(129)));
        for odd in ["+", "/", "=", " ", "\u{e9}"] {
            assert!(!of(&format!("{}{odd}", "a".repeat(60))), "{odd}");
        }
    }
}
