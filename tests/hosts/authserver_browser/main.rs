//! The pages of `pam-jwt-authserver` in a real browser: Debian's Chromium, in which no page runs a
//! script, with the PAM of Debian behind them. Each page is judged in light and dark, on a desk, at
//! the width of a telephone and at the least width there is; its pictures are below cargo's
//! directory for tests, to be looked at.

mod device;
mod login;
mod strangers;

use machine::{AuthServer, Machine};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::Duration;

const PASSWORD: &str = "correct horse battery";

/// Where the client is.
const CALLBACK: &str = "http://127.0.0.1:5555/callback";

/// A state that is not to be mangled.
const STATE: &str = "a b&c=%41\"'<\u{e9}";

/// A verifier and its challenge (RFC 7636 appendix B).
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// What people do.
const CONTINUE: [&str; 2] = ["press", "Continue"];
const FORGET: [&str; 1] = ["forget"];
const SEE: [&str; 1] = ["see"];

/// A machine with alice, who has a password.
fn machine() -> Machine {
    let machine = Machine::boot();
    machine.install();
    machine.account("alice");
    machine.password("alice", PASSWORD);
    for (name, contents) in [
        ("pages.mjs", include_str!("pages.mjs")),
        ("judge.mjs", include_str!("judge.mjs")),
    ] {
        machine.write(&format!("/run/node/{name}"), contents, 0o644);
    }
    machine
}

fn server(machine: &Machine) -> AuthServer<'_> {
    AuthServer::on(machine).tls().start()
}

/// What was seen.
struct Seen(Value);

impl Seen {
    fn text(&self) -> &str {
        self.0["text"].as_str().expect("a text")
    }

    fn address(&self) -> &str {
        self.0["address"].as_str().expect("an address")
    }

    /// What is wrong with it, where it was looked at.
    fn wrong(&self) -> &[Value] {
        self.0["wrong"].as_array().map_or(&[], Vec::as_slice)
    }

    /// A page of this title, which says all this.
    #[track_caller]
    fn expect(&self, title: &str, texts: &[&str]) {
        let shown = self.0["title"].as_str().expect("a title");
        assert!(shown.starts_with(&format!("{title} ")), "{}", self.0);
        for text in texts {
            assert!(self.text().contains(text), "{text}: {}", self.0);
        }
    }

    /// What the client was sent, by name.
    #[track_caller]
    fn sent(&self) -> Vec<(String, String)> {
        assert_eq!(self.text(), "This is the client.", "{}", self.0);
        let query = self.address().strip_prefix(CALLBACK);
        let query = query.and_then(|rest| rest.strip_prefix('?'));
        let pairs = query.unwrap_or_else(|| panic!("{}", self.0)).split('&');
        let pairs = pairs.filter_map(|pair| pair.split_once('='));
        pairs
            .map(|(name, value)| (name.to_owned(), decoded(value)))
            .collect()
    }

    /// One value that the client was sent, once, beside its own state and the issuer.
    #[track_caller]
    fn answer(&self, server: &AuthServer<'_>, name: &str) -> String {
        let sent = self.sent();
        let values = |name: &str| {
            let values = sent.iter().filter(|(sent, _)| sent == name);
            values.map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        assert_eq!(values("state"), [STATE], "{sent:?}");
        assert_eq!(
            values("iss"),
            std::slice::from_ref(&server.issuer),
            "{sent:?}"
        );
        let [value] = values(name).try_into().expect("one");
        value
    }
}

/// Has a person do all this in a browser that knows nobody, and keeps the pictures: what they
/// saw. No page that they looked at has anything wrong.
#[track_caller]
fn walk(machine: &Machine, steps: Value) -> Vec<Seen> {
    let seen = walk_anywhere(machine, &steps);
    let wrong: Vec<&Value> = seen.iter().flat_map(Seen::wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    seen
}

/// The same, where pages may have something wrong.
#[track_caller]
fn walk_anywhere(machine: &Machine, steps: &Value) -> Vec<Seen> {
    let walked = machine.node(&["pages.mjs"]).stdin(steps.to_string());
    let walked = walked.time_limit(Duration::from_secs(180)).run();
    keep_pictures(machine);
    let seen: Vec<Value> = serde_json::from_str(&walked.expect_success().stdout).expect("JSON");
    seen.into_iter().map(Seen).collect()
}

fn keep_pictures(machine: &Machine) {
    let pictures = machine.inside(|| {
        let files = fs::read_dir("/run/node").expect("the directory");
        let files = files.map(|file| file.expect("a file").path());
        let pictures = files.filter(|path| path.extension().is_some_and(|ending| ending == "png"));
        pictures
            .map(|path| (path.clone(), fs::read(path).expect("a picture")))
            .collect::<Vec<_>>()
    });
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("authserver_browser");
    fs::create_dir_all(&directory).expect("cargo's directory");
    for (path, picture) in pictures {
        let name = path.file_name().expect("a file has a name");
        fs::write(directory.join(name), picture).expect("cargo's directory");
    }
}

/// The address where the client `app` asks, with more parameters.
fn authorize(server: &AuthServer<'_>, more: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("state", STATE),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let is_other = |name: &str| more.iter().all(|(other, _)| *other != name);
    let usual = usual.iter().filter(|(name, _)| is_other(name));
    let pairs: Vec<String> = usual
        .chain(more)
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    format!("{}/authorize?{}", server.issuer, pairs.join("&"))
}

fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// The steps of a login from where the name is asked for.
fn log_in(account: &str, password: &str) -> [Value; 4] {
    [
        json!(["type", "Account name", account]),
        json!(CONTINUE),
        json!(["type", "Password", password]),
        json!(CONTINUE),
    ]
}

/// Steps one after the other.
fn steps(parts: &[&[Value]]) -> Value {
    Value::Array(parts.concat())
}
