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
