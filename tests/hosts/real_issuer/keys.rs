//! Its keys: fetched, rotated, kept while it is down, and too old in the end.

use crate::{machine, of_password, outcome, sockets, token};
use machine::{Machine, Output, PROVIDER, Provider};
use serde_json::Value;

/// As the timer has it, or at once.
fn fetch(machine: &Machine, how: &[&str]) -> Output {
    machine
        .command(["pam-jwt-fetch"])
        .args(how)
        .user("pam-jwt-fetch")
        .run()
}

/// What `pam-jwt status` says of the provider.
fn status(machine: &Machine) -> Value {
    let output = machine.run(["pam-jwt", "--json", "status"]);
    let reports: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
    assert_eq!(reports[0]["issuer"], PROVIDER, "{output}");
    reports[0].clone()
}

/// How often the provider was asked for its keys.
fn asked(provider: &Provider) -> usize {
    provider.asked("GET /jwks 200")
}

#[test]
fn logins_follow_what_is_fetched_and_go_on_without_the_issuer_for_a_time() {
    let machine = machine("max_key_age = \"10m\"");
    let mut provider = Provider::start(&machine, r#"{ "access_token_seconds": 3600 }"#);
    let sshd = machine.sshd(&[]);
    let first = token(&mut provider);
    assert_eq!(outcome(&machine, &first), "keys_not_fetched");
    assert_eq!(status(&machine)["standing"], "missing");
    let _ = fetch(&machine, &[]).expect_success();
    assert_eq!(outcome(&machine, &first), "allowed");
    let fresh = status(&machine);
    assert_eq!(fresh["standing"], "fresh", "{fresh}");
    assert_eq!(fresh["jwks_uri"], format!("{PROVIDER}/jwks"), "{fresh}");

    let kid = provider.rotate();
    let second = token(&mut provider);
    assert_eq!(outcome(&machine, &second), "key_unknown");
    let _ = fetch(&machine, &["--now"]).expect_success();
    assert_eq!(outcome(&machine, &second), "allowed");
    // What the old key has signed is good for a time, which the issuer may have forgotten.
    provider.drop_old_keys();
    let _ = fetch(&machine, &["--now"]).expect_success();
    assert_eq!(outcome(&machine, &first), "allowed");
    let kept = status(&machine)["keys"].clone();
    let withdrawn = |key: &Value| (key["kid"] == kid.as_str(), key["withdrawn"] == true);
    let mut kept: Vec<_> = kept
        .as_array()
        .expect("keys")
        .iter()
        .map(withdrawn)
        .collect();
    kept.sort_unstable();
    assert_eq!(kept, [(false, true), (true, false)]);

    provider.stop();
    let failed = fetch(&machine, &["--now"]).expect_code(1);
    assert!(failed.stdout.contains(PROVIDER), "{failed}");
    assert_eq!(outcome(&machine, &second), "allowed");
    machine.set_clock("+9m");
    let _ = fetch(&machine, &["--now"]).expect_code(1);
    assert_eq!(outcome(&machine, &second), "allowed");
    machine.set_clock("+11m");
    let _ = fetch(&machine, &["--now"]).expect_code(1);
    assert_eq!(outcome(&machine, &second), "keys_too_old");
    let too_old = status(&machine);
    assert_eq!(too_old["standing"], "too_old", "{too_old}");
    assert_eq!(too_old["failures"], 3, "{too_old}");
    assert!(too_old["error"].is_string(), "{too_old}");

    let _provider = Provider::start(&machine, "{}");
    let _ = fetch(&machine, &["--now"]).expect_success();
    assert_eq!(outcome(&machine, &second), "allowed");
    drop(sshd);
}

#[test]
fn a_login_with_a_new_key_has_it_fetched() {
    let machine = machine("refresh_on_unknown_kid = true");
    let mut provider = Provider::start(&machine, r#"{ "access_token_seconds": 3600 }"#);
    let sshd = machine.sshd(&[]);
    let first = token(&mut provider);
    assert_eq!(outcome(&machine, &first), "allowed");
    assert_eq!(asked(&provider), 1);

    provider.rotate();
    let second = token(&mut provider);
    // Who asks often is not heard.
    assert_eq!(outcome(&machine, &second), "key_unknown");
    assert_eq!(asked(&provider), 1);
    machine.set_clock("+2m");
    let watch = sockets::watch(&machine, &sshd);
    assert_eq!(outcome(&machine, &second), "allowed");
    let of_refresh = watch.end();
    assert_eq!(asked(&provider), 2);
    assert_eq!(outcome(&machine, &first), "allowed");
    // Whose clock is right now.
    let ahead = status(&machine)["clock_ahead"].as_i64().expect("a number");
    assert!((-130..=-110).contains(&ahead), "{ahead}");

    // It is the helper that has a connection; sshd has the sockets that it always has.
    assert!(of_refresh.reach_the_provider(), "{of_refresh:#?}");
    assert_eq!(of_refresh.of("sshd"), of_password(&machine, &sshd));
}
