//! The claims of a token that this machine issues (RFC 9068 §2.2).

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
    /// Seconds from `iat` to `exp`.
    pub lifetime: u64,
}

/// The claims that [`claims`] decides; an extra claim cannot replace them.
pub const RESERVED: [&str; 7] = ["iss", "sub", "aud", "client_id", "jti", "iat", "exp"];

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
        ("exp", grant.now.saturating_add(grant.lifetime).into()),
    ] {
        claims.insert(name.to_owned(), value);
    }
    Ok(claims)
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
            lifetime: 60,
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
