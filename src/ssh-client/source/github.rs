//! The identity of a job of GitHub Actions: a token that GitHub issues to a job with the
//! permission `id-token: write`, for the audience that is asked for.

use super::{MOST, Text};
use crate::USER_AGENT;
use crate::environment::Environment;
use oauth::{Error, Http};
use std::time::Duration;
use zeroize::Zeroizing;

/// Long enough for a slow answer, and shorter than a login lasts.
const TIMEOUT: Duration = Duration::from_secs(20);

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
    request(&url, &secret, audience)
        .map(Some)
        .map_err(|error| format!("the identity of this GitHub Actions job: {error}"))
}

fn request(url: &str, secret: &str, audience: &str) -> Result<Text, Error> {
    const ACCEPT: &str = "application/json; api-version=2.0";
    let http = Http::new(USER_AGENT, TIMEOUT, MOST);
    let answer = http.get_as_bearer(url, &[("audience", audience)], ACCEPT, secret)?;
    if answer.status != 200 {
        return Err(Error::Status(answer.status));
    }
    let none = || Error::Form("a token");
    let mut members = jose::json::object(&answer.body).map_err(|_| none())?;
    let value = members.get("value").and_then(serde_json::Value::as_str);
    let text = value.map(|value| Zeroizing::new(value.as_bytes().to_vec()));
    jose::json::wipe(&mut members);
    text.ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

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
