//! What is changed in the files while the server runs.

use super::{gets_a_token, installed, network_process};
use base64ct::{Base64UrlUnpadded, Encoding};
use machine::{AuthServer, CLIENT_SECRET, Machine, wait_until};
use serde_json::Value;

/// What a command of pam-jwt's reports as JSON.
#[track_caller]
fn reported(machine: &Machine, words: &[&str]) -> Value {
    let command = machine.command(["pam-jwt", "--json"]).args(words);
    let report = command.run().expect_success().stdout;
    serde_json::from_str(&report).expect("JSON")
}

/// With no signal, and nothing else that anybody has to think of.
#[test]
fn clients_and_keys_are_taken_up_as_they_come_and_go() {
    let machine = installed();
    let server = AuthServer::on(&machine).start();
    let add = [
        "clients",
        "add",
        "job",
        "--audience",
        "https://api.example.org",
    ];
    let added = reported(&machine, &add);
    let secret = |report: &Value| report["client_secret"].as_str().expect("one").to_owned();
    let old = secret(&added);
    let gets = |secret: &str| gets_a_token(&server, "job", secret);
    wait_until("the new client gets a token", || gets(&old));
    let new = secret(&reported(&machine, &["clients", "rotate-secret", "job"]));
    wait_until("its new secret is good", || gets(&new));
    assert!(gets(&old), "the old one is good until it is dropped");
    let _ = reported(&machine, &["clients", "rotate-secret", "job", "--drop-old"]);
    wait_until("its old secret is no good", || !gets(&old));
    assert!(gets(&new));
    let _ = reported(&machine, &["clients", "remove", "job"]);
    wait_until("it is no client any more", || !gets(&new));
    assert!(gets_a_token(&server, "service", CLIENT_SECRET));

    assert_eq!(kids(&server).len(), 1);
    let _ = reported(&machine, &["keys", "rotate", "--alg", "ES256"]);
    wait_until("the next key is published", || kids(&server).len() == 2);
    server.stop();
}

/// The kids of the keys that are published.
#[track_caller]
fn kids(server: &AuthServer<'_>) -> Vec<String> {
    let jwks = server.get("/jwks", &[]).expect(200).json();
    let keys = jwks["keys"].as_array().expect("keys").iter();
    keys.map(|key| key["kid"].as_str().expect("a kid").to_owned())
        .collect()
}

/// The kid of the key that has signed a token.
fn kid_of(token: &str) -> String {
    let header = token.split('.').next().expect("a header");
    let header = Base64UrlUnpadded::decode_vec(header).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].as_str().expect("a kid").to_owned()
}

/// Files that somebody takes away by hand.
#[test]
fn a_file_that_is_gone_ends_what_it_was_for_and_no_server() {
    let machine = installed();
    let server = AuthServer::on(&machine).start();
    let (monitor, network) = (server.pid(), network_process(&machine));
    let directory = &server.directory;
    let sh = |script: &str| {
        let script = format!("cd {directory} && {script}");
        machine.run(["sh", "-c", &script]).expect_success();
    };
    let is_active = |token: &str| {
        let user = server.basic("api");
        let answer = server.post("/introspect", &["--user", &user], &[("token", token)]);
        answer.expect(200).json()["active"] == true
    };
    let first = server.service_token();

    // A client's, whose tokens are good until they are over.
    sh("cp -p clients.d/service.toml /run && rm clients.d/service.toml");
    wait_until("there is no such client", || {
        !gets_a_token(&server, "service", CLIENT_SECRET)
    });
    server.wait_for_log("event=token result=refused reason=invalid_client ");
    assert!(is_active(&first));
    sh("mv /run/service.toml clients.d");
    wait_until("the client is back", || {
        gets_a_token(&server, "service", CLIENT_SECRET)
    });

    // The one key: without one to sign with, that from before does.
    sh("rm authserver-keys/*.jwk");
    server.wait_for_log(
        "<3>the settings are not taken: there is no key to sign with; make one: pam-jwt keys rotate",
    );
    assert_eq!(kid_of(&server.service_token()), kid_of(&first));
    assert!(is_active(&first));
    // The next one signs at once, and what the lost one has signed is good no more.
    let made = reported(&machine, &["keys", "rotate"]);
    wait_until("another key signs", || {
        made["kid"] == kid_of(&server.service_token()).as_str()
    });
    assert_eq!(kids(&server), [kid_of(&server.service_token())]);
    assert!(!is_active(&first));
    assert_eq!(
        (server.pid(), network_process(&machine)),
        (monitor, network)
    );
    assert!(!server.log().contains("panicked"), "{}", server.log());
    server.stop();
}

/// A key that is published, and whose time comes, signs without anybody's doing.
#[test]
fn a_key_signs_when_its_time_has_come() {
    let machine = installed();
    let server = AuthServer::on(&machine).start();
    let old = kid_of(&server.service_token());
    let made = reported(&machine, &["keys", "rotate", "--overlap", "3s"]);
    assert_ne!(made["kid"], old.as_str());
    wait_until("the next key signs", || {
        made["kid"] == kid_of(&server.service_token()).as_str()
    });
    server.stop();
}

#[test]
fn settings_that_are_no_good_are_not_taken_and_those_from_before_hold() {
    let machine = installed();
    let server = AuthServer::on(&machine).start();
    let path = "/etc/pam-jwt/authserver.toml";
    let before = machine.read(path);
    let token = || server.service_token();
    let lifetime = || {
        let grant = [("grant_type", "client_credentials")];
        let user = server.basic("service");
        let answer = server.post("/token", &["--user", &user], &grant);
        answer.expect(200).json()["expires_in"].clone()
    };
    machine.write(path, format!("{before}nonsense = 1\n"), 0o644);
    server.wait_for_log("the settings are not taken: ");
    let _ = token();
    machine.write(path, "", 0o666);
    server.wait_for_log("run: chmod");
    let _ = token();
    let other = before.replace("127.0.0.1:8443\"]", "127.0.0.1:8444\"]");
    assert_ne!(other, before);
    machine.write(path, other, 0o644);
    server.wait_for_log("the settings are not taken: listen holds from a start on");
    assert_eq!(lifetime(), 600);
    let shorter = format!("{before}[lifetimes]\naccess_token = \"5m\"\n");
    machine.write(path, shorter, 0o644);
    wait_until("the settings are taken", || lifetime() == 300);
    // As an administrator is used to.
    let lines = server.log().lines().count();
    server.signal("HUP");
    wait_until("it is said again", || {
        let log = server.log();
        let said = |line: &str| line.contains("the settings are taken as they are now");
        log.lines().skip(lines).any(said)
    });
    server.stop();
}

#[test]
fn a_new_certificate_is_for_new_connections_and_ends_none() {
    let machine = installed();
    let server = AuthServer::on(&machine).tls().start();
    let connect = ["openssl", "s_client", "-connect", "as.example.org:8443"];
    let mut open = machine
        .command(connect)
        .args(["-servername", "as.example.org", "-quiet", "-crlf"])
        .terminal();
    let ask = "GET /health HTTP/1.1\nHost: as.example.org\n\n";
    open.send(ask).expect("\"status\":\"ok\"");
    let fingerprint = || {
        let script = "openssl s_client -connect as.example.org:8443 </dev/null 2>/dev/null |
            openssl x509 -noout -fingerprint -sha256";
        machine.run(["sh", "-c", script]).expect_success().stdout
    };
    let old = fingerprint();
    let (certificate, key) = machine.certificate("other.example.org");
    // The key first, so that for a moment the two are no pair.
    for (from, to) in [(key, "key"), (certificate, "pem")] {
        let to = format!("/run/certificates/as.example.org.{to}");
        machine.run(["mv", &from, &to]).expect_success();
    }
    wait_until("the new certificate is used", || fingerprint() != old);
    open.send(ask).expect("\"status\":\"ok\"");
    server.stop();
}
