//! Who the person is, and for whom it is not told.

use super::path;
use crate::testing::{Answer, ISSUER, World, confidential};
use crate::token::access::Access;
use axum::body::Body;
use axum::http::{Method, Request};

async fn world() -> World {
    World::new("", &[confidential("c", "")]).await
}

/// A token for the account root, which there is everywhere, with these scopes.
async fn token(world: &World, scopes: &[&str], groups: Option<&[String]>) -> (String, u64) {
    token_of(world, "root", scopes, groups).await
}

async fn token_of(
    world: &World,
    account: &str,
    scopes: &[&str],
    groups: Option<&[String]>,
) -> (String, u64) {
    let both = ["https://api", ISSUER];
    token_at(world, account, &both, scopes, groups).await
}

async fn token_at(
    world: &World,
    account: &str,
    audience: &[&str],
    scopes: &[&str],
    groups: Option<&[String]>,
) -> (String, u64) {
    let settings = world.server.settings();
    let audience: Vec<String> = audience.iter().map(|one| (*one).to_owned()).collect();
    let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let now = world.now();
    let index = world.server.next_index().await.unwrap();
    let access = Access {
        issuer: &settings.config.issuer,
        subject: account,
        audience: &audience,
        client_id: "c",
        scopes: &scopes,
        now,
        lifetime: 60,
        index,
        groups,
        ..Access::default()
    };
    let token = access.signed(settings.keys.signing(now).unwrap()).unwrap();
    (token.token, index)
}

async fn ask(world: &World, method: Method, authorization: &[&str]) -> Answer {
    let mut request = Request::builder().method(method).uri(path::USERINFO);
    for value in authorization {
        request = request.header("authorization", *value);
    }
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn it_tells_what_the_scopes_allow() {
    let world = world().await;
    let (plain, _) = token(&world, &["ssh", "openid"], None).await;
    for method in [Method::GET, Method::POST] {
        for scheme in ["Bearer", "bearer"] {
            let answer = ask(&world, method.clone(), &[&format!("{scheme} {plain}")]).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.json(), serde_json::json!({ "sub": "root" }));
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("pragma"), "no-cache");
        }
    }
    let groups = ["root".to_owned()];
    let (more, _) = token(&world, &["openid", "profile"], Some(&groups)).await;
    let told = ask(&world, Method::GET, &[&format!("Bearer {more}")]).await;
    assert_eq!(told.member("preferred_username"), "root");
    let name = system::account_db::full_name_of("root").unwrap().unwrap();
    assert_eq!(told.member("name"), name);
    assert_eq!(told.json()["groups"], serde_json::json!(["root"]));
}

#[tokio::test]
async fn who_shows_no_token_is_told_how_and_no_error() {
    let world = world().await;
    for authorization in [&[][..], &["Basic YTpi"]] {
        let answer = ask(&world, Method::GET, authorization).await;
        assert_eq!(answer.status, 401);
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, "Bearer realm=\"pam-jwt-authserver\"");
        assert_eq!(answer.text, "");
    }
}

#[tokio::test]
async fn a_token_that_is_not_good_enough_is_refused_and_why() {
    let world = world().await;
    let (without, _) = token(&world, &["ssh"], None).await;
    let answer = ask(&world, Method::GET, &[&format!("Bearer {without}")]).await;
    assert_eq!(answer.refusal(), (403, "insufficient_scope".to_owned()));
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge.contains("error=\"insufficient_scope\""),
        "{challenge}"
    );
    assert!(challenge.ends_with("scope=\"openid\""), "{challenge}");

    let (good, index) = token(&world, &["openid"], None).await;
    let header = format!("Bearer {good}");
    assert_eq!(ask(&world, Method::GET, &[&header]).await.status, 200);
    for (authorization, expected) in [
        (
            vec![header.as_str(), header.as_str()],
            (400, "invalid_request"),
        ),
        (vec!["Bearer "], (400, "invalid_request")),
        (vec!["Bearer a b"], (400, "invalid_request")),
        (vec!["Bearer"], (400, "invalid_request")),
        (vec!["Bearer a.b.c"], (401, "invalid_token")),
        (vec!["Bearer unknown"], (401, "invalid_token")),
    ] {
        let answer = ask(&world, Method::GET, &authorization).await;
        let (status, error) = answer.refusal();
        assert_eq!((status, error.as_str()), expected, "{authorization:?}");
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.contains(&format!("error=\"{error}\"")),
            "{challenge}"
        );
    }
    // The account was there when the token was issued.
    let (gone, _) = token_of(&world, "no-such-account", &["openid"], None).await;
    let answer = ask(&world, Method::GET, &[&format!("Bearer {gone}")]).await;
    assert_eq!(answer.refusal(), (401, "invalid_token".to_owned()));
    let expires = world.now() + 60;
    world.server.revoke(&[(index, expires)]).await.unwrap();
    let answer = ask(&world, Method::GET, &[&header]).await;
    assert_eq!(answer.refusal(), (401, "invalid_token".to_owned()));
}

/// Whom a token is for may not learn more by it than was meant for it.
#[tokio::test]
async fn a_token_for_another_resource_alone_opens_nothing() {
    let world = world().await;
    for (audience, expected) in [
        (vec!["https://api"], 401),
        (
            vec!["https://auth.example.org.evil", "https://auth.example.org/"],
            401,
        ),
        (vec![ISSUER], 200),
        (vec!["https://api", ISSUER], 200),
    ] {
        let (token, _) = token_at(&world, "root", &audience, &["openid"], None).await;
        let answer = ask(&world, Method::GET, &[&format!("Bearer {token}")]).await;
        assert_eq!(answer.status, expected, "{audience:?}");
        let field = answer.header("www-authenticate");
        assert_eq!(
            field.contains("error=\"invalid_token\""),
            expected == 401,
            "{field}"
        );
    }
}

/// A token in a form or an address is none, and what else is there changes nothing.
#[tokio::test]
async fn what_is_beside_the_token_is_not_looked_at() {
    let world = world().await;
    let (good, _) = token(&world, &["openid"], None).await;
    let header = format!("Bearer {good}");
    let in_form = format!("access_token={good}");
    let form = "application/x-www-form-urlencoded";
    let long = [b'a'; 100_000];
    for query in ["", "a=1&a=2", "a=%ff", "a=%zz", "a=%00", &in_form] {
        for body in [&b""[..], in_form.as_bytes(), b"a=\xff", b"a=1&a=2", &long] {
            let send = async |header: Option<&str>| {
                let mut request = Request::builder()
                    .method(Method::POST)
                    .uri(format!("{}?{query}", path::USERINFO))
                    .header("content-type", form);
                if let Some(header) = header {
                    request = request.header("authorization", header);
                }
                let body = Body::from(body.to_vec());
                world.send(request.body(body).unwrap()).await
            };
            let told = send(Some(&header)).await;
            assert_eq!((told.status, told.member("sub")), (200, "root".to_owned()));
            assert_eq!(send(None).await.status, 401, "{query}");
        }
    }
}
