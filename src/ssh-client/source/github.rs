//! The identity of a job of GitHub Actions: a token that GitHub issues to a job with the
//! permission `id-token: write`, for the audience that is asked for.

use super::Text;
use crate::environment::Environment;
use rustls::crypto::aws_lc_rs;
use serde::Deserialize;
use std::io::Read;
use std::net::IpAddr;
use std::time::Duration;
use zeroize::{Zeroize, Zeroizing};

/// Long enough for a slow answer, and shorter than a login lasts.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What GitHub answers.
#[derive(Deserialize)]
struct Answer {
    value: String,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

/// Asks for a token, in a job that may.
///
/// # Errors
/// What came of the request; never the secret with which it is made.
pub fn ask(environment: &Environment<'_>, audience: Option<&str>) -> Result<Option<Text>, String> {
    let variable = |name| {
        environment
            .get(name)
            .and_then(|value| value.into_string().ok())
    };
    let Some(url) = variable("ACTIONS_ID_TOKEN_REQUEST_URL") else {
        return Ok(None);
    };
    let Some(secret) = variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN").map(Zeroizing::new) else {
        return Ok(None);
    };
    let audience = audience.ok_or(
        "a token of this GitHub Actions job is made for a host; name it: jwt-ssh status HOST",
    )?;
    request(&url, &secret, audience, TIMEOUT)
        .map(Some)
        .map_err(|error| format!("the identity of this GitHub Actions job: {error}"))
}

fn request(url: &str, secret: &str, audience: &str, timeout: Duration) -> Result<Text, String> {
    let uri: ureq::http::Uri = url.parse().map_err(|error| format!("{error}"))?;
    if !is_private(&uri) {
        return Err("the address is neither https nor on this machine".to_owned());
    }
    // Fails where there is a provider already, which is then this one.
    let _ = aws_lc_rs::default_provider().install_default();
    let mut config = ureq::Agent::config_builder();
    if uri.scheme_str() == Some("http") {
        // What is for this machine alone would reach a proxy of the environment in clear.
        // Of https one sees the name of the host.
        config = config.proxy(None);
    }
    let agent = config
        .timeout_global(Some(timeout))
        // The secret goes nowhere else; the answer is then what is told of.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(concat!("jwt-ssh/", env!("CARGO_PKG_VERSION")))
        .tls_config(
            ureq::tls::TlsConfig::builder()
                .root_certs(ureq::tls::RootCerts::PlatformVerifier)
                .build(),
        )
        .build()
        .new_agent();
    let authorization = Zeroizing::new(format!("bearer {secret}"));
    let response = agent
        .get(uri)
        .query("audience", audience)
        .header("Authorization", authorization.as_str())
        .header("Accept", "application/json; api-version=2.0")
        .call()
        .map_err(|error| error.to_string())?;
    if response.status() != 200 {
        return Err(format!("it answered {}", response.status()));
    }
    let body = super::bounded(response.into_body().into_reader().by_ref())
        .map_err(|error| error.to_string())?;
    // serde_json's own words would repeat what is there.
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|_| "it answered with something else than a token".to_owned())?;
    Ok(Zeroizing::new(answer.value.as_bytes().to_vec()))
}

/// Whether nobody on the way can read what is sent there.
fn is_private(uri: &ureq::http::Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = || {
        address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
    };
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_sent_over_https_or_within_the_machine() {
        let is_private = |uri: &str| is_private(&uri.parse().unwrap());
        assert!(is_private("https://pipelines.example/x?api-version=2.0"));
        assert!(is_private("http://127.0.0.1:8080/x"));
        assert!(is_private("http://[::1]/x"));
        for uri in [
            "http://pipelines.example/",
            "http://localhost/",
            "http://127.0.0.1.example/",
            "ftp://127.0.0.1/",
            "/relative",
        ] {
            assert!(!is_private(uri), "{uri}");
        }
    }

    /// No token is waited for longer than a login lasts.
    #[test]
    fn who_does_not_answer_is_not_waited_for() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let error = request(&url, "hidden", "ssh://web1", Duration::from_millis(100));
        assert_eq!(error.unwrap_err(), "timeout: global");
    }

    #[test]
    fn without_the_permission_there_is_nothing_to_ask() {
        let none = Environment::of(&|_| None);
        assert!(matches!(ask(&none, Some("x")), Ok(None)));
        let only_the_address = Environment::of(&|name| {
            (name == "ACTIONS_ID_TOKEN_REQUEST_URL").then(|| "https://x".into())
        });
        assert!(matches!(ask(&only_the_address, Some("x")), Ok(None)));
    }
}
