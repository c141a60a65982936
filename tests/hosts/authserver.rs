//! `pam-jwt-authserver` as it is installed: it serves, ends, and serves on, with either store.

use base64ct::{Base64UrlUnpadded, Encoding};
use machine::{AuthServer, Machine, Postgresql};
use serde_json::Value;

fn installed() -> Machine {
    let machine = Machine::boot();
    machine.install();
    machine
}

/// A client's own token is good wherever the server's keys are known.
#[test]
fn a_client_gets_a_token_with_either_store() {
    let machine = installed();
    for store in ["SQLite", "PostgreSQL"] {
        let mut setup = AuthServer::on(&machine);
        if store == "PostgreSQL" {
            setup = setup.postgresql(&Postgresql::start(&machine));
        }
        let server = setup.start();
        let token = server.service_token();
        assert_eq!(token.split('.').count(), 3, "{store}: {token}");
        server.stop();
        server.again();
        let jwks = server.get("/jwks", &[]).expect(200).json();
        let algs: Vec<&Value> = jwks["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| &key["alg"])
            .collect();
        assert_eq!(algs, ["EdDSA"], "{store}");
        server.kill();
        server.again();
        assert_ne!(server.service_token(), token);
        server.stop();
    }
}

/// A replica is the same server at another place: its tokens are of the same issuer and key,
/// and none has another's place in the status list.
#[test]
fn replicas_are_one_server() {
    let machine = installed();
    let database = Postgresql::start(&machine);
    let first = AuthServer::on(&machine).postgresql(&database).start();
    let second = first.replica(1);
    assert_ne!(first.url(), second.url());
    assert_eq!(first.get("/jwks", &[]).body, second.get("/jwks", &[]).body);
    let index = |server: &AuthServer<'_>| {
        let token = server.service_token();
        let claims = token.split('.').nth(1).expect("a token has three parts");
        let claims = Base64UrlUnpadded::decode_vec(claims).expect("base64url");
        let claims: Value = serde_json::from_slice(&claims).expect("JSON");
        claims["status"]["status_list"]["idx"].as_u64()
    };
    assert!(index(&first).is_some());
    assert_ne!(index(&first), index(&second));
    database.stop();
    database.again();
    assert_ne!(index(&first), index(&second));
}
