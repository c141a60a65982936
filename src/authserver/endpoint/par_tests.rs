//! What can be pushed, and what is kept of it.

use super::path;
use crate::authorization::interaction;
use crate::authorization::request::AuthorizationRequest;
use crate::parameters::Parameters;
use crate::testing::{SECRET, World, confidential, public};
use crate::token::secret;

const CODE: &str = "grant_types = [\"authorization_code\"]\nscopes = [\"openid\"]\n\
    redirect_uris = [\"https://c/cb\"]";
const URI: (&str, &str) = ("redirect_uri", "https://c/cb");
const TYPE: (&str, &str) = ("response_type", "code");

async fn world() -> World {
    let post = format!("token_endpoint_auth_method = \"client_secret_post\"\n{CODE}");
    let clients = [
        confidential("c", CODE),
        confidential("post", &post),
        public("p", CODE),
    ];
    World::new("[limits]\npending = 64", &clients).await
}

/// What is kept of a request that was pushed.
async fn kept(world: &World, client_id: &str, request_uri: &str) -> Option<String> {
    let secret = request_uri
        .strip_prefix("urn:ietf:params:oauth:request_uri:")
        .unwrap();
    let digest = secret::digest(secret);
    world
        .server
        .store
        .request(&digest, client_id, world.now() + interaction::LIFETIME)
        .await
        .unwrap()
}

/// Checklist: C.16
#[tokio::test]
async fn a_request_is_kept_as_it_was_sent_but_for_what_is_secret() {
    let world = world().await;
    let form = [
        ("client_id", "post"),
        ("client_secret", SECRET),
        URI,
        TYPE,
        ("state", "a b+c&d=é%"),
        ("scope", "openid"),
        ("prompt", "login"),
        ("resource", "https://auth.example.org/a"),
        ("unknown", "1"),
    ];
    let form_without: Vec<_> = form
        .into_iter()
        .filter(|(name, _)| *name != "resource")
        .collect();
    let answer = world.post(path::PAR, &form_without, None).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json()["expires_in"], 60);
    let request_uri = answer.member("request_uri");
    let text = kept(&world, "post", &request_uri).await.unwrap();
    assert_eq!(kept(&world, "c", &request_uri).await, None);
    assert!(!text.contains("client_secret") && !text.contains(SECRET));
    let parameters = Parameters::parse(text.as_bytes()).unwrap();
    assert_eq!(parameters.get("client_id"), Some("post"));
    let settings = world.server.settings();
    let client = settings.clients.get("post").unwrap();
    let request = AuthorizationRequest::read(&settings.config, client, &parameters).unwrap();
    assert_eq!(request.destination.state.as_deref(), Some("a b+c&d=é%"));
    assert!(request.prompt.login);
    let other = world.post(path::PAR, &form_without, None).await;
    assert_ne!(other.member("request_uri"), request_uri);
}

/// Checklist: C.16, C.2, C.4
#[tokio::test]
async fn what_the_authorization_endpoint_would_refuse_is_refused() {
    let world = world().await;
    let c = Some(("c", SECRET));
    let challenge = (
        "code_challenge",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    );
    for (form, basic, expected) in [
        (
            &[TYPE, ("redirect_uri", "https://evil/cb")][..],
            c,
            (400, "invalid_request"),
        ),
        (&[URI], c, (400, "invalid_request")),
        (
            &[URI, ("response_type", "x")],
            c,
            (400, "unsupported_response_type"),
        ),
        (
            &[URI, ("response_type", "token")],
            c,
            (400, "unauthorized_client"),
        ),
        (&[URI, TYPE, ("scope", "x")], c, (400, "invalid_scope")),
        (
            &[URI, TYPE, ("resource", "https://x")],
            c,
            (400, "invalid_target"),
        ),
        (
            &[URI, TYPE, ("request_uri", "urn:x")],
            c,
            (400, "invalid_request"),
        ),
        (
            &[URI, TYPE, ("request", "e30.e30.")],
            c,
            (400, "request_not_supported"),
        ),
        (
            &[URI, TYPE, ("client_id", "other")],
            c,
            (400, "invalid_request"),
        ),
        (
            &[URI, TYPE, ("client_id", "p")],
            None,
            (400, "invalid_request"),
        ),
        (
            &[URI, TYPE, ("client_id", "p"), challenge],
            None,
            (400, "invalid_request"),
        ),
        (&[URI, TYPE], Some(("c", "wrong")), (401, "invalid_client")),
        (
            &[URI, TYPE, ("client_id", "c")],
            None,
            (401, "invalid_client"),
        ),
        (&[URI, TYPE], None, (401, "invalid_client")),
    ] {
        let answer = world.post(path::PAR, form, basic).await;
        let (status, error) = answer.refusal();
        assert_eq!((status, error.as_str()), expected, "{form:?}");
    }
    let form = [
        URI,
        TYPE,
        ("client_id", "p"),
        challenge,
        ("code_challenge_method", "S256"),
    ];
    assert_eq!(world.post(path::PAR, &form, None).await.status, 201);
}

#[tokio::test]
async fn one_address_does_not_take_all_the_room() {
    let world = world().await;
    let challenge = (
        "code_challenge",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    );
    let form = [
        URI,
        TYPE,
        ("client_id", "p"),
        challenge,
        ("code_challenge_method", "S256"),
    ];
    for expected in [201, 201, 201, 201, 503] {
        assert_eq!(world.post(path::PAR, &form, None).await.status, expected);
    }
    let form = [URI, TYPE];
    assert_eq!(
        world
            .post(path::PAR, &form, Some(("c", SECRET)))
            .await
            .status,
        201
    );
}

/// Checklist: C.16
#[tokio::test]
async fn what_is_kept_is_short() {
    let world = world().await;
    let push = async |bytes: usize| {
        let long = "x".repeat(bytes);
        let form = [
            ("client_id", "p"),
            URI,
            TYPE,
            (
                "code_challenge",
                "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            ),
            ("code_challenge_method", "S256"),
            ("unknown", &long),
        ];
        world.post(path::PAR, &form, None).await.status
    };
    assert_eq!((push(7000).await, push(9000).await), (201, 400));
}
