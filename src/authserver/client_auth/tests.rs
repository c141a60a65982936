//! Clients at the token endpoint: each way of showing who one is, and what is no way.

use super::assertion::TYPE;
use crate::testing::{
    Answer, CONFIG, ISSUER, SECRET, World, basic_of, confidential, form_of, public,
};
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use jose::{Algorithm, PrivateKey, private_key, sign};
use serde_json::{Value, json};

const OWN: &str = "grant_types = [\"client_credentials\"]\nscopes = [\"api\"]\n";

const GOOD: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// Clients of each method; the keys are those of the one that signs.
async fn world() -> (World, Vec<PrivateKey>) {
    let keys: Vec<_> = [("ed", Algorithm::EdDsa), ("ec", Algorithm::Es256)]
        .map(|(kid, alg)| private_key::generate(alg, Some(kid)).unwrap())
        .into();
    let jwks: Vec<String> = keys
        .iter()
        .map(|key| key.public_jwk.clone().unwrap())
        .collect();
    // A JWK is an inline table of TOML but for the colons.
    let jwks = jwks.join(",").replace("\":", "\"=");
    let signs = format!(
        "client_id = \"signs\"\ntoken_endpoint_auth_method = \"private_key_jwt\"\n{OWN}\
         jwks = {{ keys = [{jwks}] }}\n"
    );
    let post = format!("token_endpoint_auth_method = \"client_secret_post\"\n{OWN}");
    let code = "redirect_uris = [\"https://app.example.org/cb\"]\n\
        grant_types = [\"authorization_code\"]\n";
    let clients = [
        confidential("basic", OWN),
        confidential("post", &post),
        public("app", code),
        signs,
    ];
    let private = keys
        .iter()
        .map(|key| PrivateKey::parse(key.private_jwk.as_bytes()).unwrap());
    (World::new(CONFIG, &clients).await, private.collect())
}

fn unknown() -> (u16, String) {
    (401, "invalid_client".to_owned())
}

async fn with(world: &World, more: &[(&str, &str)], basic: Option<(&str, &str)>) -> Answer {
    world
        .post("/token", &[&GOOD[..], more].concat(), basic)
        .await
}

/// Checklist: C.7
#[tokio::test]
async fn a_secret_is_shown_by_basic_or_in_the_form() {
    let (world, _) = world().await;
    for client_id in ["basic", "post"] {
        let answer = with(&world, &[], Some((client_id, SECRET))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let form = [("client_id", client_id), ("client_secret", SECRET)];
        assert_eq!(with(&world, &form, None).await.status, 200);
        let named = [("client_id", client_id)];
        assert_eq!(
            with(&world, &named, Some((client_id, SECRET))).await.status,
            200
        );
    }
}

/// Checklist: C.7
#[tokio::test]
async fn an_unknown_client_and_a_wrong_secret_look_alike() {
    let (world, _) = world().await;
    let (good, wrong) = (Some(("basic", SECRET)), Some(("basic", "wrong")));
    assert_eq!(with(&world, &[], good).await.status, 200);
    let refused = with(&world, &[], wrong).await;
    assert_eq!(refused.refusal(), unknown());
    assert!(
        refused
            .header("www-authenticate")
            .starts_with("Basic realm=")
    );
    assert_eq!(refused.header("cache-control"), "no-store");
    let form = |id, secret| [("client_id", id), ("client_secret", secret)];
    for other in [
        with(&world, &[], Some(("nobody", SECRET))).await,
        with(&world, &[], Some(("basic", ""))).await,
        with(&world, &[], Some(("Basic", SECRET))).await,
        with(&world, &[], Some(("app", SECRET))).await,
        with(&world, &[], Some(("app", ""))).await,
        with(&world, &[], Some(("signs", SECRET))).await,
        with(&world, &form("basic", "wrong"), None).await,
        with(&world, &form("nobody", SECRET), None).await,
        with(&world, &form("app", SECRET), None).await,
        with(&world, &[("client_id", "basic")], None).await,
        with(&world, &[("client_id", "signs")], None).await,
        with(&world, &[("client_id", "nobody")], None).await,
    ] {
        assert_eq!((other.status, &other.text), (401, &refused.text));
        assert!(other.header("www-authenticate").starts_with("Basic realm="));
    }
    // Nobody says who asks.
    assert_eq!(with(&world, &[], None).await.refusal(), unknown());
    assert_eq!(
        with(&world, &[("client_secret", SECRET)], None)
            .await
            .refusal(),
        unknown()
    );
    // A public client only names itself; what it may then do is another thing.
    let public = with(&world, &[("client_id", "app")], None).await;
    assert_eq!(public.refusal(), (400, "unauthorized_client".to_owned()));
}

/// Checklist: C.7
#[tokio::test]
async fn two_ways_at_once_are_an_invalid_request() {
    let (world, keys) = world().await;
    let good = assertion(&world, &keys[0], &json!({}));
    let signed = [
        ("client_assertion", good.as_str()),
        ("client_assertion_type", TYPE),
    ];
    let secret = [("client_id", "basic"), ("client_secret", SECRET)];
    let basic = Some(("basic", SECRET));
    for refused in [
        with(&world, &secret, basic).await,
        with(&world, &[("client_secret", SECRET)], basic).await,
        with(&world, &signed, basic).await,
        with(&world, &signed, Some(("signs", SECRET))).await,
        with(&world, &[signed, secret].concat(), None).await,
        with(&world, &[("client_id", "post")], basic).await,
        with(
            &world,
            &[&signed[..], &[("client_id", "basic")]].concat(),
            None,
        )
        .await,
        with(&world, &signed[..1], None).await,
        with(&world, &signed[1..], None).await,
    ] {
        assert_eq!(refused.refusal(), (400, "invalid_request".to_owned()));
    }
    assert_eq!(with(&world, &signed, None).await.status, 200);
}

/// Checklist: C.7
#[tokio::test]
async fn the_id_and_the_secret_of_basic_are_form_decoded() {
    let (world, _) = world().await;
    let sent = async |authorization: &str| {
        let request = Request::builder()
            .method("POST")
            .uri("/token")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, authorization)
            .body(Body::from(form_of(&GOOD)));
        world.send(request.unwrap()).await
    };
    // base64 of basic:a+secret%2Fof%20100%25%2B
    let encoded = "Basic YmFzaWM6YStzZWNyZXQlMkZvZiUyMDEwMCUyNSUyQg==";
    assert_eq!(sent(encoded).await.status, 200);
    assert_eq!(sent(&encoded.replace("Basic", "bASIC")).await.status, 200);
    // base64 of %62asic:a+secret%2Fof%20100%25%2B
    let id = "Basic JTYyYXNpYzphK3NlY3JldCUyRm9mJTIwMTAwJTI1JTJC";
    assert_eq!(sent(id).await.status, 200);
    // base64 of basic:a secret/of 100%+, in which % begins no escape.
    assert_eq!(
        sent("Basic YmFzaWM6YSBzZWNyZXQvb2YgMTAwJSs=")
            .await
            .refusal(),
        unknown()
    );
    let whole = basic_of("basic", SECRET);
    for malformed in [
        "Basic",
        "Basic ",
        "Basic !",
        "Basic YmFzaWM=",
        "Bearer YmFzaWM6YQ==",
        &whole.replace("Basic ", ""),
    ] {
        let refused = sent(malformed).await;
        assert_eq!(refused.refusal(), unknown(), "{malformed}");
        assert!(refused.header("www-authenticate").starts_with("Basic "));
    }
}

/// An assertion of the client `signs` in which everything is right but for `change`; null takes
/// a claim away.
fn assertion(world: &World, key: &PrivateKey, change: &Value) -> String {
    let mut claims = json!({
        "iss": "signs", "sub": "signs", "aud": ISSUER, "exp": world.now() + 60,
        "jti": sign::random_id().unwrap(),
    });
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let claims = claims.as_object_mut().unwrap();
    claims.retain(|_, value| !value.is_null());
    sign::sign(key, "JWT", claims).unwrap()
}

async fn signed(world: &World, assertion: &str) -> (u16, String) {
    let form = [
        ("client_assertion", assertion),
        ("client_assertion_type", TYPE),
    ];
    let answer = with(world, &form, None).await;
    (answer.status, answer.member("error"))
}

/// Checklist: C.7
#[tokio::test]
async fn an_assertion_is_signed_by_a_registered_key_for_this_server_once() {
    let (world, keys) = world().await;
    let now = world.now();
    for key in &keys {
        let good = assertion(&world, key, &json!({}));
        assert_eq!(signed(&world, &good).await, (200, String::new()));
        assert_eq!(signed(&world, &good).await, unknown(), "again");
    }
    for good in [
        json!({ "aud": [ISSUER, "x"] }),
        json!({ "aud": format!("{ISSUER}/token") }),
        json!({ "iat": now, "nbf": now }),
        json!({ "exp": now + 3590 }),
    ] {
        let sent = assertion(&world, &keys[0], &good);
        assert_eq!(signed(&world, &sent).await, (200, String::new()), "{good}");
    }
    for bad in [
        json!({ "iss": "basic" }),
        json!({ "sub": "basic" }),
        json!({ "iss": "basic", "sub": "basic" }),
        json!({ "iss": null }),
        json!({ "sub": null }),
        json!({ "aud": null }),
        json!({ "aud": "https://elsewhere.example.org" }),
        json!({ "aud": format!("{ISSUER}/") }),
        json!({ "aud": format!("{ISSUER}.evil") }),
        json!({ "exp": null }),
        json!({ "exp": now - 60 }),
        json!({ "exp": now + 7200 }),
        json!({ "nbf": now + 120 }),
        json!({ "iat": now + 120 }),
        json!({ "jti": null }),
    ] {
        let sent = assertion(&world, &keys[0], &bad);
        assert_eq!(signed(&world, &sent).await, unknown(), "{bad}");
    }
    for nonsense in ["x", "a.b.c", "e30.e30.AQI"] {
        assert_eq!(signed(&world, nonsense).await, unknown(), "{nonsense}");
    }
}

/// Checklist: C.7
#[tokio::test]
async fn an_assertion_by_another_key_or_of_another_type_is_none() {
    let (world, keys) = world().await;
    let generate = |alg, kid| {
        let key = private_key::generate(alg, Some(kid)).unwrap();
        PrivateKey::parse(key.private_jwk.as_bytes()).unwrap()
    };
    for key in [
        generate(Algorithm::EdDsa, "ed"),
        generate(Algorithm::EdDsa, "other"),
        generate(Algorithm::Es256, "ed"),
        generate(Algorithm::Hs256, "ed"),
    ] {
        let sent = assertion(&world, &key, &json!({}));
        assert_eq!(signed(&world, &sent).await, unknown());
    }
    let claims = |world: &World| {
        json!({ "iss": "signs", "sub": "signs", "aud": ISSUER, "exp": world.now() + 60,
            "jti": sign::random_id().unwrap() })
    };
    for (typ, status) in [
        ("JWT", 200),
        ("client-authentication+jwt", 200),
        ("at+jwt", 401),
        ("logout+jwt", 401),
    ] {
        let sent = sign::sign(&keys[0], typ, claims(&world).as_object().unwrap()).unwrap();
        assert_eq!(signed(&world, &sent).await.0, status, "{typ}");
    }
    let sent = assertion(&world, &keys[0], &json!({}));
    let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
    let form = [
        ("client_assertion", sent.as_str()),
        ("client_assertion_type", saml),
    ];
    assert_eq!(with(&world, &form, None).await.refusal(), unknown());
    // A client that registered a secret cannot sign its way in.
    let other = json!({ "iss": "basic", "sub": "basic" });
    assert_eq!(
        signed(&world, &assertion(&world, &keys[0], &other)).await,
        unknown()
    );
}
