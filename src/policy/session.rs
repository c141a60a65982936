//! A session that is open: what is recorded of it, and how long it may last.

use serde_json::{Map, Value, json};

/// How long before a session ends its user is warned, in seconds.
pub const WARNED_BEFORE: u64 = 120;

/// What is recorded of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The account.
    pub account: String,
    /// The PAM service.
    pub service: String,
    /// When it was opened, in seconds since the epoch.
    pub since: u64,
    /// The token that opened it.
    pub opened_by: Option<Token>,
    /// The token that it got.
    pub issued: Option<Token>,
    /// Whether it ends with the token that opened it.
    pub ends: bool,
}

/// A token, by what it is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// `iss`
    pub issuer: String,
    /// `jti`
    pub id: Option<String>,
    /// `exp`, in seconds since the epoch.
    pub expires: u64,
}

impl Token {
    fn to_json(&self) -> Value {
        json!({ "iss": self.issuer, "jti": self.id, "exp": self.expires })
    }

    fn from_json(value: &Value) -> Option<Self> {
        Some(Self {
            issuer: value.get("iss")?.as_str()?.to_owned(),
            id: value.get("jti")?.as_str().map(str::to_owned),
            expires: value.get("exp")?.as_u64()?,
        })
    }
}

impl Session {
    /// When it ends, in seconds since the epoch, if anything ends it.
    pub fn end(&self) -> Option<u64> {
        let token = self.opened_by.as_ref().filter(|_| self.ends)?;
        Some(token.expires)
    }

    /// The seconds that it has left at the time `now`, if it ends so soon that its user is to be
    /// warned.
    pub fn ends_soon(&self, now: u64) -> Option<u64> {
        let left = self.end()?.checked_sub(now)?;
        (1..=WARNED_BEFORE).contains(&left).then_some(left)
    }

    /// As it is kept.
    pub fn to_json(&self) -> String {
        let token = |token: &Option<Token>| token.as_ref().map(Token::to_json);
        json!({
            "account": self.account, "service": self.service, "since": self.since,
            "opened_by": token(&self.opened_by), "issued": token(&self.issued), "ends": self.ends,
        })
        .to_string()
    }

    /// Reads what [`Session::to_json`] wrote.
    pub fn from_json(text: &[u8]) -> Option<Self> {
        let all: Map<String, Value> = jose::json::object(text).ok()?;
        let text = |name| Some(all.get(name)?.as_str()?.to_owned());
        let token = |name| match all.get(name)? {
            Value::Null => Some(None),
            token => Token::from_json(token).map(Some),
        };
        Some(Self {
            account: text("account")?,
            service: text("service")?,
            since: all.get("since")?.as_u64()?,
            opened_by: token("opened_by")?,
            issued: token("issued")?,
            ends: all.get("ends")?.as_bool()?,
        })
    }
}

/// The seconds that a session has which ends with its token, if any: at most until `expires`
/// by the clock that says `now`, and no more than were `left` when the login was, `since`
/// seconds ago by a clock that nobody sets.
pub fn seconds_left(expires: u64, now: u64, left: u64, since: u64) -> Option<u64> {
    let by_clock = expires.checked_sub(now)?;
    let by_uptime = left.checked_sub(since)?;
    Some(by_clock.min(by_uptime)).filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_as_long_as_its_token_whatever_becomes_of_the_clock() {
        assert_eq!(seconds_left(1000, 980, 20, 0), Some(20));
        assert_eq!(seconds_left(1000, 982, 20, 2), Some(18));
        // Set back since, or ahead.
        assert_eq!(seconds_left(1000, 0, 20, 2), Some(18));
        assert_eq!(seconds_left(1000, 999, 20, 2), Some(1));
        // Never nothing, which would be no limit or an end at once, and never less.
        for (now, left, since) in [
            (1000, 20, 0),
            (1001, 20, 0),
            (980, 20, 20),
            (980, 20, 21),
            (980, 0, 0),
        ] {
            assert_eq!(seconds_left(1000, now, left, since), None);
        }
    }

    #[test]
    fn a_warning_comes_before_the_end_of_what_ends() {
        let token = |expires| {
            Some(Token {
                issuer: "https://i".to_owned(),
                id: None,
                expires,
            })
        };
        let session = |opened_by, ends| Session {
            account: "alice".to_owned(),
            service: "sshd".to_owned(),
            since: 5,
            opened_by,
            issued: token(1100),
            ends,
        };
        for (expires, left) in [
            (999, None),
            (1000, None),
            (1001, Some(1)),
            (1120, Some(120)),
            (1121, None),
        ] {
            assert_eq!(session(token(expires), true).ends_soon(1000), left);
        }
        assert_eq!(session(token(1100), false).ends_soon(1000), None);
        assert_eq!(session(None, true).ends_soon(1000), None);
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let token = Token {
            issuer: "https://i".to_owned(),
            id: None,
            expires: 9,
        };
        for (opened_by, issued, ends) in [
            (None, None, false),
            (Some(token.clone()), None, true),
            (
                Some(token.clone()),
                Some(Token {
                    id: Some("j".to_owned()),
                    ..token
                }),
                false,
            ),
        ] {
            let end = ends.then_some(9);
            let session = Session {
                account: "alice".to_owned(),
                service: "sshd".to_owned(),
                since: 5,
                opened_by,
                issued,
                ends,
            };
            assert_eq!(session.end(), end);
            let text = session.to_json();
            assert_eq!(Session::from_json(text.as_bytes()), Some(session));
            assert_eq!(Session::from_json(&text.as_bytes()[1..]), None);
        }
    }
}
