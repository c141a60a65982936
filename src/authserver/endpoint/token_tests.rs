//! What the token endpoint asks of every request, whatever the grant.

use crate::testing::{CONFIG, SECRET, World, basic_of, confidential, public};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Method, Request};

const FORM: &str = "application/x-www-form-urlencoded";

async fn world() -> World {
    let job = "grant_types = [\"client_credentials\"]\nscopes = [\"api\"]\n";
    World::new(CONFIG, &[confidential("job", job), public("app", "")]).await
}

fn request(method: Method, uri: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(uri)
        .header(CONTENT_TYPE, content_type)
        .header(AUTHORIZATION, basic_of("job", SECRET))
        .body(body.into())
        .unwrap()
}

/// Checklist: C.7
#[tokio::test]
async fn it_takes_a_form_by_post_and_nothing_else() {
    let world = world().await;
    let good = "grant_type=client_credentials";
    let post =
        |uri, content_type, body: &str| request(Method::POST, uri, content_type, body.to_owned());
    let answer = world.send(post("/token", FORM, good)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let with_charset = format!("{FORM}; charset=UTF-8");
    assert_eq!(
        world.send(post("/token", &with_charset, good)).await.status,
        200
    );
    let in_query = format!("/token?{good}");
    for (uri, content_type, body) in [
        (
            "/token",
            "application/json",
            "{\"grant_type\":\"client_credentials\"}",
        ),
        ("/token", "text/plain", good),
        ("/token", "multipart/form-data", good),
        (in_query.as_str(), FORM, ""),
        (in_query.as_str(), FORM, good),
        ("/token", FORM, ""),
        (
            "/token",
            FORM,
            "grant_type=client_credentials&grant_type=client_credentials",
        ),
        (
            "/token",
            FORM,
            "grant_type=client_credentials&scope=api&scope=api",
        ),
        ("/token", FORM, "grant_type=client_credentials&x=%ff"),
        ("/token", FORM, "grant_type=client_credentials&x=%0a"),
    ] {
        let refused = world.send(post(uri, content_type, body)).await;
        assert_eq!(
            refused.refusal(),
            (400, "invalid_request".to_owned()),
            "{uri} {body}"
        );
        assert_eq!(refused.header("cache-control"), "no-store");
    }
    let long = format!("{good}&x={}", "a".repeat(64 * 1024));
    let refused = world.send(post("/token", FORM, &long)).await;
    assert_eq!(refused.refusal(), (400, "invalid_request".to_owned()));
    for method in [Method::GET, Method::PUT, Method::HEAD, Method::DELETE] {
        let answer = world
            .send(request(method.clone(), &in_query, FORM, ""))
            .await;
        assert_eq!(answer.status, 405, "{method}");
    }
    // What is not known is ignored (RFC 6749 §3.2).
    let unknown = format!("{good}&unknown=1");
    assert_eq!(world.send(post("/token", FORM, &unknown)).await.status, 200);
}

/// Checklist: C.9
#[tokio::test]
async fn a_grant_is_one_that_there_is_and_that_the_client_is_registered_for() {
    let world = world().await;
    for (grant, error) in [
        ("authorization_code", "unauthorized_client"),
        ("refresh_token", "unauthorized_client"),
        ("password", "unauthorized_client"),
        (
            "urn:ietf:params:oauth:grant-type:device_code",
            "unauthorized_client",
        ),
        (
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "unauthorized_client",
        ),
        (
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "unauthorized_client",
        ),
        ("implicit", "unsupported_grant_type"),
        ("unknown", "unsupported_grant_type"),
        ("CLIENT_CREDENTIALS", "unsupported_grant_type"),
        ("", "invalid_request"),
    ] {
        let refused = world
            .post("/token", &[("grant_type", grant)], Some(("job", SECRET)))
            .await;
        assert_eq!(refused.refusal(), (400, error.to_owned()), "{grant}");
        assert_eq!(refused.header("cache-control"), "no-store");
    }
    let form = [("grant_type", "client_credentials")];
    let answer = world.post("/token", &form, Some(("job", SECRET))).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (200, "no-store")
    );
    assert_eq!(answer.header("content-type"), "application/json");
    // RFC 6749 §5.2: a description is printable ASCII without quotes.
    let refused = world
        .post(
            "/token",
            &[("grant_type", "x\u{e9}\"")],
            Some(("job", SECRET)),
        )
        .await;
    let description = refused.member("error_description");
    assert!(
        description
            .bytes()
            .all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"')
    );
}
