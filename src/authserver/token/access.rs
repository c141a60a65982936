//! Access tokens: JWTs of RFC 9068, which nobody keeps. What the server knows of one is what its
//! own signature vouches for.

use super::status::place;
use crate::error::Fault;
use crate::keys::Keys;
use jose::{Claims, Compact, Header, PrivateKey, sign};
use policy::issue::{self, Grant};
use serde::Serialize;
use serde_json::Value;

/// The `typ` of access tokens (RFC 9068 §2.1).
const TYPE: &str = "at+jwt";

/// What a token says.
#[derive(Debug, Clone, Default)]
pub struct Access<'a> {
    /// `iss`
    pub issuer: &'a str,
    /// `sub`
    pub subject: &'a str,
    /// `aud`
    pub audience: &'a [String],
    /// `client_id`
    pub client_id: &'a str,
    /// `scope`
    pub scopes: &'a [String],
    /// `iat`, in seconds since the epoch.
    pub now: u64,
    /// For how many seconds it is good.
    pub lifetime: u64,
    /// Its place in the status lists.
    pub index: u64,
    /// `auth_time`, where a person has logged in.
    pub auth_time: Option<u64>,
    /// `amr` (RFC 8176)
    pub amr: &'a [String],
    /// `groups` (RFC 9068 §2.2.3.1), where a scope says so.
    pub groups: Option<&'a [String]>,
    /// `act` (RFC 8693 §4.1)
    pub actor: Option<&'a Value>,
}

/// A token that was signed.
pub struct Signed {
    /// The token.
    pub token: String,
    /// Its id (`jti`), which is no secret.
    pub id: String,
}

impl Access<'_> {
    /// The token.
    ///
    /// # Errors
    /// The library has none to give.
    pub fn signed(&self, key: &PrivateKey) -> Result<Signed, Fault> {
        let id = sign::random_id().map_err(Fault::lasting)?;
        let grant = Grant {
            issuer: self.issuer,
            account: self.subject,
            audience: self.audience,
            client_id: self.client_id,
            id: &id,
            now: self.now,
            expires: self.now.saturating_add(self.lifetime),
        };
        let token = issue::typed(key, &grant, &self.extra()).map_err(Fault::lasting)?;
        Ok(Signed { token, id })
    }

    fn extra(&self) -> Extra<'_> {
        let (list, index) = place(self.index);
        let uri = list_uri(self.issuer, list);
        Extra {
            status: Status {
                status_list: Place { idx: index, uri },
            },
            scope: self.scopes.join(" "),
            auth_time: self.auth_time,
            amr: self.amr,
            groups: self.groups,
            act: self.actor,
        }
    }
}

/// The claims beside those of every token; what is not said is left out.
#[derive(Serialize)]
struct Extra<'a> {
    status: Status,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<u64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'a Value>,
}

/// `status` (draft-ietf-oauth-status-list §6.1)
#[derive(Serialize)]
struct Status {
    status_list: Place,
}

#[derive(Serialize)]
struct Place {
    idx: u64,
    uri: String,
}

/// The address of a status list.
#[must_use]
pub fn list_uri(issuer: &str, list: u64) -> String {
    format!("{issuer}/status/{list}")
}

/// An access token of this server's own.
pub struct Verified {
    /// Its claims.
    pub claims: Claims,
    /// Its place in the status lists.
    pub index: u64,
}

/// Verifies that the server has issued this access token and that it has not expired at `now`;
/// none for whatever else it is. Whether it was taken back is for the caller to see.
#[must_use]
pub fn verify(token: &str, issuer: &str, keys: &Keys, now: u64) -> Option<Verified> {
    let compact = Compact::parse(token.as_bytes()).ok()?;
    let header = Header::parse(&compact).ok()?;
    if header.typ.as_deref() != Some(TYPE) || !keys.have_signed(&compact, &header) {
        return None;
    }
    let claims = Claims::parse(compact.payload()).ok()?;
    let is_current = claims.expires.is_some_and(|expires| expires.floor() > now);
    if claims.issuer.as_deref() != Some(issuer) || !is_current {
        return None;
    }
    let index = own_index(&claims, issuer)?;
    Some(Verified { claims, index })
}

fn own_index(claims: &Claims, issuer: &str) -> Option<u64> {
    let place = claims.get("status")?.get("status_list")?;
    let list = place.get("uri")?.as_str()?.strip_prefix(issuer)?;
    let list: u64 = list.strip_prefix("/status/")?.parse().ok()?;
    list.checked_mul(super::status::LIST)?
        .checked_add(place.get("idx")?.as_u64()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::status::LIST;
    use jose::{Algorithm, private_key};
    use serde_json::json;

    /// Checklist: C.17
    #[test]
    fn a_token_says_what_rfc_9068_asks_for_and_verifies() {
        let file = private_key::generate(Algorithm::EdDsa, Some("k"))
            .unwrap()
            .private_jwk;
        let keys = Keys::parse([("k", file.as_str())], 100).unwrap();
        let audience = ["ssh://host".to_owned()];
        let scopes = ["openid".to_owned(), "ssh".to_owned()];
        let access = Access {
            issuer: "https://i",
            subject: "alice",
            audience: &audience,
            client_id: "c",
            scopes: &scopes,
            now: 100,
            lifetime: 60,
            index: LIST + 7,
            auth_time: Some(90),
            ..Access::default()
        };
        let token = access.signed(keys.signing(100).unwrap()).unwrap().token;
        let verified = verify(&token, "https://i", &keys, 159).unwrap();
        assert_eq!(verified.index, LIST + 7);
        let mut claims = verified.claims.all().clone();
        assert!(claims.remove("jti").unwrap().as_str().unwrap().len() >= 20);
        let expected = json!({
            "iss": "https://i", "sub": "alice", "aud": "ssh://host", "client_id": "c",
            "iat": 100, "exp": 160, "scope": "openid ssh", "auth_time": 90,
            "status": { "status_list": { "idx": 7, "uri": "https://i/status/1" } },
        });
        assert_eq!(Value::from(claims), expected);
        let compact = Compact::parse(token.as_bytes()).unwrap();
        let header = Header::parse(&compact).unwrap();
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));

        assert!(verify(&token, "https://i", &keys, 160).is_none());
        assert!(verify(&token, "https://other", &keys, 100).is_none());
        let cut = token.strip_prefix('e').unwrap();
        assert!(verify(cut, "https://i", &keys, 100).is_none());
        let other = private_key::generate(Algorithm::EdDsa, Some("k"))
            .unwrap()
            .private_jwk;
        let other = Keys::parse([("k", other.as_str())], 100).unwrap();
        assert!(verify(&token, "https://i", &other, 100).is_none());
    }
}
