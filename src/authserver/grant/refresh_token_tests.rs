//! Refresh tokens at the token endpoint.

use crate::store::Grant;
use crate::testing::SECRET;
use crate::testing::{Answer, CONFIG, REDIRECT, VERIFIER, World, confidential, public};

const APP: &str = "redirect_uris = [\"https://app.example.org/cb\"]\n\
    grant_types = [\"authorization_code\", \"refresh_token\"]\n\
    scopes = [\"openid\", \"ssh\", \"api\", \"ops\"]\n";

async fn world() -> World {
    let clients = [
        public("app", APP),
        public("other", APP),
        confidential("web", APP),
    ];
    World::new(CONFIG, &clients).await
}

/// What a code for this grant comes to.
async fn first(world: &World, grant: Grant) -> Answer {
    let client_id = grant.client_id.clone();
    let code = world.code(grant).await;
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", client_id.as_str()),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    if client_id == "web" {
        form.push(("client_secret", SECRET));
    }
    let answer = world.post("/token", &form, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

async fn refresh(world: &World, token: &str, client_id: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "refresh_token"),
        ("client_id", client_id),
        ("refresh_token", token),
    ];
    form.extend(more);
    world.post("/token", &form, None).await
}

fn index(answer: &Answer) -> u64 {
    let index = answer.claims("access_token")["status"]["status_list"]["idx"].as_u64();
    index.unwrap()
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

/// Checklist: C.11
#[tokio::test]
async fn a_refresh_token_works_once_and_is_followed_by_another() {
    let world = world().await;
    let grant = world.grant("app", &["openid", "ssh"]);
    let auth_time = grant.auth_time;
    let one = first(&world, grant).await;
    let two = refresh(&world, &one.member("refresh_token"), "app", &[]).await;
    assert_eq!(two.status, 200, "{}", two.text);
    assert_ne!(two.member("refresh_token"), one.member("refresh_token"));
    assert_ne!(index(&two), index(&one));
    assert_eq!(two.member("scope"), "openid ssh");
    // OpenID Connect Core §12.2
    let id_token = two.claims("id_token");
    assert_eq!(id_token["auth_time"].as_u64(), auth_time);
    assert_eq!(id_token.get("nonce"), None);
    let three = refresh(&world, &two.member("refresh_token"), "app", &[]).await;
    assert_eq!(three.status, 200);
    assert!(!world.server.revoked.has(index(&one)));
}

/// Checklist: C.11
#[tokio::test]
async fn one_that_comes_again_takes_back_all_that_came_of_it() {
    let world = world().await;
    let one = first(&world, world.grant("app", &["ssh"])).await;
    let unconcerned = first(&world, world.grant("app", &["ssh"])).await;
    let two = refresh(&world, &one.member("refresh_token"), "app", &[]).await;
    let again = refresh(&world, &one.member("refresh_token"), "app", &[]).await;
    assert_eq!(again.refusal(), invalid_grant());
    assert!(world.server.revoked.has(index(&one)) && world.server.revoked.has(index(&two)));
    let after = refresh(&world, &two.member("refresh_token"), "app", &[]).await;
    assert_eq!(after.refusal(), invalid_grant());

    assert!(!world.server.revoked.has(index(&unconcerned)));
    let other = refresh(&world, &unconcerned.member("refresh_token"), "app", &[]).await;
    assert_eq!(other.status, 200);
    let told = |event, result| world.told(event, result, "refresh_token");
    assert_eq!(told("reuse", "refused"), 1);
    assert_eq!((told("token", "refused"), told("token", "done")), (2, 2));
}

/// Checklist: C.11
#[tokio::test]
async fn of_many_requests_with_one_refresh_token_one_succeeds() {
    let world = world().await;
    let one = first(&world, world.grant("app", &["ssh"])).await;
    let token = one.member("refresh_token");
    let (a, b, c) = tokio::join!(
        refresh(&world, &token, "app", &[]),
        refresh(&world, &token, "app", &[]),
        refresh(&world, &token, "app", &[])
    );
    let good = [&a, &b, &c].into_iter().filter(|one| one.status == 200);
    assert_eq!(good.count(), 1);
    assert!(world.server.revoked.has(index(&one)));
}

/// Checklist: C.11
#[tokio::test]
async fn its_scope_may_shrink_for_once_and_never_grows() {
    let world = world().await;
    let one = first(&world, world.grant("app", &["openid", "ssh"])).await;
    let token = one.member("refresh_token");
    for more in ["ssh api", "api", "unknown"] {
        let refused = refresh(&world, &token, "app", &[("scope", more)]).await;
        assert_eq!(
            refused.refusal(),
            (400, "invalid_scope".to_owned()),
            "{more}"
        );
    }
    let less = refresh(&world, &token, "app", &[("scope", "ssh")]).await;
    assert_eq!(less.member("scope"), "ssh");
    assert_eq!(less.json().get("id_token"), None);
    let all = refresh(&world, &less.member("refresh_token"), "app", &[]).await;
    assert_eq!(all.member("scope"), "openid ssh");
}

/// Checklist: C.11
#[tokio::test]
async fn it_is_its_clients_alone() {
    let world = world().await;
    let one = first(&world, world.grant("app", &["ssh"])).await;
    let token = one.member("refresh_token");
    let other = refresh(&world, &token, "other", &[]).await;
    assert_eq!(other.refusal(), invalid_grant());
    let unknown = refresh(&world, &one.member("access_token"), "app", &[]).await;
    assert_eq!(unknown.refusal(), invalid_grant());
    // A confidential client shows who it is for this too (RFC 6749 §6).
    let web = first(&world, world.grant("web", &["ssh"])).await;
    let nobody = refresh(&world, &web.member("refresh_token"), "web", &[]).await;
    assert_eq!(nobody.refusal(), (401, "invalid_client".to_owned()));
    // Nothing was taken back by any of that.
    assert_eq!(refresh(&world, &token, "app", &[]).await.status, 200);
}

#[tokio::test]
async fn nothing_outlives_what_was_allowed() {
    let world = world().await;
    let grant = Grant {
        expires: world.now() + 100,
        ..world.grant("app", &["ssh"])
    };
    let one = first(&world, grant).await;
    let lifetime = one.json()["expires_in"].as_u64().unwrap();
    assert!((1..=100).contains(&lifetime), "{lifetime}");
    let digest = crate::token::secret::digest(&one.member("refresh_token"));
    let kept = world.server.store.refresh(&digest).await.unwrap().unwrap();
    assert_eq!(kept.expires, kept.grant.expires);
}

#[tokio::test]
async fn a_scope_that_the_client_has_no_longer_is_left_out() {
    let world = world().await;
    let grant = world.grant("app", &["ssh", "not-registered", "ops"]);
    assert_eq!(first(&world, grant).await.member("scope"), "ssh");
}

#[tokio::test]
async fn a_name_that_was_given_to_somebody_else_has_nothing_of_before() {
    let world = world().await;
    let grant = world.grant("app", &["ssh"]);
    let of = async |uid| {
        let grant = Grant {
            id: format!("{}{uid:?}", grant.id),
            uid,
            ..grant.clone()
        };
        let code = world.code(grant).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        let answer = world.post("/token", &form, None).await;
        (answer.status, answer.text.contains("somebody else"))
    };
    assert_eq!(of(grant.uid).await, (200, false));
    assert_eq!(of(Some(4711)).await, (400, true));
}
