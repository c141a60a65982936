//! That the metadata says what there is, and nothing else.

use super::{endpoints, path};
use crate::testing::{ISSUER, SECRET, World, confidential};
use crate::token::secret;
use clients::{AuthMethod, GrantType};
use serde_json::{Value, json};

async fn world() -> World {
    let config = format!(
        "[registration]\nmode = \"initial_access_token\"\ninitial_access_tokens = [\"{}\"]\n\
         [scopes.ssh]\ndescription = \"d\"",
        secret::digest("t")
    );
    World::new(&config, &[confidential("c", "")]).await
}

/// Checklist: C.17
#[tokio::test]
async fn both_places_have_the_same_document_with_the_issuer_in_it() {
    let world = world().await;
    let oauth = world.get(path::OAUTH_METADATA).await;
    let openid = world.get(path::OPENID_METADATA).await;
    assert_eq!((oauth.status, openid.status), (200, 200));
    assert_eq!(oauth.header("content-type"), "application/json");
    assert_eq!(oauth.text, openid.text);
    assert_eq!(oauth.member("issuer"), ISSUER);
}

/// Checklist: C.17
#[tokio::test]
async fn every_endpoint_that_is_named_is_there() {
    let world = world().await;
    let metadata = world.get(path::OAUTH_METADATA).await.json();
    let members = metadata.as_object().unwrap();
    let named = members
        .iter()
        .filter(|(name, _)| name.ends_with("_endpoint") || name.ends_with("_uri"));
    for (name, address) in named {
        let path = address.as_str().unwrap().strip_prefix(ISSUER).unwrap();
        let is_it = |(endpoint, _): &(&str, _)| *endpoint == path;
        assert!(endpoints().iter().any(is_it), "{name}");
        let answer = world.get(path).await;
        assert_ne!(answer.status, 404, "{name}");
    }
    // What OpenID Connect Discovery §3 and RFC 8414 §2 require.
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "registration_endpoint",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "scopes_supported",
        "claims_supported",
    ] {
        assert!(members.contains_key(name), "{name}");
    }
}

/// Checklist: C.17
#[tokio::test]
async fn the_lists_are_those_of_the_server() {
    let world = world().await;
    let metadata = world.get(path::OAUTH_METADATA).await.json();
    assert_eq!(
        metadata["scopes_supported"],
        json!(["openid", "profile", "offline_access", "ssh"])
    );
    let methods: Vec<&str> = AuthMethod::ALL.iter().map(|method| method.name()).collect();
    assert_eq!(
        metadata["token_endpoint_auth_methods_supported"],
        json!(methods)
    );
    assert_eq!(
        metadata["revocation_endpoint_auth_methods_supported"],
        json!(methods)
    );
    let introspecting = metadata["introspection_endpoint_auth_methods_supported"].as_array();
    assert!(!introspecting.unwrap().contains(&Value::from("none")));
    let form = |grant: &'static str| [("grant_type", grant), ("client_id", "c")];
    for grant in GrantType::ALL.map(GrantType::name) {
        let named = metadata["grant_types_supported"].as_array().unwrap();
        assert!(named.contains(&Value::from(grant)), "{grant}");
        let form = form(grant);
        let answer = world.post(path::TOKEN, &form, Some(("c", SECRET))).await;
        let (_, error) = answer.refusal();
        // The implicit grant has no business at the token endpoint.
        let expected = if grant == "implicit" {
            "unsupported_grant_type"
        } else {
            "unauthorized_client"
        };
        assert_eq!(error, expected, "{grant}");
    }
    let jwks = world.get(path::JWKS).await.json();
    assert_eq!(
        metadata["id_token_signing_alg_values_supported"],
        json!([jwks["keys"][0]["alg"]])
    );
    assert_eq!(
        metadata["code_challenge_methods_supported"],
        json!(["S256"])
    );
    assert_eq!(
        metadata["authorization_response_iss_parameter_supported"],
        true
    );
}
