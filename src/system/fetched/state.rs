//! The notes of how fetching went, for `pam-jwt status` and for the next try.

use serde_json::{Map, Value, json};

/// How fetching the keys of an issuer went. Times are in seconds since the epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Whose they are.
    pub issuer: String,
    /// Where they were fetched from, last.
    pub jwks_uri: Option<String>,
    /// The last try.
    pub attempted_at: u64,
    /// Its end; none where it is under way, or where who waited for it has left before.
    pub ended_at: Option<u64>,
    /// The last success.
    pub checked_at: Option<u64>,
    /// The next try, unless somebody asks before.
    pub next_at: u64,
    /// How many tries have failed since the last success.
    pub failures: u64,
    /// Why the last one did.
    pub error: Option<String>,
    /// The ETag of what was fetched last (RFC 9110 §8.8.3).
    pub etag: Option<String>,
    /// By how many seconds the issuer's clock is ahead of this one, by its Date header.
    pub clock_ahead: Option<i64>,
    /// When each key was last in what the issuer publishes, by kid.
    pub seen_at: Vec<(String, u64)>,
    /// Its status lists.
    pub lists: Vec<ListState>,
}

/// How fetching a status list went. Times are in seconds since the epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListState {
    /// Where it is.
    pub uri: String,
    /// The last try.
    pub attempted_at: u64,
    /// The last success.
    pub checked_at: Option<u64>,
    /// The next try.
    pub next_at: u64,
    /// How many tries have failed since the last success.
    pub failures: u64,
    /// Why the last one did.
    pub error: Option<String>,
}

/// For how many seconds after a try, by whomever, there is none for a login.
const PAUSE: u64 = 60;

/// For how many where the try has no end: whoever hangs up in the middle of one is not to keep
/// others from theirs for long.
const PAUSE_WITHOUT_END: u64 = 5;

impl State {
    /// Within how many seconds of the last try there is none for a login, where `now` is within
    /// them. A clock that was set back says nothing of how long ago the last try was.
    pub fn pause(&self, now: u64) -> Option<u64> {
        let pause = match self.ended_at {
            Some(_) => PAUSE,
            None => PAUSE_WITHOUT_END,
        };
        (self.attempted_at.abs_diff(now) < pause).then_some(pause)
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        let seen = self.seen_at.iter();
        let seen = seen.map(|(kid, time)| json!({ "kid": kid, "seen_at": time }));
        without_nulls(json!({
            "issuer": self.issuer,
            "jwks_uri": self.jwks_uri,
            "attempted_at": self.attempted_at,
            "ended_at": self.ended_at,
            "checked_at": self.checked_at,
            "next_at": self.next_at,
            "failures": self.failures,
            "error": self.error,
            "etag": self.etag,
            "clock_ahead": self.clock_ahead,
            "keys": seen.collect::<Vec<Value>>(),
            "lists": self.lists.iter().map(ListState::to_json).collect::<Vec<Value>>(),
        }))
    }

    /// Reads what [`State::to_json`] wrote.
    pub fn from_json(members: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| members.get(name)?.as_str().map(str::to_owned);
        let number = |name: &str| members.get(name)?.as_u64();
        let key = |key: &Value| {
            let kid = key.get("kid")?.as_str()?.to_owned();
            Some((kid, key.get("seen_at")?.as_u64()?))
        };
        let all = |name: &str| members.get(name)?.as_array();
        let state = Self {
            issuer: text("issuer")?,
            jwks_uri: text("jwks_uri"),
            attempted_at: number("attempted_at")?,
            ended_at: number("ended_at"),
            checked_at: number("checked_at"),
            next_at: number("next_at")?,
            failures: number("failures")?,
            error: text("error"),
            etag: text("etag"),
            clock_ahead: members.get("clock_ahead").and_then(Value::as_i64),
            seen_at: all("keys")?.iter().map(key).collect::<Option<_>>()?,
            lists: all("lists")?
                .iter()
                .map(ListState::from_json)
                .collect::<Option<_>>()?,
        };
        (state.to_json() == Value::Object(members.clone())).then_some(state)
    }
}

impl ListState {
    fn to_json(&self) -> Value {
        without_nulls(json!({
            "uri": self.uri,
            "attempted_at": self.attempted_at,
            "checked_at": self.checked_at,
            "next_at": self.next_at,
            "failures": self.failures,
            "error": self.error,
        }))
    }

    fn from_json(list: &Value) -> Option<Self> {
        let text = |name: &str| list.get(name)?.as_str().map(str::to_owned);
        let number = |name: &str| list.get(name)?.as_u64();
        Some(Self {
            uri: text("uri")?,
            attempted_at: number("attempted_at")?,
            checked_at: number("checked_at"),
            next_at: number("next_at")?,
            failures: number("failures")?,
            error: text("error"),
        })
    }
}

/// What is not known is not there.
fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, value| !value.is_null());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_they_were_written() {
        let whole = State {
            issuer: "https://i".into(),
            jwks_uri: Some("https://i/jwks".into()),
            attempted_at: 5,
            ended_at: Some(6),
            checked_at: Some(4),
            next_at: 9,
            failures: 1,
            error: Some("it is down".into()),
            etag: Some("\"x\"".into()),
            clock_ahead: Some(-3),
            seen_at: vec![("a".into(), 4)],
            lists: vec![
                ListState {
                    uri: "https://i/lists/1".into(),
                    checked_at: Some(4),
                    next_at: 9,
                    ..ListState::default()
                },
                ListState {
                    error: Some("it is down".into()),
                    failures: 2,
                    ..ListState::default()
                },
            ],
        };
        let none = State {
            issuer: "i".into(),
            ..State::default()
        };
        for state in [whole, none] {
            let Value::Object(members) = state.to_json() else {
                panic!("no object")
            };
            assert_eq!(State::from_json(&members), Some(state));
            let mut less = members.clone();
            less.remove("next_at");
            assert_eq!(State::from_json(&less), None);
            let mut odd = members;
            odd.insert("error".into(), json!(1));
            assert_eq!(State::from_json(&odd), None);
        }
    }

    #[test]
    fn who_hangs_up_keeps_nobody_from_asking_for_long() {
        let state = |ended_at| State {
            attempted_at: 100,
            ended_at,
            ..State::default()
        };
        for (now, ended, without_end) in [
            (100, Some(60), Some(5)),
            (104, Some(60), Some(5)),
            (105, Some(60), None),
            (159, Some(60), None),
            (160, None, None),
            (96, Some(60), Some(5)),
            (41, Some(60), None),
            (40, None, None),
        ] {
            assert_eq!(state(Some(103)).pause(now), ended, "{now}");
            assert_eq!(state(None).pause(now), without_end, "{now}");
        }
    }
}
