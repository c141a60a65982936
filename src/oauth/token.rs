//! What a token endpoint answers (RFC 6749 §5).

use crate::Error;
use crate::http::{Answer, Text};
use jose::json;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The tokens of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// `access_token`
    pub access: Text,
    /// `id_token` (OpenID Connect Core §3.1.3.3)
    pub id: Option<Text>,
    /// `refresh_token`
    pub refresh: Option<Text>,
    /// `expires_in`, in seconds.
    pub expires_in: Option<u64>,
    /// `scope`
    pub scope: Option<String>,
}

impl Tokens {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`Error::Refused`] with what the server says, or that it says nothing of the kind.
    pub fn of(answer: &Answer) -> Result<Self, Error> {
        if answer.status != 200 {
            return Err(refusal(answer));
        }
        let mut members = json::object(&answer.body).map_err(|_| Error::Form("tokens"))?;
        let tokens = Self::from_members(&members);
        json::wipe(&mut members);
        tokens.ok_or(Error::Form("tokens"))
    }

    fn from_members(members: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| members.get(name)?.as_str().map(str::to_owned);
        let secret = |name: &str| text(name).map(Zeroizing::new);
        Some(Self {
            access: secret("access_token")?,
            id: secret("id_token"),
            refresh: secret("refresh_token"),
            expires_in: members.get("expires_in").and_then(Value::as_u64),
            scope: text("scope"),
        })
    }
}

/// What a server refuses with (RFC 6749 §5.2), or else its status.
pub fn refusal(answer: &Answer) -> Error {
    let members = json::object(&answer.body).unwrap_or_default();
    let text = |name: &str| members.get(name)?.as_str().map(plain);
    match text("error") {
        Some(code) => Error::Refused {
            code,
            description: text("error_description"),
        },
        None => Error::Status(answer.status),
    }
}

/// What a server says, on one line and no longer than a person reads.
pub(crate) fn plain(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(200).collect()
}
