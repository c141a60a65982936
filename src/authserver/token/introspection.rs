//! What introspection says of a token (RFC 7662 §2.2).

use super::access::Verified;
use super::status::Revoked;
use crate::config::scope::is_match;
use crate::store::Grant;
use axum::body::Bytes;
use clients::Client;
use serde_json::{Map, Value, json};

/// The claims that an answer repeats (§2.2, RFC 9068 §2.2, RFC 8693 §4.1).
const REPEATED: [&str; 13] = [
    "scope",
    "client_id",
    "exp",
    "nbf",
    "iat",
    "sub",
    "aud",
    "iss",
    "jti",
    "auth_time",
    "amr",
    "groups",
    "act",
];

/// An access token of this server's, and what is answered of it.
pub struct Known {
    index: u64,
    expires: u64,
    client_id: String,
    audience: Vec<String>,
    answer: Bytes,
}

impl Known {
    /// That of a token.
    #[must_use]
    pub fn of(verified: &Verified) -> Self {
        let claims = &verified.claims;
        let mut answer = Map::new();
        answer.insert("active".to_owned(), true.into());
        answer.insert("token_type".to_owned(), "Bearer".into());
        for name in REPEATED {
            if let Some(claim) = claims.get(name) {
                answer.insert(name.to_owned(), claim.clone());
            }
        }
        let client_id = claims.get("client_id").and_then(Value::as_str);
        if let Some(account) = claims.subject.as_deref().filter(|sub| !sub.contains(':')) {
            answer.insert("username".to_owned(), account.into());
        }
        Self {
            index: verified.index,
            expires: claims.expires.map_or(0, |expires| expires.floor()),
            client_id: client_id.unwrap_or_default().to_owned(),
            audience: claims.audience.clone().unwrap_or_default(),
            answer: Value::from(answer).to_string().into(),
        }
    }

    /// The answer to this client at `now`; none where the token has expired, was taken back, or
    /// is not the client's to ask about (§4): it is its own, it is for it, or its registration
    /// says that it may ask about any.
    #[must_use]
    pub fn answer_to(&self, client: &Client, revoked: &Revoked, now: u64) -> Option<Bytes> {
        let is_good = self.expires > now && !revoked.has(self.index);
        (is_good && is_for(client, &self.client_id, &self.audience)).then(|| self.answer.clone())
    }
}

/// Whether a token of this audience, issued to the client `client_id`, is this client's business:
/// it is its own, it is for it, or its registration says that any is.
#[must_use]
pub fn is_for(client: &Client, client_id: &str, audience: &[String]) -> bool {
    let is_named = |audience: &String| {
        *audience == client.client_id
            || client
                .audiences
                .iter()
                .any(|pattern| is_match(pattern, audience))
    };
    client_id == client.client_id || client.introspects || audience.iter().any(is_named)
}

/// The answer about a refresh token: whose it is, and what it can be exchanged for.
#[must_use]
pub fn of_refresh(issuer: &str, grant: &Grant, expires: u64) -> Value {
    let mut answer = json!({
        "active": true,
        "client_id": grant.client_id,
        "username": grant.account,
        "sub": grant.account,
        "iss": issuer,
        "exp": expires,
    });
    let scope = grant.scopes.join(" ");
    for (name, value, is_there) in [
        ("scope", Value::from(scope), !grant.scopes.is_empty()),
        (
            "aud",
            grant.resources.clone().into(),
            !grant.resources.is_empty(),
        ),
        ("amr", grant.amr.clone().into(), !grant.amr.is_empty()),
        (
            "auth_time",
            grant.auth_time.into(),
            grant.auth_time.is_some(),
        ),
    ] {
        if let (Some(members), true) = (answer.as_object_mut(), is_there) {
            members.insert(name.to_owned(), value);
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Keys;
    use crate::token::access::{Access, verify};
    use jose::{Algorithm, private_key};

    /// What is known of a token saves its verification, and nothing else.
    ///
    /// Checklist: C.15
    #[test]
    fn what_is_known_expires_and_is_taken_back_as_the_token_is() {
        let key = private_key::generate(Algorithm::EdDsa, Some("k")).unwrap();
        let keys = Keys::parse([("k", key.private_jwk.as_str())], 100).unwrap();
        let access = Access {
            issuer: "https://i",
            subject: "alice",
            client_id: "c",
            now: 100,
            lifetime: 60,
            index: 7,
            ..Access::default()
        };
        let token = access.signed(keys.signing(100).unwrap()).unwrap().token;
        let known = Known::of(&verify(&token, "https://i", &keys, 100).unwrap());
        let client = |id: &str| toml::from_str(&format!("client_id = \"{id}\"")).unwrap();
        let revoked = Revoked::default();
        assert!(known.answer_to(&client("c"), &revoked, 159).is_some());
        assert!(known.answer_to(&client("d"), &revoked, 159).is_none());
        assert!(known.answer_to(&client("c"), &revoked, 160).is_none());
        revoked.add([(8, 160)]);
        assert!(known.answer_to(&client("c"), &revoked, 101).is_some());
        revoked.add([(7, 160)]);
        assert!(known.answer_to(&client("c"), &revoked, 101).is_none());
    }
}
