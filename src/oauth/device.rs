//! A login that is confirmed in any browser: the device authorization grant (RFC 8628).

use crate::http::{Http, Text};
use crate::token::{Tokens, refusal};
use crate::{Client, Error, Metadata};
use jose::json;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// `grant_type`
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Seconds between two questions where the server does not say (§3.5).
const INTERVAL: u64 = 5;

/// By so many seconds more the server wants to be left alone when it says `slow_down` (§3.5).
const SLOWER: u64 = 5;

/// What the user has to confirm (§3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// `device_code`, by which its confirmation is asked for.
    pub device_code: Text,
    /// `user_code`
    pub user_code: String,
    /// `verification_uri`
    pub verification_uri: String,
    /// `verification_uri_complete`
    pub complete: Option<String>,
    /// For how many seconds.
    pub expires_in: u64,
    /// How many seconds lie between two questions.
    pub interval: u64,
    /// What the token is for: the first that was asked for (RFC 8707).
    pub resource: Option<String>,
}

/// What has come of it so far (§3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Nobody has confirmed yet; the next question is to be asked in so many seconds.
    Pending(u64),
    /// It was confirmed.
    Done(Tokens),
    /// The user, or the server, has refused.
    Denied,
    /// It was not confirmed in time.
    Expired,
}

/// Begins a login, for these resources (RFC 8707 §2.1).
///
/// # Errors
/// Why there is none.
pub fn start(
    http: &Http,
    metadata: &Metadata,
    client: &Client,
    scope: Option<&str>,
    resources: &[&str],
) -> Result<Started, Error> {
    const MEMBER: &str = "device_authorization_endpoint";
    let endpoint = &metadata.device_authorization_endpoint;
    let endpoint = endpoint.as_deref().ok_or(Error::Unsupported(MEMBER))?;
    let scope = scope.map(|scope| ("scope", scope));
    let resources_asked = resources.iter().map(|resource| ("resource", *resource));
    let form: Vec<(&str, &str)> = scope.into_iter().chain(resources_asked).collect();
    let answer = client.post(http, metadata, endpoint, &form)?;
    if answer.status != 200 {
        return Err(refusal(&answer));
    }
    let form = || Error::Form("a device code");
    let mut members = json::object(&answer.body).map_err(|_| form())?;
    let started = Started::from_members(&members);
    json::wipe(&mut members);
    let mut started = started.ok_or_else(form)?;
    started.resource = resources.first().map(|&resource| resource.to_owned());
    Ok(started)
}

impl Started {
    fn from_members(members: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| members.get(name)?.as_str().map(str::to_owned);
        let number = |name: &str| members.get(name)?.as_u64();
        Some(Self {
            device_code: Zeroizing::new(text("device_code")?),
            user_code: text("user_code")?,
            verification_uri: text("verification_uri")?,
            complete: text("verification_uri_complete"),
            expires_in: number("expires_in")?,
            interval: number("interval").unwrap_or(INTERVAL).max(1),
            resource: None,
        })
    }

    /// How many seconds to wait, of which so many have passed, before it is asked next; none
    /// when the code is good no longer. An `interval` is the server's to say (§3.5).
    pub fn pause(&self, waited: u64, interval: u64) -> Option<u64> {
        let left = self.expires_in.saturating_sub(waited);
        (left > 0).then(|| interval.min(left))
    }

    /// Asks whether it was confirmed. `interval` is what was waited before; a server that
    /// could not be reached is asked again after twice that time (§3.5).
    ///
    /// # Errors
    /// Why it cannot be asked any more.
    pub fn ask(
        &self,
        http: &Http,
        metadata: &Metadata,
        client: &Client,
        interval: u64,
    ) -> Result<Progress, Error> {
        let endpoint = metadata.token_endpoint.as_deref();
        let endpoint = endpoint.ok_or(Error::Unsupported("token_endpoint"))?;
        let mut form = vec![("grant_type", GRANT), ("device_code", &self.device_code)];
        // Without it the server may not know of which the token is to be (RFC 8707 §2.2).
        if let Some(resource) = &self.resource {
            form.push(("resource", resource));
        }
        let answer = match client.post(http, metadata, endpoint, &form) {
            Ok(answer) if answer.status < 500 => answer,
            Ok(_) | Err(Error::Transport(_)) => {
                return Ok(Progress::Pending(interval.saturating_mul(2)));
            }
            Err(error) => return Err(error),
        };
        progress(Tokens::of(&answer), interval)
    }
}

fn progress(answer: Result<Tokens, Error>, interval: u64) -> Result<Progress, Error> {
    match answer {
        Ok(tokens) => Ok(Progress::Done(tokens)),
        Err(Error::Refused { code, description }) => match code.as_str() {
            "authorization_pending" => Ok(Progress::Pending(interval)),
            "slow_down" => Ok(Progress::Pending(interval.saturating_add(SLOWER))),
            "access_denied" => Ok(Progress::Denied),
            "expired_token" => Ok(Progress::Expired),
            _ => Err(Error::Refused { code, description }),
        },
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> Result<Progress, Error> {
        let error = Error::Refused {
            code: code.to_owned(),
            description: None,
        };
        progress(Err(error), 5)
    }

    #[test]
    fn each_answer_of_the_standard_is_honoured() {
        assert_eq!(refused("authorization_pending"), Ok(Progress::Pending(5)));
        assert_eq!(refused("slow_down"), Ok(Progress::Pending(10)));
        assert_eq!(refused("access_denied"), Ok(Progress::Denied));
        assert_eq!(refused("expired_token"), Ok(Progress::Expired));
        assert!(refused("invalid_grant").is_err());
        assert!(progress(Err(Error::Status(404)), 5).is_err());
    }

    #[test]
    fn a_server_is_asked_no_sooner_than_it_says_and_once_at_the_end() {
        let members = json::object(
            b"{\"device_code\":\"d\",\"user_code\":\"u\",\"verification_uri\":\"https://i/\",\
              \"expires_in\":300,\"interval\":120}",
        );
        let started = Started::from_members(&members.unwrap()).unwrap();
        let pauses = [0, 120, 240, 300].map(|waited| started.pause(waited, 120));
        assert_eq!(pauses, [Some(120), Some(120), Some(60), None]);
    }

    #[test]
    fn a_server_that_says_no_interval_is_asked_every_five_seconds() {
        let started = |more: &str| {
            let text = format!(
                "{{\"device_code\":\"d\",\"user_code\":\"u\",\"verification_uri\":\"https://i/\",\
                 \"expires_in\":60{more}}}"
            );
            Started::from_members(&json::object(text.as_bytes()).unwrap())
        };
        assert_eq!(started("").unwrap().interval, 5);
        assert_eq!(started(",\"interval\":7").unwrap().interval, 7);
        assert_eq!(started(",\"interval\":0").unwrap().interval, 1);
    }
}
