//! Who may register a client, and what it can do then.

use super::path;
use super::request::{BodyLimit, Peer};
use crate::testing::{Answer, World, confidential};
use crate::token::secret;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use std::sync::Arc;
use tower::Service;

const TOKEN: &str = "an-initial-access-token";
const SCOPES: &str = "\nscopes = [\"openid\", \"api\"]\n\
    [scopes.api]\ndescription = \"d\"\naudiences = [\"https://api\"]";

async fn world(registration: &str) -> World {
    let config = format!("issuer = \"https://[::1]\"\n[registration]\n{registration}{SCOPES}");
    World::new(&config, &[confidential("c", "")]).await
}

async fn register(world: &World, token: Option<&str>, document: &Value) -> Answer {
    let mut request = Request::builder()
        .method("POST")
        .uri(path::REGISTER)
        .header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    world
        .send(request.body(Body::from(document.to_string())).unwrap())
        .await
}

fn document() -> Value {
    json!({
        "client_name": "A program", "grant_types": ["client_credentials"],
        "scope": "api other", "response_types": [],
    })
}

/// Checklist: C.16
#[tokio::test]
async fn who_has_the_initial_access_token_registers_a_client_that_works() {
    let digest = secret::digest(TOKEN);
    let world = world(&format!(
        "mode = \"initial_access_token\"\ninitial_access_tokens = [\"{digest}\"]"
    ))
    .await;
    let answer = register(&world, Some(TOKEN), &document()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.member("scope"), "api");
    assert_eq!(answer.json()["client_secret_expires_at"], 0);
    assert!(answer.json()["client_id_issued_at"].as_u64().unwrap() <= world.now());
    let (id, secret) = (answer.member("client_id"), answer.member("client_secret"));
    let kept = world.server.store.registered(&id).await.unwrap().unwrap();
    assert_eq!(kept.secret_sha256, [secret::digest(&secret)]);
    assert!(kept.consent && !kept.introspects);

    let form = [("grant_type", "client_credentials")];
    let tokens = world.post(path::TOKEN, &form, Some((&id, &secret))).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    assert_eq!(tokens.claims("access_token")["aud"], "https://api");

    let missing = register(&world, None, &document()).await;
    assert_eq!((missing.status, missing.text.as_str()), (401, ""));
    assert!(missing.header("www-authenticate").starts_with("Bearer "));
    for wrong in ["wrong", &digest] {
        let answer = register(&world, Some(wrong), &document()).await;
        assert_eq!(answer.refusal(), (401, "invalid_token".to_owned()));
        assert!(answer.header("www-authenticate").contains("invalid_token"));
    }
}

/// Checklist: C.16
#[tokio::test]
async fn open_registration_is_for_the_machine_itself_and_bounded() {
    let world = world("mode = \"open\"\nmost = 2").await;
    let elsewhere = Request::builder()
        .method("POST")
        .uri(path::REGISTER)
        .header("content-type", "application/json")
        .extension(Peer([192, 0, 2, 1].into()))
        .extension(BodyLimit(4096))
        .body(Body::from(document().to_string()));
    let mut router = super::router(Arc::clone(&world.server));
    let answer = router.call(elsewhere.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 403);
    for expected in [201, 201, 503] {
        assert_eq!(register(&world, None, &document()).await.status, expected);
    }
}

/// Checklist: C.16
#[tokio::test]
async fn where_it_is_off_there_is_nothing() {
    let world = world("mode = \"off\"").await;
    assert_eq!(register(&world, None, &document()).await.status, 404);
    let metadata = world.get(path::OAUTH_METADATA).await.json();
    assert_eq!(metadata.get("registration_endpoint"), None);
}
