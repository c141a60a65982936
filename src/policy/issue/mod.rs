//! The claims of a token that this machine issues (RFC 9068 §2.2): by `pam-jwt issue`, and
//! for the session that a login opens.

mod methods;
mod session;
mod template;

pub use session::{Refusal, Session, SshSession, session};
pub use template::{Filling, Template};

use jose::compact::MAX_BYTES;
use jose::{Claims, PrivateKey, sign};
use serde_json::{Map, Value};

/// What goes into a token.
#[derive(Debug, Clone)]
pub struct Grant<'a> {
    /// `iss`
    pub issuer: &'a str,
    /// `sub`: the account.
    pub account: &'a str,
    /// `aud`: one is written as a string, more as a list.
    pub audience: &'a [String],
    /// `client_id`: through whom it was issued.
    pub client_id: &'a str,
    /// `jti`
    pub id: &'a str,
    /// `iat`, in seconds since the epoch.
    pub now: u64,
    /// `exp`, in seconds since the epoch.
    pub expires: u64,
}

/// The claims that [`claims`] decides; an extra claim cannot replace them.
pub const RESERVED: [&str; 7] = ["iss", "sub", "aud", "client_id", "jti", "iat", "exp"];

/// The claims that no template is for: [`RESERVED`], those that say how the login was, and
/// those that say what a token is good for.
pub const NOT_TEMPLATES: [&str; 13] = [
    "iss",
    "sub",
    "aud",
    "client_id",
    "jti",
    "iat",
    "exp",
    "sid",
    "auth_time",
    "acr",
    "amr",
    "nbf",
    "cnf",
];

/// Builds the claim set of `grant` with `extra` claims beside it.
///
/// # Errors
/// The name of an extra claim that is one of [`RESERVED`].
pub fn claims(grant: &Grant<'_>, extra: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut claims = extra;
    if let Some(name) = RESERVED.into_iter().find(|name| claims.contains_key(*name)) {
        return Err(name.to_owned());
    }
    let audience = match grant.audience {
        [one] => Value::from(one.as_str()),
        several => Value::from(several),
    };
    for (name, value) in [
        ("iss", grant.issuer.into()),
        ("sub", grant.account.into()),
        ("aud", audience),
        ("client_id", grant.client_id.into()),
        ("jti", grant.id.into()),
        ("iat", grant.now.into()),
        ("exp", grant.expires.into()),
    ] {
        claims.insert(name.to_owned(), value);
    }
    Ok(claims)
}

/// The token of these claims. What no verifier of ours would take is not signed.
///
/// # Errors
/// What is wrong, in words.
pub fn signed(key: &PrivateKey, claims: &Map<String, Value>) -> Result<String, String> {
    let payload = Value::from(claims.clone()).to_string();
    Claims::parse(payload.as_bytes())
        .map_err(|error| format!("no login would accept such a token: {error}"))?;
    let token = sign::sign(key, "at+jwt", claims).map_err(|error| error.to_string())?;
    if token.len() > MAX_BYTES {
        let bytes = token.len();
        return Err(format!(
            "no login would accept a token of {bytes} bytes; the most is {MAX_BYTES}"
        ));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_grant_becomes_its_claims_and_keeps_them() {
        let audience = ["ssh://h".to_owned()];
        let grant = Grant {
            issuer: "https://i",
            account: "alice",
            audience: &audience,
            client_id: "c",
            id: "j",
            now: 100,
            expires: 160,
        };
        let object = |value: Value| value.as_object().unwrap().clone();
        let extra = object(json!({"groups": ["ops"]}));
        let expected = json!({"iss": "https://i", "sub": "alice", "aud": "ssh://h", "client_id": "c", "jti": "j",
            "iat": 100, "exp": 160, "groups": ["ops"]});
        assert_eq!(claims(&grant, extra), Ok(object(expected)));
        for name in RESERVED {
            assert_eq!(
                claims(&grant, object(json!({name: 1}))),
                Err(name.to_owned())
            );
        }
    }
}
