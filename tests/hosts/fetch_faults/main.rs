//! pam-jwt-fetch and an issuer that misbehaves: whatever it answers, the keys that are there
//! stay, logins go on, the notes say what was wrong, and the next good answer mends it.

#[path = "../../issuer/mod.rs"]
mod issuer;

use issuer::Issuer;
use machine::{Machine, Output};

const FETCHED: &str = "/var/lib/pam-jwt/fetched";

/// A machine where logins are by token alone, and an issuer with the key `first`.
fn machine() -> Machine {
    let machine = Machine::boot();
    machine.install();
    machine.account("alice");
    machine.write("/etc/pam-jwt/pam-jwt.toml", "", 0o644);
    machine.write(
        "/etc/pam.alone/sshd",
        "auth required pam_jwt.so\naccount required pam_permit.so\nsession required pam_permit.so\n",
        0o644,
    );
    machine
}

fn issuer_of(machine: &Machine) -> Issuer<'_> {
    let issuer = Issuer::start(machine, "issuer.test");
    issuer.key("first");
    issuer.publish(&["first"]);
    issuer.trust("discover = true");
    issuer
}

fn fetch(machine: &Machine, args: &[&str]) -> Output {
    machine.command(["pam-jwt-fetch"]).args(args).run()
}

/// What becomes of the token in a login.
fn outcome(machine: &Machine, token: &str) -> String {
    let mark = machine.mark();
    let host = [
        env!("CARGO_BIN_EXE_pam-host"),
        "sshd",
        "alice",
        "/etc/pam.alone",
    ];
    let _ = machine.command(host).stdin(token).run().expect_success();
    let line = machine.wait_for_log(mark, " reason=");
    let reason = line.message.split(" reason=").nth(1).expect("a reason");
    reason.split(' ').next().expect("a word").to_owned()
}

/// The one file of this kind.
fn stored(machine: &Machine, kind: &str) -> String {
    let script = format!("cat {FETCHED}/*.{kind}");
    machine.run(["sh", "-c", &script]).expect_success().stdout
}

#[test]
fn a_bad_answer_displaces_no_good_keys() {
    let machine = machine();
    let issuer = issuer_of(&machine);
    let token = issuer.token("first", &[]);
    assert_eq!(outcome(&machine, &token), "keys_not_fetched");
    let first = fetch(&machine, &[]).expect_success();
    assert!(
        first
            .stdout
            .contains("issuer.test: 1 key, 1 of them new, next in "),
        "{first}"
    );
    assert_eq!(outcome(&machine, &token), "allowed");
    let owner = machine.run([
        "sh",
        "-c",
        &format!("stat -c '%U %a %n' {FETCHED} {FETCHED}/*.keys"),
    ]);
    assert!(
        owner
            .stdout
            .lines()
            .all(|line| line.starts_with("pam-jwt-fetch ")),
        "{owner}"
    );
    let keys = stored(&machine, "keys");
    let other = Issuer::start(&machine, "elsewhere.test");
    other.key("first");
    other.publish(&["first"]);

    for (fault, why) in [
        (r#"{"kind":"status","status":500}"#, "status 500"),
        (r#"{"kind":"status","status":404}"#, "status 404"),
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
        (r#"{"kind":"cut","path":"/jwks"}"#, ""),
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
            "another server",
        ),
        (r#"{"certificate":"expired"}"#, "xpired"),
        (r#"{"certificate":"other"}"#, "not valid for name"),
        (r#"{"kind":"slow","path":"/jwks"}"#, "timeout"),
    ] {
        issuer.fault(fault);
        let failed = fetch(&machine, &["--now"]).expect_code(1);
        assert!(failed.stdout.contains(why), "{why}: {failed}");
        assert_eq!(stored(&machine, "keys"), keys, "{fault}");
        assert!(stored(&machine, "state").contains(why), "{fault}");
        assert_eq!(outcome(&machine, &token), "allowed", "{fault}");
        println!("{fault}: {}", failed.stdout);
    }
}
