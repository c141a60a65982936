//! Every recipe of `pam-jwt trust`, held against a token of its issuer's shape and length:
//! that one logs in, and whatever comes near it does not.

mod case;
mod list;
mod mint;
mod people;
mod trust;
mod workloads;

use case::{Attempt, Case, Keys};
use machine::{Machine, Output, tell};
use mint::Key;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::SystemTime;

const STACK: &str = "auth required pam_jwt.so\naccount required pam_permit.so\n\
    session required pam_permit.so\n";

/// A machine with all accounts of the recipes.
fn machine() -> Machine {
    let machine = Machine::boot();
    machine.install();
    for account in [
        "alice",
        "bob",
        "deploy",
        "backup-runner",
        "dunepro",
        "pipeline",
    ] {
        machine.account(account);
    }
    for service in ["sshd", "login"] {
        machine.write(&format!("/etc/pam.alone/{service}"), STACK, 0o644);
    }
    machine
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.expect("a clock").as_secs()
}

/// `pam-jwt trust RECIPE --set …`
fn trust_by(machine: &Machine, case: &Case) -> Output {
    let command = machine.command(["pam-jwt", "trust", case.recipe]);
    let set = case.set.iter().flat_map(|value| ["--set", value]);
    command.args(set).run()
}

/// What the issuers publish, by address.
type Web = Map<String, Value>;

/// A key of the issuer's, published as it publishes its own, beside one that is for something
/// else.
fn publish(machine: &Machine, case: &Case, web: &mut Web) -> Key {
    let key = Key::new(machine, case.recipe, case.alg, case.kid);
    let mut jwk = key.jwk.clone();
    let mut other = jwk.clone();
    other["kid"] = "other".into();
    other["use"] = "enc".into();
    if case.issuer.starts_with("spiffe://") {
        jwk["use"] = "jwt-svid".into();
        other["use"] = "x509-svid".into();
    }
    let keys = json!({ "keys": [other, jwk] });
    match case.keys {
        Keys::At(address) => drop(web.insert(address.to_owned(), keys)),
        Keys::DiscoveredAt(document, address) => {
            let mut found = json!({ "issuer": case.issuer, "jwks_uri": address });
            if let Some(uri) = case.claims.pointer("/status/status_list/uri") {
                let uri = uri.as_str().expect("a URI");
                let lists = format!("{}/lists", case.issuer);
                found["status_list_aggregation_endpoint"] = json!(lists);
                web.insert(lists, json!({ "status_lists": [uri] }));
                web.insert(uri.to_owned(), key.sign_list(uri, now()).into());
            }
            web.insert(document.to_owned(), found);
            web.insert(address.to_owned(), keys);
        }
        Keys::File(file) => machine.write(file, keys.to_string(), 0o644),
    }
    key
}

/// Has pam-jwt-fetch fetch what is published in `web`, from servers of those names.
fn fetch(machine: &Machine, web: &Web) {
    machine.write("/root/web.json", json!(web).to_string(), 0o600);
    let hosts = web
        .keys()
        .filter_map(|address| address.split(['/', ':']).nth(3));
    let hosts: BTreeSet<&str> = hosts.collect();
    let mut certificates = String::new();
    for host in hosts {
        let (certificate, _) = machine.certificate(host);
        let (directory, _) = certificate.rsplit_once('/').expect("a path");
        certificates = directory.to_owned();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/hosts/recipes/web.py");
    let server = ["python3", script, "/root/web.json", &certificates];
    let mut server = machine.command(server).terminal();
    server.expect("ready");
    let _ = machine.run(["pam-jwt-fetch", "--now"]).expect_success();
}

/// What `pam-jwt verify` says of a login, whose decision is the module's.
fn reason(machine: &Machine, key: &Key, attempt: &Attempt) -> String {
    let token = key.sign(&attempt.header, &attempt.claims);
    let command = machine.command(["pam-jwt", "--json", "verify"]);
    let command = command.args(["--user", attempt.account, "--service", attempt.service]);
    let output = command.stdin(token).run();
    let report: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
    let reason = report["reason"].as_str();
    let reason = reason.unwrap_or_else(|| panic!("{output}"));
    assert_eq!(output.code() == Some(0), reason == "allowed", "{output}");
    reason.to_owned()
}

/// A login through libpam.
fn log_in(machine: &Machine, key: &Key, attempt: &Attempt) {
    let token = key.sign(&attempt.header, &attempt.claims);
    let host = [
        env!("CARGO_BIN_EXE_pam-host"),
        attempt.service,
        attempt.account,
        "/etc/pam.alone",
    ];
    let login = machine.command(host).stdin(token).run();
    let let_in = "\nauthenticate PAM_SUCCESS\n";
    assert!(login.stdout.contains(let_in), "{login}");
}

/// Checklist: D.4, D.5
#[test]
fn each_recipe_lets_in_its_token_and_nothing_that_comes_near() {
    let machine = machine();
    let now = now();
    let cases = [
        people::keycloak(now),
        people::entra(now, 0),
        people::google(now),
        workloads::github(now),
        workloads::gitlab(now),
        workloads::kubernetes(now),
        workloads::spiffe(now),
        workloads::wlcg(now),
        workloads::scitokens(now),
        people::pam_jwt_host(now),
        people::authserver(now),
    ];
    let mut keys = Vec::new();
    let mut web = Web::new();
    for case in &cases {
        keys.push(publish(&machine, case, &mut web));
        let _ = trust_by(&machine, case).expect_success();
    }
    fetch(&machine, &web);
    let listed = machine.run(["pam-jwt", "--json", "trust"]).expect_success();
    let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    let listed = listed["recipes"].as_array().expect("a list");
    let listed: Vec<&str> = listed
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(listed, cases.each_ref().map(|case| case.recipe));

    let mut refused = 0;
    let strangers = keys.iter().cycle().skip(1);
    for ((case, key), stranger) in cases.iter().zip(&keys).zip(strangers) {
        let (name, mark) = (case.recipe, machine.mark());
        let length = key.sign(&case.header, &case.claims).len();
        assert!(case.bytes.contains(&length), "{name}: {length} bytes");
        assert_eq!(reason(&machine, key, &case.attempt()), "allowed", "{name}");
        log_in(&machine, key, &case.attempt());
        let issuer = format!(" issuer={} ", case.issuer);
        let line = machine.wait_for_log(mark, "result=accepted");
        assert!(line.message.contains(&issuer), "{name}: {}", line.message);
        for (change, wanted) in &case.misses {
            let attempt = case.attempt().with(change);
            let said = reason(&machine, key, &attempt);
            assert_eq!(said, *wanted, "{name}, {change:?}");
            refused += 1;
        }
        // By another's key nobody gets in, whatever the token says.
        let by_stranger = reason(&machine, stranger, &case.attempt());
        assert_eq!(by_stranger, "key_unknown", "{name}");
        tell(&format!("{name}: a token of {length} bytes"));
    }
    tell(&format!("{refused} near misses"));

    // With as many groups as Entra puts into a token.
    let long = people::entra(now, 200);
    let key = &keys[1];
    let length = key.sign(&long.header, &long.claims).len();
    assert!(long.bytes.contains(&length), "{length} bytes");
    log_in(&machine, key, &long.attempt());

    trust_domain(&machine, &cases[6], &keys[6]);
}

/// What else goes by the name of an issuer goes by that of a trust domain.
fn trust_domain(machine: &Machine, case: &Case, key: &Key) {
    let domain = ["--issuer", "spiffe://example.org"];
    let revoke = |more: &[&str]| {
        let command = machine.command(["pam-jwt", "revoke"]).args(domain);
        command.args(more).run().expect_success();
    };
    revoke(&["--sub", "spiffe://example.org/ssh/alice"]);
    assert_eq!(reason(machine, key, &case.attempt()), "revoked");
    revoke(&["--sub", "spiffe://example.org/ssh/alice", "--undo"]);
    assert_eq!(reason(machine, key, &case.attempt()), "allowed");
    // A JWT-SVID with a jti may open one login.
    let file = "/etc/pam-jwt/issuers.d/spiffe.toml";
    let once = "one_time = true\nmax_age = \"10m\"\nstrip_prefix ";
    let text = machine.read(file).replacen("strip_prefix ", once, 1);
    machine.write(file, text, 0o644);
    let mut once = case.attempt();
    once.claims["jti"] = "j".into();
    log_in(machine, key, &once);
    assert_eq!(reason(machine, key, &once), "already_used");
}
