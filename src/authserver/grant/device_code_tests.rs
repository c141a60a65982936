//! Device codes at the token endpoint.

use crate::store::{Decision, Device};
use crate::testing::{Answer, CONFIG, World, public};
use crate::token::secret::{self, Secret};

const CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn world() -> World {
    let tv =
        format!("grant_types = [\"{CODE}\", \"refresh_token\"]\nscopes = [\"openid\", \"ssh\"]\n");
    World::new(CONFIG, &[public("tv", &tv), public("other", &tv)]).await
}

/// A device code of the client `tv` and its user code's digest, which end in so many seconds.
async fn device(world: &World, lifetime: u64) -> (String, String) {
    let device = Device {
        client_id: "tv".to_owned(),
        scopes: vec!["ssh".to_owned()],
        resources: Vec::new(),
    };
    let (code, user_code) = (Secret::new().unwrap(), Secret::new().unwrap());
    let expires = world.now() + lifetime;
    let put = world
        .server
        .store
        .put_device(&code.digest, &user_code.digest, &device, 5, expires);
    assert!(put.await.unwrap());
    (code.text.to_string(), user_code.digest)
}

async fn poll(world: &World, code: &str, client_id: &str) -> Answer {
    let form = [
        ("grant_type", CODE),
        ("client_id", client_id),
        ("device_code", code),
    ];
    world.post("/token", &form, None).await
}

async fn decide(world: &World, user_code: &str, decision: Decision) {
    let store = &world.server.store;
    let decided = store.decide_device(user_code, &decision, world.now());
    assert!(decided.await.unwrap());
}

fn refusal(error: &str) -> (u16, String) {
    (400, error.to_owned())
}

/// Checklist: C.13
#[tokio::test]
async fn a_device_waits_and_slows_down_until_somebody_has_allowed_it() {
    let world = world().await;
    let (code, user_code) = device(&world, 600).await;
    let first = poll(&world, &code, "tv").await;
    assert_eq!(first.refusal(), refusal("authorization_pending"));
    let at_once = poll(&world, &code, "tv").await;
    assert_eq!(at_once.refusal(), refusal("slow_down"));
    assert_eq!(
        poll(&world, &code, "other").await.refusal(),
        refusal("invalid_grant")
    );

    let allowed = world.grant("tv", &["openid", "ssh"]);
    decide(&world, &user_code, Decision::Allowed(Box::new(allowed))).await;
    let answer = poll(&world, &code, "tv").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.member("scope"), "openid ssh");
    assert_eq!(answer.claims("id_token")["aud"], "tv");
    let digest = secret::digest(&answer.member("refresh_token"));
    assert!(world.server.store.refresh(&digest).await.unwrap().is_some());

    // It is used up, and who uses it again ends what came of it.
    assert_eq!(
        poll(&world, &code, "tv").await.refusal(),
        refusal("invalid_grant")
    );
    let index = answer.claims("access_token")["status"]["status_list"]["idx"].as_u64();
    assert!(world.server.revoked.has(index.unwrap()));
}

/// Checklist: C.13
#[tokio::test]
async fn a_device_is_told_that_it_was_refused_or_that_it_is_too_late() {
    let world = world().await;
    let (code, user_code) = device(&world, 600).await;
    decide(&world, &user_code, Decision::Denied).await;
    assert_eq!(
        poll(&world, &code, "tv").await.refusal(),
        refusal("access_denied")
    );
    let (over, _) = device(&world, 0).await;
    assert_eq!(
        poll(&world, &over, "tv").await.refusal(),
        refusal("expired_token")
    );
    let unknown = poll(&world, "unknown", "tv").await;
    assert_eq!(unknown.refusal(), refusal("invalid_grant"));
    assert_eq!(
        poll(&world, "", "tv").await.refusal(),
        refusal("invalid_request")
    );
}
