//! `pam-jwt-authserver` as it is installed: it serves, ends, and serves on, with either store.

use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use machine::{AuthServer, Machine, Postgresql, wait_until};
use serde_json::Value;
use std::collections::BTreeSet;

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
/// and none has another's place in the status list; also while a key is replaced.
///
/// Checklist: C.17
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
    replace_a_key(&machine, &first, &second);
}

/// The keys that a server publishes.
#[track_caller]
fn published(server: &AuthServer<'_>) -> JwkSet {
    let jwks = server.get("/jwks", &[]).expect(200).body;
    serde_json::from_str(&jwks).expect("a JWK Set")
}

/// Their kids.
#[track_caller]
fn kids(server: &AuthServer<'_>) -> BTreeSet<String> {
    let keys = published(server).keys.into_iter();
    keys.map(|key| key.common.key_id.expect("a kid")).collect()
}

fn kid_of(token: &str) -> String {
    decode_header(token).expect("a header").kid.expect("a kid")
}

/// Has jsonwebtoken verify the token by the keys that this server publishes.
#[track_caller]
fn verify(token: &str, server: &AuthServer<'_>) {
    let keys = published(server);
    let key = keys.find(&kid_of(token)).expect("the key is published");
    let key = DecodingKey::from_jwk(key).expect("a key");
    let mut validation = Validation::new(decode_header(token).expect("a header").alg);
    validation.set_audience(&["https://api.example.org"]);
    validation.set_issuer(&[&server.issuer]);
    let verified = decode::<Value>(token, &key, &validation);
    assert!(verified.is_ok(), "{verified:?}");
}

/// Both have the directory of the keys: whoever has learnt the keys of either verifies what the
/// other has signed, before, while and after a key is replaced.
#[track_caller]
fn replace_a_key(machine: &Machine, first: &AuthServer<'_>, second: &AuthServer<'_>) {
    second.stop();
    let mount = "mount --bind $0/authserver-keys $1/authserver-keys";
    let mount = ["sh", "-c", mount, &first.directory, &second.directory];
    machine.run(mount).expect_success();
    second.again();
    let both = [(first, second), (second, first)];
    let old = both.map(|(one, other)| (one.service_token(), other));
    let old_kid = kid_of(&old[0].0);

    let rotate = ["pam-jwt", "--json", "keys", "rotate", "--overlap", "2s"];
    let made = machine.run(rotate).expect_success().stdout;
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let new_kid = made["kid"].as_str().expect("a kid").to_owned();
    let two = BTreeSet::from([old_kid.clone(), new_kid.clone()]);
    wait_until("both publish the next key", || {
        kids(first) == two && kids(second) == two
    });
    for (one, other) in both {
        verify(&one.service_token(), other);
        wait_until("the next key signs", || {
            kid_of(&one.service_token()) == new_kid
        });
        verify(&one.service_token(), other);
    }
    // What was signed before is good on both as well.
    for (token, other) in &old {
        assert_eq!(kid_of(token), old_kid);
        verify(token, other);
    }
    assert_eq!(first.get("/jwks", &[]).body, second.get("/jwks", &[]).body);
}
