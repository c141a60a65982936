//! What can be taken back, and by whom.

use super::introspect_tests::granted;
use super::path;
use crate::testing::{Answer, SECRET, World, confidential, public};
use crate::token::access::Access;
use crate::token::status::LEEWAY;

async fn world() -> World {
    let clients = [
        confidential("a", "introspects = true"),
        confidential("b", ""),
        public("p", ""),
    ];
    World::new("", &clients).await
}

async fn revoke(world: &World, who: &str, form: &[(&str, &str)]) -> Answer {
    world.post(path::REVOKE, form, Some((who, SECRET))).await
}

async fn is_active(world: &World, token: &str) -> bool {
    let asked = world
        .post(path::INTROSPECT, &[("token", token)], Some(("a", SECRET)))
        .await;
    asked.json()["active"] == true
}

/// Checklist: C.15
#[tokio::test]
async fn an_access_token_is_taken_back_alone_and_for_good() {
    let world = world().await;
    for hint in ["access_token", "refresh_token", "unknown"] {
        let (access, refresh) = granted(&world, "a").await;
        assert!(is_active(&world, &access).await);
        let form = [("token", access.as_str()), ("token_type_hint", hint)];
        let answer = revoke(&world, "a", &form).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{hint}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(!is_active(&world, &access).await);
        assert!(is_active(&world, &refresh).await);
        // What is no more is no more, as asked.
        assert_eq!(revoke(&world, "a", &form).await.status, 200);
    }
    let known = world.server.store.revoked(0, world.now()).await.unwrap();
    assert_eq!(known.indices.len(), 3, "the store has them");
}

/// Checklist: C.15
#[tokio::test]
async fn a_refresh_token_is_taken_back_with_all_that_came_of_it() {
    let world = world().await;
    for hint in ["access_token", "refresh_token", "unknown"] {
        let (access, refresh) = granted(&world, "a").await;
        let form = [("token", refresh.as_str()), ("token_type_hint", hint)];
        assert!(is_active(&world, &access).await && is_active(&world, &refresh).await);
        assert_eq!(revoke(&world, "a", &form).await.status, 200);
        assert!(!is_active(&world, &access).await && !is_active(&world, &refresh).await);
        assert_eq!(revoke(&world, "a", &form).await.status, 200);
    }
}

/// Checklist: C.15
#[tokio::test]
async fn what_is_unknown_is_good_no_more() {
    let world = world().await;
    for token in ["unknown", "a.b.c", "...", "eyJhbGciOiJub25lIn0.e30."] {
        assert_eq!(
            revoke(&world, "a", &[("token", token)]).await.status,
            200,
            "{token}"
        );
    }
}

/// Checklist: C.15
#[tokio::test]
async fn another_clients_token_is_refused_and_stays() {
    let world = world().await;
    let (access, refresh) = granted(&world, "a").await;
    for token in [&access, &refresh] {
        let answer = revoke(&world, "b", &[("token", token)]).await;
        assert_eq!(answer.refusal(), (400, "invalid_grant".to_owned()));
        let form = [("token", token.as_str()), ("client_id", "p")];
        let answer = world.post(path::REVOKE, &form, None).await;
        assert_eq!(answer.refusal(), (400, "invalid_grant".to_owned()));
        for basic in [None, Some(("a", "wrong"))] {
            let answer = world.post(path::REVOKE, &[("token", token)], basic).await;
            assert_eq!(answer.refusal(), (401, "invalid_client".to_owned()));
        }
        assert!(is_active(&world, token).await);
    }
    let answer = revoke(&world, "a", &[]).await;
    assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()));
}

/// Checklist: C.15
#[tokio::test]
async fn a_public_client_takes_back_its_own() {
    let world = world().await;
    let (access, refresh) = granted(&world, "p").await;
    for token in [&access, &refresh] {
        let form = [("token", token.as_str()), ("client_id", "p")];
        assert_eq!(world.post(path::REVOKE, &form, None).await.status, 200);
        assert!(!is_active(&world, token).await);
    }
}

/// Hosts, whose clocks differ, take a token for a while after it has expired.
///
/// Checklist: C.15
#[tokio::test]
async fn a_token_that_has_just_expired_is_taken_back_too() {
    let world = world().await;
    let settings = world.server.settings();
    for (ago, expected) in [(LEEWAY - 100, true), (LEEWAY + 100, false)] {
        let index = world.server.next_index().await.unwrap();
        let access = Access {
            issuer: &settings.config.issuer,
            subject: "alice",
            client_id: "a",
            now: world.now() - ago - 60,
            lifetime: 60,
            index,
            ..Access::default()
        };
        let key = settings.keys.signing(world.now()).unwrap();
        let token = access.signed(key).unwrap().token;
        assert_eq!(revoke(&world, "a", &[("token", &token)]).await.status, 200);
        assert_eq!(world.server.revoked.has(index), expected, "{ago}");
    }
}
