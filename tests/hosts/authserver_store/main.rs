//! What pam-jwt-authserver has acknowledged survives whatever becomes of it and of its store, and
//! what can happen once happens once, with SQLite and with PostgreSQL.

mod crash;
mod faults;
mod load;
mod replicas;

use base64ct::{Base64UrlUnpadded, Encoding};
use load::{Answered, post};
use machine::{AuthServer, Machine, Postgresql};
use serde_json::{Value, json};
use std::time::UNIX_EPOCH;

const SQLITE: &str = "/var/lib/pam-jwt-authserver/store.db";

/// Runs SQL on a file of SQLite's, beside the server.
const SCRIPT: &str = "import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=60) as database:
    database.executescript(sys.stdin.read())";

/// Prints the SHA-256 of each argument.
const DIGESTS: &str = "import hashlib, sys
for text in sys.argv[1:]:
    print(hashlib.sha256(text.encode()).hexdigest())";

/// Runs a test with each of both stores; what it is handed runs SQL there.
fn with_both(test: impl Fn(&AuthServer<'_>, &dyn Fn(&str))) {
    let machine = installed();
    println!("with SQLite");
    let server = AuthServer::on(&machine).start();
    test(&server, &|sql| {
        let python = machine.command(["python3", "-c", SCRIPT, SQLITE]);
        python.stdin(sql).run().expect_success();
    });
    server.stop();
    println!("with PostgreSQL");
    let database = Postgresql::start(&machine);
    let server = AuthServer::on(&machine).postgresql(&database).start();
    test(&server, &|sql| {
        let _ = database.query(sql);
    });
    server.stop();
}

/// Puts codes into a store by which alice allows the client `web` to read, as the authorization
/// endpoint does; many, for whom nobody has to log in.
fn allow(machine: &Machine, sql: &dyn Fn(&str), codes: &[String]) {
    let since = UNIX_EPOCH.elapsed().expect("it is later");
    let expires = since.as_secs() + 600;
    let digests = machine
        .command(["python3", "-c", DIGESTS])
        .args(codes)
        .run();
    let digests = digests.expect_success().stdout;
    let values: Vec<String> = codes
        .iter()
        .zip(digests.lines())
        .map(|(code, digest)| {
            let data = json!({
                "grant": {
                    "id": format!("family of {code}"), "client_id": "web", "account": "alice",
                    "scopes": ["read"], "resources": [], "auth_time": null, "amr": ["pwd"],
                    "nonce": null, "expires": expires,
                },
                "redirect_uri": null, "challenge": null,
            });
            format!("('{digest}', '{data}', 0, {expires}, {expires})")
        })
        .collect();
    let values = values.join(", ");
    sql(&format!(
        "INSERT INTO codes (digest, data, used, expires, kept) VALUES {values}"
    ));
}

/// The answer to a code.
fn redeem(server: &AuthServer<'_>, code: &str) -> Option<Answered> {
    let form = [("grant_type", "authorization_code"), ("code", code)];
    post(server, "/token", "web", &form)
}

/// The answer to a refresh token.
fn refresh(server: &AuthServer<'_>, token: &str) -> Option<Answered> {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    post(server, "/token", "web", &form)
}

/// The access token and the refresh token of an answer that has both.
fn tokens(answer: &Answered) -> (String, String) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    let text = |name: &str| answer[name].as_str().expect(name).to_owned();
    (text("access_token"), text("refresh_token"))
}

/// Whether a code or a refresh token was refused because it is none, or none any more.
fn is_refused(answer: Option<&Answered>) -> bool {
    let answer = answer.expect("an answer");
    answer.status == 400 && answer.json()["error"] == "invalid_grant"
}

fn installed() -> Machine {
    let machine = Machine::boot();
    machine.install();
    machine.account("alice");
    machine
}

/// A token of the client `service` for itself; none where there is no answer, or another one.
fn token(server: &AuthServer<'_>) -> Option<String> {
    let form = [("grant_type", "client_credentials")];
    let answer = post(server, "/token", "service", &form)?;
    let answer: Value = (answer.status == 200).then(|| answer.json())?;
    Some(answer["access_token"].as_str().expect("a token").to_owned())
}

/// Whether the server has acknowledged that this token of the client is taken back.
fn revoke(server: &AuthServer<'_>, client: &str, token: &str) -> bool {
    post(server, "/revoke", client, &[("token", token)]).is_some_and(|answer| answer.status == 200)
}

/// Whether the server says that the token is good.
fn is_active(server: &AuthServer<'_>, token: &str) -> bool {
    let answer = post(server, "/introspect", "api", &[("token", token)]).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["active"].as_bool().expect("active")
}

/// A token's list and its place in it.
fn place(token: &str) -> (String, u64) {
    let claims = token.split('.').nth(1).expect("a token has three parts");
    let claims = Base64UrlUnpadded::decode_vec(claims).expect("base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    let status = &claims["status"]["status_list"];
    let uri = status["uri"].as_str().expect("uri").to_owned();
    (uri, status["idx"].as_u64().expect("idx"))
}
