//! Clients that this project did not write, against a running pam-jwt-authserver: each does all
//! that it can, with its own checks on. The person at the browser is `person.py` beside their
//! scripts, who fills in the forms that come; PAM asks pam_unix for the password.

#[path = "../../foreign/mod.rs"]
mod foreign;
mod oauth2_crate;

use foreign::LIBRARIES;
use machine::{AuthServer, CLIENT_SECRET, Machine, SCOPES, Setup};
use serde_json::{Value, json};
use std::path::PathBuf;

const PASSWORD: &str = "correct horse battery";

const API: &str = "https://api.example.org";

/// What may register clients (RFC 7591 §1.2).
const INITIAL: &str = "an-initial-access-token-of-the-test";

/// A client whose registration has it give passwords away, and one that signs.
const OLD: &str = "grant_types = [\"password\"]\nscopes = [\"read\"]\n";

/// A machine with alice, and what its server is to be.
fn machine() -> Machine {
    let machine = Machine::boot();
    machine.install();
    machine.account("alice");
    machine.password("alice", PASSWORD);
    machine
}

fn setup(machine: &Machine) -> Setup<'_> {
    let settings = format!(
        "{SCOPES}\n[registration]\nmode = \"initial_access_token\"\n\
         initial_access_tokens = [\"{}\"]\nscopes = [\"openid\", \"offline_access\", \"read\"]\n",
        machine.sha256(INITIAL)
    );
    AuthServer::on(machine).settings(&settings).tls()
}

/// What a client prints: its own checks have passed then.
fn used(server: &AuthServer<'_>, machine: &Machine, script: &str, more: Value) -> Value {
    let installed = foreign::installed();
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "foreign/clients", script]
        .iter()
        .collect();
    let interpreter = match script.ends_with(".mjs") {
        true => "bin/node",
        false => "bin/python3",
    };
    let mut given = json!({
        "issuer": server.issuer, "secret": CLIENT_SECRET, "account": "alice",
        "password": PASSWORD, "directory": installed, "initial_access_token": INITIAL,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        given[name] = value.clone();
    }
    let trusted = "/etc/ssl/certs/ca-certificates.crt";
    let output = machine
        .command([installed.join(interpreter), path])
        .arg(given.to_string())
        .env("NODE_EXTRA_CA_CERTS", trusted)
        .env("REQUESTS_CA_BUNDLE", trusted)
        .run();
    assert_eq!(output.code(), Some(0), "{output}\n{}", server.log());
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

/// An access token is alice's for the API, and three libraries verify it by the server's keys.
fn is_good(server: &AuthServer<'_>, machine: &Machine, tokens: &Value, subject: &str) {
    let token = tokens["access_token"].as_str().expect("a token");
    verified(server, machine, token, API, subject);
    assert!(
        tokens["token_type"]
            .as_str()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")),
        "{tokens}"
    );
}

/// The libraries of foreign.rs find the token to be the server's, for this audience.
fn verified(
    server: &AuthServer<'_>,
    machine: &Machine,
    token: &str,
    audience: &str,
    subject: &str,
) {
    let jwks = server.get("/jwks", &[]).expect(200).json();
    for library in LIBRARIES.iter().filter(|library| library.has("EdDSA")) {
        let request = |audience: &str| {
            json!({
                "alg": "EdDSA", "jwk": jwks["keys"][0], "token": token,
                "issuer": server.issuer, "audience": audience,
            })
        };
        let requests = [audience, "https://elsewhere.example.org"].map(request);
        let answers = library.ask(machine, "verify", &requests);
        let [_, _, other_audience] = library.refusals;
        assert_eq!(answers[1]["refused"], other_audience, "{}", library.name);
        let answer = &answers[0];
        assert_eq!(
            answer["claims"]["sub"], subject,
            "{}: {answer}",
            library.name
        );
        assert_eq!(answer["claims"]["iss"], server.issuer, "{}", library.name);
    }
}

fn keys_and_no_more(tokens: &Value, expected: &[&str]) {
    let members = tokens.as_object().expect("an object");
    let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, expected, "{tokens}");
}

#[test]
fn openid_client() {
    let machine = machine();
    let server = setup(&machine).start();
    let got = used(&server, &machine, "openid_client.mjs", json!({}));
    is_good(
        &server,
        &machine,
        &got["client_credentials"],
        "client:service",
    );
    keys_and_no_more(
        &got["client_credentials"],
        &["access_token", "expires_in", "scope", "token_type"],
    );
    for tokens in ["code", "refresh", "pushed"] {
        is_good(&server, &machine, &got[tokens], "alice");
    }
    assert_eq!(got["id_token_claims"]["sub"], "alice");
    assert_eq!(got["id_token_claims"]["aud"], "web");
    assert_eq!(got["userinfo"]["sub"], "alice");
    assert_eq!(got["introspection"]["active"], true);
    assert_eq!(got["introspection"]["username"], "alice");
    assert_eq!(got["revoked"], json!({ "active": false }));
    assert_eq!(got["refresh_revoked"], "invalid_grant");
    assert_eq!(
        got["pushed_parameters"],
        json!(["client_id", "request_uri"])
    );
    assert_eq!(got["again"], "invalid_grant");
    assert_eq!(got["device"]["scope"], "openid read");
    assert_eq!(
        got["registered"]["client_name"],
        "Registered by openid-client"
    );
    assert_eq!(got["registered_code"]["scope"], "openid read");
}

#[test]
fn oauth4webapi() {
    let machine = machine();
    let server = setup(&machine).start();
    let got = used(&server, &machine, "oauth4webapi.mjs", json!({}));
    assert_eq!(got["metadata_agree"], true);
    assert_eq!(got["client_credentials"]["sub"], "client:service");
    assert_eq!(got["iss"], server.issuer);
    for claims in ["code", "refresh"] {
        assert_eq!(got[claims]["sub"], "alice", "{got}");
        assert_eq!(got[claims]["client_id"], "app", "{got}");
    }
    assert_eq!(got["id_token_claims"]["sub"], "alice");
    assert_eq!(got["userinfo"]["sub"], "alice");
    assert_eq!(got["reused"], "invalid_grant");
    assert_eq!(got["after_reuse"], "invalid_grant");
    assert_eq!(got["reused_token"], json!({ "active": false }));
    assert_eq!(got["introspection"]["active"], true);
    assert_eq!(got["revoked"], json!({ "active": false }));
    assert_eq!(got["pending"], "authorization_pending");
    assert_eq!(got["device"]["scope"], "openid read");
}

#[test]
fn authlib() {
    let machine = machine();
    // Its key is the client's own, of which the server has the public half.
    let keygen = [
        "pam-jwt",
        "keygen",
        "--alg",
        "EdDSA",
        "--out",
        "/root/client.jwk",
    ];
    machine.run(keygen).expect_success();
    let private: Value = serde_json::from_str(&machine.read("/root/client.jwk")).expect("JSON");
    let public: Value = serde_json::from_str(&machine.read("/root/client.pub.jwk")).expect("JSON");
    let member = |name: &str| public[name].as_str().expect("a string").to_owned();
    let signing = format!(
        "token_endpoint_auth_method = \"private_key_jwt\"\n\
         grant_types = [\"client_credentials\"]\nscopes = [\"read\"]\naudiences = [\"{API}\"]\n\
         [[jwks.keys]]\nkty = \"OKP\"\ncrv = \"Ed25519\"\nx = \"{}\"\nkid = \"{}\"\n\
         alg = \"EdDSA\"\n",
        member("x"),
        member("kid"),
    );
    let server = setup(&machine).client("signing", None, &signing).start();
    let more = json!({ "private_key": private });
    let got = used(&server, &machine, "use_authlib.py", more);
    is_good(
        &server,
        &machine,
        &got["client_credentials"],
        "client:service",
    );
    is_good(&server, &machine, &got["private_key_jwt"], "client:signing");
    assert_eq!(got["posted"], "invalid_client");
    for tokens in ["code", "refresh"] {
        is_good(&server, &machine, &got[tokens], "alice");
    }
    assert_eq!(got["id_token_claims"]["sub"], "alice");
    let id_token = got["code"]["id_token"].as_str().expect("an ID token");
    let nonce = &got["id_token_claims"]["nonce"];
    assert!(nonce.is_string(), "{nonce}");
    assert_eq!(id_token.split('.').count(), 3);
    assert_eq!(got["userinfo"]["sub"], "alice");
    assert_eq!(got["introspection"]["active"], true);
    assert_eq!(got["revoked"], json!({ "active": false }));
    assert_eq!(got["refresh_revoked"], "invalid_grant");
    assert_eq!(got["device"]["scope"], "openid read");
}

#[test]
fn requests_oauthlib() {
    let machine = machine();
    let server = setup(&machine)
        .client("old", Some(CLIENT_SECRET), OLD)
        .start();
    let got = used(&server, &machine, "use_requests_oauthlib.py", json!({}));
    is_good(
        &server,
        &machine,
        &got["client_credentials"],
        "client:service",
    );
    for tokens in ["code", "refresh", "password"] {
        is_good(&server, &machine, &got[tokens], "alice");
    }
    assert_eq!(got["userinfo"]["sub"], "alice");
    assert_eq!(got["reused"], "invalid_grant");
    assert_eq!(got["wrong_password"], "invalid_grant");
}
