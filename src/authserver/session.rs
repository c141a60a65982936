//! The two cookies: one that binds what is going on to the browser in which it began, and one of
//! a login, whose digest the store has. Both are 256 random bits, which no script and no other
//! site gets to see.

use crate::token::secret::digest;
use axum::http::header::{COOKIE, ORIGIN};
use axum::http::{HeaderMap, HeaderValue};

/// Characters of a cookie's value: 256 bits, base64url.
const LENGTH: usize = 43;

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// The browser's.
    Browser,
    /// A login's.
    Session,
}

/// How an issuer's cookies are named and bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookies {
    prefix: &'static str,
    secure: &'static str,
    path: String,
    origin: String,
}

impl Cookies {
    /// Those of this issuer. Where it is https no other server can set one (`__Host-`, RFC
    /// 6265bis §4.1.3); below a path that name is not to be had.
    #[must_use]
    pub fn of(issuer: &str) -> Self {
        let (scheme, rest) = issuer.split_once("://").unwrap_or(("", issuer));
        let (host, path) = match rest.split_once('/') {
            Some((host, path)) => (host, format!("/{path}")),
            None => (rest, "/".to_owned()),
        };
        let (prefix, secure) = match (scheme, path.as_str()) {
            ("https", "/") => ("__Host-", "; Secure"),
            ("https", _) => ("__Secure-", "; Secure"),
            _ => ("", ""),
        };
        Self {
            prefix,
            secure,
            path,
            origin: format!("{scheme}://{host}"),
        }
    }

    fn name(&self, cookie: Cookie) -> String {
        let name = match cookie {
            Cookie::Browser => "browser",
            Cookie::Session => "session",
        };
        format!("{}pam-jwt-{name}", self.prefix)
    }

    /// The value of a cookie, where the request has it once and it can be one of ours.
    #[must_use]
    pub fn read<'a>(&self, headers: &'a HeaderMap, cookie: Cookie) -> Option<&'a str> {
        let name = self.name(cookie);
        let fields = headers.get_all(COOKIE).iter();
        let mut values = fields
            .filter_map(|field| field.to_str().ok())
            .flat_map(|field| field.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(other, _)| *other == name)
            .map(|(_, value)| value);
        let value = values.next()?;
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_ours = value.len() == LENGTH && value.bytes().all(is_part);
        (is_ours && values.next().is_none()).then_some(value)
    }

    /// `Set-Cookie` of a value that is kept until the browser is closed, and no longer than so
    /// many seconds.
    #[must_use]
    pub fn set(&self, cookie: Cookie, value: &str, seconds: Option<u64>) -> Option<HeaderValue> {
        let name = self.name(cookie);
        let age = seconds.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
        let Self { path, secure, .. } = self;
        let text = format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax{secure}{age}");
        HeaderValue::from_str(&text).ok()
    }

    /// Whether a form may have been sent by a page of this server: what the browser itself says
    /// (Fetch Metadata, RFC 6454 §7). One that says nothing is judged by the form's token alone;
    /// so is `null`, which browsers say where the page's referrer policy is `no-referrer`.
    #[must_use]
    pub fn may_be_ours(&self, headers: &HeaderMap) -> bool {
        let field = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
        match (field("sec-fetch-site"), field(ORIGIN.as_str())) {
            (Some(site), _) => site == b"same-origin",
            (None, None | Some(b"null")) => true,
            (None, Some(origin)) => origin == self.origin.as_bytes(),
        }
    }
}

/// What a form of this interaction has to have in it: nobody knows it who does not know the
/// browser's cookie.
#[must_use]
pub fn form_token(browser: &str, interaction: &str) -> String {
    digest(&format!("form {browser} {interaction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "0123456789abcdefghijABCDEFGHIJ-_0123456789a";

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    /// Checklist: C.5
    #[test]
    fn cookies_are_out_of_reach_of_scripts_other_sites_and_other_hosts() {
        for (issuer, expected) in [
            (
                "https://a.example",
                "__Host-pam-jwt-session=V; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60",
            ),
            (
                "https://a.example/login",
                "__Secure-pam-jwt-session=V; Path=/login; HttpOnly; SameSite=Lax; Secure; Max-Age=60",
            ),
            (
                "http://127.0.0.1:8420",
                "pam-jwt-session=V; Path=/; HttpOnly; SameSite=Lax; Max-Age=60",
            ),
        ] {
            let set = Cookies::of(issuer).set(Cookie::Session, "V", Some(60));
            assert_eq!(set.unwrap(), expected);
        }
    }

    #[test]
    fn a_cookie_is_read_where_it_is_there_once_and_can_be_ours() {
        let cookies = Cookies::of("https://a");
        let read = |fields: &[&str]| {
            let fields: Vec<_> = fields.iter().map(|field| ("cookie", *field)).collect();
            let headers = headers(&fields);
            cookies.read(&headers, Cookie::Session).map(str::to_owned)
        };
        let good = format!("__Host-pam-jwt-session={VALUE}");
        assert_eq!(read(&[&format!("a=b; {good}")]).as_deref(), Some(VALUE));
        assert_eq!(read(&["a=b", &good]).as_deref(), Some(VALUE));
        assert_eq!(read(&[&format!("{good}; {good}")]), None);
        assert_eq!(read(&[&good, &good]), None);
        for bad in [
            format!("pam-jwt-session={VALUE}"),
            format!("__Host-pam-jwt-browser={VALUE}"),
            format!("__Host-pam-jwt-session={VALUE}x"),
            "__Host-pam-jwt-session=".to_owned(),
            format!("__Host-pam-jwt-session=\"{}\"", VALUE.get(2..).unwrap()),
        ] {
            assert_eq!(read(&[&bad]), None, "{bad}");
        }
    }

    /// Checklist: C.5
    #[test]
    fn a_form_of_another_site_is_told_by_the_browser() {
        let cookies = Cookies::of("https://a.example/below");
        for (fields, expected) in [
            (vec![("sec-fetch-site", "same-origin")], true),
            (vec![("sec-fetch-site", "same-site")], false),
            (vec![("sec-fetch-site", "cross-site")], false),
            (vec![("sec-fetch-site", "none")], false),
            (
                vec![
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://a.example"),
                ],
                false,
            ),
            (vec![("origin", "https://a.example")], true),
            (vec![("origin", "https://a.example.evil")], false),
            (vec![("origin", "http://a.example")], false),
            (vec![("origin", "null")], true),
            (vec![], true),
        ] {
            assert_eq!(
                cookies.may_be_ours(&headers(&fields)),
                expected,
                "{fields:?}"
            );
        }
    }

    /// Checklist: C.5
    #[test]
    fn a_form_s_token_is_of_its_browser_and_its_interaction() {
        let token = form_token("b", "i");
        assert_eq!(token.len(), 64);
        assert_ne!(token, form_token("b", "j"));
        assert_ne!(token, form_token("c", "i"));
    }
}
