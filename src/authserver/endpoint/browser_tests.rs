//! A browser at the pages, in process: what it is sent, and what a forged request gets.

use crate::parameters::Parameters;
use crate::store::Device;
use crate::testing::{
    ACCOUNT, Answer, CHALLENGE, CONFIG, ISSUER, PASSWORD, REDIRECT, VERIFIER, World, confidential,
    form_of, public,
};
use crate::token::secret;
use axum::body::Body;
use axum::http::Request;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// A browser with its cookies.
struct Browser<'w> {
    world: &'w World,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl<'w> Browser<'w> {
    fn new(world: &'w World) -> Self {
        Self {
            world,
            cookies: RefCell::default(),
        }
    }

    async fn send(&self, method: &str, address: &str, body: String, more: (&str, &str)) -> Answer {
        let path = address.strip_prefix(ISSUER).unwrap_or(address);
        let cookies: Vec<String> = self
            .cookies
            .borrow()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("cookie", cookies.join("; "))
            .header("content-type", "application/x-www-form-urlencoded")
            .header(more.0, more.1);
        let answer = self.world.send(request.body(Body::from(body)).unwrap());
        let answer = answer.await;
        for set in answer.headers.get_all("set-cookie") {
            let set = set.to_str().unwrap();
            assert!(
                set.contains("; Path=/; HttpOnly; SameSite=Lax; Secure"),
                "{set}"
            );
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            assert!(name.starts_with("__Host-"), "{set}");
            let mut cookies = self.cookies.borrow_mut();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    async fn get(&self, address: &str) -> Answer {
        self.send("GET", address, String::new(), ("x", "x")).await
    }

    /// Asks for an address, and for where that leads within the server, up to a page or outside.
    async fn open(&self, address: &str) -> Answer {
        let answer = self.get(address).await;
        self.follow(answer).await
    }

    async fn follow(&self, mut answer: Answer) -> Answer {
        while answer.status == 303 && answer.header("location").starts_with(ISSUER) {
            let to = answer.header("location").to_owned();
            answer = self.get(&to).await;
        }
        answer
    }

    /// Fills in the form of a page.
    async fn fill(&self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let answer = self.submit(page, fields, ("sec-fetch-site", "same-origin"));
        self.follow(answer.await).await
    }

    async fn submit(&self, page: &Answer, fields: &[(&str, &str)], more: (&str, &str)) -> Answer {
        let action = between(&page.text, "action=\"", "\"");
        let hidden = ["i", "token", "step"].map(|name| {
            (
                name,
                between(&page.text, &format!("name=\"{name}\" value=\""), "\""),
            )
        });
        let form = [hidden.as_slice(), fields].concat();
        self.send("POST", action, form_of(&form), more).await
    }

    async fn log_in(&self, page: &Answer) -> Answer {
        let page = self.fill(page, &[("account", ACCOUNT)]).await;
        assert!(page.text.contains("type=\"password\""), "{}", page.text);
        self.fill(&page, &[("answer0", PASSWORD)]).await
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.1.split(after).next().unwrap()
}

/// The parameters that the client gets.
fn sent_back(answer: &Answer, mark: char) -> Parameters {
    assert_eq!(answer.status, 303, "{}", answer.text);
    let location = answer.header("location");
    let query = location
        .strip_prefix(REDIRECT)
        .and_then(|rest| rest.strip_prefix(mark));
    Parameters::parse(query.unwrap_or_else(|| panic!("{location}")).as_bytes()).unwrap()
}

async fn world() -> World {
    let browser = format!(
        "redirect_uris = [\"{REDIRECT}\"]\nscopes = [\"openid\", \"ssh\", \"ops\"]\n\
         client_name = \"Site & Co\"\n"
    );
    let code = "grant_types = [\"authorization_code\", \"refresh_token\", \
                \"urn:ietf:params:oauth:grant-type:device_code\"]\n";
    World::new(
        CONFIG,
        &[
            confidential("web", &format!("{code}{browser}")),
            public("app", &format!("{code}{browser}")),
            public(
                "old",
                &format!("grant_types = [\"implicit\", \"refresh_token\"]\n{browser}"),
            ),
        ],
    )
    .await
}

fn request(client: &str, more: &[(&str, &str)]) -> String {
    let base = [
        ("client_id", client),
        ("redirect_uri", REDIRECT),
        ("state", "a b&c=%41\"'<é"),
    ];
    format!("/authorize?{}", form_of(&[&base, more].concat()))
}

fn code_request(more: &[(&str, &str)]) -> String {
    let base = [
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    request("app", &[&base, more].concat())
}

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

/// Checklist: C.2
#[tokio::test]
async fn who_refuses_is_believed() {
    let world = world().await;
    let browser = Browser::new(&world);
    let consent = browser
        .log_in(&browser.open(&code_request(&[])).await)
        .await;
    let answer = browser.fill(&consent, &[("decision", "deny")]).await;
    let back = sent_back(&answer, '?');
    assert_eq!(back.get("error"), Some("access_denied"));
    assert_eq!((back.get("iss"), back.get("code")), (Some(ISSUER), None));
    let only_others = browser.open(&code_request(&[("scope", "ops")])).await;
    assert_eq!(
        sent_back(&only_others, '?').get("error"),
        Some("access_denied")
    );
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

/// Checklist: C.5
#[tokio::test]
async fn a_wrong_password_is_told_and_an_unknown_account_looks_the_same() {
    let world = world().await;
    let browser = Browser::new(&world);
    let mut shown = Vec::new();
    for account in [ACCOUNT, "nobody-of-this-name"] {
        let page = browser.open(&code_request(&[])).await;
        let page = browser.fill(&page, &[("account", account)]).await;
        let again = browser.fill(&page, &[("answer0", "wrong")]).await;
        assert!(again.text.contains("The login failed."), "{}", again.text);
        assert!(again.text.contains("role=\"alert\""));
        let page = again.text.replace(account, "NAME");
        let hidden = between(&page, "name=\"i\"", "</label>").to_owned();
        shown.push(page.replace(&hidden, ""));
        assert!(
            !browser
                .cookies
                .borrow()
                .contains_key("__Host-pam-jwt-session")
        );
    }
    assert_eq!(shown.first(), shown.last());
}

/// A forged form: of another site, of another browser, without the token.
///
/// Checklist: C.5
#[tokio::test]
async fn a_forged_form_does_nothing() {
    let world = world().await;
    let victim = Browser::new(&world);
    let consent = victim.log_in(&victim.open(&code_request(&[])).await).await;
    let allow = [("decision", "allow")];
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
    ] {
        let answer = victim.submit(&consent, &allow, (name, value)).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
    }
    let token = between(&consent.text, "name=\"token\" value=\"", "\"").to_owned();
    let forged = Answer {
        text: consent.text.replace(&token, &"0".repeat(64)),
        ..consent
    };
    let own = ("sec-fetch-site", "same-origin");
    assert_eq!(victim.submit(&forged, &allow, own).await.status, 403);
    // The attacker's own login is of no use in the browser of somebody else.
    let attacker = Browser::new(&world);
    let page = attacker.open(&code_request(&[])).await;
    let account = [("account", ACCOUNT)];
    assert_eq!(victim.submit(&page, &account, own).await.status, 400);
    let nobody = Browser::new(&world);
    assert_eq!(nobody.submit(&page, &account, own).await.status, 400);
    let consent = victim.open(&code_request(&[])).await;
    let answer = victim.fill(&consent, &allow).await;
    assert!(sent_back(&answer, '?').get("code").is_some());
}

/// Session fixation: what was there before the login is not what is there after it.
///
/// Checklist: C.5
#[tokio::test]
async fn a_login_has_a_session_of_its_own() {
    let world = world().await;
    let browser = Browser::new(&world);
    let name = "__Host-pam-jwt-session".to_owned();
    let planted = "A".repeat(43);
    browser
        .cookies
        .borrow_mut()
        .insert(name.clone(), planted.clone());
    let page = browser.open(&code_request(&[("prompt", "login")])).await;
    let _ = browser.log_in(&page).await;
    let first = browser.cookies.borrow().get(&name).cloned().unwrap();
    assert_ne!(first, planted);
    let page = browser.open(&code_request(&[("prompt", "login")])).await;
    let _ = browser.log_in(&page).await;
    let second = browser.cookies.borrow().get(&name).cloned().unwrap();
    assert_ne!(first, second);
    let store = &world.server.store;
    let old = store.session(&secret::digest(&first), world.now()).await;
    assert_eq!(old.unwrap(), None);
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
    let answer = world.post(super::path::PAR, &form, None).await;
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

/// Checklist: C.13
#[tokio::test]
async fn a_device_is_let_in_by_its_code_and_an_account_has_five_wrong_tries() {
    let world = world().await;
    let device = Device {
        client_id: "app".to_owned(),
        scopes: vec!["ssh".to_owned()],
        resources: Vec::new(),
    };
    let digest = secret::digest("BCDFGHJK");
    let expires = world.now() + 600;
    let store = &world.server.store;
    let kept = store
        .put_device("device", &digest, &device, 5, expires)
        .await;
    assert!(kept.unwrap());
    let browser = Browser::new(&world);
    let page = browser.open("/device?user_code=bcdf-ghjk").await;
    let code = browser.log_in(&page).await;
    assert!(code.text.contains("value=\"BCDF-GHJK\""), "{}", code.text);
    let consent = browser.fill(&code, &[("user_code", " bcdfg hjk ")]).await;
    for shown in ["BCDF-GHJK", "Site &#38; Co", "Log in to hosts"] {
        assert!(consent.text.contains(shown), "{shown}: {}", consent.text);
    }
    let done = browser.fill(&consent, &[("decision", "allow")]).await;
    assert!(
        done.text.contains("Your device is logged in"),
        "{}",
        done.text
    );
    let poll = store
        .poll_device("device", "app", world.now())
        .await
        .unwrap();
    assert!(matches!(poll, crate::store::Poll::Ready(_)), "{poll:?}");

    let other = secret::digest("KJHGFDCB");
    let kept = store.put_device("other", &other, &device, 5, expires).await;
    assert!(kept.unwrap());
    let mut page = browser.open("/device").await;
    for _ in 0..5 {
        page = browser.fill(&page, &[("user_code", "BBBB-BBBB")]).await;
        assert!(page.text.contains("There is no such code"), "{}", page.text);
    }
    page = browser.fill(&page, &[("user_code", "KJHG-FDCB")]).await;
    assert!(page.text.contains("too many wrong codes"), "{}", page.text);
    let page = browser.open("/device").await;
    let page = browser.fill(&page, &[("user_code", "KJHG-FDCB")]).await;
    assert!(page.text.contains("too many wrong codes"), "{}", page.text);
}
