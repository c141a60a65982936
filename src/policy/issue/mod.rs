//! The claims of a token that this machine issues (RFC 9068 §2.2): by `pam-jwt issue`, and
//! for the session that a login opens.

mod methods;
mod session;
mod template;

pub use session::{Refusal, Session, SshSession, session};
pub use template::{Filling, Template};

use jose::compact::MAX_BYTES;
use jose::{Claims, PrivateKey, sign};
use serde::Serialize;
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
    let claims = serde_json::to_vec(claims).map_err(|error| error.to_string())?;
    Claims::parse(&claims)
        .map_err(|error| format!("no login would accept such a token: {error}"))?;
    bounded(key, &claims)
}

/// The token of `grant` with `extra` claims beside it, none of which is [`RESERVED`]: for those
/// whose types leave nothing to find wrong with them, as [`claims`] and [`signed`] would.
///
/// # Errors
/// What is wrong, in words.
pub fn typed(
    key: &PrivateKey,
    grant: &Grant<'_>,
    extra: &impl Serialize,
) -> Result<String, String> {
    let audience = match grant.audience {
        [one] => Audience::One(one),
        several => Audience::Several(several),
    };
    let claims = Typed {
        iss: grant.issuer,
        sub: grant.account,
        aud: audience,
        client_id: grant.client_id,
        jti: grant.id,
        iat: grant.now,
        exp: grant.expires,
        extra,
    };
    let claims = serde_json::to_vec(&claims).map_err(|error| error.to_string())?;
    bounded(key, &claims)
}

#[derive(Serialize)]
struct Typed<'a, E> {
    iss: &'a str,
    sub: &'a str,
    aud: Audience<'a>,
    client_id: &'a str,
    jti: &'a str,
    iat: u64,
    exp: u64,
    #[serde(flatten)]
    extra: &'a E,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Several(&'a [String]),
}

fn bounded(key: &PrivateKey, claims: &[u8]) -> Result<String, String> {
    let token = sign::sign_json(key, "at+jwt", claims).map_err(|error| error.to_string())?;
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
    fn typed_claims_are_signed_as_others_are() {
        #[derive(Serialize)]
        struct Extra<'a> {
            groups: &'a [&'a str],
        }
        let generated = jose::private_key::generate(jose::Algorithm::EdDsa, None).unwrap();
        let key = PrivateKey::parse(generated.private_jwk.as_bytes()).unwrap();
        for audience in [
            vec!["ssh://h".to_owned()],
            vec!["a".to_owned(), "b".to_owned()],
        ] {
            let grant = Grant {
                issuer: "https://i",
                account: "alice",
                audience: &audience,
                client_id: "c",
                id: "j",
                now: 100,
                expires: 160,
            };
            let typed = typed(&key, &grant, &Extra { groups: &["ops"] }).unwrap();
            let extra = json!({"groups": ["ops"]}).as_object().unwrap().clone();
            let signed = signed(&key, &claims(&grant, extra).unwrap()).unwrap();
            let claims_of = |token: &str| {
                let token = jose::Compact::parse(token.as_bytes()).unwrap();
                Claims::parse(token.payload()).unwrap().all().clone()
            };
            assert_eq!(claims_of(&typed), claims_of(&signed));
        }
    }

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
