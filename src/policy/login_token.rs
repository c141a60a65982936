//! What a token leaves behind when it has opened a login: what the session's own token is
//! held to, and what the log calls it by.

use jose::Claims;
use serde_json::{Map, Value, json};

/// Claims of a longer text are not passed on; none that means anything is as long.
const MOST: usize = 1024;

/// The token that opened a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginToken {
    /// `iss`, or the name of the trust domain that its `sub` is of.
    pub issuer: String,
    /// `sub`
    pub subject: Option<String>,
    /// `jti`
    pub id: Option<String>,
    /// `exp`, in seconds since the epoch.
    pub expires: u64,
    /// When and how the user logged in at the issuer.
    pub authenticated: Authenticated,
    /// Whether its rule lets a further token be issued for the session.
    pub may_issue: bool,
}

/// When and how somebody proved who they are: `auth_time`, `acr` and `amr`, each as the
/// token has it or not at all (OpenID Connect Core §2, RFC 8176).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authenticated {
    /// `auth_time`, a NumericDate.
    pub time: Option<Value>,
    /// `acr`, a text.
    pub class: Option<Value>,
    /// `amr`, a list of texts.
    pub methods: Option<Value>,
}

impl Authenticated {
    /// That of a token, as far as it is of the right type.
    fn of(claims: &Claims) -> Self {
        let is_short = |value: &&Value| value.to_string().len() <= MOST;
        let copied = |name| claims.get(name).filter(is_short).cloned();
        let is_text = |value: &Value| value.is_string();
        let are_texts = |value: &Value| value.as_array().is_some_and(|all| all.iter().all(is_text));
        Self {
            time: claims.date("auth_time").and(copied("auth_time")),
            class: copied("acr").filter(is_text),
            methods: copied("amr").filter(are_texts),
        }
    }

    /// The claims.
    pub fn claims(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        [
            ("auth_time", &self.time),
            ("acr", &self.class),
            ("amr", &self.methods),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }
}

impl LoginToken {
    /// Of a token of `issuer` that was accepted; `may_issue` is its rule's.
    pub(crate) fn of(issuer: &str, claims: &Claims, may_issue: bool) -> Self {
        Self {
            issuer: issuer.to_owned(),
            subject: claims.subject.clone(),
            id: claims.id.clone(),
            // Without exp it is refused.
            expires: claims.expires.map_or(0, |date| date.floor()),
            authenticated: Authenticated::of(claims),
            may_issue,
        }
    }

    /// As JSON, by the names of the claims.
    pub fn to_json(&self) -> Value {
        let mut all = Map::new();
        let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
        put("iss", json!(self.issuer));
        put("exp", json!(self.expires));
        put("may_issue", json!(self.may_issue));
        for (name, text) in [("sub", &self.subject), ("jti", &self.id)] {
            if let Some(text) = text {
                put(name, json!(text));
            }
        }
        for (name, value) in self.authenticated.claims() {
            put(name, value.clone());
        }
        Value::Object(all)
    }

    /// Reads what [`LoginToken::to_json`] wrote, and nothing else.
    pub fn from_json(value: &Value) -> Option<Self> {
        // A claim set with one member more.
        let claims = Claims::parse(value.to_string().as_bytes()).ok()?;
        let may_issue = claims.get("may_issue")?.as_bool()?;
        claims.expires?;
        let token = Self::of(claims.issuer.as_ref()?, &claims, may_issue);
        (token.to_json() == *value).then_some(token)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Some token.
    pub(crate) fn any() -> LoginToken {
        token(json!({"iss": "i", "exp": 9}))
    }

    fn token(claims: Value) -> LoginToken {
        let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
        LoginToken::of("i", &claims, false)
    }

    #[test]
    fn what_says_how_fresh_a_login_was_is_copied_or_left_out() {
        let whole =
            json!({"iss": "i", "exp": 9, "auth_time": 5.5, "acr": "2", "amr": ["pwd", "otp"]});
        let copied: Vec<(&str, Value)> = [
            ("auth_time", json!(5.5)),
            ("acr", json!("2")),
            ("amr", json!(["pwd", "otp"])),
        ]
        .into();
        let of = |claims| {
            let token = token(claims);
            let all = token.authenticated.claims();
            all.map(|(name, value)| (name, value.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(whole), copied);
        assert_eq!(of(json!({"iss": "i", "exp": 9})), []);
        let long = "x".repeat(MOST);
        for odd in [
            json!({"auth_time": "5"}),
            json!({"auth_time": -5}),
            json!({"acr": 2}),
            json!({"acr": long}),
            json!({"amr": "pwd"}),
            json!({"amr": ["pwd", 1]}),
            json!({"amr": [long]}),
        ] {
            assert_eq!(of(odd.clone()), [], "{odd}");
        }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        for claims in [
            json!({"iss": "i", "exp": 9}),
            json!({"iss": "i", "sub": "s", "jti": "j", "exp": 9, "auth_time": 5, "acr": "2", "amr": ["pwd"]}),
        ] {
            for may_issue in [false, true] {
                let token = LoginToken {
                    may_issue,
                    ..token(claims.clone())
                };
                assert_eq!(LoginToken::from_json(&token.to_json()), Some(token));
            }
        }
        for bad in [
            json!(null),
            json!({}),
            json!({"iss": "i", "exp": 9}),
            json!({"iss": "i", "may_issue": true}),
            json!({"exp": 9, "may_issue": true}),
            json!({"iss": "i", "exp": 9, "may_issue": 1}),
            json!({"iss": "i", "exp": 9, "may_issue": true, "amr": "pwd"}),
            json!({"iss": "i", "exp": 9, "may_issue": true, "more": 1}),
        ] {
            assert_eq!(LoginToken::from_json(&bad), None, "{bad}");
        }
    }
}
