//! What every endpoint does with what it cannot take. One table, so that none is forgotten: the
//! last test compares it with the metadata.

use super::path;
use crate::testing::{SECRET, World, basic_of, confidential};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Method, Request};

const FORM: &str = "application/x-www-form-urlencoded";

/// The endpoints that take a form from a client that authenticates, and a form that is fine.
const FORMS: [(&str, &str); 5] = [
    (path::TOKEN, "grant_type=client_credentials"),
    (path::REVOKE, "token=unknown"),
    (path::INTROSPECT, "token=unknown"),
    (path::DEVICE_AUTHORIZATION, "scope=openid"),
    (
        path::PAR,
        "response_type=code&redirect_uri=https://c/cb&client_id=c",
    ),
];

/// The endpoints that anybody may read.
const DOCUMENTS: [&str; 5] = [
    path::JWKS,
    path::STATUS,
    "/status/0",
    path::OAUTH_METADATA,
    path::OPENID_METADATA,
];

async fn world() -> World {
    let client = confidential(
        "c",
        "scopes = [\"openid\"]\nredirect_uris = [\"https://c/cb\"]\n\
         grant_types = [\"client_credentials\", \"authorization_code\", \
         \"urn:ietf:params:oauth:grant-type:device_code\"]",
    );
    let config = "issuer = \"https://[::1]\"\n\
        [registration]\nmode = \"open\"\nscopes = [\"openid\"]\n[limits]\nbody = 4096";
    let world = World::new(config, &[client]).await;
    // So that there is a first status list.
    world.server.next_index().await.unwrap();
    world
}

/// Status and `error` of the answer to a body of some type.
async fn sent(
    world: &World,
    path: &str,
    content_type: Option<&str>,
    body: impl Into<Body>,
) -> (u16, String) {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(AUTHORIZATION, basic_of("c", SECRET));
    if let Some(content_type) = content_type {
        request = request.header(CONTENT_TYPE, content_type);
    }
    let answer = world.send(request.body(body.into()).unwrap()).await;
    assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    answer.refusal()
}

fn bad() -> (u16, String) {
    (400, "invalid_request".to_owned())
}

/// Checklist: C.7
#[tokio::test]
async fn a_form_is_taken_as_a_form_and_every_parameter_once() {
    let world = world().await;
    for (path, form) in FORMS {
        let fine = sent(&world, path, Some(FORM), form).await;
        assert!(matches!(fine.0, 200 | 201), "{path} {fine:?}");
        let with_charset = sent(&world, path, Some(&format!("{FORM}; charset=UTF-8")), form).await;
        assert_eq!(with_charset, fine, "{path}");
        let unknown = format!("{form}&unknown=1&another=%20&empty=");
        assert_eq!(
            sent(&world, path, Some(FORM), unknown).await,
            fine,
            "{path}"
        );

        let first = form.split('&').next().unwrap();
        let many: String = (0..65).map(|number| format!("&p{number}=1")).collect();
        for more in [
            format!("&{first}"),
            "&unknown=1&unknown=2".to_owned(),
            "&unknown=&unknown=".to_owned(),
            "&unknown=%ff".to_owned(),
            "&unknown=%c3".to_owned(),
            "&%ff=1".to_owned(),
            "&unknown=%00".to_owned(),
            "&unknown=a%0d%0ab".to_owned(),
            "&unknown=%zz".to_owned(),
            "&unknown=%".to_owned(),
            many,
            format!("&unknown={}", "a".repeat(4096)),
        ] {
            let answer = sent(&world, path, Some(FORM), format!("{form}{more}")).await;
            assert_eq!(answer, bad(), "{path} {more}");
        }
        let bytes = [form.as_bytes(), b"&unknown=\xff"].concat();
        assert_eq!(sent(&world, path, Some(FORM), bytes).await, bad(), "{path}");
        for media_type in [
            None,
            Some(""),
            Some("application/json"),
            Some("multipart/form-data; boundary=x"),
            Some("text/plain"),
        ] {
            let answer = sent(&world, path, media_type, form).await;
            assert_eq!(answer, bad(), "{path} {media_type:?}");
        }
        // Addresses end up in logs, so nothing is taken from them.
        let in_address = format!("{path}?{form}");
        assert_eq!(
            sent(&world, &in_address, Some(FORM), form).await,
            bad(),
            "{path}"
        );
        if path != path::DEVICE_AUTHORIZATION {
            assert_eq!(sent(&world, path, Some(FORM), "").await, bad(), "{path}");
        }
    }
}

#[tokio::test]
async fn each_endpoint_has_its_methods() {
    let world = world().await;
    let forms = FORMS.map(|(path, _)| (path, "GET PUT DELETE PATCH OPTIONS"));
    let documents = DOCUMENTS.map(|path| (path, "POST PUT DELETE PATCH OPTIONS"));
    let others = [
        (path::REGISTER, "GET PUT DELETE PATCH OPTIONS"),
        (path::USERINFO, "PUT DELETE PATCH OPTIONS"),
    ];
    for (path, methods) in forms.into_iter().chain(documents).chain(others) {
        for method in methods.split(' ') {
            let request = Request::builder().method(method).uri(path);
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(!answer.header("allow").is_empty(), "{method} {path}");
        }
    }
    for path in DOCUMENTS {
        for method in ["GET", "HEAD"] {
            let request = Request::builder().method(method).uri(path);
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 200, "{method} {path}");
            assert_eq!(answer.text.is_empty(), method == "HEAD", "{method} {path}");
            assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        }
    }
}

#[tokio::test]
async fn documents_are_the_same_whatever_is_asked_beside_them() {
    let world = world().await;
    for path in DOCUMENTS {
        let plain = world.get(path).await;
        for query in ["unknown=1", "a=1&a=2", "a=%ff", "a=%zz", "a=%00", "&&&="] {
            let answer = world.get(&format!("{path}?{query}")).await;
            assert_eq!(answer.text, plain.text, "{path}?{query}");
        }
    }
    for path in [
        "/",
        "/unknown",
        "/token/",
        "/status/",
        "/status/0/1",
        "//token",
    ] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
}

/// Checklist: C.16
#[tokio::test]
async fn a_registration_is_json() {
    let world = world().await;
    let json = Some("application/json");
    let document = "{\"redirect_uris\": [\"https://c/cb\"], \"unknown\": [{\"a\": null}]}";
    assert_eq!(sent(&world, path::REGISTER, json, document).await.0, 201);
    let with_charset = Some("application/json; charset=utf-8");
    assert_eq!(
        sent(&world, path::REGISTER, with_charset, document).await.0,
        201
    );
    let metadata = (400, "invalid_client_metadata".to_owned());
    for media_type in [None, Some("text/plain"), Some(FORM)] {
        let answer = sent(&world, path::REGISTER, media_type, document).await;
        assert_eq!(answer, metadata, "{media_type:?}");
    }
    let twice = document.replace("unknown", "redirect_uris");
    let deep = document.replace("null", &format!("{}{}", "[".repeat(40), "]".repeat(40)));
    for bad in ["", "{", "[]", "null", "a=b", &twice, &deep] {
        assert_eq!(
            sent(&world, path::REGISTER, json, bad.to_owned()).await,
            metadata,
            "{bad}"
        );
    }
    let not_utf8 = document.replace("null", "\"\u{1}\"").into_bytes();
    let not_utf8 = not_utf8
        .into_iter()
        .map(|byte| if byte == 1 { 0xff } else { byte });
    let not_utf8: Vec<u8> = not_utf8.collect();
    assert_eq!(sent(&world, path::REGISTER, json, not_utf8).await, metadata);
    let long = document.replace("null", &format!("\"{}\"", "a".repeat(4096)));
    assert_eq!(sent(&world, path::REGISTER, json, long).await, bad());
}

/// Checklist: C.17
#[tokio::test]
async fn every_endpoint_of_the_metadata_is_one_that_was_tried_here() {
    let world = world().await;
    let metadata = world.get(path::OAUTH_METADATA).await.json();
    let tried = FORMS.iter().map(|(path, _)| *path).chain(DOCUMENTS);
    // The authorization endpoint has pages, and tests of its own.
    let others = [path::REGISTER, path::USERINFO, path::AUTHORIZE];
    let tried: Vec<&str> = tried.chain(others).collect();
    let named = metadata
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| name.ends_with("_endpoint") || name.ends_with("_uri"));
    let mut count = 0;
    for (name, address) in named {
        let address = address.as_str().unwrap();
        let path = address.strip_prefix("https://[::1]").unwrap();
        assert!(tried.contains(&path), "{name}");
        count += 1;
    }
    assert_eq!(count, 10);
}
