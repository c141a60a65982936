//! Codes at the token endpoint: a good request, and requests that differ from it in one thing.

use crate::store::{Code, Grant};
use crate::testing::{
    ACCOUNT, Answer, CHALLENGE, CONFIG, ISSUER, REDIRECT, VERIFIER, World, confidential, public,
    typ_of,
};
use jose::Algorithm;
use jose::digest::left_half_base64url;
use serde_json::json;

const WEB: &str = "redirect_uris = [\"https://app.example.org/cb\"]\n\
    grant_types = [\"authorization_code\", \"refresh_token\"]\n\
    scopes = [\"openid\", \"ssh\", \"api\", \"staff\", \"ops\"]\n";

async fn world() -> World {
    let once = "redirect_uris = [\"https://app.example.org/cb\"]\n\
        grant_types = [\"authorization_code\"]\nscopes = [\"ssh\"]\n";
    let clients = [
        public("app", WEB),
        public("other", WEB),
        confidential("web", once),
    ];
    World::new(CONFIG, &clients).await
}

/// A good request with this code, but for the parameters in `other`; one without a value is not
/// sent.
async fn redeem(world: &World, code: &str, other: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    form.retain(|(name, _)| other.iter().all(|(replaced, _)| replaced != name));
    form.extend(other);
    world.post("/token", &form, None).await
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

/// Checklist: C.17, C.18
#[tokio::test]
async fn a_code_becomes_an_access_token_an_id_token_and_a_refresh_token() {
    let world = world().await;
    let grant = world.grant("app", &["openid", "ssh", "staff"]);
    let auth_time = grant.auth_time;
    let answer = redeem(&world, &world.code(grant).await, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.member("token_type"), "Bearer");
    assert_eq!(answer.json()["expires_in"], 600);
    assert_eq!(answer.member("scope"), "openid ssh staff");
    assert!(answer.member("refresh_token").len() >= 43);

    let access = answer.claims("access_token");
    assert_eq!(
        typ_of(&answer.member("access_token")).as_deref(),
        Some("at+jwt")
    );
    for (name, value) in [
        ("iss", json!(ISSUER)),
        ("sub", json!(ACCOUNT)),
        ("aud", json!(ISSUER)),
        ("client_id", json!("app")),
        ("scope", json!("openid ssh staff")),
        ("auth_time", json!(auth_time)),
        ("amr", json!(["pwd"])),
        ("groups", json!([ACCOUNT])),
    ] {
        assert_eq!(access[name], value, "{name}");
    }
    assert_eq!(
        access["exp"].as_u64().unwrap() - access["iat"].as_u64().unwrap(),
        600
    );

    let id_token = answer.claims("id_token");
    assert_eq!(typ_of(&answer.member("id_token")).as_deref(), Some("JWT"));
    let at_hash = left_half_base64url(Algorithm::EdDsa, answer.member("access_token").as_bytes());
    for (name, value) in [
        ("iss", json!(ISSUER)),
        ("sub", json!(ACCOUNT)),
        ("aud", json!("app")),
        ("nonce", json!("n-0S6_WzA2Mj")),
        ("auth_time", json!(auth_time)),
        ("amr", json!(["pwd"])),
        ("at_hash", json!(at_hash)),
    ] {
        assert_eq!(id_token[name], value, "{name}");
    }
    assert!(id_token["exp"].as_u64().unwrap() > world.now());
}

/// Checklist: C.18
#[tokio::test]
async fn without_the_scope_openid_there_is_no_id_token() {
    let world = world().await;
    let code = world.code(world.grant("app", &["ssh"])).await;
    let answer = redeem(&world, &code, &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json().get("id_token"), None);
}

/// Checklist: C.4, C.8
#[tokio::test]
async fn a_code_is_for_its_client_redirect_uri_and_verifier_alone() {
    let world = world().await;
    let code = world.code(world.grant("app", &["ssh"])).await;
    for other in [
        [("client_id", "other")],
        [("redirect_uri", "https://app.example.org/cb2")],
        [("redirect_uri", "https://app.example.org/cb/")],
        [("redirect_uri", "")],
        [(
            "code_verifier",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK",
        )],
        [("code_verifier", CHALLENGE)],
        [("code_verifier", "short")],
        [("code_verifier", "")],
        [("code", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")],
    ] {
        let refused = redeem(&world, &code, &other).await;
        assert_eq!(refused.refusal(), invalid_grant(), "{other:?}");
        assert_eq!(refused.header("cache-control"), "no-store");
    }
    let missing = redeem(&world, "", &[]).await;
    assert_eq!(missing.refusal(), (400, "invalid_request".to_owned()));
    // None of that has used it up.
    assert_eq!(redeem(&world, &code, &[]).await.status, 200);
}

/// Checklist: C.4
#[tokio::test]
async fn a_challenge_is_required_of_a_public_client_and_a_verifier_without_one_is_refused() {
    let world = world().await;
    let without = |client_id: &str| Code {
        grant: world.grant(client_id, &["ssh"]),
        redirect_uri: Some(REDIRECT.to_owned()),
        challenge: None,
    };
    let expires = world.now() + 60;
    let code = world.put_code(&without("app"), expires).await;
    let none = [("code_verifier", "")];
    assert_eq!(
        redeem(&world, &code, &none).await.refusal(),
        invalid_grant()
    );

    let code = world.put_code(&without("web"), expires).await;
    let confidential = [
        ("client_id", "web"),
        ("client_secret", crate::testing::SECRET),
    ];
    let refused = redeem(&world, &code, &confidential).await;
    assert_eq!(refused.refusal(), invalid_grant());
    let confidential = [&confidential[..], &none].concat();
    let answer = redeem(&world, &code, &confidential).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // It is not registered for that grant.
    assert_eq!(answer.json().get("refresh_token"), None);
}

/// Checklist: C.8
#[tokio::test]
async fn a_code_that_is_over_is_refused() {
    let world = world().await;
    let code = Code {
        grant: world.grant("app", &["ssh"]),
        redirect_uri: Some(REDIRECT.to_owned()),
        challenge: Some(CHALLENGE.to_owned()),
    };
    let over = world.put_code(&code, world.now()).await;
    assert_eq!(redeem(&world, &over, &[]).await.refusal(), invalid_grant());
    let most = world.server.settings().config.lifetimes.code;
    assert!(most <= 600);
}

/// Checklist: C.8, C.11
#[tokio::test]
async fn a_code_that_is_used_twice_takes_its_tokens_back() {
    let world = world().await;
    let code = world.code(world.grant("app", &["ssh"])).await;
    let answer = redeem(&world, &code, &[]).await;
    let index = answer.claims("access_token")["status"]["status_list"]["idx"].as_u64();
    let index = index.unwrap();
    // Another client that has found it does no harm.
    let other = redeem(&world, &code, &[("client_id", "other")]).await;
    assert_eq!(other.refusal(), invalid_grant());
    assert!(!world.server.revoked.has(index));

    assert_eq!(redeem(&world, &code, &[]).await.refusal(), invalid_grant());
    assert!(world.server.revoked.has(index));
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", &answer.member("refresh_token")),
    ];
    let refused = world.post("/token", &refresh, None).await;
    assert_eq!(refused.refusal(), invalid_grant());
}

/// Checklist: C.8
#[tokio::test]
async fn of_many_requests_with_one_code_one_has_tokens_and_they_are_taken_back() {
    let world = world().await;
    let code = world.code(world.grant("app", &["ssh"])).await;
    let (a, b, c) = tokio::join!(
        redeem(&world, &code, &[]),
        redeem(&world, &code, &[]),
        redeem(&world, &code, &[])
    );
    let (good, bad): (Vec<_>, Vec<_>) = [a, b, c].into_iter().partition(|one| one.status == 200);
    assert_eq!((good.len(), bad.len()), (1, 2));
    let index = good[0].claims("access_token")["status"]["status_list"]["idx"].as_u64();
    assert!(world.server.revoked.has(index.unwrap()));
}

#[tokio::test]
async fn an_account_that_is_gone_or_the_systems_has_no_tokens() {
    let world = world().await;
    for account in ["no-such-account", "root", "nobody"] {
        let grant = Grant {
            account: account.to_owned(),
            ..world.grant("app", &["ssh"])
        };
        let code = world.code(grant).await;
        assert_eq!(redeem(&world, &code, &[]).await.refusal(), invalid_grant());
    }
}

#[tokio::test]
async fn scopes_that_the_account_may_not_have_are_left_out() {
    let world = world().await;
    let code = world.code(world.grant("app", &["ssh", "ops"])).await;
    assert_eq!(redeem(&world, &code, &[]).await.member("scope"), "ssh");
    let code = world.code(world.grant("app", &["ops"])).await;
    let refused = redeem(&world, &code, &[]).await;
    assert_eq!(refused.refusal(), (400, "invalid_scope".to_owned()));
}

/// Checklist: C.12
#[tokio::test]
async fn a_resource_is_one_that_was_allowed_and_that_a_scope_reaches() {
    let world = world().await;
    let resource = |name: &'static str| [("resource", name)];
    let code = world.code(world.grant("app", &["ssh", "api"])).await;
    for unknown in ["https://elsewhere.example.org", "ssh://h#x", "ssh"] {
        let refused = redeem(&world, &code, &resource(unknown)).await;
        assert_eq!(
            refused.refusal(),
            (400, "invalid_target".to_owned()),
            "{unknown}"
        );
    }
    let answer = redeem(&world, &code, &resource("ssh://h")).await;
    assert_eq!(answer.claims("access_token")["aud"], "ssh://h");

    let allowed = ["ssh://h", "https://api.example.org"];
    let grant = Grant {
        resources: allowed.map(str::to_owned).to_vec(),
        ..world.grant("app", &["ssh", "api"])
    };
    let code = world.code(grant).await;
    let refused = redeem(&world, &code, &resource("ssh://another")).await;
    assert_eq!(refused.refusal(), (400, "invalid_target".to_owned()));
    let answer = redeem(&world, &code, &resource("ssh://h")).await;
    assert_eq!(answer.claims("access_token")["aud"], "ssh://h");
    // The refresh token is good for both.
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", &answer.member("refresh_token")),
    ];
    let answer = world.post("/token", &refresh, None).await;
    assert_eq!(answer.claims("access_token")["aud"], json!(allowed));
}
