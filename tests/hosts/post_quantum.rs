//! Tokens signed with ML-DSA, of 3 to 7 thousand bytes, end to end: over the stock ssh in
//! pieces, through jwt-ssh, at su and sudo; and those that are refused.

use machine::{ISSUER, Login, Machine, Output, in_pieces, prompts};
use serde_json::Value;

/// The algorithms of RFC 9964, and the bytes of a signature (FIPS 204 table 2).
const SETS: [(&str, usize); 3] = [
    ("ML-DSA-44", 2420),
    ("ML-DSA-65", 3309),
    ("ML-DSA-87", 4627),
];

/// Like [`Machine::ready`], with a key of its own for `alg`.
fn ready(alg: &str) -> Machine {
    let machine = Machine::boot();
    machine.install();
    let init = ["pam-jwt", "init", "--issuer", ISSUER, "--alg", alg];
    let _ = machine.run(init).expect_success();
    machine.account("alice");
    machine.pam_line("sshd", "auth sufficient pam_jwt.so");
    machine
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The token with one character of its signature changed.
fn changed(token: &str) -> String {
    let begin = token.rfind('.').expect("a signature") + 1;
    let at = (begin + token.len()) / 2;
    let other = if &token[at..=at] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &token[..at], &token[at + 1..])
}

fn login(machine: &Machine, token: &str) -> Login {
    let ssh = machine.ssh("alice").answers(in_pieces(token));
    let login = ssh.command("id -un");
    let asked: Vec<String> = prompts(token)
        .iter()
        .map(|prompt| format!("(alice@127.0.0.1) {prompt}"))
        .collect();
    assert_eq!(login.prompts, asked, "{login}");
    login
}

/// The login was refused, for this reason, and nothing was run.
#[track_caller]
fn is_refused(login: &Login, reason: &str) {
    let seen = (login.code(), login.stdout.as_str());
    assert_eq!(seen, (Some(255), ""), "{login}");
    let told = format!("result=refused reason={reason} ");
    let audit = |line: &&machine::LogLine| line.message.contains("result=");
    let lines: Vec<_> = login.log.iter().filter(audit).collect();
    assert!(
        matches!(lines.as_slice(), [only] if only.message.contains(&told)),
        "{told}: {login}"
    );
}

#[track_caller]
fn is_quiet(output: &Output, stdout: &str) {
    let seen = (output.code(), &*output.stdout, &*output.stderr);
    assert_eq!(seen, (Some(0), stdout, ""), "{output}");
}

/// Checklist: A.19b
#[test]
fn an_ml_dsa_token_logs_in_over_the_stock_ssh_in_pieces() {
    for (alg, bytes) in SETS {
        let machine = ready(alg);
        let _sshd = machine.sshd(&[]);
        let token = machine.token(["alice"]);
        let signature = token.rsplit('.').next().expect("a signature");
        assert_eq!(signature.len(), (bytes * 8).div_ceil(6));
        let pieces = in_pieces(&token).len();
        assert_eq!(pieces, token.len() / 500 + 1);

        let entered = login(&machine, &token);
        let seen = (entered.code(), entered.stdout.as_str());
        assert_eq!(seen, (Some(0), "alice\n"), "{entered}");
        let is_accepted = |text: &str| text.contains("result=accepted reason=allowed ");
        let mut log = entered.log.iter();
        assert!(log.any(|line| is_accepted(&line.message)), "{entered}");

        is_refused(&login(&machine, &changed(&token)), "signature_invalid");
    }
}

/// Checklist: A.10, A.16
#[test]
fn a_token_by_another_parameter_sets_key_is_refused() {
    let machine = ready("ML-DSA-65");
    let _sshd = machine.sshd(&[]);
    let good = machine.token(["alice"]);
    let (input, _) = good.rsplit_once('.').expect("a token");
    let kid = json(&machine.read("/etc/pam-jwt/keys/local.jwk"))["kid"].clone();
    let kid = kid.as_str().expect("a kid");
    // Under the name of the key that is trusted, and in every other way the same.
    let token_by = |alg: &str| {
        let key = format!("/root/{alg}.jwk");
        let keygen = ["pam-jwt", "keygen", "--alg", alg, "--kid", kid, "--out"];
        let _ = machine.command(keygen).arg(&key).run().expect_success();
        let issuer = ["--issuer", ISSUER, "--audience", "ssh://machine"];
        machine.token(["alice", "--key", &key].into_iter().chain(issuer))
    };
    for alg in ["ML-DSA-44", "ML-DSA-87"] {
        let token = token_by(alg);
        is_refused(&login(&machine, &token), "algorithm_mismatch");
        // Its signature behind a header that names the right algorithm.
        let (_, signature) = token.rsplit_once('.').expect("a token");
        let token = format!("{input}.{signature}");
        is_refused(&login(&machine, &token), "signature_invalid");
    }
    // By another key of the same set.
    let token = token_by("ML-DSA-65");
    is_refused(&login(&machine, &token), "signature_invalid");
    let entered = login(&machine, &good);
    assert_eq!(entered.code(), Some(0), "{entered}");
}

/// Checklist: A.19b
#[test]
fn jwt_ssh_logs_in_with_an_ml_dsa_token() {
    for (alg, _) in SETS {
        let machine = ready(alg);
        machine.account("carol");
        let _sshd = machine.known_sshd(&["PasswordAuthentication no"]);
        let token = machine.token(["alice"]);
        let command = ["jwt-ssh", "alice@machine", "id -un"];
        is_quiet(&machine.carol_with(&token, &command).run(), "alice\n");
        let mark = machine.mark();
        let refused = machine.carol_with(&changed(&token), &command).run();
        let refused = refused.expect_code(255);
        assert_eq!(refused.stdout, "", "{refused}");
        machine.wait_for_log(mark, "reason=signature_invalid ");
    }
}

/// Checklist: A.19b
#[test]
fn su_and_sudo_take_an_ml_dsa_token() {
    for (alg, _) in SETS {
        let machine = ready(alg);
        machine.account("bob");
        machine.password("bob", "correct horse");
        machine.password("alice", "correct horse");
        for service in ["su", "sudo"] {
            machine.pam_line(service, "auth sufficient pam_jwt.so");
        }
        machine.services(&["su", "sudo"]);
        machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);

        // By hand: `su` asks for bob's token, and takes it in lines of 500 bytes.
        let su = machine.command(["su", "bob", "-c", "echo I am $(id -un)"]);
        let mut su = su.user("alice").terminal();
        su.send_in_pieces(&machine.token(["bob"]));
        let output = su.wait().expect_success();
        assert!(output.stdout.trim_end().ends_with("I am bob"), "{output}");

        let token = machine.token(["alice"]);
        let sudo = |token: &str| {
            machine.write("/home/alice/token", token, 0o644);
            let sudo = machine.command(["sudo", "-k", "-A", "id", "-un"]);
            let sudo = sudo
                .user("alice")
                .env("BEARER_TOKEN_FILE", "/home/alice/token");
            sudo.env("SUDO_ASKPASS", "/usr/bin/jwt-ssh-askpass").run()
        };
        is_quiet(&sudo(&token), "root\n");
        let mark = machine.mark();
        let refused = sudo(&changed(&token)).expect_code(1);
        assert_eq!(refused.stdout, "", "{refused}");
        machine.wait_for_log(mark, "reason=signature_invalid ");
    }
}

/// What the command says of keys that are not what they are called.
#[test]
fn a_key_that_is_not_what_it_is_called_is_refused_with_the_cause() {
    let machine = ready("ML-DSA-65");
    let file = "/etc/pam-jwt/keys/local.jwk";
    let good = json(&machine.read(file));
    let private = json(&machine.read("/etc/pam-jwt/private/local.jwk"));
    let token = machine.token(["alice"]);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut jwk = good.clone();
        change(&mut jwk);
        jwk.to_string()
    };
    let remove = |jwk: &mut Value, name| jwk.as_object_mut().expect("a JWK").remove(name);
    for (text, cause) in [
        (
            changed(&|jwk| {
                remove(jwk, "alg");
            }),
            "needs its own \"alg\": ML-DSA-44, ML-DSA-65 or ML-DSA-87",
        ),
        (
            changed(&|jwk| jwk["alg"] = "ML-DSA-44".into()),
            "member \"pub\" has 1952 bytes; that of ML-DSA-44 has 1312",
        ),
        (
            changed(&|jwk| jwk["alg"] = "EdDSA".into()),
            "algorithm \"EdDSA\" is not supported for this key",
        ),
        (
            changed(&|jwk| jwk["pub"] = "AAAA".into()),
            "member \"pub\" has 3 bytes; that of ML-DSA-65 has 1952",
        ),
        (private.to_string(), "it holds a private key"),
    ] {
        machine.write(file, &text, 0o644);
        let verify = ["pam-jwt", "verify", "--user", "alice", "--service", "sshd"];
        let verify = machine.command(verify).stdin(token.as_str()).run();
        let verify = verify.expect_code(2);
        assert!(verify.stderr.contains(cause), "{cause}: {verify}");
        let keys = machine.run(["pam-jwt", "keys"]).expect_code(2);
        assert!(keys.stderr.contains(cause), "{cause}: {keys}");
    }
    {
        let _sshd = machine.sshd(&[]);
        is_refused(&login(&machine, &token), "config_error");
    }
    // An expanded private key, as FIPS 204 has it, is not what RFC 9964 takes.
    let mut expanded = private.clone();
    expanded["priv"] = "A".repeat(4032 / 3 * 4).into();
    machine.write("/root/expanded.jwk", expanded.to_string(), 0o600);
    machine.write(file, good.to_string(), 0o644);
    let issue = ["pam-jwt", "issue", "alice", "--key", "/root/expanded.jwk"];
    let refused = machine.run(issue).expect_code(2);
    let cause = "member \"priv\" has 4032 bytes; that of ML-DSA-65 has 32";
    assert!(refused.stderr.contains(cause), "{refused}");
}
