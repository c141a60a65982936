//! What a server says of itself: RFC 8414 and OpenID Connect Discovery.

use crate::http::Answer;
use crate::{Error, Http};
use jose::json;
use serde_json::{Map, Value};

/// The part of a server's metadata that is of use here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// `issuer`, which is the one that was asked for.
    pub issuer: String,
    /// `jwks_uri`
    pub jwks_uri: Option<String>,
    /// `token_endpoint`
    pub token_endpoint: Option<String>,
    /// `authorization_endpoint`
    pub authorization_endpoint: Option<String>,
    /// `device_authorization_endpoint` (RFC 8628 §4)
    pub device_authorization_endpoint: Option<String>,
    /// `revocation_endpoint`
    pub revocation_endpoint: Option<String>,
    /// `introspection_endpoint`
    pub introspection_endpoint: Option<String>,
    /// `status_list_aggregation_endpoint` (draft-ietf-oauth-status-list)
    pub status_list_aggregation_endpoint: Option<String>,
    /// `grant_types_supported`; by default those of RFC 8414 §2.
    pub grant_types: Vec<String>,
    /// `scopes_supported`
    pub scopes: Vec<String>,
    /// Whether authorization responses name the issuer (RFC 9207 §3).
    pub names_issuer: bool,
    /// Whether a client's secret is taken in a header (`client_secret_basic`).
    pub takes_basic: bool,
}

impl Metadata {
    /// Asks `issuer` itself: first as OpenID Connect Discovery §4 says, then as RFC 8414 §3.1.
    /// Returns the answer too, for its headers.
    ///
    /// # Errors
    /// Why neither is of use: the first, or the second where the first is not there at all.
    pub fn discover(http: &Http, issuer: &str) -> Result<(Self, Answer), Error> {
        let mut why = None;
        for uri in places(issuer) {
            let found = http.get(&uri, None).and_then(|answer| {
                let metadata = Self::of(&answer, issuer)?;
                Ok((metadata, answer))
            });
            match found {
                Ok(found) => return Ok(found),
                // Who cannot be reached is not asked twice.
                Err(error @ (Error::Transport(_) | Error::Address(_))) => return Err(error),
                Err(error) if matches!(why, None | Some(Error::Status(404))) => why = Some(error),
                Err(_) => {}
            }
        }
        Err(why.unwrap_or(Error::Form("its metadata")))
    }

    fn of(answer: &Answer, issuer: &str) -> Result<Self, Error> {
        if answer.status != 200 {
            return Err(Error::Status(answer.status));
        }
        let members = json::object(&answer.body).map_err(|_| Error::Form("its metadata"))?;
        Self::from_members(&members, issuer)
    }

    /// Reads what was said, of whatever age.
    ///
    /// # Errors
    /// [`Error::Issuer`] if it is of another issuer, [`Error::Form`] if it is no metadata.
    pub fn from_members(members: &Map<String, Value>, issuer: &str) -> Result<Self, Error> {
        let text = |name: &str| members.get(name)?.as_str().map(str::to_owned);
        // What comes over https names no place that does not, be it on this machine: secrets
        // are sent there.
        let is_safe = |uri: &String| !issuer.starts_with("https://") || uri.starts_with("https://");
        let endpoint = |name: &str| text(name).filter(is_safe);
        let found = text("issuer").ok_or(Error::Form("its metadata"))?;
        if found != issuer {
            return Err(Error::Issuer { found });
        }
        let list = |name: &str| -> Option<Vec<String>> {
            let list = members.get(name)?.as_array()?.iter();
            list.map(|one| one.as_str().map(str::to_owned)).collect()
        };
        let methods = list("token_endpoint_auth_methods_supported");
        let grant_types = list("grant_types_supported");
        Ok(Self {
            issuer: found,
            jwks_uri: endpoint("jwks_uri"),
            token_endpoint: endpoint("token_endpoint"),
            authorization_endpoint: endpoint("authorization_endpoint"),
            device_authorization_endpoint: endpoint("device_authorization_endpoint"),
            revocation_endpoint: endpoint("revocation_endpoint"),
            introspection_endpoint: endpoint("introspection_endpoint"),
            status_list_aggregation_endpoint: endpoint("status_list_aggregation_endpoint"),
            grant_types: grant_types
                .unwrap_or_else(|| vec!["authorization_code".to_owned(), "implicit".to_owned()]),
            scopes: list("scopes_supported").unwrap_or_default(),
            names_issuer: members
                .get("authorization_response_iss_parameter_supported")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            takes_basic: methods
                .is_none_or(|methods| methods.iter().any(|one| one == "client_secret_basic")),
        })
    }
}

/// Where an issuer's metadata is.
fn places(issuer: &str) -> Vec<String> {
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    let mut places = vec![format!("{base}/.well-known/openid-configuration")];
    // Between host and path (RFC 8414 §3.1).
    if let Some((scheme, rest)) = base.split_once("://") {
        let (host, path) = match rest.split_once('/') {
            Some((host, path)) => (host, format!("/{path}")),
            None => (rest, String::new()),
        };
        places.push(format!(
            "{scheme}://{host}/.well-known/oauth-authorization-server{path}"
        ));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(value: &Value) -> Result<Metadata, Error> {
        Metadata::from_members(value.as_object().unwrap(), "https://i/x")
    }

    #[test]
    fn metadata_are_where_the_standards_put_them() {
        assert_eq!(
            places("https://i/x/"),
            [
                "https://i/x/.well-known/openid-configuration",
                "https://i/.well-known/oauth-authorization-server/x"
            ]
        );
        assert_eq!(
            places("https://i"),
            [
                "https://i/.well-known/openid-configuration",
                "https://i/.well-known/oauth-authorization-server"
            ]
        );
    }

    #[test]
    fn they_are_of_the_issuer_that_was_asked() {
        assert!(metadata(&json!({"issuer": "https://i/x"})).is_ok());
        for other in ["https://i/x/", "https://I/x", "https://j/x", ""] {
            let found = other.to_owned();
            let refused = metadata(&json!({ "issuer": other }));
            assert_eq!(refused, Err(Error::Issuer { found }));
        }
        for odd in [json!({}), json!({"issuer": 1}), json!({"issuer": null})] {
            assert_eq!(metadata(&odd), Err(Error::Form("its metadata")));
        }
    }

    #[test]
    fn an_https_issuer_names_no_place_in_clear() {
        let jwks_uri = |uri: &str| {
            let value = json!({ "issuer": "https://i/x", "jwks_uri": uri });
            metadata(&value).unwrap().jwks_uri
        };
        assert!(jwks_uri("https://keys.i/").is_some());
        assert_eq!(jwks_uri("http://127.0.0.1/"), None);
        let issuer = "http://127.0.0.1:1";
        let value = json!({ "issuer": issuer, "jwks_uri": "http://127.0.0.1:2/" });
        let of_loopback = Metadata::from_members(value.as_object().unwrap(), issuer).unwrap();
        assert!(of_loopback.jwks_uri.is_some());
    }

    #[test]
    fn how_a_secret_is_sent_is_the_servers_to_say() {
        let takes_basic = |methods: Value| {
            let value = json!({
                "issuer": "https://i/x",
                "token_endpoint_auth_methods_supported": methods,
            });
            metadata(&value).unwrap().takes_basic
        };
        assert!(takes_basic(json!(null)));
        assert!(takes_basic(json!([
            "client_secret_post",
            "client_secret_basic"
        ])));
        assert!(!takes_basic(json!(["client_secret_post", "none"])));
    }
}
