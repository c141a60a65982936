//! Where a browser is sent back to (RFC 6749 §3.1.2): what may be registered, and when what is
//! asked for is what was registered.

/// What keeps this from being registered.
#[must_use]
pub fn fault(uri: &str) -> Option<String> {
    let fault = |why: &str| Some(format!("redirect_uris: {uri:?} {why}"));
    let Some((scheme, rest)) = uri.split_once(':') else {
        return fault("is no absolute URI");
    };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme || rest.is_empty() {
        return fault("is no absolute URI");
    }
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return fault("has a character that is to be escaped");
    }
    if uri.contains('#') {
        return fault("has a fragment (RFC 6749 section 3.1.2)");
    }
    match scheme.to_ascii_lowercase().as_str() {
        "https" if host(rest).is_some() => None,
        "http" if loopback(uri).is_some() || host(rest) == Some("localhost") => None,
        "http" => fault("is http, which is for loopback alone"),
        "https" => fault("is no absolute URI"),
        // A program's own scheme is a domain's, read backwards (RFC 8252 §7.1): so it is none
        // that a browser would run.
        scheme if scheme.contains('.') => None,
        _ => fault("has a scheme of its own without a dot (RFC 8252 section 7.1)"),
    }
}

/// The host of what follows the scheme; none where something else stands there, such as a user
/// before it or a backslash behind it, which people take for another host than browsers do.
fn host(rest: &str) -> Option<&str> {
    let authority = rest.strip_prefix("//")?.split(['/', '?']).next()?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_six = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
    let six = host.strip_prefix('[').and_then(|six| six.strip_suffix(']'));
    let is_host = match six {
        Some(six) => six.bytes().all(is_six),
        None => host.bytes().all(is_name),
    };
    (is_host && !host.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())).then_some(host)
}

/// Whether what is asked for is this registered URI: exactly, but that a program on the
/// person's own machine takes the port it gets (RFC 8252 §7.3).
#[must_use]
pub fn is_same(registered: &str, asked: &str) -> bool {
    registered == asked
        || match (loopback(registered), loopback(asked)) {
            (Some(one), Some(other)) => one == other,
            _ => false,
        }
}

/// The address and what comes behind the port, of `http://127.0.0.1[:PORT]/…` and
/// `http://[::1][:PORT]/…`.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let address = ["127.0.0.1", "[::1]"]
        .into_iter()
        .find(|address| rest.starts_with(address))?;
    let rest = rest.strip_prefix(address)?;
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(port) => {
            let end = port
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(port.len());
            let (digits, rest) = port.split_at_checked(end)?;
            digits.parse::<u16>().ok()?;
            rest
        }
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((address, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checklist: C.1
    #[test]
    fn a_redirect_uri_is_the_registered_one_and_only_a_loopback_port_varies() {
        for (registered, asked, expected) in [
            ("https://a/cb", "https://a/cb", true),
            ("https://a/cb", "https://a/cb/", false),
            ("https://a/cb", "https://a/cb?x", false),
            ("https://a/cb", "https://a:443/cb", false),
            ("https://a/cb", "https://A/cb", false),
            ("https://a/cb", "https://a/cb/../evil", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:4711/cb", true),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1/cb", true),
            ("http://[::1]/cb", "http://[::1]:4711/cb", true),
            ("http://127.0.0.1/cb", "http://127.0.0.1:4711/other", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1@evil/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", false),
            ("http://127.0.0.1/cb", "http://[::1]/cb", false),
            ("http://localhost/cb", "http://localhost:1/cb", false),
            ("org.example.app:/cb", "org.example.app:/cb", true),
        ] {
            assert_eq!(is_same(registered, asked), expected, "{registered} {asked}");
        }
    }

    #[test]
    fn what_a_browser_would_run_or_cannot_reach_is_not_registered() {
        for good in [
            "https://a/cb",
            "https://a/cb?x=1",
            "https://a.example:8443?x",
            "https://[2001:db8::1]/cb",
            "http://127.0.0.1/cb",
            "http://[::1]:1/cb",
            "http://localhost:1/cb",
            "org.example.app:/cb",
        ] {
            assert_eq!(fault(good), None);
        }
        for bad in [
            "",
            "/cb",
            "https:",
            "https://",
            "https://a/#x",
            "http://a/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "app:/cb",
            "https://a/ b",
            "https://a/\r\nx",
            "http://127.0.0.1.evil/",
            "http://localhost.evil/",
            "http://localhost@evil/",
            "https://good.example@evil/",
            "https://evil\\.good.example/",
            "https://a;x/",
            "https://a:b/",
            "https://:1/",
            "https://?x",
        ] {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }
}
