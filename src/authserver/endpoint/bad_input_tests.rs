//! What every endpoint does with what it cannot take. All of them are in these lists: the first
//! test compares them with the router, so that none is forgotten. (The metrics, which are apart
//! from the rest, are tried in serve/metrics.rs, and what a token's bearer asks in userinfo_tests.)

use super::{endpoints, path};
use crate::testing::browser::{self, Browser, PageForm, code_request, request, sent_back};
use crate::testing::{ACCOUNT, Answer, SECRET, World, basic_of, confidential};
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

/// The endpoints with pages for people.
const PAGES: [&str; 4] = [path::AUTHORIZE, path::LOGIN, path::CONSENT, path::DEVICE];

/// The others: a client's registration, the person whom a token is about, and whether all is well.
const OTHERS: [&str; 3] = [path::REGISTER, path::USERINFO, path::HEALTH];

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

/// What no parameters may have among them: one twice, what is not UTF-8 or not encoded, a control
/// character, too many.
fn nonsense() -> Vec<String> {
    let many: Vec<String> = (0..65).map(|number| format!("p{number}=1")).collect();
    let mut all = vec![many.join("&")];
    for one in [
        "unknown=1&unknown=2",
        "unknown=&unknown=",
        "unknown=%ff",
        "unknown=%c3",
        "%ff=1",
        "unknown=%00",
        "unknown=a%0d%0ab",
        "unknown=%zz",
        "unknown=%",
    ] {
        all.push(one.to_owned());
    }
    all
}

#[test]
fn every_endpoint_is_in_one_of_the_lists_above() {
    let forms = FORMS.iter().map(|(path, _)| *path);
    let named = forms.chain(PAGES).chain(OTHERS).chain(DOCUMENTS);
    let mut named: Vec<&str> = named
        .map(|path| match path {
            "/status/0" => path::STATUS_LIST,
            path => path,
        })
        .collect();
    let mut there = endpoints().map(|(path, _)| path);
    named.sort_unstable();
    there.sort_unstable();
    assert_eq!(named, there);
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

        let first = form.split('&').next().unwrap().to_owned();
        let long = format!("unknown={}", "a".repeat(4096));
        for more in nonsense().into_iter().chain([first, long]) {
            let answer = sent(&world, path, Some(FORM), format!("{form}&{more}")).await;
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

/// Checklist: C.7
#[tokio::test]
async fn each_endpoint_has_its_methods() {
    let world = world().await;
    let forms = FORMS.map(|(path, _)| (path, "GET PUT DELETE PATCH OPTIONS"));
    let documents = DOCUMENTS.map(|path| (path, "POST PUT DELETE PATCH OPTIONS"));
    let pages = PAGES.map(|path| (path, "PUT DELETE PATCH OPTIONS"));
    let others = [
        (path::REGISTER, "GET PUT DELETE PATCH OPTIONS"),
        (path::USERINFO, "PUT DELETE PATCH OPTIONS"),
        (path::HEALTH, "POST PUT DELETE PATCH OPTIONS"),
    ];
    let all = forms.into_iter().chain(documents);
    for (path, methods) in all.chain(pages).chain(others) {
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
    for path in DOCUMENTS.into_iter().chain([path::HEALTH]) {
        let plain = world.get(path).await;
        assert_eq!(plain.status, 200, "{path}");
        let more = ["unknown=1", "&&&="].map(str::to_owned);
        for query in nonsense().into_iter().chain(more) {
            let answer = world.get(&format!("{path}?{query}")).await;
            assert_eq!(answer.text, plain.text, "{path}?{query}");
        }
        for body in [&b"a=\xff"[..], &[b'a'; 5000]] {
            let request = Request::builder().uri(path).header(CONTENT_TYPE, FORM);
            let answer = world.send(request.body(Body::from(body)).unwrap()).await;
            assert_eq!(answer.text, plain.text, "{path}");
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

/// Says no to a person: on a page, which sends the browser nowhere and gives it nothing.
fn is_page(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 400, "{what}: {}", answer.text);
    assert!(answer.header("content-type").starts_with("text/html"));
    for name in ["location", "set-cookie"] {
        assert_eq!(answer.header(name), "", "{what}");
    }
}

/// What comes to a page that somebody is at, and what becomes of it; then all is as it was.
async fn misuse(browser: &Browser<'_>, path: &str, page: &Answer, typed: &[(&str, &str)]) {
    let here = format!("{path}?i={}", PageForm::of(page).field("i"));
    let shown = browser.get(&here).await;
    assert_eq!(shown.status, 200, "{path}: {}", shown.text);
    let with_unknown = browser
        .get(&format!("{here}&unknown=1&other=%20&empty="))
        .await;
    assert_eq!(with_unknown.text, shown.text, "{path}");
    let form = PageForm::of(page).typed(typed);
    let own = ("sec-fetch-site", "same-origin");
    let twice = form.split('&').next().unwrap().to_owned();
    for more in nonsense().into_iter().chain([twice]) {
        is_page(&browser.get(&format!("{here}&{more}")).await, &more);
        let sent = browser.send_form(path, format!("{form}&{more}"), own).await;
        is_page(&sent, &more);
    }
    let long = format!("{form}&unknown={}", "a".repeat(64 * 1024));
    is_page(&browser.send_form(path, long, own).await, "long");
    let in_address = browser.send_form(&here, form.clone(), own).await;
    is_page(&in_address, "in the address as well");
    let of_form = ("content-type", FORM);
    let bytes = [form.as_bytes(), b"&unknown=\xff"].concat();
    is_page(
        &browser.send("POST", path, bytes, &[of_form, own]).await,
        "bytes",
    );
    for media_type in [
        "",
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
    ] {
        let fields = [("content-type", media_type), own];
        let sent = browser.send("POST", path, form.clone(), &fields).await;
        is_page(&sent, media_type);
    }
    assert_eq!(browser.get(&here).await.text, shown.text, "{path}");
}

#[tokio::test]
async fn a_page_takes_its_form_every_field_once_and_nothing_else() {
    let world = browser::world().await;
    let browser = Browser::new(&world);
    let page = browser.open(&code_request(&[])).await;
    misuse(&browser, path::LOGIN, &page, &[("account", ACCOUNT)]).await;
    let page = browser.fill(&page, &[("account", ACCOUNT)]).await;
    misuse(&browser, path::LOGIN, &page, &[("answer0", "x")]).await;
    let page = browser
        .fill(&page, &[("answer0", crate::testing::PASSWORD)])
        .await;
    misuse(&browser, path::CONSENT, &page, &[("decision", "allow")]).await;
    let page = browser.open(path::DEVICE).await;
    misuse(&browser, path::DEVICE, &page, &[("user_code", "BBBB-BBBB")]).await;
    // What belongs to nothing that is going on.
    let long = "a".repeat(50_000);
    for path in [path::LOGIN, path::CONSENT] {
        for query in ["", "?i=", "?i=unknown", &format!("?i={long}"), "?%zz"] {
            is_page(&browser.get(&format!("{path}{query}")).await, path);
        }
    }
    for path in [path::LOGIN, path::CONSENT, path::DEVICE] {
        let own = ("sec-fetch-site", "same-origin");
        for form in ["", "i=", "i=unknown", "token=x", &long] {
            is_page(&browser.send_form(path, form.to_owned(), own).await, path);
        }
    }
}

/// Checklist: C.2
#[tokio::test]
async fn a_client_hears_what_is_wrong_with_its_request_where_it_can_be_told() {
    let world = browser::world().await;
    let browser = Browser::new(&world);
    let good = code_request(&[]);
    for more in nonsense()
        .into_iter()
        .chain(["scope=ssh&scope=ssh".to_owned()])
    {
        let answer = browser.get(&format!("{good}&{more}")).await;
        let back = sent_back(&answer, '?');
        assert_eq!(back.get("error"), Some("invalid_request"), "{more}");
        assert_eq!(back.get("state"), Some("a b&c=%41\"'<é"), "{more}");
        // Without a redirect URI that can be read nobody is sent anywhere.
        is_page(
            &browser.get(&format!("{good}&redirect_uri=x&{more}")).await,
            &more,
        );
        let unknown = request("nobody", &[("response_type", "code")]);
        is_page(&browser.get(&format!("{unknown}&{more}")).await, &more);
    }
    let unknown = browser.open(&format!("{good}&unknown=1&empty=")).await;
    assert!(unknown.text.contains("Account name"), "{}", unknown.text);
}
