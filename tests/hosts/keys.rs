//! Keys of the kinds that want care: symmetric ones, which have no public half, and
//! those in certificates, which end.

use machine::{Machine, Output};
use serde_json::Value;

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

fn verify(machine: &Machine, token: &str) -> Output {
    machine
        .command(["pam-jwt", "--json", "verify"])
        .args(["--user", "alice", "--service", "sshd"])
        .stdin(token)
        .run()
}

/// Trusts the keys of `keys`, which stands for a list of TOML, as another issuer's.
fn trust(machine: &Machine, keys: &str) {
    let text = format!(
        "issuer = \"https://other.example.org\"\naudience = [\"ssh://{{hostname}}\"]\n\
         keys = [{keys}]\n[[allow]]\naccount = \"{{sub}}\"\nservices = [\"sshd\"]\n"
    );
    machine.write("/etc/pam-jwt/issuers.d/other.toml", text, 0o644);
}

/// Checklist: A.19
#[test]
fn a_symmetric_key_is_one_file_that_is_roots_alone() {
    let machine = Machine::ready();
    for (alg, bits) in [("HS256", 256), ("HS384", 384), ("HS512", 512)] {
        let file = format!("/etc/pam-jwt/keys/{alg}.jwk");
        let keygen = format!("umask 0; pam-jwt --json keygen --alg {alg} --out {file}");
        let made = json(&machine.run(["sh", "-c", &keygen]).expect_success());
        assert_eq!((&made["public"], &made["alg"]), (&Value::Null, &alg.into()));
        let mode = machine.run(["stat", "-c", "%a", &file]).stdout;
        assert_eq!(mode, "600\n");
        assert_eq!(
            machine.run(["sh", "-c", "ls /etc/pam-jwt/keys"]).stdout,
            format!("{alg}.jwk\nlocal.jwk\n")
        );

        trust(&machine, &format!("\"{file}\""));
        let token = machine.token(["alice", "--key", &file]);
        let _ = verify(&machine, &token).expect_success();
        let jws = ["pam-jwt", "jws", "verify", "--key", &file];
        let payload = machine.command(jws).stdin(token.as_str()).run();
        assert_eq!(json(&payload.expect_success())["sub"], "alice");
        let listed = json(&machine.run(["pam-jwt", "--json", "keys"]).expect_success());
        let secret = &listed[1];
        assert_eq!(
            (&secret["alg"], &secret["bits"]),
            (&alg.into(), &bits.into())
        );
        // Its hash would be something to guess from.
        assert_eq!(secret["thumbprint"], Value::Null);

        // Once others could read it, nothing is accepted, by whatever key.
        let _ = machine.run(["chmod", "640", &file]).expect_success();
        let refused = verify(&machine, &token).expect_code(2);
        let advice = format!("run: chmod 600 {file}");
        assert!(refused.stderr.contains(&advice), "{refused}");
        let own = machine.run(["pam-jwt", "issue", "alice"]).expect_code(2);
        assert!(own.stderr.contains(&advice), "{own}");
        let check = machine.run(["pam-jwt", "check"]).expect_code(1);
        assert!(check.stdout.contains(&advice), "{check}");
        let _ = machine.run(["rm", &file]).expect_success();
    }
}

/// RFC 7515 A.1's key has none.
#[test]
fn a_symmetric_key_without_a_kid_is_given_one_before_it_is_trusted() {
    let machine = Machine::ready();
    let file = "/etc/pam-jwt/keys/x.jwk";
    let jwk = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
    machine.write(file, jwk, 0o600);
    trust(&machine, &format!("\"{file}\""));
    let check = machine.run(["pam-jwt", "check"]).expect_code(1);
    assert!(check.stdout.contains("needs a kid"), "{check}");
    trust(&machine, &format!("{{ file = \"{file}\", kid = \"x\" }}"));
    let _ = machine.run(["pam-jwt", "check"]).expect_success();
    // RFC 7515 A.1.1
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let jws = ["pam-jwt", "jws", "verify", "--key", file];
    let payload = machine.command(jws).stdin(token).run().expect_success();
    assert_eq!(json(&payload)["iss"], "joe");
}

#[test]
fn a_key_set_may_hold_anything_and_a_long_kid_breaks_no_table() {
    let machine = Machine::ready();
    let own = machine.read("/etc/pam-jwt/keys/local.jwk");
    let long = own.replace(r#""kid":""#, &format!(r#""kid":"{}"#, "x".repeat(70_000)));
    let set = format!(
        r#"{{"keys":[{own},{long},{{"kty":"XYZ","k":"AAAA","d":"AAAA"}},{{"kty":"oct","kid":"s","k":"AAAA"}}]}}"#
    );
    machine.write("/etc/pam-jwt/keys/local.jwk", set, 0o644);
    let _ = verify(&machine, &machine.token(["alice"])).expect_success();
    let listed = machine.run(["pam-jwt", "keys"]).expect_success();
    assert!(
        listed.stderr.contains("key 2 of the set is left out"),
        "{}",
        listed.stderr
    );
    assert!(
        listed.stderr.contains("key 3 of the set is left out"),
        "{}",
        listed.stderr
    );
}

/// What a key file's name tells the trust: its alg there is the one to sign with.
#[test]
fn a_token_is_signed_with_the_algorithm_that_is_trusted() {
    let machine = Machine::ready();
    let _ = machine
        .run([
            "pam-jwt",
            "keygen",
            "--alg",
            "RS256",
            "--out",
            "/root/k.jwk",
        ])
        .expect_success();
    for file in ["/root/k.jwk", "/root/k.pub.jwk"] {
        let without = machine.read(file).replace(r#""alg":"RS256","#, "");
        machine.write(file, without, 0o600);
    }
    trust(&machine, "{ file = \"/root/k.pub.jwk\", alg = \"PS512\" }");
    let token = machine.token(["alice", "--key", "/root/k.jwk"]);
    let _ = verify(&machine, &token).expect_success();
}

/// A key that is out of reach for who is not root is one that root would take, as far as
/// that can be seen from outside.
#[test]
fn who_is_not_root_refuses_what_root_refuses() {
    let machine = Machine::ready();
    let file = "/etc/pam-jwt/keys/x.jwk";
    let keygen = ["pam-jwt", "keygen", "--alg", "HS256", "--out", file];
    let _ = machine.run(keygen).expect_success();
    trust(&machine, &format!("\"{file}\""));
    let token = machine.token(["alice"]);
    let by = |user: Option<&str>| {
        let verify = ["pam-jwt", "verify", "--user", "alice", "--service", "sshd"];
        let verify = machine.command(verify).stdin(token.as_str());
        let output = match user {
            Some(user) => verify.user(user).run(),
            None => verify.run(),
        };
        output.code()
    };
    assert_eq!((by(None), by(Some("alice"))), (Some(0), Some(0)));
    machine.account("bob");
    for (fault, mend) in [
        ("chown bob FILE", "chown root FILE"),
        ("chmod 620 FILE", "chmod 600 FILE"),
        (
            "mv FILE /root/x && mkdir -m 700 FILE",
            "rmdir FILE && mv /root/x FILE",
        ),
    ] {
        let shell = |script: &str| {
            let script = script.replace("FILE", file);
            machine.run(["sh", "-c", &script]).expect_success()
        };
        let _ = shell(fault);
        assert_eq!((by(None), by(Some("alice"))), (Some(2), Some(2)), "{fault}");
        let _ = shell(mend);
    }
    assert_eq!(by(Some("alice")), Some(0));
}

#[test]
fn a_machine_does_not_trust_a_symmetric_key_of_its_own() {
    let machine = Machine::ready();
    let init = ["pam-jwt", "--config", "/etc/other", "init"];
    let init = machine.command(init).args(["--issuer", "https://x"]);
    let refused = init.args(["--alg", "HS256"]).run().expect_code(2);
    assert!(refused.stderr.contains("such as EdDSA"), "{refused}");
    let _ = machine.run(["test", "-e", "/etc/other"]).expect_code(1);
}

#[test]
fn a_certificates_key_is_trusted_until_it_ends() {
    let machine = Machine::ready();
    machine.set_clock("2040-01-01 00:00:00");
    let made = machine.run([
        "sh",
        "-ec",
        "cd /root && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out k.pem && \
         openssl pkcs8 -topk8 -nocrypt -in k.pem -outform DER -out k.der && \
         openssl req -x509 -new -key k.pem -subj /CN=x -days 10 -out /etc/pam-jwt/keys/x.pem",
    ]);
    let _ = made.expect_success();
    trust(
        &machine,
        "{ file = \"/etc/pam-jwt/keys/x.pem\", kid = \"x\" }",
    );
    let token = es384(&machine);
    let listed = json(&machine.run(["pam-jwt", "--json", "keys"]).expect_success());
    assert_eq!(
        (&listed[1]["until"], &listed[1]["alg"]),
        (&"2040-01-11".into(), &"ES384".into())
    );
    let report = |clock: &str, code| {
        machine.set_clock(clock);
        let reason = json(&verify(&machine, &token).expect_code(code))["reason"].clone();
        let jws = ["pam-jwt", "jws", "verify", "--key"];
        let jws = machine.command(jws).arg("/etc/pam-jwt/keys/x.pem");
        let alone = jws.stdin(token.as_str()).run().code();
        assert_eq!(alone, Some(code), "{clock}");
        let check = machine.run(["pam-jwt", "check"]).stdout;
        let warned = check.contains("certificate");
        (reason, warned)
    };
    let is = |reason: &str, warned| (Value::from(reason), warned);
    assert_eq!(report("2040-01-01 00:00:00", 0), is("allowed", true));
    assert_eq!(
        report("2039-12-31 23:59:59", 1),
        is("certificate_not_yet_valid", true)
    );
    assert_eq!(report("2040-01-11 00:00:00", 0), is("allowed", true));
    assert_eq!(
        report("2040-01-11 00:00:01", 1),
        is("certificate_expired", true)
    );
}

/// A token by the key of the certificate, signed by openssl; it lives through all of its
/// days.
fn es384(machine: &Machine) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let input = format!(
        "{}.{}",
        encode(r#"{"alg":"ES384","kid":"x"}"#),
        encode(
            r#"{"iss":"https://other.example.org","sub":"alice","aud":"ssh://machine","exp":2300000000}"#
        )
    );
    let key = machine
        .inside(|| std::fs::read("/root/k.der"))
        .expect("the key");
    let key = jsonwebtoken::EncodingKey::from_ec_der(&key);
    let algorithm = jsonwebtoken::Algorithm::ES384;
    let signature =
        jsonwebtoken::crypto::sign(input.as_bytes(), &key, algorithm).expect("a signature");
    format!("{input}.{signature}")
}
