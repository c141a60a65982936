//! Clients that ask in a way that they may not, and sites that are no client.

use super::{CONTINUE, SEE, authorize, encoded, machine, server, steps, walk, walk_anywhere};
use serde_json::{Value, json};

/// Checklist: C.1
#[test]
fn who_asks_as_they_may_not_is_sent_nowhere() {
    let machine = machine();
    let server = server(&machine);
    let unknown = authorize(&server, &[("client_id", "nobody")]);
    let elsewhere = ("redirect_uri", "http://127.0.0.1:5555/elsewhere");
    let elsewhere = authorize(&server, &[elsewhere]);
    let seen = walk(
        &machine,
        json!([
            ["open", unknown],
            ["look", "unknown-client"],
            ["open", elsewhere],
            ["look", "bad-redirect-uri"],
            ["open", format!("{}/login?i=none", server.issuer)],
            ["look", "over"],
            ["open", format!("{}/nothing", server.issuer)],
            ["look", "not-found"],
            // What is the client's fault, and no danger, the client is told.
            ["open", authorize(&server, &[("scope", "nonsense")])],
            SEE,
        ]),
    );
    let [unknown_client, bad_uri, over, nothing, told] = seen.try_into().ok().expect("as many");
    for (page, address, what) in [
        (&unknown_client, &unknown, "client_id"),
        (&bad_uri, &elsewhere, "redirect_uri"),
    ] {
        page.expect("This cannot be answered", &["invalid_request", what]);
        assert_eq!(page.0["status"], 400);
        assert!(page.address().starts_with(&server.issuer), "{}", page.0);
        assert!(address.contains(page.address().split('?').next().expect("an address")));
    }
    over.expect("This page is over", &["begin again"]);
    assert_eq!(over.0["status"], 400);
    nothing.expect("There is no such page", &["Please check the address."]);
    assert_eq!(nothing.0["status"], 404);
    assert_eq!(told.answer(&server, "error"), "invalid_scope");
}

/// Clickjacking: no other site shows a page of this one within its own.
///
/// Checklist: C.5
#[test]
fn a_page_is_not_shown_within_another() {
    let machine = machine();
    let server = server(&machine);
    let asks = authorize(&server, &[]);
    let framing = |address: &str| format!("http://127.0.0.1:5555/?framed={}", encoded(address));
    let device = format!("{}/device", server.issuer);
    let seen = walk(
        &machine,
        steps(&[
            &[json!(["open", framing(&asks)]), json!(SEE)],
            &[json!(["open", framing(&device)]), json!(SEE)],
            // A site that lets itself be framed is: the frame works.
            &[
                json!(["open", framing("http://127.0.0.1:5555/within")]),
                json!(SEE),
            ],
            &[
                json!(["open", asks]),
                json!(["type", "Account name", "alice"]),
                json!(CONTINUE),
            ],
            &[json!(SEE)],
        ]),
    );
    let [framed, device, other, alone] = seen.try_into().ok().expect("as many");
    let within = |frames: &Value| -> String {
        let frame = frames[0].as_str().expect("a frame");
        frame.to_owned()
    };
    for page in [&framed, &device] {
        let frame = within(&page.0["frames"]);
        assert!(
            !frame.contains("<form") && !frame.contains("Account name"),
            "{frame}"
        );
    }
    assert!(within(&other.0["frames"]).contains("This is the client."));
    alone.expect("Log in", &["Password"]);
}

/// The judge of the pages finds what is wrong with another one.
#[test]
fn a_bad_page_is_found_to_be_bad() {
    let machine = machine();
    let steps = json!([["open", "http://127.0.0.1:5555/bad"], ["look", "bad"]]);
    let seen = walk_anywhere(&machine, &steps);
    let found: Vec<&str> = seen
        .iter()
        .flat_map(|page| page.wrong())
        .filter_map(Value::as_str)
        .collect();
    for what in [
        "lang",
        "headings 2",
        "title Other",
        "main",
        "something is loaded",
        "no alert",
        "wider than",
        "has contrast",
        "has an edge of",
        "10px",
        "labels",
        "the focus is elsewhere",
    ] {
        for page in ["light, wide", "dark, narrow"] {
            let start = format!("bad, {page}: ");
            let is_found = |found: &&&str| found.starts_with(&start) && found.contains(what);
            assert!(
                found.iter().any(|found| is_found(&found)),
                "{what}: {found:#?}"
            );
        }
    }
}
