//! What the module has pam-jwt-fetch do for one login.

use crate::{fetch, issuer_of, machine, outcome};
use machine::{Machine, Output, tell};
use std::time::{Duration, Instant};

fn errand(machine: &Machine, errand: &str) -> Output {
    let request =
        format!(r#"{{"config":"/etc/pam-jwt","issuer":"https://issuer.test","errand":{errand}}}"#);
    let helper = machine.command(["pam-jwt-fetch", "--helper"]);
    helper.stdin(request + "\n").run().expect_success()
}

#[test]
fn keys_are_fetched_for_a_login_once_a_minute_and_quickly() {
    let machine = machine();
    let issuer = issuer_of(&machine, "discover = true\nrefresh_on_unknown_kid = false");
    let refresh = || errand(&machine, "\"refresh\"").stdout;
    assert_eq!(refresh(), "{\"answer\":\"refreshed\"}\n");
    assert_eq!(outcome(&machine, &issuer.token("first", &[])), "allowed");
    let _ = issuer.requests();
    let again = refresh();
    assert!(
        again.contains("failed") && again.contains("not again within "),
        "{again}"
    );
    assert_eq!(issuer.requests(), [""; 0]);
    // Failing counts as well, and so does not having come to an end.
    for (clock, fault, why) in [
        ("+2m", r#"{"kind":"silent"}"#, "timeout"),
        ("+4m", r#"{"kind":"slow","path":"/jwks"}"#, "timeout"),
        ("+6m", r#"{"kind":"status","status":500}"#, "status 500"),
    ] {
        machine.set_clock(clock);
        issuer.fault(fault);
        let start = Instant::now();
        let failed = refresh();
        let took = start.elapsed();
        assert!(failed.contains(why), "{failed}");
        // It gives up after 2.5 s, where the issuer would go on for minutes; what it takes on
        // a busy machine is told, not judged.
        assert!(took < Duration::from_secs(20), "{took:?}");
        tell(&format!("refresh, {fault}: {} ms", took.as_millis()));
        let again = refresh();
        assert!(again.contains("not again within "), "{again}");
    }
    assert_eq!(outcome(&machine, &issuer.token("first", &[])), "allowed");
}

/// A login waits three seconds for keys of which it hears nothing, whatever runs there.
#[test]
fn a_login_outlasts_a_refresh_that_does_not_end() {
    let machine = machine();
    let issuer = issuer_of(&machine, "discover = true\nrefresh_on_unknown_kid = true");
    let _ = fetch(&machine, &[]).expect_success();
    let path = "/usr/local/sbin/pam-jwt-fetch";
    machine.write(path, "#!/bin/sh\ntrap '' TERM\nsleep 1000\n", 0o755);
    let settings = format!("fetch_program = \"{path}\"\n");
    machine.write("/etc/pam-jwt/pam-jwt.toml", settings, 0o644);
    issuer.key("second");
    machine.set_clock("+2m");
    let start = Instant::now();
    assert_eq!(
        outcome(&machine, &issuer.token("second", &[])),
        "key_unknown"
    );
    let took = start.elapsed();
    // Not the 1000 s of the stand-in.
    assert!(took < Duration::from_secs(20), "{took:?}");
    tell(&format!(
        "a login with a refresh that hangs: {} ms",
        took.as_millis()
    ));
    assert_eq!(outcome(&machine, &issuer.token("first", &[])), "allowed");
    let left = machine.run(["pgrep", "-x", "pam-jwt-fetch"]);
    assert_eq!(left.code(), Some(1), "{left}");
}

#[test]
fn an_issuer_is_asked_about_its_opaque_tokens_and_nothing_else() {
    let machine = machine();
    let issuer = issuer_of(
        &machine,
        "discover = true\n[introspection]\nclient_id = \"this host\"\n\
         client_secret_file = \"/etc/pam-jwt/private/client.secret\"\nprefix = \"opaque_\"\n",
    );
    let token = "opaque_0123456789abcdef";
    let ask = |token: &str| {
        let words = format!(r#""introspect","token":"{token}","client_secret":"s%cret""#);
        errand(&machine, &words).stdout
    };
    let _ = issuer.requests();
    issuer.put("/introspect", r#"{"active":true,"sub":"alice"}"#);
    assert_eq!(
        ask(token),
        "{\"answer\":\"claims\",\"claims\":\"{\\\"active\\\":true,\\\"sub\\\":\\\"alice\\\"}\"}\n"
    );
    // Both halves are encoded as in a form first (RFC 6749 §2.3.1): this%20host:s%25cret
    assert_eq!(
        issuer.requests()[1],
        format!(
            "/introspect token={token}&token_type_hint=access_token \
             Basic dGhpcyUyMGhvc3Q6cyUyNWNyZXQ="
        )
    );
    issuer.put("/introspect", r#"{"active":false}"#);
    assert_eq!(ask(token), "{\"answer\":\"inactive\"}\n");
    for (fault, why) in [
        (
            r#"{"kind":"status","status":500,"path":"/introspect"}"#,
            "status 500",
        ),
        (
            r#"{"kind":"status","status":401,"path":"/introspect"}"#,
            "status 401",
        ),
        (r#"{"kind":"page","path":"/introspect"}"#, "something else"),
        (
            r#"{"kind":"redirect","path":"/introspect","to":"/jwks"}"#,
            "status 302",
        ),
        (r#"{"certificate":"other"}"#, "not valid for name"),
        (r#"{"kind":"huge","path":"/introspect"}"#, "more than "),
    ] {
        issuer.fault(fault);
        let failed = ask(token);
        assert!(
            failed.contains("\"failed\"") && failed.contains(why),
            "{failed}"
        );
    }
    issuer.fault("");
    let _ = issuer.requests();
    let password = ask("correct horse battery staple");
    assert!(password.contains("none of its tokens"), "{password}");
    assert_eq!(issuer.requests(), [""; 0]);
}
