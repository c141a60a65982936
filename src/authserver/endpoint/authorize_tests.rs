//! What the authorization endpoint answers, and to whom.

use super::{issuer_path, path};
use crate::parameters::Parameters;
use crate::testing::browser::{Browser, code_request, request, sent_back, world, world_of};
use crate::testing::{Answer, ISSUER, REDIRECT, VERIFIER, form_of};
use crate::token::secret;

/// Checklist: C.3, C.4, C.5
#[tokio::test]
async fn who_logs_in_and_allows_it_brings_a_code_that_is_good_with_its_verifier() {
    let world = world().await;
    let browser = Browser::new(&world);
    let page = browser
        .open(&code_request(&[("scope", "openid ssh ops")]))
        .await;
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
    assert!(page.text.contains("Site &#38; Co"), "{}", page.text);
    let consent = browser.log_in(&page).await;
    assert!(consent.text.contains("Log in to hosts"), "{}", consent.text);
    let (_, dropped) = consent.text.split_once("may not do").unwrap();
    assert!(dropped.contains("Run it"));
    let answer = browser.fill(&consent, &[("decision", "allow")]).await;
    let back = sent_back(&answer, '?');
    assert_eq!(back.get("state"), Some("a b&c=%41\"'<é"));
    assert_eq!(back.get("iss"), Some(ISSUER));
    // A second click is told the same.
    let again = browser.fill(&consent, &[("decision", "allow")]).await;
    assert_eq!(again.header("location"), answer.header("location"));

    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("redirect_uri", REDIRECT),
        ("code", back.get("code").unwrap()),
        ("code_verifier", VERIFIER),
    ];
    let tokens = world.post("/token", &form, None).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    assert_eq!(tokens.member("scope"), "openid ssh");

    // The next time nobody is asked, and another browser knows nothing of it.
    let answer = browser
        .open(&code_request(&[("scope", "ssh"), ("prompt", "none")]))
        .await;
    assert!(sent_back(&answer, '?').get("code").is_some());
    let stranger = Browser::new(&world);
    let answer = stranger.open(&code_request(&[("prompt", "none")])).await;
    assert_eq!(sent_back(&answer, '?').get("error"), Some("login_required"));
    let page = browser.open(&code_request(&[("prompt", "login")])).await;
    assert!(page.text.contains("Account name"), "{}", page.text);
}

/// Checklist: C.1
#[tokio::test]
async fn no_stranger_s_address_is_ever_sent_to() {
    let world = world().await;
    for query in [
        "client_id=nobody&response_type=code&redirect_uri=https://evil/",
        "client_id=app&response_type=code&redirect_uri=https://evil/",
        "client_id=app&client_id=app&response_type=code&redirect_uri=https://evil/",
        "response_type=code&redirect_uri=https://evil/",
        "client_id=app&request_uri=urn:ietf:params:oauth:request_uri:unknown",
        "client_id=app&redirect_uri=https://evil/%0d%0aSet-Cookie:a=b",
        "%zz",
    ] {
        let answer = world.get(&format!("/authorize?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
        assert_eq!(answer.header("location"), "", "{query}");
        assert!(answer.header("content-type").starts_with("text/html"));
    }
    let posted = world
        .post("/authorize", &[("client_id", "nobody")], None)
        .await;
    assert_eq!(
        posted.header("location"),
        format!("{ISSUER}/authorize?client_id=nobody")
    );
    assert_eq!(world.get("/nothing").await.status, 404);
}

/// A form comes back as an address (OpenID Connect Core §3.1.2.1), which has to fit into a head.
#[tokio::test]
async fn a_form_is_taken_that_fits_into_an_address() {
    let world = world().await;
    let browser = Browser::new(&world);
    let sent = async |form: String| {
        let none = ("sec-fetch-site", "cross-site");
        browser.send_form(path::AUTHORIZE, form, none).await
    };
    let (_, form) = code_request(&[("x", "")])
        .split_once('?')
        .map(|(path, form)| (path.to_owned(), form.to_owned()))
        .unwrap();
    let longest = format!("{form}{}", "a".repeat(8 * 1024 - form.len()));
    let answer = sent(longest.clone()).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let address = format!("{ISSUER}{}?{longest}", path::AUTHORIZE);
    assert_eq!(answer.header("location"), address);
    let page = browser.open(&address).await;
    assert!(page.text.contains("Account name"), "{}", page.text);
    let longer = browser.open(&format!("{address}a")).await;
    assert_eq!((longer.status, longer.header("location")), (400, ""));
    for bad in [
        format!("{longest}a"),
        format!("{form}é"),
        format!("{form} "),
        format!("{form}%ff"),
        format!("{form}&x=1"),
    ] {
        let answer = sent(bad).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""));
        assert!(answer.header("content-type").starts_with("text/html"));
    }
}

/// Mix-up (RFC 9207): whoever gets an answer sees whose it is, be it a code, a token or an error,
/// as the server's metadata call it; and no other server says the same.
///
/// Checklist: C.3
#[tokio::test]
async fn an_answer_says_whose_it_is_and_another_server_says_another() {
    let issuers = ["https://one.example.org", "https://two.example.org/tenant"];
    for issuer in issuers {
        let world = world_of(issuer).await;
        let address = format!("{}{}", path::OAUTH_METADATA, issuer_path(issuer));
        let metadata = world.get(&address).await;
        assert_eq!(metadata.member("issuer"), issuer);
        let says_iss = "authorization_response_iss_parameter_supported";
        assert_eq!(metadata.json()[says_iss], true);
        let browser = Browser::new(&world);
        let is_its_own = |answer: &Answer, mark: char, name: &str, value: Option<&str>| {
            let back = sent_back(answer, mark);
            assert_eq!(
                back.get("iss"),
                Some(issuer),
                "{}",
                answer.header("location")
            );
            let said = back.get(name);
            assert!(
                said.is_some() && (value.is_none() || said == value),
                "{said:?}"
            );
        };
        let page = browser.open(&code_request(&[])).await;
        let consent = browser.log_in(&page).await;
        let denied = browser.fill(&consent, &[("decision", "deny")]).await;
        is_its_own(&denied, '?', "error", Some("access_denied"));
        let consent = browser.open(&code_request(&[])).await;
        let allow = [("decision", "allow")];
        let allowed = browser.fill(&consent, &allow).await;
        is_its_own(&allowed, '?', "code", None);
        let implicit = [("response_type", "token"), ("scope", "ssh")];
        let consent = browser.open(&request("old", &implicit)).await;
        let tokens = browser.fill(&consent, &allow).await;
        is_its_own(&tokens, '#', "access_token", None);
        for (more, error) in [
            (("prompt", "x"), "invalid_request"),
            (("state", "2"), "invalid_request"),
            (("scope", "unknown"), "invalid_scope"),
            (("resource", "https://x"), "invalid_target"),
            (("request_uri", "https://x"), "request_uri_not_supported"),
        ] {
            let refused = browser.open(&code_request(&[more])).await;
            is_its_own(&refused, '?', "error", Some(error));
        }
        let stranger = Browser::new(&world);
        let refused = stranger.open(&code_request(&[("prompt", "none")])).await;
        is_its_own(&refused, '?', "error", Some("login_required"));
        let without_nonce = request("old", &[("response_type", "id_token")]);
        let refused = stranger.open(&without_nonce).await;
        is_its_own(&refused, '#', "error", Some("invalid_request"));
    }
}

/// What was pushed counts, and is answered once, however many pages ask about it (RFC 9126 §4).
///
/// Checklist: C.16
#[tokio::test]
async fn a_pushed_request_is_answered_once() {
    let world = world().await;
    let (_, pushed) = code_request(&[("scope", "ssh")])
        .split_once('?')
        .map(|(path, query)| (path.to_owned(), query.to_owned()))
        .unwrap();
    let pushed = Parameters::parse(pushed.as_bytes()).unwrap();
    let names = [
        "client_id",
        "redirect_uri",
        "state",
        "response_type",
        "code_challenge",
        "code_challenge_method",
        "scope",
    ];
    let form = names.map(|name| (name, pushed.get(name).unwrap()));
    let answer = world.post(path::PAR, &form, None).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let reference = answer.member("request_uri");
    let with = |client: &str| {
        let evil = ("redirect_uri", "https://evil/");
        let parameters = [("client_id", client), ("request_uri", &reference), evil];
        format!("/authorize?{}", form_of(&parameters))
    };
    let browser = Browser::new(&world);
    assert_eq!(browser.open(&with("old")).await.status, 400);
    // A page may be loaded again, or be open twice, as long as there is no answer.
    let first = browser.log_in(&browser.open(&with("app")).await).await;
    let second = browser.open(&with("app")).await;
    assert!(second.text.contains("Log in to hosts"), "{}", second.text);
    // A login takes longer than the reference is good for.
    let store = &world.server.store;
    let later = world.now() + 600;
    store.sweep(later).await.unwrap();
    let digest = secret::digest(reference.rsplit(':').next().unwrap());
    let begun = store.request(&digest, "app", later + 60).await.unwrap();
    assert_eq!(begun, None);
    let allow = [("decision", "allow")];
    let answer = browser.fill(&first, &allow).await;
    let back = sent_back(&answer, '?');
    assert_eq!(back.get("state"), pushed.get("state"));
    assert!(back.get("code").is_some());
    for late in [
        browser.fill(&second, &allow).await,
        browser.open(&with("app")).await,
    ] {
        assert_eq!(late.status, 400, "{}", late.text);
        assert_eq!(late.header("location"), "");
        assert!(late.text.contains("invalid_request_uri"), "{}", late.text);
    }
}

/// Checklist: C.6
#[tokio::test]
async fn implicit_tokens_are_in_the_fragment_and_none_refreshes() {
    let world = world().await;
    let browser = Browser::new(&world);
    let more = [
        ("response_type", "id_token token"),
        ("nonce", "n"),
        ("scope", "openid ssh"),
    ];
    let consent = browser
        .log_in(&browser.open(&request("old", &more)).await)
        .await;
    let answer = browser.fill(&consent, &[("decision", "allow")]).await;
    let back = sent_back(&answer, '#');
    for name in ["access_token", "id_token", "expires_in", "state", "iss"] {
        assert!(back.get(name).is_some(), "{name}");
    }
    assert_eq!(back.get("token_type"), Some("Bearer"));
    assert_eq!((back.get("refresh_token"), back.get("code")), (None, None));
}
