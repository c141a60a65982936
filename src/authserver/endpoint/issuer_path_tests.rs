//! An issuer that has a path, as where one host has several: everything is below it.

use super::{issuer_path, path};
use crate::testing::browser::{Browser, PageForm, code_request, sent_back, world_of};
use crate::testing::{REDIRECT, SECRET, VERIFIER, World, claims_of};
use axum::body::Body;
use axum::http::Request;

const ISSUER: &str = "https://one.example.org/a/b";

/// Where the documents are: RFC 8414 §3.1 puts its own between the host and the issuer's path,
/// OpenID Connect Discovery §4.1 puts its own behind that.
///
/// Checklist: C.17
#[tokio::test]
async fn metadata_are_found_as_each_standard_says_and_name_what_is_below_the_path() {
    let world = world_of(ISSUER).await;
    let oauth = world
        .get("/.well-known/oauth-authorization-server/a/b")
        .await;
    let openid = world.get("/a/b/.well-known/openid-configuration").await;
    assert_eq!((oauth.status, openid.status), (200, 200));
    assert_eq!(oauth.text, openid.text);
    assert_eq!(oauth.member("issuer"), ISSUER);
    let metadata = oauth.json();
    let named = metadata.as_object().unwrap().iter();
    let named = named.filter(|(name, _)| name.ends_with("_endpoint") || name.ends_with("_uri"));
    let mut count = 0;
    for (name, address) in named {
        let below = address.as_str().unwrap().strip_prefix(ISSUER);
        let below = below.unwrap_or_else(|| panic!("{name} is {address}"));
        let there = world.get(&format!("/a/b{below}")).await.status;
        assert_ne!(there, 404, "{name}");
        assert_eq!(world.get(below).await.status, 404, "{name}");
        count += 1;
    }
    assert_eq!(count, 9);
    for elsewhere in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/a",
        "/a/b/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/a/b",
        "/a/token",
        "/a/bb/token",
        "/a/b",
        "/",
    ] {
        assert_eq!(world.get(elsewhere).await.status, 404, "{elsewhere}");
    }
}

async fn in_browser(world: &World) -> String {
    let browser = Browser::new(world);
    // (The browser sees to the cookies' path.)
    let page = browser
        .open(&code_request(&[("scope", "openid ssh")]))
        .await;
    let login = format!("{ISSUER}{}", path::LOGIN);
    assert!(
        page.text.contains(&format!("action=\"{login}\"")),
        "{}",
        page.text
    );
    let consent = browser.log_in(&page).await;
    let form = format!("action=\"{ISSUER}{}\"", path::CONSENT);
    assert!(consent.text.contains(&form), "{}", consent.text);
    assert!(!PageForm::of(&consent).field("token").is_empty());
    let answer = browser.fill(&consent, &[("decision", "allow")]).await;
    let back = sent_back(&answer, '?');
    assert_eq!(back.get("iss"), Some(ISSUER));
    assert_eq!(browser.cookies.borrow().len(), 2);
    back.get("code").unwrap().to_owned()
}

/// Checklist: C.17
#[tokio::test]
async fn pages_tokens_and_lists_are_below_the_path() {
    let world = world_of(ISSUER).await;
    let at = |path: &str| format!("{}{path}", issuer_path(ISSUER));
    let code = in_browser(&world).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("redirect_uri", REDIRECT),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let tokens = world.post(&at(path::TOKEN), &form, None).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    for token in ["access_token", "id_token"] {
        assert_eq!(tokens.claims(token)["iss"], ISSUER, "{token}");
    }
    let claims = tokens.claims("access_token");
    let list = claims["status"]["status_list"]["uri"].as_str().unwrap();
    let number = list.strip_prefix(ISSUER).unwrap();
    let answer = world.get(&at(number)).await;
    assert_eq!(answer.status, 200, "{list}");
    let of_list = claims_of(&answer.text);
    assert_eq!(of_list.subject.as_deref(), Some(list));
    assert_eq!(of_list.issuer.as_deref(), Some(ISSUER));
    let all = world.get(&at(path::STATUS)).await.json();
    assert_eq!(all["status_lists"][0], list);

    let bearer = format!("Bearer {}", tokens.member("access_token"));
    let request = Request::builder()
        .uri(at(path::USERINFO))
        .header("authorization", bearer);
    let answer = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    let scope = [("scope", "ssh")];
    let device = at(path::DEVICE_AUTHORIZATION);
    let device = world.post(&device, &scope, Some(("web", SECRET))).await;
    let page = device.member("verification_uri");
    assert_eq!(page, format!("{ISSUER}{}", path::DEVICE));
    let complete = device.member("verification_uri_complete");
    assert!(
        complete.starts_with(&format!("{page}?user_code=")),
        "{complete}"
    );
    let page = Browser::new(&world).open(&complete).await;
    assert!(page.text.contains("Account name"), "{}", page.text);
}

/// Below a path the browser's cookie can be planted by a sibling of the host. Whoever begins with
/// a challenge of their own and has somebody else go on gets nothing of how it ends.
///
/// Checklist: C.5
#[tokio::test]
async fn who_planted_the_browser_s_cookie_gets_no_answer_that_is_another_s() {
    let world = world_of(ISSUER).await;
    let [attacker, victim] = [(); 2].map(|()| Browser::new(&world));
    let asked = code_request(&[("prompt", "login"), ("scope", "ssh")]);
    // It ends after the question, and where that was answered before with the login.
    for has_allowed in [false, true] {
        let began = attacker.open(&asked).await;
        let planted = attacker.cookies.borrow().clone();
        assert_eq!(planted.len(), 1);
        victim.cookies.borrow_mut().extend(planted);
        let id = PageForm::of(&began).field("i").to_owned();
        let pages = [path::LOGIN, path::CONSENT].map(|page| format!("{page}?i={id}"));
        let [login, _] = &pages;
        let mut answer = victim.log_in(&victim.get(login).await).await;
        if !has_allowed {
            answer = victim.fill(&answer, &[("decision", "allow")]).await;
        }
        assert!(sent_back(&answer, '?').get("code").is_some());
        for page in &pages {
            let again = victim.get(page).await;
            assert_eq!(again.header("location"), answer.header("location"));
            let theirs = attacker.get(page).await;
            assert_eq!((theirs.status, theirs.header("location")), (400, ""));
            assert!(theirs.text.contains("is over"), "{}", theirs.text);
        }
        let theirs = attacker.fill(&began, &[("account", "x")]).await;
        assert_eq!((theirs.status, theirs.header("location")), (400, ""));
    }
}
