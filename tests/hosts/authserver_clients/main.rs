//! Clients that this project did not write, against a running pam-jwt-authserver: each does all
//! that it can, with its own checks on. The person at the browser is `person.py` beside their
//! scripts, who fills in the forms that come; PAM asks pam_unix for the password.

mod curl;
#[path = "../../foreign/mod.rs"]
mod foreign;
mod oauth2_crate;

use foreign::{LIBRARIES, changed};
use machine::{AuthServer, CLIENT_SECRET, Machine, SCOPES, Setup};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

const API: &str = "https://api.example.org";

/// What may register clients (RFC 7591 §1.2).
const INITIAL: &str = "an-initial-access-token-of-the-test";

/// A client whose registration has it be told passwords, and given tokens by way of a browser.
const OLD: &str = "grant_types = [\"password\", \"implicit\"]
redirect_uris = [\"https://old.example.org/callback\"]
scopes = [\"read\"]
audiences = [\"https://api.example.org\"]
";

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
fn used(server: &AuthServer<'_>, machine: &Machine, name: &str, more: Value) -> Value {
    let mut given = json!({
        "issuer": server.issuer, "secret": CLIENT_SECRET, "account": "alice",
        "password": PASSWORD, "directory": foreign::installed(), "initial_access_token": INITIAL,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        given[name] = value.clone();
    }
    let script = foreign::script(machine, &format!("clients/{name}"));
    let output = script.arg(given.to_string()).run();
    assert_eq!(output.code(), Some(0), "{output}\n{}", server.log());
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

/// What somebody gets to whom this address is shown: alice, who does what the pages ask for.
fn browse(machine: &Machine, address: &str) -> String {
    let person = foreign::script(machine, "clients/person.py").args(["alice", PASSWORD, address]);
    person.run().expect_success().stdout.trim().to_owned()
}

/// A parameter of an address that the server sends a browser to, which needs no decoding.
fn parameter(address: &str, name: &str) -> String {
    let pairs = address.split(['?', '#', '&']);
    let mut values = pairs.filter_map(|pair| pair.split_once('='));
    let found = values.find(|(found, _)| *found == name);
    found.unwrap_or_else(|| panic!("{address}")).1.to_owned()
}

/// The access tokens are for the API, the ID tokens beside them for this client, and all are by
/// the server about these subjects: jose, PyJWT and joserfc find that they are, by the keys that
/// they get from the server, and that they are none with another signature or for others.
fn verified(server: &AuthServer<'_>, machine: &Machine, client: &str, got: &[(&Value, &str)]) {
    verified_for(server, machine, [API, client], got);
}

fn verified_for(
    server: &AuthServer<'_>,
    machine: &Machine,
    [api, client]: [&str; 2],
    got: &[(&Value, &str)],
) {
    let jwks = server.get("/jwks", &[]).expect(200).json();
    let alg = jwks["keys"][0]["alg"].as_str().expect("a name");
    let (mut requests, mut subjects) = (Vec::new(), Vec::new());
    for (tokens, subject) in got {
        let kind = tokens["token_type"].as_str().unwrap_or_default();
        assert!(kind.eq_ignore_ascii_case("bearer"), "{tokens}");
        let access = tokens["access_token"].as_str().expect("a token");
        let mut both = vec![(access.to_owned(), "at+jwt", api)];
        let id_token = tokens["id_token"].as_str();
        both.extend(id_token.map(|token| (token.to_owned(), "JWT", client)));
        for (token, typ, audience) in both {
            let request = |token: &str, audience: &str| {
                json!({
                    "alg": alg, "jwks_uri": format!("{}/jwks", server.issuer), "typ": typ,
                    "token": token, "issuer": server.issuer, "audience": audience,
                })
            };
            requests.extend([
                request(&token, audience),
                request(&changed(&token), audience),
                request(&token, "https://elsewhere.example.org"),
            ]);
            subjects.push(*subject);
        }
    }
    for library in LIBRARIES.iter().filter(|library| library.has(alg)) {
        let answers = library.ask(machine, "verify", &requests);
        let [bad_signature, _, other_audience] = library.refusals;
        for (answers, subject) in answers.chunks(3).zip(&subjects) {
            let shown = format!("{}: {answers:?}", library.name);
            assert_eq!(answers[0]["claims"]["sub"], *subject, "{shown}");
            assert_eq!(answers[0]["claims"]["iss"], server.issuer, "{shown}");
            assert_eq!(answers[1]["refused"], bad_signature, "{shown}");
            assert_eq!(answers[2]["refused"], other_audience, "{shown}");
        }
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
    let own = &got["client_credentials"];
    keys_and_no_more(own, &["access_token", "expires_in", "scope", "token_type"]);
    let mut tokens = vec![(own, "client:service")];
    tokens.extend(["code", "refresh", "pushed"].map(|name| (&got[name], "alice")));
    verified(&server, &machine, "web", &tokens);
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

/// Checklist: C.11, C.17, C.18
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

/// A client that was sent here by another server than it believes (RFC 9207 §1) does not take the
/// answer for that one's.
///
/// Checklist: C.3
#[test]
fn whose_answer_it_is_clients_tell_by_iss() {
    let machine = machine();
    let server = setup(&machine).start();
    let got = used(&server, &machine, "mix_up.mjs", json!({}));
    let refused = ["OAUTH_INVALID_RESPONSE"; 3];
    assert_eq!(
        got["refused"],
        json!({ "oauth4webapi": refused, "openid-client": refused })
    );
    assert_eq!(got["code"]["scope"], "read", "{got}");
}

/// Checklist: C.6
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
    // It insists on RS256 where OpenID Connect Discovery §3 does.
    let rotate = ["pam-jwt", "keys", "rotate", "--alg", "RS256"];
    machine.run(rotate).expect_success();
    let server = setup(&machine)
        .client("signing", None, &signing)
        .client("old", Some(CLIENT_SECRET), OLD)
        .start();
    let more = json!({ "private_key": private });
    let got = used(&server, &machine, "use_authlib.py", more);
    let mut tokens = vec![
        (&got["client_credentials"], "client:service"),
        (&got["posted"], "client:service"),
        (&got["private_key_jwt"], "client:signing"),
    ];
    tokens.extend(["code", "refresh", "password"].map(|name| (&got[name], "alice")));
    verified(&server, &machine, "web", &tokens);
    assert_eq!(got["id_token_claims"]["sub"], "alice");
    assert_eq!(got["userinfo"]["sub"], "alice");
    assert_eq!(got["introspection"]["active"], true);
    assert_eq!(got["revoked"], json!({ "active": false }));
    assert_eq!(got["refresh_revoked"], "invalid_grant");
    assert_eq!(got["wrong_password"], "invalid_grant");
    assert_eq!(got["device"]["scope"], "openid read");
}

/// Checklist: C.6
#[test]
fn requests_oauthlib() {
    let machine = machine();
    let server = setup(&machine)
        .client("old", Some(CLIENT_SECRET), OLD)
        .start();
    let got = used(&server, &machine, "use_requests_oauthlib.py", json!({}));
    let mut tokens = vec![(&got["client_credentials"], "client:service")];
    let of_alice = ["code", "refresh", "password", "implicit"];
    tokens.extend(of_alice.map(|name| (&got[name], "alice")));
    verified(&server, &machine, "web", &tokens);
    assert_eq!(got["userinfo"]["sub"], "alice");
    assert_eq!(got["reused"], "invalid_grant");
    assert_eq!(got["wrong_password"], "invalid_grant");
    assert_eq!(got["password_unregistered"], "unauthorized_client");
    let implicit = &got["implicit"];
    assert!(implicit.get("refresh_token").is_none(), "{implicit}");
    assert_eq!(implicit["iss"], server.issuer, "{implicit}");
    let back = got["implicit_unregistered"].as_str().expect("an address");
    assert_eq!(parameter(back, "error"), "unauthorized_client", "{back}");
}
