//! HTTP with bounds: https, or plain http within this machine; no redirect to another server;
//! so many bytes and so much time, and nothing is unpacked, so that no answer is larger than
//! what came over the wire.

use crate::Error;
use rustls::crypto::aws_lc_rs;
use std::io::Read;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};
use ureq::http::{Response, Uri};
use ureq::{Agent, Body};
use zeroize::Zeroizing;

/// How often an answer may name another place on the same server.
const MOST_REDIRECTS: u8 = 3;

/// What is sent in a form, secrets among it, is wiped.
pub type Text = Zeroizing<String>;

/// Asks servers.
#[derive(Clone)]
pub struct Http {
    user_agent: &'static str,
    /// What there is for a whole answer, from the first packet to the last, now.
    timeout: Rc<dyn Fn() -> Duration>,
    /// The most bytes of an answer.
    most: usize,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What was sent, wiped when dropped: it may be a token.
    pub body: Zeroizing<Vec<u8>>,
    /// `ETag` (RFC 9110 §8.8.3)
    pub etag: Option<String>,
    /// `Cache-Control` (RFC 9111 §5.2)
    pub cache_control: Option<String>,
    /// `Date`, in seconds since the epoch (RFC 9110 §6.6.1)
    pub date: Option<u64>,
}

/// How the client shows who it is.
#[derive(Debug, Clone, Copy)]
pub enum Authorization<'a> {
    /// Not in a header.
    None,
    /// With this name and secret (RFC 6749 §2.3.1).
    Basic(&'a str, &'a str),
}

impl Http {
    /// For a program that calls itself so; an answer takes at most this time and has at most so
    /// many bytes.
    pub fn new(user_agent: &'static str, timeout: Duration, most: usize) -> Self {
        Self::within(user_agent, move || timeout, most)
    }

    /// As [`Http::new`], but an answer takes at most the time that `timeout` says when it is
    /// asked for: where several of them have one end.
    pub fn within(
        user_agent: &'static str,
        timeout: impl Fn() -> Duration + 'static,
        most: usize,
    ) -> Self {
        Self {
            user_agent,
            timeout: Rc::new(timeout),
            most,
        }
    }

    /// Gets what is there, unless it is what `etag` names (status 304 then).
    ///
    /// # Errors
    /// Why there is no answer. One of any status is one.
    pub fn get(&self, uri: &str, etag: Option<&str>) -> Result<Answer, Error> {
        self.follow(uri, "application/json, */*;q=0.5", etag)
    }

    /// Gets what is there, of the media type `accept`.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub fn get_as(&self, uri: &str, accept: &str) -> Result<Answer, Error> {
        self.follow(uri, accept, None)
    }

    fn follow(&self, uri: &str, accept: &str, etag: Option<&str>) -> Result<Answer, Error> {
        let mut uri = address(uri)?;
        for _ in 0..=MOST_REDIRECTS {
            let mut request = self.agent(&uri)?.get(uri.clone()).header("Accept", accept);
            if let Some(etag) = etag {
                request = request.header("If-None-Match", etag);
            }
            let response = request.call().map_err(transport)?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return self.answer(response);
            }
            uri = next(&uri, &response)?;
        }
        Err(Error::RedirectedTooOften)
    }

    /// Gets what is there for whoever has this secret (RFC 6750 §2.1), with `query` behind what
    /// the address already asks. Its answer is final: the secret goes nowhere else.
    ///
    /// # Errors
    /// Why there is no answer. One of any status is one.
    pub fn get_as_bearer(
        &self,
        uri: &str,
        query: &[(&str, &str)],
        accept: &str,
        secret: &str,
    ) -> Result<Answer, Error> {
        let uri = address(&with_query(uri, query))?;
        let authorization = Zeroizing::new(format!("Bearer {secret}"));
        let request = self.agent(&uri)?.get(uri).header("Accept", accept);
        let response = request
            .header("Authorization", authorization.as_str())
            .call()
            .map_err(transport)?;
        self.answer(response)
    }

    /// Sends a form. Its answer is final: what is sent goes nowhere else.
    ///
    /// # Errors
    /// Why there is no answer. One of any status is one.
    pub fn post(
        &self,
        uri: &str,
        form: &[(&str, &str)],
        authorization: Authorization<'_>,
    ) -> Result<Answer, Error> {
        let uri = address(uri)?;
        let body = encoded(form);
        let mut request = self
            .agent(&uri)?
            .post(uri)
            .header("Accept", "application/json")
            .header("Content-Type", "application/x-www-form-urlencoded");
        if let Authorization::Basic(id, secret) = authorization {
            request = request.header("Authorization", basic(id, secret).as_str());
        }
        let response = request.send(body.as_bytes()).map_err(transport)?;
        self.answer(response)
    }

    fn agent(&self, uri: &Uri) -> Result<Agent, Error> {
        let timeout = (self.timeout)();
        if timeout.is_zero() {
            return Err(Error::Transport("there is no time left for it".to_owned()));
        }
        // Fails where there is a provider already, which is then this one.
        let _ = aws_lc_rs::default_provider().install_default();
        let mut config = Agent::config_builder();
        if uri.scheme_str() == Some("http") {
            // What is for this machine alone would reach a proxy of the environment in clear.
            config = config.proxy(None);
        }
        let config = config
            .timeout_global(Some(timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(self.user_agent)
            .tls_config(
                ureq::tls::TlsConfig::builder()
                    .root_certs(ureq::tls::RootCerts::PlatformVerifier)
                    .build(),
            )
            .build();
        Ok(config.new_agent())
    }

    fn answer(&self, response: Response<Body>) -> Result<Answer, Error> {
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let (etag, cache_control) = (header("ETag"), header("Cache-Control"));
        let date = header("Date").and_then(|date| seconds(&date));
        let status = response.status().as_u16();
        // The room is made at once: a vector that grows leaves what it held behind.
        let mut body = Zeroizing::new(Vec::with_capacity(self.most.saturating_add(1)));
        response
            .into_body()
            .into_reader()
            .take(self.most.saturating_add(1) as u64)
            .read_to_end(&mut body)
            .map_err(|error| Error::Transport(error.to_string()))?;
        if body.len() > self.most {
            return Err(Error::TooLong(self.most));
        }
        Ok(Answer {
            status,
            body,
            etag,
            cache_control,
            date,
        })
    }
}

fn transport(error: ureq::Error) -> Error {
    Error::Transport(error.to_string())
}

/// `uri` with more to ask.
pub(crate) fn with_query(uri: &str, query: &[(&str, &str)]) -> String {
    let separator = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{separator}{}", *encoded(query))
}

/// The URL, if it is one where something may be asked for.
pub(crate) fn address(text: &str) -> Result<Uri, Error> {
    let uri: Uri = text.parse().map_err(|_| Error::Address(text.to_owned()))?;
    if is_private(&uri) {
        Ok(uri)
    } else {
        Err(Error::Address(text.to_owned()))
    }
}

/// Whether nobody on the way can read what is sent there.
fn is_private(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = || {
        address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
    };
    match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_loopback(),
        _ => false,
    }
}

/// Where a redirect leads, if it is on the same server.
fn next(from: &Uri, response: &Response<Body>) -> Result<Uri, Error> {
    let to = response.headers().get("Location");
    let to = to.and_then(|to| to.to_str().ok()).unwrap_or_default();
    let elsewhere = || Error::Redirected(to.to_owned());
    let whole = match to.strip_prefix('/') {
        Some(rest) if !rest.starts_with('/') => {
            let scheme = from.scheme_str().unwrap_or_default();
            let authority = from.authority().map(|authority| authority.as_str());
            format!("{scheme}://{}{to}", authority.unwrap_or_default())
        }
        _ => to.to_owned(),
    };
    let uri = address(&whole).map_err(|_| elsewhere())?;
    let is_same = uri.scheme() == from.scheme() && uri.authority() == from.authority();
    if is_same { Ok(uri) } else { Err(elsewhere()) }
}

fn seconds(date: &str) -> Option<u64> {
    let time = httpdate::parse_http_date(date).ok()?;
    time.duration_since(UNIX_EPOCH)
        .ok()
        .map(|since| since.as_secs())
}

/// `application/x-www-form-urlencoded` (RFC 6749 appendix B).
pub fn encoded(form: &[(&str, &str)]) -> Text {
    let mut text = Zeroizing::new(String::with_capacity(
        form.iter()
            .map(|(name, value)| name.len().saturating_add(value.len()).saturating_mul(3))
            .sum::<usize>()
            .saturating_add(form.len().saturating_mul(2)),
    ));
    for (name, value) in form {
        if !text.is_empty() {
            text.push('&');
        }
        encode(name, &mut text);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

fn encode(text: &str, into: &mut String) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

/// Both are encoded as in a form first (RFC 6749 §2.3.1).
fn basic(id: &str, secret: &str) -> Text {
    use base64ct::{Base64, Encoding};
    let mut pair = Zeroizing::new(String::with_capacity(
        id.len()
            .saturating_add(secret.len())
            .saturating_mul(3)
            .saturating_add(1),
    ));
    encode(id, &mut pair);
    pair.push(':');
    encode(secret, &mut pair);
    let encoded = Zeroizing::new(Base64::encode_string(pair.as_bytes()));
    Zeroizing::new(format!("Basic {}", *encoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_goes_over_https_or_stays_in_the_machine() {
        for good in [
            "https://issuer.example/x?api-version=2.0",
            "http://127.0.0.1:8080/x",
            "http://[::1]/x",
        ] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in [
            "http://issuer.example/",
            "http://localhost/",
            "http://127.0.0.1.example/",
            "ftp://127.0.0.1/",
            "/relative",
            "",
            "file:///etc/passwd",
        ] {
            assert_eq!(address(bad), Err(Error::Address(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn a_redirect_stays_on_its_server() {
        let from = "https://a.example:8443/x".parse().unwrap();
        let to = |location: &str| {
            let response = Response::builder()
                .header("Location", location)
                .body(Body::builder().data(""))
                .unwrap();
            next(&from, &response).map(|uri| uri.to_string())
        };
        for (location, led) in [
            ("/y", "https://a.example:8443/y"),
            ("https://a.example:8443/y?z", "https://a.example:8443/y?z"),
        ] {
            assert_eq!(to(location).as_deref(), Ok(led));
        }
        for location in [
            "",
            "y",
            "//b.example/y",
            "https://a.example/y",
            "https://b.example:8443/y",
            "http://a.example:8443/y",
            "https://a.example:8443@b.example/y",
            "file:///etc/passwd",
        ] {
            assert_eq!(to(location), Err(Error::Redirected(location.to_owned())));
        }
    }

    #[test]
    fn forms_and_secrets_are_encoded() {
        let form = encoded(&[("a", "x y&z"), ("b", "ü/%"), ("c", "")]);
        assert_eq!(*form, "a=x%20y%26z&b=%C3%BC%2F%25&c=");
        // RFC 6749 §2.3.1
        assert_eq!(
            *basic("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"),
            "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
        );
    }

    #[test]
    fn a_date_is_read() {
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("yesterday"), None);
    }

    /// A server that says nothing is not waited for.
    #[test]
    fn who_does_not_answer_is_not_waited_for() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("http://{}/", listener.local_addr().unwrap());
        let http = Http::new("test", Duration::from_millis(100), 10);
        let error = http.get(&uri, None).unwrap_err();
        assert_eq!(error, Error::Transport("timeout: global".to_owned()));
    }

    /// Several answers have one end: redirects give no server more time.
    #[test]
    fn who_sends_elsewhere_has_no_more_time_for_that() {
        use std::cell::Cell;
        use std::io::Write;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("http://{}/", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let answer = "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
            listener.set_nonblocking(true).unwrap();
            listener
        });
        let left = Cell::new(Duration::from_secs(5));
        let http = Http::within("test", move || left.replace(Duration::ZERO), 10);
        let error = http.get(&uri, None).unwrap_err();
        let expected = "there is no time left for it".to_owned();
        assert_eq!(error, Error::Transport(expected));
        assert!(server.join().unwrap().accept().is_err());
    }
}
