//! What pam-jwt-authserver has acknowledged survives whatever becomes of it and of its store, and
//! what can happen once happens once, with SQLite and with PostgreSQL.

mod crash;
mod faults;
mod load;
mod replicas;

use base64ct::{Base64UrlUnpadded, Encoding};
use load::post;
use machine::{AuthServer, Machine, Postgresql};
use serde_json::Value;

/// A server with this store, for each of both; it has an account `alice`.
fn with_both(test: impl Fn(&Machine, &AuthServer<'_>)) {
    let machine = installed();
    println!("with SQLite");
    let server = AuthServer::on(&machine).start();
    test(&machine, &server);
    server.stop();
    println!("with PostgreSQL");
    let database = Postgresql::start(&machine);
    let server = AuthServer::on(&machine).postgresql(&database).start();
    test(&machine, &server);
    server.stop();
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
