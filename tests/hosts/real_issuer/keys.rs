//! Its keys: fetched, rotated, kept while it is down, and too old in the end.

use crate::{machine, of_password, outcome, sockets, token};
use machine::{Machine, Output, PROVIDER, Provider};

/// As the timer has it, or at once.
fn fetch(machine: &Machine, how: &[&str]) -> Output {
    machine
        .command(["pam-jwt-fetch"])
        .args(how)
        .user("pam-jwt-fetch")
        .run()
}

/// How often the provider was asked for its keys.
fn asked(provider: &Provider) -> usize {
    provider.printed().matches("GET /jwks 200").count()
}

#[test]
fn logins_follow_what_is_fetched_and_go_on_without_the_issuer_for_a_time() {
    let machine = machine("max_key_age = \"10m\"");
    let mut provider = Provider::start(&machine, r#"{ "access_token_seconds": 3600 }"#);
    let sshd = machine.sshd(&[]);
    let first = token(&mut provider);
    assert_eq!(outcome(&machine, &first), "keys_not_fetched");
    let _ = fetch(&machine, &[]).expect_success();
    assert_eq!(outcome(&machine, &first), "allowed");

    provider.rotate();
    let second = token(&mut provider);
    assert_eq!(outcome(&machine, &second), "key_unknown");
    let _ = fetch(&machine, &["--now"]).expect_success();
    assert_eq!(outcome(&machine, &second), "allowed");
    // What the old key has signed is good for a time, which the issuer may have forgotten.
    provider.drop_old_keys();
    let _ = fetch(&machine, &["--now"]).expect_success();
    assert_eq!(outcome(&machine, &first), "allowed");

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

    // It is the helper that has a connection; sshd has the sockets that it always has.
    assert!(of_refresh.reach_the_provider(), "{of_refresh:#?}");
    assert_eq!(of_refresh.of("sshd"), of_password(&machine, &sshd));
}
