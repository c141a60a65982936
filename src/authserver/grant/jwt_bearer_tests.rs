//! JWT assertions as grants.

use crate::testing::{ACCOUNT, Answer, CONFIG, SECRET, World, confidential};
use serde_json::{Value, json};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

const TRUST: &str = "audience = [\"https://auth.example.org\", \"ssh://h\", \
    \"https://auth.example.org/token\"]\n\
    [[allow]]\naccount = \"daemon\"\nservices = [\"pam-jwt-authserver\"]\n\
    claims = { repository = \"ours\" }\n";

async fn world() -> World {
    let job =
        format!("grant_types = [\"{JWT_BEARER}\"]\nscopes = [\"openid\", \"ssh\", \"ops\"]\n");
    World::new(CONFIG, &[confidential("job", &job)]).await
}

async fn sent(world: &World, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", JWT_BEARER), ("assertion", assertion)];
    form.extend(more);
    world.post("/token", &form, Some(("job", SECRET))).await
}

fn claims(world: &World, jti: &str) -> Value {
    json!({
        "sub": "repo:x", "aud": "https://auth.example.org", "exp": world.now() + 120,
        "jti": jti, "repository": "ours",
    })
}

/// Checklist: C.14
#[tokio::test]
async fn an_assertion_becomes_a_token_once() {
    let world = world().await;
    let ci = world.trust("ci", TRUST);
    let assertion = ci.token(&claims(&world, "one"));
    let answer = sent(&world, &assertion, &[("scope", "openid ssh")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let token = answer.claims("access_token");
    assert_eq!(
        (&token["sub"], &token["client_id"]),
        (&json!(ACCOUNT), &json!("job"))
    );
    for absent in ["refresh_token", "id_token", "issued_token_type"] {
        assert_eq!(answer.json().get(absent), None, "{absent}");
    }
    assert!(answer.json()["expires_in"].as_u64().unwrap() <= 120);
    let again = sent(&world, &assertion, &[]).await;
    assert_eq!(again.refusal(), (400, "invalid_grant".to_owned()));
    // Another issuer's of the same jti is another.
    let other = world.trust("other", TRUST).token(&claims(&world, "one"));
    assert_eq!(sent(&world, &other, &[]).await.status, 200);
    let by_endpoint = json!("https://auth.example.org/token");
    let mut two = claims(&world, "two");
    two["aud"] = by_endpoint;
    assert_eq!(sent(&world, &ci.token(&two), &[]).await.status, 200);
}

/// Checklist: C.14
#[tokio::test]
async fn an_assertion_that_is_not_good_is_an_invalid_grant() {
    let world = world().await;
    let ci = world.trust("ci", TRUST);
    let now = world.now();
    for change in [
        json!({ "jti": null }),
        // The machine takes it, but it is not for this server.
        json!({ "aud": "ssh://h" }),
        json!({ "aud": "https://elsewhere.example.org" }),
        json!({ "exp": now - 1 }),
        json!({ "exp": null }),
        json!({ "nbf": now + 400 }),
        json!({ "repository": "theirs" }),
        json!({ "iss": "https://unknown.example.org" }),
        json!({ "iss": "https://auth.example.org" }),
    ] {
        let mut claims = claims(&world, "one");
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        let refused = sent(&world, &ci.token(&claims), &[]).await;
        assert_eq!(
            refused.refusal(),
            (400, "invalid_grant".to_owned()),
            "{change}"
        );
    }
    let forged = world.trust("other", TRUST);
    let mut claims_of_other = claims(&world, "one");
    claims_of_other["iss"] = json!(ci.issuer);
    let refused = sent(&world, &forged.token(&claims_of_other), &[]).await;
    assert_eq!(refused.refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(
        sent(&world, "", &[]).await.refusal(),
        (400, "invalid_request".to_owned())
    );
    // None of that has used the jti up.
    let good = ci.token(&claims(&world, "one"));
    let refused = sent(&world, &good, &[("scope", "api")]).await;
    assert_eq!(refused.refusal(), (400, "invalid_scope".to_owned()));
    assert_eq!(sent(&world, &good, &[]).await.status, 200);
}
