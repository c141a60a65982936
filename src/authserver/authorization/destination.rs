//! Where the browser is sent with an answer (RFC 6749 §4.1.2, §4.2.2): to the client's redirect
//! URI, with the `state` that the client sent and the issuer's name (RFC 9207), so that an answer
//! of one server is not taken for another's.

use crate::error::OAuthError;
use crate::parameters::encoded;

/// In which part of the redirect URI the answer is (OAuth 2.0 Multiple Response Types §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// In its query.
    Query,
    /// In its fragment, which the browser sends to nobody.
    Fragment,
}

impl ResponseMode {
    /// The mode of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "query" => Some(Self::Query),
            "fragment" => Some(Self::Fragment),
            _ => None,
        }
    }
}

/// Where an answer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// One that is registered for the client, as the client asked for it.
    pub redirect_uri: String,
    /// Where in it the answer is.
    pub mode: ResponseMode,
    /// What the client wants back as it is.
    pub state: Option<String>,
    /// `iss`
    pub issuer: String,
}

impl Destination {
    /// The address to send the browser to, with these parameters, `state` and `iss`. It is ASCII
    /// without spaces and control characters, whatever the parameters are.
    #[must_use]
    pub fn with(&self, parameters: &[(&str, &str)]) -> String {
        let own = [
            self.state.as_deref().map(|state| ("state", state)),
            Some(("iss", self.issuer.as_str())),
        ];
        let mut address = self.redirect_uri.clone();
        let mut separator = match self.mode {
            ResponseMode::Fragment => '#',
            // What the client's own query says stays in it (RFC 6749 §3.1.2).
            ResponseMode::Query if address.contains('?') => '&',
            ResponseMode::Query => '?',
        };
        for (name, value) in parameters.iter().copied().chain(own.into_iter().flatten()) {
            address.push(separator);
            address.push_str(name);
            address.push('=');
            address.push_str(&encoded(value));
            separator = '&';
        }
        address
    }

    /// The same for an error (RFC 6749 §4.1.2.1, §4.2.2.1).
    #[must_use]
    pub fn with_error(&self, error: &OAuthError) -> String {
        self.with(&[
            ("error", error.code.name()),
            ("error_description", &error.description),
        ])
    }

    /// What a page's `form-action` has to allow beside the server itself: Chromium applies that
    /// to every redirect that follows, and a site may send the browser on to another of its hosts.
    /// So it is the scheme.
    #[must_use]
    pub fn sources(&self) -> String {
        match self.redirect_uri.split_once(':').map(|(scheme, _)| scheme) {
            Some("http") => "http: https:".to_owned(),
            Some(scheme) => format!("{scheme}:"),
            None => String::new(),
        }
    }

    /// The host of the redirect URI, with its port, or its scheme where it has none: where a
    /// person is told that the browser goes.
    #[must_use]
    pub fn place(&self) -> &str {
        let (scheme, rest) = self.redirect_uri.split_once(':').unwrap_or_default();
        match rest.strip_prefix("//") {
            Some(rest) => rest.split(['/', '?']).next().unwrap_or_default(),
            None => scheme,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::parameters::Parameters;

    fn destination(redirect_uri: &str, mode: ResponseMode, state: Option<&str>) -> Destination {
        Destination {
            redirect_uri: redirect_uri.to_owned(),
            mode,
            state: state.map(str::to_owned),
            issuer: "https://login.example.org".to_owned(),
        }
    }

    /// Checklist: C.3
    #[test]
    fn state_comes_back_byte_for_byte_and_iss_beside_it() {
        for state in [
            "xyz",
            "a b+c",
            "%41%zz%",
            "a&b=c#d?e",
            "\"<script>'",
            "\\",
            "é\u{1f600}",
            "x\u{202e}y",
            "-._~!$'()*,;:@/",
        ] {
            for mode in [ResponseMode::Query, ResponseMode::Fragment] {
                let to = destination("https://c/cb?own=1", mode, Some(state));
                let denied = OAuthError::new(Code::AccessDenied, "no");
                for address in [to.with(&[("code", "1")]), to.with_error(&denied)] {
                    let (_, answer) = match mode {
                        ResponseMode::Query => address.split_once("?own=1&").unwrap(),
                        ResponseMode::Fragment => address.split_once("?own=1#").unwrap(),
                    };
                    let answer = Parameters::parse(answer.as_bytes());
                    let answer = answer.unwrap_or_else(|error| panic!("{address}: {error}"));
                    assert_eq!(answer.get("state"), Some(state));
                    assert_eq!(answer.get("iss"), Some("https://login.example.org"));
                }
            }
        }
    }

    /// Header injection by `state`: what the field `Location` would end at is escaped.
    ///
    /// Checklist: C.3
    #[test]
    fn no_state_ends_the_field_that_it_is_in() {
        let state = "a\r\nSet-Cookie: session=stolen\r\n\r\n<html>\0\u{85}\u{2028}";
        let to = destination("https://c/cb", ResponseMode::Query, Some(state));
        let address = to.with(&[]);
        assert!(address.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(address.starts_with("https://c/cb?state=a%0D%0ASet-Cookie%3A%20session"));
    }

    #[test]
    fn an_answer_is_in_the_query_or_the_fragment() {
        for (uri, mode, expected) in [
            ("https://c", ResponseMode::Query, "https://c?code=1&iss="),
            (
                "https://c/?a",
                ResponseMode::Query,
                "https://c/?a&code=1&iss=",
            ),
            (
                "https://c/?a",
                ResponseMode::Fragment,
                "https://c/?a#code=1&iss=",
            ),
            (
                "org.example.app:/cb",
                ResponseMode::Query,
                "org.example.app:/cb?code=1&iss=",
            ),
        ] {
            let address = destination(uri, mode, None).with(&[("code", "1")]);
            assert!(address.starts_with(expected), "{address}");
        }
    }

    #[test]
    fn a_page_says_where_the_browser_goes_and_lets_it() {
        for (uri, place, sources) in [
            ("https://c.example/cb?x=//y", "c.example", "https:"),
            ("https://c.example?x", "c.example", "https:"),
            ("http://127.0.0.1:4711/cb", "127.0.0.1:4711", "http: https:"),
            ("http://[::1]:4711", "[::1]:4711", "http: https:"),
            ("org.example.app:/cb", "org.example.app", "org.example.app:"),
        ] {
            let to = destination(uri, ResponseMode::Query, None);
            assert_eq!((to.place(), to.sources().as_str()), (place, sources));
        }
    }
}
