//! The installed command, in a machine: what it makes, prints and exits with.
//! `check` has a file of its own.

use machine::{ISSUER, Machine, Output};
use serde_json::Value;

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

fn verify(machine: &Machine, token: &str) -> Output {
    machine
        .command(["pam-jwt", "verify", "--user", "alice", "--service", "sshd"])
        .stdin(token)
        .run()
}

#[test]
fn init_makes_what_a_login_trusts_and_a_second_run_changes_nothing() {
    let machine = Machine::ready();
    let modes = "stat -c '%a %U %n' /etc/pam-jwt /etc/pam-jwt/* /etc/pam-jwt/*/*";
    let seen = machine.run(["sh", "-c", modes]).expect_success().stdout;
    assert_eq!(
        seen,
        "755 root /etc/pam-jwt\n755 root /etc/pam-jwt/issuers.d\n755 root /etc/pam-jwt/keys\n\
         644 root /etc/pam-jwt/pam-jwt.toml\n700 root /etc/pam-jwt/private\n\
         644 root /etc/pam-jwt/issuers.d/local.toml\n644 root /etc/pam-jwt/keys/local.jwk\n\
         600 root /etc/pam-jwt/private/local.jwk\n"
    );
    let sum = "cat /etc/pam-jwt/*/* | sha256sum";
    let before = machine.run(["sh", "-c", sum]).stdout;
    let again = machine
        .run(["pam-jwt", "init", "--issuer", "https://other.example.org"])
        .expect_code(2);
    assert!(
        again
            .stderr
            .contains("is there already; nothing was changed"),
        "{again}"
    );
    assert_eq!(machine.run(["sh", "-c", sum]).stdout, before);

    let half = machine.run(["sh", "-c", "umask 0; cd /root && mkdir d && touch d/keys && pam-jwt --config /root/d init --issuer https://x; r=$?; ls d; exit $r"]).expect_code(2);
    assert_eq!(
        half.stdout, "keys\n",
        "a run that fails takes away what it made: {half}"
    );
}

#[test]
fn init_keeps_nothing_that_would_not_load() {
    let machine = Machine::ready();
    let token = machine.token(["alice"]);
    // The same issuer in a file of another name, as if somebody had set it up by hand.
    let _ = machine
        .run(["sh", "-c", "cd /etc/pam-jwt && mv keys/local.jwk keys/site.jwk && rm private/local.jwk && \
            sed s/local.jwk/site.jwk/ issuers.d/local.toml > issuers.d/site.toml && rm issuers.d/local.toml"])
        .expect_success();
    let files = || {
        machine
            .run(["find", "/etc/pam-jwt"])
            .expect_success()
            .stdout
    };
    let before = files();
    let conflict = machine
        .run(["pam-jwt", "init", "--issuer", ISSUER])
        .expect_code(2);
    assert!(
        conflict.stderr.contains("nothing was kept")
            && conflict.stderr.contains("names the issuer"),
        "{conflict}"
    );
    assert_eq!(files(), before);
    let _ = verify(&machine, &token).expect_success();

    let shared = machine
        .run([
            "pam-jwt",
            "--config",
            "/tmp/deep/jwt",
            "init",
            "--issuer",
            "https://x",
        ])
        .expect_code(2);
    assert!(
        shared.stderr.contains("nothing was kept")
            && shared.stderr.contains("/tmp: is a directory that others"),
        "{shared}"
    );
    let _ = machine.run(["test", "-e", "/tmp/deep"]).expect_code(1);
}

#[test]
fn init_makes_directories_of_its_own_modes_whatever_the_umask() {
    let machine = Machine::ready();
    for umask in ["0", "077"] {
        let script = format!(
            "umask {umask}; d=/root/of-{umask}; pam-jwt --config $d init --issuer https://x >&2 && \
             stat -c %a $d $d/issuers.d $d/keys $d/private"
        );
        let made = machine.run(["sh", "-c", &script]).expect_success();
        assert_eq!(made.stdout, "755\n755\n755\n700\n", "umask {umask}");
    }
}

/// In the order of their names, as their files in issuers.d are read.
const ASYMMETRIC: [&str; 14] = [
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
    "ML-DSA-44",
    "ML-DSA-65",
    "ML-DSA-87",
    "PS256",
    "PS384",
    "PS512",
    "RS256",
    "RS384",
    "RS512",
];

#[test]
fn keygen_writes_a_pair_and_never_over_a_file() {
    let machine = Machine::ready();
    for alg in ASYMMETRIC {
        let file = format!("/root/{alg}.jwk");
        let made = machine
            .run([
                "sh",
                "-c",
                &format!("umask 0; pam-jwt --json keygen --alg {alg} --out {file}"),
            ])
            .expect_success();
        let made = json(&made);
        assert_eq!(
            (made["alg"].as_str(), made["public"].as_str()),
            (Some(alg), Some(format!("/root/{alg}.pub.jwk").as_str()))
        );
        let modes = machine.run(["stat", "-c", "%a", &file, &format!("/root/{alg}.pub.jwk")]);
        assert_eq!(modes.stdout, "600\n644\n");
        let before = machine.read(&file);
        let _ = machine
            .run(["pam-jwt", "keygen", "--alg", alg, "--out", &file])
            .expect_code(2);
        assert_eq!(machine.read(&file), before);

        // What one machine signs, another that trusts the public half lets in.
        let trust = format!(
            "issuer = \"https://{alg}.example.org\"\naudience = [\"ssh://{{hostname}}\"]\nkeys = [\"/root/{alg}.pub.jwk\"]\n\
             [[allow]]\naccount = \"alice\"\nservices = [\"sshd\"]\n"
        );
        machine.write(&format!("/etc/pam-jwt/issuers.d/{alg}.toml"), trust, 0o644);
        let token = machine.token(["someone", "--key", &file]);
        let _ = verify(&machine, &token).expect_success();
        let payload = machine
            .command([
                "pam-jwt",
                "jws",
                "verify",
                "--key",
                &format!("/root/{alg}.pub.jwk"),
            ])
            .stdin(token.as_str())
            .run()
            .expect_success();
        assert_eq!(json(&payload)["iss"], format!("https://{alg}.example.org"));
    }
    let keys = json(&machine.run(["pam-jwt", "--json", "keys"]).expect_success());
    let bits: Vec<u64> = keys
        .as_array()
        .expect("a list")
        .iter()
        .map(|key| key["bits"].as_u64().expect("bits"))
        .collect();
    let by_name = [
        256, 384, 521, 256, 256, 10_496, 15_616, 20_736, 3072, 3072, 3072, 3072, 3072, 3072, 256,
    ];
    assert_eq!(bits, by_name, "{keys}");
    let bad = machine
        .run(["pam-jwt", "keygen", "--alg", "none", "--out", "/root/x"])
        .expect_code(2);
    assert!(
        bad.stderr
            .contains("possible values: EdDSA, Ed25519, ES256, "),
        "{bad}"
    );
}

#[test]
fn a_token_with_eight_claims_stays_small() {
    let machine = Machine::ready();
    let token = machine.token(["alice", "--claim", "groups=ops"]);
    let shown = machine
        .command(["pam-jwt", "--json", "jws", "inspect"])
        .stdin(token.as_str())
        .run()
        .expect_success();
    let shown = json(&shown);
    assert_eq!(
        (
            shown["verified"].as_bool(),
            shown["payload"].as_object().map(serde_json::Map::len)
        ),
        (Some(false), Some(8))
    );
    assert!(token.len() < 420, "{} bytes", token.len());
    println!("8 claims, {ISSUER}: {} bytes", token.len());

    let reserved = machine
        .run(["pam-jwt", "issue", "alice", "--claim", "exp=1"])
        .expect_code(2);
    assert!(
        reserved.stderr.contains("--claim exp is not possible"),
        "{reserved}"
    );
    for (args, says) in [
        (
            &["alice", "--claim", "a=1", "--claim", "a=2"][..],
            "--claim a is there twice",
        ),
        (
            &["alice", "--claim", "nbf=foo"],
            "nbf is not a number of seconds",
        ),
        (
            &["alice", "--lifetime", "99999999d"],
            "exp is not a number of seconds",
        ),
        (&[""], "a value is required"),
        (&["alice", "--audience", ""], "a value is required"),
        (
            &["alice", "--key", "/root/none.jwk"],
            "/root/none.jwk: No such file",
        ),
    ] {
        let refused = machine
            .command(["pam-jwt", "issue"])
            .args(args)
            .run()
            .expect_code(2);
        assert!(
            refused.stdout.is_empty() && refused.stderr.contains(says),
            "{refused}"
        );
    }
    machine.write(
        "/etc/pam-jwt/private/local.jwk",
        machine.read("/etc/pam-jwt/private/local.jwk"),
        0o640,
    );
    let exposed = machine.run(["pam-jwt", "issue", "alice"]).expect_code(2);
    assert!(
        exposed
            .stderr
            .contains("chmod 600 /etc/pam-jwt/private/local.jwk"),
        "{exposed}"
    );
    let check = machine.run(["pam-jwt", "check"]).expect_code(1);
    assert!(
        check
            .stdout
            .contains("chmod 600 /etc/pam-jwt/private/local.jwk"),
        "{check}"
    );
}

#[test]
fn the_signature_layer_tells_a_forgery_and_inspect_believes_nothing() {
    let machine = Machine::ready();
    let token = machine.token(["alice"]);
    let forged = format!("{}AAAA", &token[..token.len() - 4]);
    let key = "/etc/pam-jwt/keys/local.jwk";
    let refused = machine
        .command(["pam-jwt", "jws", "verify", "--key", key])
        .stdin(forged.as_str())
        .run()
        .expect_code(1);
    assert!(
        refused
            .stdout
            .starts_with("NOT VERIFIED: signature_invalid"),
        "{refused}"
    );
    let private = machine
        .command([
            "pam-jwt",
            "jws",
            "verify",
            "--key",
            "/etc/pam-jwt/private/local.jwk",
        ])
        .stdin(token.as_str())
        .run()
        .expect_code(2);
    assert!(private.stderr.contains("private"), "{private}");
    let inspected = machine
        .command(["pam-jwt", "jws", "inspect"])
        .stdin(forged)
        .run()
        .expect_success();
    assert!(
        inspected
            .stdout
            .starts_with("NOT VERIFIED: anybody can write such a token"),
        "{inspected}"
    );
    let nothing = machine.run(["pam-jwt", "jws", "inspect"]).expect_code(2);
    assert!(
        nothing.stderr.contains("no token on standard input"),
        "{nothing}"
    );
}

#[test]
fn output_that_is_lost_is_an_error_and_a_reader_that_has_gone_is_none() {
    let machine = Machine::ready();
    for options in ["", "--json"] {
        let script = format!("pam-jwt {options} keys > /dev/full");
        let lost = machine.run(["sh", "-c", &script]).expect_code(2);
        assert!(
            lost.stderr.contains("standard output: No space left"),
            "{lost}"
        );
    }
    let gone = machine
        .run(["sh", "-c", "{ sleep 1; pam-jwt keys; echo $? >&2; } | true"])
        .expect_success();
    assert_eq!(gone.stderr, "0\n");
}

#[test]
fn a_token_cannot_write_to_the_terminal_of_who_looks_at_it() {
    let machine = Machine::ready();
    let token = machine.token([
        "alice",
        "--claim",
        r#"note="\u202e\u009b2J\u2028\u007f\u200bé""#,
    ]);
    for options in [&[][..], &["--json"]] {
        let seen = machine
            .command(["pam-jwt", "jws", "inspect"])
            .args(options)
            .stdin(token.as_str())
            .run()
            .expect_success();
        assert!(
            seen.stdout.contains(r"\u202e\u009b2J\u2028\u007f\u200bé"),
            "{seen}"
        );
    }
    let rest = "auth sufficient pam_jwt.so \u{9b}2J\nauth required pam_unix.so\n";
    machine.write("/etc/pam.d/odd", rest, 0o644);
    let check = machine.run(["pam-jwt", "check"]).expect_code(1);
    assert!(check.stdout.contains(r"argument `\u{9b}2J`"), "{check}");
}

#[test]
fn usage_errors_exit_2_and_help_teaches() {
    let machine = Machine::ready();
    for args in [
        &[][..],
        &["frobnicate"],
        &["init"],
        &["init", "--issuer", "not a url"],
        &["verify"],
        &["issue", "alice", "--lifetime", "0s"],
        &["keygen", "--alg", "EdDSA"],
        &["--config", "relative", "init", "--issuer", "https://x"],
    ] {
        let output = machine.command(["pam-jwt"]).args(args).run().expect_code(2);
        assert!(!output.stderr.is_empty(), "{output}");
    }
    for subcommand in ["init", "keygen", "keys", "issue", "verify", "jws", "check"] {
        let help = machine
            .run(["pam-jwt", subcommand, "--help"])
            .expect_success();
        assert!(help.stdout.contains("Usage: pam-jwt"), "{help}");
    }
}
