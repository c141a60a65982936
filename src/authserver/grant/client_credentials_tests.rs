//! A client's own tokens.

use crate::testing::{CONFIG, ISSUER, SECRET, World, confidential, public};
use serde_json::json;
use system::account_db;

const OWN: &str = "grant_types = [\"client_credentials\", \"refresh_token\"]\n\
    scopes = [\"openid\", \"api\", \"ssh\"]\n";

/// Checklist: C.10, C.17
#[tokio::test]
async fn a_client_has_a_token_of_its_own_and_no_other() {
    let world = World::new(CONFIG, &[confidential("job", OWN)]).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "openid api"),
    ];
    let answer = world.post("/token", &form, Some(("job", SECRET))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.member("scope"), "api");
    for absent in ["refresh_token", "id_token"] {
        assert_eq!(answer.json().get(absent), None, "{absent}");
    }
    let claims = answer.claims("access_token");
    for (name, value) in [
        ("iss", json!(ISSUER)),
        ("sub", json!("client:job")),
        ("aud", json!("https://api.example.org")),
        ("client_id", json!("job")),
        ("scope", json!("api")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert_eq!(claims.get("auth_time"), None);
}

/// Checklist: C.10
#[tokio::test]
async fn a_client_that_is_called_as_an_account_is_none() {
    let world = World::new(CONFIG, &[confidential("daemon", OWN)]).await;
    let form = [("grant_type", "client_credentials")];
    let answer = world.post("/token", &form, Some(("daemon", SECRET))).await;
    let claims = answer.claims("access_token");
    let subject = claims["sub"].as_str().unwrap();
    assert!(subject.contains(':'));
    assert_eq!(account_db::uid_of(subject).unwrap(), None);
}

/// Checklist: C.10
#[tokio::test]
async fn a_public_client_has_none() {
    // No file says so (`Client::faults`), and one that registered itself is refused here.
    let world = World::new(CONFIG, &[]).await;
    let public = public("p", OWN);
    let client = toml::from_str(&public).unwrap();
    assert!(world.server.store.register(&client, 9).await.unwrap());
    let form = [("grant_type", "client_credentials"), ("client_id", "p")];
    let refused = world.post("/token", &form, None).await;
    assert_eq!(refused.refusal(), (400, "unauthorized_client".to_owned()));
}

/// A scope that is for some people comes to a client's own token by an administrator alone.
///
/// Checklist: C.10, C.16
#[tokio::test]
async fn who_registered_itself_has_no_scope_that_is_for_some_accounts() {
    let own = "grant_types = [\"client_credentials\"]\nscopes = [\"api\", \"ops\"]\n";
    let world = World::new(CONFIG, &[confidential("job", own)]).await;
    let client = toml::from_str(&confidential("self", own)).unwrap();
    assert!(world.server.store.register(&client, 9).await.unwrap());
    let sent = async |client_id: &str, scope: &str| {
        let form = [("grant_type", "client_credentials"), ("scope", scope)];
        let answer = world.post("/token", &form, Some((client_id, SECRET))).await;
        (answer.status, answer.member("scope"))
    };
    assert_eq!(sent("job", "api ops").await, (200, "api ops".to_owned()));
    assert_eq!(sent("self", "api").await, (200, "api".to_owned()));
    assert_eq!(sent("self", "").await, (200, "api".to_owned()));
    for scope in ["ops", "api ops"] {
        assert_eq!(sent("self", scope).await, (400, String::new()), "{scope}");
    }
}

/// Checklist: C.12
#[tokio::test]
async fn a_resource_that_is_unknown_is_an_invalid_target() {
    let world = World::new(CONFIG, &[confidential("job", OWN)]).await;
    for (resource, status) in [
        ("https://api.example.org", 200),
        ("ssh://host", 200),
        ("https://other.example.org", 400),
        ("api", 400),
    ] {
        let form = [("grant_type", "client_credentials"), ("resource", resource)];
        let answer = world.post("/token", &form, Some(("job", SECRET))).await;
        assert_eq!(answer.status, status, "{resource}");
        let error = if status == 400 { "invalid_target" } else { "" };
        assert_eq!(answer.member("error"), error);
    }
}
