//! What an issuer may answer, and not.

use crate::{FETCHED, fetch, issuer_of, machine, outcome, stored};
use machine::Issuer;

/// The answer is wrong in this way; the program says so.
const FAULTS: [(&str, &str); 14] = [
    (r#"{"kind":"status","status":500}"#, "status 500"),
    (r#"{"kind":"status","status":404}"#, "status 404"),
    (
        r#"{"kind":"status","status":500,"path":"/jwks"}"#,
        "status 500",
    ),
    (r#"{"kind":"page"}"#, "something else than its metadata"),
    (
        r#"{"kind":"page","path":"/jwks"}"#,
        "something else than a JWK Set",
    ),
    (
        r#"{"kind":"huge","path":"/jwks"}"#,
        "more than 524288 bytes",
    ),
    (
        r#"{"kind":"bomb","path":"/jwks"}"#,
        "something else than a JWK Set",
    ),
    (r#"{"kind":"cut","path":"/jwks"}"#, "isconnected"),
    (
        r#"{"kind":"redirect","path":"/jwks","to":"https://elsewhere.test/jwks"}"#,
        "another server",
    ),
    (
        r#"{"kind":"redirect","path":"/jwks","to":"http://issuer.test/jwks"}"#,
        "another server",
    ),
    (
        r#"{"kind":"redirect","path":"/jwks","to":"/jwks"}"#,
        "other places",
    ),
    (r#"{"certificate":"expired"}"#, "xpired"),
    (r#"{"certificate":"other"}"#, "not valid for name"),
    // One byte a second: ten seconds, and no more.
    (r#"{"kind":"slow","path":"/jwks"}"#, "timeout"),
];

#[test]
fn a_bad_answer_displaces_no_good_keys() {
    let machine = machine();
    let issuer = issuer_of(&machine, "discover = true");
    let token = issuer.token("first", &[]);
    assert_eq!(outcome(&machine, &token), "keys_not_fetched");
    let first = fetch(&machine, &[]).expect_success();
    let words = "https://issuer.test: 1 key, 1 of them new, next in ";
    assert!(first.stdout.starts_with(words), "{first}");
    assert_eq!(outcome(&machine, &token), "allowed");
    // Root ran it, and became the user to whom all of it belongs.
    let owners = format!("find {FETCHED} ! -user pam-jwt-fetch -o -perm /022");
    assert_eq!(
        machine.run(["sh", "-c", &owners]).expect_success().stdout,
        ""
    );
    let keys = stored(&machine, "keys");
    // What is elsewhere would do, but for being elsewhere.
    let elsewhere = Issuer::start(&machine, "elsewhere.test");
    elsewhere.key("first");
    elsewhere.publish(&["first"]);

    let refused = |what: &str, why: &str| {
        let failed = fetch(&machine, &["--now"]).expect_code(1);
        assert!(failed.stdout.contains(why), "{what}: {failed}");
        assert!(failed.stdout.contains("1 key, fetched "), "{failed}");
        assert_eq!(stored(&machine, "keys"), keys, "{what}");
        assert!(stored(&machine, "state").contains(why), "{what}");
        assert_eq!(outcome(&machine, &token), "allowed", "{what}");
    };
    for (fault, why) in FAULTS {
        issuer.fault(fault);
        refused(fault, why);
    }
    issuer.fault("");

    let jwks = r#"{"keys":[JWK]}"#;
    let ed = r#"{"kty":"OKP","crv":"Ed25519","kid":"first","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
    for (jwk, why) in [
        ("", "its keys: "),
        (&*format!("{ed}}},{ed}}}"), "first"),
        (&*format!(r#"{ed},"d":"AA"}}"#), "private"),
        (
            r#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","kid":"s"}"#,
            "symmetric",
        ),
        (r#"{"kty":"XYZ"}"#, "XYZ"),
    ] {
        issuer.put("/jwks", &jwks.replace("JWK", jwk));
        refused(jwk, why);
    }
    issuer.publish(&["first"]);
    for other in ["https://issuer.test/", "https://elsewhere.test"] {
        issuer.describe(other);
        refused(other, "is of the issuer");
    }
    issuer.describe("https://issuer.test");
    issuer.stop();
    refused("it is down", "onnection refused");
    assert!(
        stored(&machine, "state").contains(r#""failures":22"#),
        "{}",
        stored(&machine, "state")
    );

    // Nobody is asked before it is time; then all is well again.
    issuer.listen();
    let _ = issuer.requests();
    let waits = fetch(&machine, &[]).expect_success();
    assert!(waits.stdout.contains("not due, 1 key, next in "), "{waits}");
    assert_eq!(issuer.requests(), [""; 0]);
    let again = fetch(&machine, &["--issuer", "https://issuer.test"]).expect_success();
    // An hour later, of which a moment has passed.
    let next = again.stdout.split("1 key, 0 of them new, next in ").nth(1);
    assert!(
        next.is_some_and(|next| next.starts_with("1 h") || next.starts_with("59 min")),
        "{again}"
    );
    let state = stored(&machine, "state");
    assert!(
        state.contains(r#""failures":0"#) && !state.contains("error"),
        "{state}"
    );
    assert_eq!(outcome(&machine, &token), "allowed");
}

#[test]
fn an_issuer_that_is_no_openid_provider_is_discovered_too() {
    let machine = machine();
    let issuer = issuer_of(&machine, "discover = true");
    let metadata = "cd /srv/issuer.test/www/.well-known
        mv openid-configuration oauth-authorization-server";
    let _ = machine.run(["sh", "-ec", metadata]).expect_success();
    let _ = fetch(&machine, &[]).expect_success();
    assert_eq!(outcome(&machine, &issuer.token("first", &[])), "allowed");
    let requests = issuer.requests();
    let asked = |path: &str| requests.iter().any(|line| line.contains(path));
    assert!(
        asked("/.well-known/oauth-authorization-server"),
        "{requests:?}"
    );
    // As of any other, its name must be the one that is trusted.
    issuer.put(
        "/.well-known/oauth-authorization-server",
        r#"{"issuer":"https://other.test","jwks_uri":"https://issuer.test/jwks"}"#,
    );
    let refused = fetch(&machine, &["--now"]).expect_code(1);
    assert!(refused.stdout.contains("https://other.test"), "{refused}");
}

#[test]
fn what_cannot_be_tried_is_said() {
    let machine = machine();
    let nothing = fetch(&machine, &[]).expect_success();
    assert!(nothing.stderr.contains("nothing to fetch"), "{nothing}");
    let issuer = issuer_of(&machine, "discover = true");
    let unknown = fetch(&machine, &["--issuer", "https://elsewhere.test"]).expect_code(2);
    assert!(unknown.stderr.contains("https://issuer.test"), "{unknown}");
    let other = machine.command(["pam-jwt-fetch"]).user("alice").run();
    assert!(
        other
            .expect_code(2)
            .stderr
            .contains("systemctl start pam-jwt-fetch")
    );
    let verbose = fetch(&machine, &["-v"]).expect_success();
    machine::tell(verbose.stderr.trim_end());
    assert!(
        verbose.stderr.contains("confined by seccomp and, "),
        "{verbose}"
    );
    // Whose directory it is decides as whom it runs.
    let chown = ["chown", "root:root", FETCHED];
    let _ = machine.run(chown).expect_success();
    let root = fetch(&machine, &["--now"]).expect_code(2);
    assert!(root.stderr.contains("systemd-tmpfiles --create"), "{root}");
    issuer.trust("discover = 1");
    let chown = ["chown", "pam-jwt-fetch:pam-jwt-fetch", FETCHED];
    let _ = machine.run(chown).expect_success();
    let broken = fetch(&machine, &[]).expect_code(2);
    assert!(broken.stderr.contains("does not load"), "{broken}");
}
