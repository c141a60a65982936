//! The installed command, in a machine: what it makes, prints and exits with, and
//! that what it says of files is what a login does.

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

#[test]
fn keygen_writes_a_pair_and_never_over_a_file() {
    let machine = Machine::ready();
    for alg in ["EdDSA", "ES256", "RS256"] {
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
    assert_eq!(bits, [256, 256, 3072, 256], "{keys}");
    let bad = machine
        .run(["pam-jwt", "keygen", "--alg", "none", "--out", "/root/x"])
        .expect_code(2);
    assert!(
        bad.stderr.contains("known are EdDSA, ES256, RS256"),
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

/// Each fault is found by `check` with what mends it, refuses `verify`, and refuses
/// a login with PAM_AUTHINFO_UNAVAIL.
#[test]
fn a_file_that_is_not_to_be_trusted_refuses_every_token() {
    const KEY: &str = "/etc/pam-jwt/keys/local.jwk";
    let machine = Machine::ready();
    machine.write("/etc/pam.alone/sshd", "auth required pam_jwt.so\n", 0o644);
    let token = machine.token(["alice"]);
    let sane = machine.read(KEY);
    for (break_it, mend, says) in [
        (
            "chmod 666 KEY",
            "chmod 644 KEY",
            "run: chmod go-w /etc/pam-jwt/keys/local.jwk",
        ),
        ("chmod 664 KEY", "chmod 644 KEY", "has mode 0664"),
        (
            "chown alice KEY",
            "chown root KEY",
            "run: chown root /etc/pam-jwt/keys/local.jwk",
        ),
        (
            "chmod 777 /etc/pam-jwt/keys",
            "chmod 755 /etc/pam-jwt/keys",
            "run: chmod go-w /etc/pam-jwt/keys",
        ),
        (
            "mv KEY KEY.x; ln -s KEY.x KEY",
            "rm KEY; mv KEY.x KEY",
            "is a symbolic link",
        ),
        (
            "mv /etc/pam-jwt/keys /etc/keys; ln -s /etc/keys /etc/pam-jwt/keys",
            "rm /etc/pam-jwt/keys; mv /etc/keys /etc/pam-jwt/keys",
            "/etc/pam-jwt/keys: is a symbolic link",
        ),
        (
            "mv KEY KEY.x; mkfifo KEY",
            "rm KEY; mv KEY.x KEY",
            "is not a regular file",
        ),
        (
            "mv KEY KEY.x; mkdir KEY",
            "rmdir KEY; mv KEY.x KEY",
            "is not a regular file",
        ),
        ("mv KEY KEY.x", "mv KEY.x KEY", "does not exist"),
        (
            "mv KEY KEY.x; head -c 40 KEY.x > KEY",
            "mv KEY.x KEY",
            "is not JSON",
        ),
        (
            "mv KEY KEY.x; cp /etc/pam-jwt/private/local.jwk KEY",
            "mv KEY.x KEY",
            "a private or symmetric key",
        ),
        (
            "mv KEY KEY.x; head -c 2000000 /dev/zero > KEY",
            "mv KEY.x KEY",
            "is longer than 1024 KiB",
        ),
        (
            "chmod 666 /etc/pam-jwt/pam-jwt.toml",
            "chmod 644 /etc/pam-jwt/pam-jwt.toml",
            "run: chmod go-w /etc/pam-jwt/pam-jwt.toml",
        ),
        (
            "mv /etc/pam-jwt/pam-jwt.toml /root",
            "mv /root/pam-jwt.toml /etc/pam-jwt",
            "pam-jwt.toml: does not exist",
        ),
        (
            "printf '\\377' > /etc/pam-jwt/issuers.d/x.toml",
            "rm /etc/pam-jwt/issuers.d/x.toml",
            "x.toml: it is not UTF-8",
        ),
        (
            "cp /etc/pam-jwt/issuers.d/local.toml /etc/pam-jwt/issuers.d/x.toml",
            "rm /etc/pam-jwt/issuers.d/x.toml",
            "names the issuer",
        ),
    ] {
        let shell = |script: &str| {
            machine
                .run(["sh", "-c", &script.replace("KEY", KEY)])
                .expect_success()
        };
        let _ = shell(break_it);
        let check = machine.run(["pam-jwt", "check"]).expect_code(1);
        assert!(check.stdout.contains(says), "{break_it}: {check}");
        let verdict = verify(&machine, &token).expect_code(2);
        assert!(verdict.stderr.contains(says), "{break_it}: {verdict}");
        let mark = machine.mark();
        let host = [
            env!("CARGO_BIN_EXE_pam-host"),
            "sshd",
            "alice",
            "/etc/pam.alone",
        ];
        let login = machine
            .command(host)
            .stdin(format!("{token}\n"))
            .run()
            .expect_success();
        assert!(
            login.stdout.contains("authenticate PAM_AUTHINFO_UNAVAIL"),
            "{break_it}: {login}"
        );
        let line = machine.wait_for_log(mark, "reason=config_error");
        assert!(!line.message.contains(&token), "{line:?}");
        let _ = shell(mend);
        let _ = verify(&machine, &token).expect_success();
        assert_eq!(machine.read(KEY), sane);
    }
}

#[test]
fn check_finds_a_pam_line_that_lets_anybody_in() {
    let machine = Machine::ready();
    let fine = machine.run(["pam-jwt", "check"]).expect_success();
    assert!(
        fine.stdout
            .contains("nothing is wrong; tokens are taken by sshd"),
        "{fine}"
    );
    machine.write(
        "/etc/pam.d/open",
        "auth optional pam_jwt.so\nauth required pam_permit.so\naccount required pam_permit.so\n",
        0o644,
    );
    let found = machine.run(["pam-jwt", "--json", "check"]).expect_code(1);
    let report = json(&found);
    assert!(
        report["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .any(|finding| finding["code"] == "lets_anyone_in"),
        "{report:#}"
    );
}

/// Each thing is told where it is, and the exit status says whether it is wrong.
#[test]
fn check_finds_what_a_login_would_stumble_over() {
    const PRIVATE: &str = "/etc/pam-jwt/private";
    let machine = Machine::ready();
    let named = "auth sufficient pam_jwt.so config=/srv/jwt\nauth required pam_unix.so\n\
        account required pam_unix.so\n";
    for (break_it, mend, code, place, exit) in [
        (
            format!("printf '{named}' > /etc/pam.d/other-config"),
            "rm /etc/pam.d/other-config",
            "config_error",
            "/srv/jwt".to_owned(),
            1,
        ),
        (
            format!(
                "printf '{}' > /etc/pam.d/other-config",
                named.replace("/srv", "srv")
            ),
            "rm /etc/pam.d/other-config",
            "config_not_absolute",
            "/etc/pam.d/other-config:1".to_owned(),
            1,
        ),
        (
            format!("ln -s local.jwk {PRIVATE}/link.jwk"),
            "rm /etc/pam-jwt/private/link.jwk",
            "private_key_link",
            format!("{PRIVATE}/link.jwk"),
            1,
        ),
        (
            format!("(umask 077; echo '{{}}' > {PRIVATE}/empty.jwk)"),
            "rm /etc/pam-jwt/private/empty.jwk",
            "private_key_unusable",
            format!("{PRIVATE}/empty.jwk"),
            1,
        ),
        (
            "sed -i 's/{sub}/alice/' /etc/pam-jwt/issuers.d/local.toml".to_owned(),
            "sed -i 's/\"alice\"/\"{sub}\"/' /etc/pam-jwt/issuers.d/local.toml",
            "any_token",
            "/etc/pam-jwt/issuers.d/local.toml:7".to_owned(),
            0,
        ),
        (
            "hostname localhost".to_owned(),
            "hostname machine",
            "hostname_unset",
            "/etc/pam-jwt/issuers.d/local.toml".to_owned(),
            0,
        ),
    ] {
        let _ = machine.run(["sh", "-c", &break_it]).expect_success();
        let found = machine
            .run(["pam-jwt", "--json", "check"])
            .expect_code(exit);
        let report = json(&found);
        let findings = report["findings"].as_array().expect("findings");
        assert!(
            findings.iter().any(|finding| finding["code"] == code
                && finding["place"].as_str().is_some_and(|at| at == place)),
            "{break_it}: {report:#}"
        );
        let _ = machine.run(["sh", "-c", mend]).expect_success();
        let _ = machine.run(["pam-jwt", "check"]).expect_success();
    }
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
