//! SPIFFE IDs (SPIFFE-ID §2): who the subject of a JWT-SVID is. Such a token has no `iss`; the
//! keys that may have signed it are those of the trust domain in its `sub`.

/// The scheme that a SPIFFE ID begins with.
const SCHEME: &str = "spiffe://";

/// The most bytes of an ID (§2.3), and of the trust domain in it.
const MOST: usize = 2048;
const MOST_OF_DOMAIN: usize = 255;

/// The name of a trust domain as that of an issuer: its own SPIFFE ID.
///
/// # Errors
/// What is wrong with it.
pub fn name_of(trust_domain: &str) -> Result<String, &'static str> {
    if is_trust_domain(trust_domain) {
        Ok(format!("{SCHEME}{trust_domain}"))
    } else {
        Err(
            "a trust domain is a name such as \"example.org\": small letters, digits, '.', '-' \
             and '_', and nothing before or behind it",
        )
    }
}

/// Whether `text` is to be an ID, well-formed or not.
pub(crate) fn is_meant(text: &str) -> bool {
    let scheme = text.get(..SCHEME.len());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
}

/// The name of the trust domain of a workload's ID, `spiffe://example.org` of
/// `spiffe://example.org/user/alice`; none if it is no such ID. Nothing is normalised.
pub fn parse(id: &str) -> Option<&str> {
    let rest = id.strip_prefix(SCHEME).filter(|_| id.len() <= MOST)?;
    let (trust_domain, path) = rest.split_once('/')?;
    let in_segment = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_segment =
        |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(in_segment);
    let is_whole = is_trust_domain(trust_domain) && path.split('/').all(is_segment);
    let end = SCHEME.len().saturating_add(trust_domain.len());
    id.get(..end).filter(|_| is_whole)
}

fn is_trust_domain(text: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    (1..=MOST_OF_DOMAIN).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_trust_domain_or_nothing() {
        for good in [
            "spiffe://example.org/user/alice",
            "spiffe://example.org/a",
            "spiffe://example.org/...",
            "spiffe://example.org/A_b-c.d/9",
        ] {
            assert_eq!(parse(good), Some("spiffe://example.org"), "{good}");
        }
        assert_eq!(parse("spiffe://x-1_y/z"), Some("spiffe://x-1_y"));
        let long = |path: usize| format!("spiffe://example.org/{}", "a".repeat(path));
        assert!(parse(&long(2048 - 21)).is_some());
        assert!(parse(&long(2048 - 20)).is_none());
        let domain = |bytes: usize| format!("spiffe://{}/a", "a".repeat(bytes));
        assert!(parse(&domain(255)).is_some() && parse(&domain(256)).is_none());
        for bad in [
            "",
            "alice",
            "spiffe://",
            "spiffe:///a",
            "spiffe://example.org",
            "spiffe://example.org/",
            "spiffe://example.org/a/",
            "spiffe://example.org//a",
            "spiffe://example.org/a//b",
            "spiffe://example.org/./a",
            "spiffe://example.org/a/..",
            "spiffe://Example.org/a",
            "SPIFFE://example.org/a",
            "Spiffe://example.org/a",
            "spiffe:/example.org/a",
            "https://example.org/a",
            "spiffe://example.org:443/a",
            "spiffe://user@example.org/a",
            "spiffe://example.org/a?b",
            "spiffe://example.org/a#b",
            "spiffe://example.org?b/a",
            "spiffe://example.org/a%2e",
            "spiffe://example.org/a b",
            "spiffe://example.org/\u{e9}",
            "spiffe://ex\u{e4}mple.org/a",
            " spiffe://example.org/a",
            "spiffe://example.org/a\n",
            "spiffe://example.org/a\0",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_trust_domain_is_a_name_alone() {
        assert_eq!(
            name_of("example.org").as_deref(),
            Ok("spiffe://example.org")
        );
        for bad in [
            "",
            "Example.org",
            "spiffe://example.org",
            "example.org/",
            "a b",
            "a:1",
            "*",
        ] {
            assert!(name_of(bad).is_err(), "{bad}");
        }
    }
}
