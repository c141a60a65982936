//! Who may register a client, and what it can do then.

use super::path;
use super::request::{BodyLimit, Peer};
use crate::store::Session;
use crate::testing::browser::{Browser, PageForm, sent_back};
use crate::testing::{ACCOUNT, Answer, REDIRECT, World, confidential, form_of};
use crate::token::secret::{self, Secret};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use std::sync::Arc;
use tower::Service;

const TOKEN: &str = "an-initial-access-token";
const SCOPES: &str = "\nscopes = [\"openid\", \"api\"]\n\
    [scopes.api]\ndescription = \"d\"\naudiences = [\"https://api\"]";

async fn world(registration: &str) -> World {
    let config = format!("issuer = \"https://[::1]\"\n[registration]\n{registration}{SCOPES}");
    World::new(&config, &[confidential("c", "")]).await
}

async fn register(world: &World, token: Option<&str>, document: &Value) -> Answer {
    let mut request = Request::builder()
        .method("POST")
        .uri(path::REGISTER)
        .header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    world
        .send(request.body(Body::from(document.to_string())).unwrap())
        .await
}

fn document() -> Value {
    json!({
        "client_name": "A program", "grant_types": ["client_credentials"],
        "scope": "api other", "response_types": [],
    })
}

/// Checklist: C.16
#[tokio::test]
async fn who_has_the_initial_access_token_registers_a_client_that_works() {
    let digest = secret::digest(TOKEN);
    let world = world(&format!(
        "mode = \"initial_access_token\"\ninitial_access_tokens = [\"{digest}\"]"
    ))
    .await;
    let answer = register(&world, Some(TOKEN), &document()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.member("scope"), "api");
    assert_eq!(answer.json()["client_secret_expires_at"], 0);
    assert!(answer.json()["client_id_issued_at"].as_u64().unwrap() <= world.now());
    let (id, secret) = (answer.member("client_id"), answer.member("client_secret"));
    let kept = world.server.store.registered(&id).await.unwrap().unwrap();
    assert_eq!(kept.secret_sha256, [secret::digest(&secret)]);
    assert!(kept.consent && !kept.introspects);

    let form = [("grant_type", "client_credentials")];
    let tokens = world.post(path::TOKEN, &form, Some((&id, &secret))).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    assert_eq!(tokens.claims("access_token")["aud"], "https://api");

    let missing = register(&world, None, &document()).await;
    assert_eq!((missing.status, missing.text.as_str()), (401, ""));
    assert!(missing.header("www-authenticate").starts_with("Bearer "));
    for wrong in ["wrong", &digest] {
        let answer = register(&world, Some(wrong), &document()).await;
        assert_eq!(answer.refusal(), (401, "invalid_token".to_owned()));
        assert!(answer.header("www-authenticate").contains("invalid_token"));
    }
}

/// Checklist: C.16
#[tokio::test]
async fn open_registration_is_for_the_machine_itself_and_bounded() {
    let world = world("mode = \"open\"\nmost = 2").await;
    let elsewhere = Request::builder()
        .method("POST")
        .uri(path::REGISTER)
        .header("content-type", "application/json")
        .extension(Peer([192, 0, 2, 1].into()))
        .extension(BodyLimit(4096))
        .body(Body::from(document().to_string()));
    let mut router = super::router(Arc::clone(&world.server));
    let answer = router.call(elsewhere.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 403);
    for expected in [201, 201, 503] {
        assert_eq!(register(&world, None, &document()).await.status, expected);
    }
}

/// Checklist: C.16
#[tokio::test]
async fn where_it_is_off_there_is_nothing() {
    let world = world("mode = \"off\"").await;
    assert_eq!(register(&world, None, &document()).await.status, 404);
    let metadata = world.get(path::OAUTH_METADATA).await.json();
    assert_eq!(metadata.get("registration_endpoint"), None);
}

/// Whoever registers a site of their own does not get people sent there by a link that only looks
/// as if it led to this server: not before one of them has allowed it something.
///
/// Checklist: C.1, C.5
#[tokio::test]
async fn a_stranger_s_site_gets_nobody_sent_to_it_who_has_seen_no_page() {
    let config = format!(
        "issuer = \"https://[::1]\"\n[accounts]\nmin_uid = 1\n[registration]\nmode = \"open\"{SCOPES}"
    );
    let known = format!(
        "redirect_uris = [\"{REDIRECT}\"]\nscopes = [\"openid\"]\n\
         grant_types = [\"authorization_code\"]\n"
    );
    let world = World::new(&config, &[confidential("known", &known)]).await;
    let site = json!({ "redirect_uris": [REDIRECT], "scope": "openid api" });
    let registered = register(&world, None, &site).await;
    assert_eq!(registered.status, 201, "{}", registered.text);
    let id = registered.member("client_id");
    let session = Session {
        account: ACCOUNT.to_owned(),
        uid: 1,
        auth_time: world.now(),
        amr: Vec::new(),
        expires: world.now() + 600,
    };
    let cookie = Secret::new().unwrap();
    let store = &world.server.store;
    store.put_session(&cookie.digest, &session).await.unwrap();
    let asked = async |client: &str, cookie: &str, more: &[(&str, &str)]| {
        let base = [("client_id", client), ("response_type", "code")];
        let query = form_of(&[&base, more].concat());
        let request = Request::builder()
            .uri(format!("/authorize?{query}"))
            .header("cookie", format!("__Host-pam-jwt-session={cookie}"));
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        let location = answer.header("location").to_owned();
        assert_eq!(location.starts_with(REDIRECT), answer.status == 303);
        answer.status
    };
    let silent = [("scope", "api"), ("prompt", "none")];
    let bad: [&[(&str, &str)]; 4] = [
        &silent,
        &[("scope", "unknown")],
        &[("scope", "api"), ("scope", "api")],
        &[("scope", "api"), ("code_challenge_method", "plain")],
    ];
    for more in bad {
        for cookie in ["", &cookie.text] {
            assert_eq!(asked(&id, cookie, more).await, 400, "{more:?}");
        }
        // The administrator knows this one.
        assert_eq!(asked("known", "", more).await, 303, "{more:?}");
    }
    let client = store.registered(&id).await.unwrap().unwrap();
    let consent = ["openid".to_owned()];
    let remembered = store.remember_consent(&session, &client, &consent);
    remembered.await.unwrap();
    for more in bad {
        assert_eq!(asked(&id, &cookie.text, more).await, 303, "{more:?}");
        assert_eq!(asked(&id, "", more).await, 400, "{more:?}");
    }
}

/// Nor does a login lead there by itself, or a page that asks nothing: only what the person says.
///
/// Checklist: C.1, C.5
#[tokio::test]
async fn a_stranger_s_site_gets_nobody_sent_to_it_who_has_only_logged_in() {
    let config = "issuer = \"https://[::1]\"\n[accounts]\nmin_uid = 1\n[registration]\nmode = \"open\"\n\
         scopes = [\"openid\", \"ops\"]\n[scopes.ops]\ndescription = \"d\"\n\
         groups = [\"no-such-group\"]\naudiences = [\"https://ops\"]";
    let world = World::new(config, &[confidential("c", "")]).await;
    let site = json!({ "redirect_uris": [REDIRECT], "scope": "openid ops" });
    let id = register(&world, None, &site).await.member("client_id");
    let asked = |more: &[(&str, &str)]| {
        let base = [("client_id", id.as_str()), ("response_type", "code")];
        format!("{}?{}", path::AUTHORIZE, form_of(&[&base, more].concat()))
    };
    let only_others = asked(&[("scope", "ops")]);
    let out_of_reach = asked(&[("scope", "openid ops"), ("resource", "https://ops")]);
    let is_told_here = |answer: &Answer, error: &str| {
        assert_eq!((answer.status, answer.header("location")), (400, ""));
        assert!(answer.text.contains(error), "{}", answer.text);
    };
    for (asked, error) in [
        (&only_others, "access_denied"),
        (&out_of_reach, "invalid_target"),
    ] {
        let browser = Browser::new(&world);
        let [first, second] = [browser.open(asked).await, browser.open(asked).await];
        is_told_here(&browser.log_in(&first).await, error);
        // Whoever has logged in is: the other page knows it, and has nothing to ask either.
        let form = PageForm::of(&second);
        let consent = format!("{}?i={}", path::CONSENT, form.field("i"));
        is_told_here(&browser.open(&consent).await, error);
        let allow = form.typed(&[("decision", "allow")]);
        let own = ("sec-fetch-site", "same-origin");
        let answer = browser.send_form(path::CONSENT, allow, own).await;
        assert_eq!(
            answer.header("location").split('?').next(),
            Some("https://[::1]/consent")
        );
        is_told_here(&browser.open(answer.header("location")).await, error);
    }
    // Who was asked and refuses is believed, as far as this goes and no further.
    let browser = Browser::new(&world);
    let asks = asked(&[("scope", "openid")]);
    let consent = browser.log_in(&browser.open(&asks).await).await;
    let denied = browser.fill(&consent, &[("decision", "deny")]).await;
    assert_eq!(sent_back(&denied, '?').get("error"), Some("access_denied"));
    is_told_here(&browser.open(&only_others).await, "access_denied");
    let consent = browser.open(&asks).await;
    let allowed = browser.fill(&consent, &[("decision", "allow")]).await;
    assert!(sent_back(&allowed, '?').get("code").is_some());
    let again = Browser::new(&world);
    let answer = again.log_in(&again.open(&only_others).await).await;
    assert_eq!(sent_back(&answer, '?').get("error"), Some("access_denied"));
}
