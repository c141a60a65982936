//! Passwords at the token endpoint. (PAM itself is asked in tests/hosts.)

use crate::testing::{ACCOUNT, Answer, CONFIG, PASSWORD, SECRET, World, confidential};
use crate::token::secret;
use serde_json::json;

const OLD: &str = "grant_types = [\"password\", \"refresh_token\"]\n\
    scopes = [\"openid\", \"ssh\", \"ops\"]\n";

async fn world() -> World {
    let without = "grant_types = [\"client_credentials\"]\nscopes = [\"ssh\"]\n";
    let clients = [confidential("old", OLD), confidential("new", without)];
    World::new(CONFIG, &clients).await
}

async fn login(world: &World, client_id: &str, name: &str, password: &str) -> Answer {
    let form = [
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
    ];
    world.post("/token", &form, Some((client_id, SECRET))).await
}

/// However somebody types the name, what they get is for the account.
///
/// Checklist: C.17
#[tokio::test]
async fn the_account_is_called_as_the_machine_calls_it() {
    let world = world().await;
    let answer = login(&world, "old", "DAEMON", PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    for token in ["access_token", "id_token"] {
        assert_eq!(answer.claims(token)["sub"], ACCOUNT);
    }
    let digest = secret::digest(&answer.member("refresh_token"));
    let kept = world.server.store.refresh(&digest).await.unwrap().unwrap();
    assert_eq!(
        (kept.grant.account.as_str(), kept.grant.uid),
        (ACCOUNT, Some(1))
    );
}

/// Checklist: C.6
#[tokio::test]
async fn a_password_is_taken_of_a_client_that_is_registered_for_it_alone() {
    let world = world().await;
    let refused = login(&world, "new", ACCOUNT, PASSWORD).await;
    assert_eq!(refused.refusal(), (400, "unauthorized_client".to_owned()));
    let answer = login(&world, "old", ACCOUNT, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.member("scope"), "openid ssh");
    let claims = answer.claims("access_token");
    assert_eq!(
        (&claims["sub"], &claims["amr"]),
        (&json!(ACCOUNT), &json!(["pwd"]))
    );
    assert!(claims["auth_time"].as_u64().unwrap() <= world.now());
    assert_eq!(answer.claims("id_token")["aud"], "old");

    let refresh = answer.member("refresh_token");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    let next = world.post("/token", &form, Some(("old", SECRET))).await;
    assert_eq!(next.status, 200, "{}", next.text);
    let digest = secret::digest(&next.member("refresh_token"));
    assert!(world.server.store.refresh(&digest).await.unwrap().is_some());
    // And what came of the password ends with the rest.
    let again = world.post("/token", &form, Some(("old", SECRET))).await;
    assert_eq!(again.refusal(), (400, "invalid_grant".to_owned()));
    let index = claims["status"]["status_list"]["idx"].as_u64().unwrap();
    assert!(world.server.revoked.has(index));
    assert_eq!(world.told("login", "done", ""), 1);
    assert_eq!(world.told("token", "done", "password"), 1);
    assert_eq!(world.told("token", "refused", "password"), 1);
    assert_eq!(world.told("reuse", "refused", "refresh_token"), 1);
}

/// Checklist: C.6
#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_are_told_alike() {
    let world = world().await;
    let wrong = login(&world, "old", ACCOUNT, "wrong").await;
    assert_eq!(wrong.refusal(), (400, "invalid_grant".to_owned()));
    for name in ["no-such-account", "root"] {
        let other = login(&world, "old", name, "wrong").await;
        assert_eq!(
            (other.status, other.text),
            (400, wrong.text.clone()),
            "{name}"
        );
    }
    let long = "\"".repeat(10_000);
    for (name, password) in [("", PASSWORD), (ACCOUNT, ""), (&long, PASSWORD)] {
        let refused = login(&world, "old", name, password).await;
        assert_eq!(refused.refusal(), (400, "invalid_request".to_owned()));
    }
}

/// Checklist: C.6, C.19
#[tokio::test]
async fn guessing_is_slowed_down_and_the_right_password_waits_too() {
    let world = world().await;
    let busy = (429, "temporarily_unavailable".to_owned());
    // The waits get longer than this machine can be slow.
    for _ in 0..40 {
        if login(&world, "old", ACCOUNT, "wrong").await.refusal() != busy {
            continue;
        }
        let right = login(&world, "old", ACCOUNT, PASSWORD).await;
        if right.refusal() == busy {
            let wait: u64 = right.header("retry-after").parse().unwrap();
            assert!((1..=900).contains(&wait), "{wait}");
            return;
        }
    }
    panic!("40 passwords were tried");
}
