//! Tokens that are bound to an SSH key, over the real sshd and the unmodified ssh: sshd has
//! the key proved, then PAM is asked for the token. A stolen token opens nothing, nor does a
//! stolen key.

use machine::{Login, Machine};

const BOTH: &str = "AuthenticationMethods publickey,keyboard-interactive";

/// A machine where alice has a key of each of these types in her authorized_keys, all of them
/// root's to use as /root/TYPE, and bob one of his own.
fn machine_with(types: &[(&str, &str)]) -> Machine {
    let machine = Machine::ready();
    machine.account("bob");
    let _ = machine.ssh_key("alice");
    let _ = machine.ssh_key("bob");
    for (name, options) in types {
        let make = format!(
            "ssh-keygen -q {options} -N '' -f /root/{name} &&
            cat /root/{name}.pub >>/home/alice/.ssh/authorized_keys"
        );
        machine.run(["sh", "-c", &make]).expect_success();
    }
    machine
}

/// The rule that `pam-jwt init` wrote asks for a bound token from now on.
fn ask_for_bound(machine: &Machine) {
    machine.append("/etc/pam-jwt/issuers.d/local.toml", "bound = true\n");
}

/// A login with the key and the token, and with no other key.
fn login(machine: &Machine, account: &str, key: &str, token: &str) -> Login {
    machine
        .ssh(account)
        // Of what a server says ssh is silent below that.
        .option("LogLevel=INFO")
        .option("PreferredAuthentications=publickey,keyboard-interactive,password")
        .option(&format!("IdentityFile=/root/{key}"))
        .option("IdentitiesOnly=yes")
        .answers(machine::in_pieces(token))
        .command("id -un")
}

fn bound_to(machine: &Machine, key: &str) -> String {
    machine.token(["alice", "--bind", &format!("/root/{key}.pub")])
}

fn accepted(login: &Login, account: &str) {
    assert_eq!(
        (login.code(), login.stdout.trim_end()),
        (Some(0), account),
        "{login}"
    );
}

fn refused(login: &Login, reason: &str) {
    assert_eq!(login.code(), Some(255), "{login}");
    let line = format!("result=refused reason={reason} ");
    assert!(
        login.log.iter().any(|one| one.message.contains(&line)),
        "no line has {line}\n{login}"
    );
    // The user gets the ordinary failure.
    assert!(!login.stderr.contains("Your token"), "{login}");
}

/// Checklist: A.28
#[test]
fn a_bound_token_logs_in_with_its_key_and_with_nothing_else() {
    let machine = machine_with(&[("second", "-t ed25519")]);
    ask_for_bound(&machine);
    let token = bound_to(&machine, "alice.key");
    let sshd = machine.sshd(&[BOTH]);
    accepted(&login(&machine, "alice", "alice.key", &token), "alice");

    // Another key that sshd accepts for alice.
    refused(&login(&machine, "alice", "second", &token), "key_bound");
    // Another account, with that account's own key: sshd is content, pam_jwt is not.
    let other = login(&machine, "bob", "bob.key", &token);
    refused(&other, "key_bound");
    // ... and with the token's key among that account's.
    let share = "cat /root/alice.key.pub >>/home/bob/.ssh/authorized_keys";
    machine.run(["sh", "-c", share]).expect_success();
    let other = login(&machine, "bob", "alice.key", &token);
    refused(&other, "account_not_allowed");
    // A stolen key without a token, and with one that is not bound.
    let nothing = login(&machine, "alice", "alice.key", "");
    assert_eq!(nothing.code(), Some(255), "{nothing}");
    let bearer = machine.token(["alice"]);
    refused(
        &login(&machine, "alice", "alice.key", &bearer),
        "binding_missing",
    );
    // A stolen token without a key: sshd does not even ask for it.
    let keyless = login(&machine, "alice", "no-such-key", &token);
    assert_eq!(
        (keyless.code(), keyless.prompts.len()),
        (Some(255), 0),
        "{keyless}"
    );
    drop(sshd);
    // ... nor does it help where sshd asks for no key, or asks for it afterwards.
    for methods in ["any", "keyboard-interactive,publickey"] {
        let _sshd = machine.sshd(&[&format!("AuthenticationMethods {methods}")]);
        let keyless = machine.ssh("alice").answers([&*token]).command("id -un");
        refused(&keyless, "key_bound");
    }
}

/// Checklist: A.28
#[test]
fn a_key_of_any_type_can_be_the_one() {
    let types = [
        ("ed25519", "-t ed25519"),
        ("p256", "-t ecdsa -b 256"),
        ("p384", "-t ecdsa -b 384"),
        ("p521", "-t ecdsa -b 521"),
        ("rsa", "-t rsa -b 2048"),
    ];
    let machine = machine_with(&types);
    ask_for_bound(&machine);
    let _sshd = machine.sshd(&[BOTH]);
    let tokens = types.map(|(name, _)| bound_to(&machine, name));
    for (at, (name, _)) in types.iter().enumerate() {
        accepted(&login(&machine, "alice", name, &tokens[at]), "alice");
        let another = &tokens[(at + 1) % tokens.len()];
        refused(&login(&machine, "alice", name, another), "key_bound");
    }
    // The key itself in the token, in place of its thumbprint.
    let split =
        "ssh-keygen -e -m PKCS8 -f /root/p256.pub | openssl pkey -pubin -outform DER | tail -c 64";
    let half = |which: &str| {
        let script = format!("{split} | {which} -c 32 | basenc --base64url -w0");
        let text = machine.run(["sh", "-c", &script]).expect_success().stdout;
        text.trim_end_matches('=').to_owned()
    };
    let cnf = format!(
        r#"cnf={{"jwk":{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}}}"#,
        half("head"),
        half("tail")
    );
    let token = machine.token(["alice", "--claim", &cnf]);
    accepted(&login(&machine, "alice", "p256", &token), "alice");
    refused(&login(&machine, "alice", "p384", &token), "key_bound");
}

/// A certificate is made for a key, and that key is proved with it.
#[test]
fn a_certified_key_is_the_key_that_the_token_names() {
    let machine = machine_with(&[]);
    ask_for_bound(&machine);
    let certify = "cd /root && ssh-keygen -q -t ed25519 -N '' -f ca && cp ca.pub /etc/ssh/ca.pub &&
        ssh-keygen -q -t ecdsa -N '' -f certified && ssh-keygen -q -s ca -I alice -n alice certified.pub";
    machine.run(["sh", "-c", certify]).expect_success();
    let _sshd = machine.sshd(&[BOTH, "TrustedUserCAKeys /etc/ssh/ca.pub"]);
    let token = bound_to(&machine, "certified");
    accepted(&login(&machine, "alice", "certified", &token), "alice");
    let of_certificate = bound_to(&machine, "certified-cert");
    accepted(
        &login(&machine, "alice", "certified", &of_certificate),
        "alice",
    );
    // Whoever signed it has proved nothing.
    let of_ca = bound_to(&machine, "ca");
    refused(&login(&machine, "alice", "certified", &of_ca), "key_bound");
}

/// A security key signs with the key that is inside; the provider stands in for the hardware.
#[test]
fn a_security_key_can_be_the_one() {
    let machine = machine_with(&[("second", "-t ed25519")]);
    ask_for_bound(&machine);
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/hosts/security_key.c");
    let provider = "/root/security_key.so";
    machine
        .run(["cc", "-shared", "-fPIC", "-o", provider, source, "-lcrypto"])
        .expect_success();
    let _sshd = machine.sshd(&[BOTH]);
    for kind in ["ed25519-sk", "ecdsa-sk"] {
        let make = format!(
            "ssh-keygen -q -t {kind} -w {provider} -N '' -f /root/{kind} &&
            cat /root/{kind}.pub >>/home/alice/.ssh/authorized_keys"
        );
        machine.run(["sh", "-c", &make]).expect_success();
        let login = |token: &str| {
            machine
                .ssh("alice")
                .option("PreferredAuthentications=publickey,keyboard-interactive")
                .option(&format!("SecurityKeyProvider={provider}"))
                .option(&format!("IdentityFile=/root/{kind}"))
                .option("IdentitiesOnly=yes")
                .answers(machine::in_pieces(token))
                .command("id -un")
        };
        accepted(&login(&bound_to(&machine, kind)), "alice");
        refused(&login(&bound_to(&machine, "second")), "key_bound");
    }
}

/// Of several keys that one login proves, any can be the token's.
#[test]
fn one_of_two_keys_is_enough() {
    let machine = machine_with(&[("second", "-t ed25519")]);
    ask_for_bound(&machine);
    let _sshd = machine.sshd(&["AuthenticationMethods publickey,publickey,keyboard-interactive"]);
    for key in ["alice.key", "second"] {
        let token = bound_to(&machine, key);
        let both = machine
            .ssh("alice")
            .option("PreferredAuthentications=publickey,keyboard-interactive")
            .option("IdentityFile=/root/alice.key")
            .option("IdentityFile=/root/second")
            .option("IdentitiesOnly=yes")
            .answers([token])
            .command("id -un");
        accepted(&both, "alice");
    }
}

/// Checklist: A.28
#[test]
fn without_a_rule_that_asks_for_it_a_bound_token_takes_its_key_and_another_takes_none() {
    let machine = machine_with(&[("second", "-t ed25519")]);
    let _sshd = machine.sshd(&[BOTH]);
    let token = bound_to(&machine, "alice.key");
    let bearer = machine.token(["alice"]);
    accepted(&login(&machine, "alice", "alice.key", &token), "alice");
    accepted(&login(&machine, "alice", "second", &bearer), "alice");
    refused(&login(&machine, "alice", "second", &token), "key_bound");
}

/// What a user puts into the environment proves nothing to sudo and su.
#[test]
fn a_variable_of_the_users_is_no_proof() {
    let machine = machine_with(&[]);
    machine.pam_line("sudo", "auth sufficient pam_jwt.so");
    machine.pam_line("su", "auth sufficient pam_jwt.so");
    machine.services(&["sudo", "su"]);
    machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);
    let token = bound_to(&machine, "alice.key");
    let info = format!("publickey {}", machine.read("/root/alice.key.pub"));
    let pieces = machine::in_pieces(&token).join("\n") + "\n";
    for (service, argv) in [
        ("sudo", &["sudo", "-k", "-S", "id", "-un"][..]),
        ("su", &["su", "alice", "-c", "id -un"]),
    ] {
        let mark = machine.mark();
        let user = if service == "su" { "bob" } else { "alice" };
        let output = machine
            .command(argv)
            .user(user)
            .env("SSH_AUTH_INFO_0", info.trim_end())
            .stdin(&*pieces)
            .run();
        assert_ne!(output.code(), Some(0), "{output}");
        machine.wait_for_log(
            mark,
            &format!("pam_jwt({service}:auth): result=refused reason=key_bound"),
        );
    }
}

/// Checklist: A.28
#[test]
fn verify_explains_what_a_login_with_the_key_would_do() {
    let machine = machine_with(&[("second", "-t ed25519")]);
    ask_for_bound(&machine);
    let token = bound_to(&machine, "alice.key");
    let verify = |token: &str, more: &[&str]| {
        machine
            .command(["pam-jwt", "verify", "--user", "alice", "--service", "sshd"])
            .args(more)
            .stdin(token)
            .run()
    };
    let with = |key: &'static str| ["--ssh-key", key];
    let good = verify(&token, &with("/root/alice.key.pub")).expect_success();
    assert!(
        good.stdout.contains("ALLOWED") && good.stdout.contains("binding"),
        "{good}"
    );
    for more in [&with("/root/second.pub")[..], &[]] {
        let bad = verify(&token, more).expect_code(1);
        assert!(bad.stdout.contains("REFUSED: key_bound"), "{bad}");
    }
    let bearer = verify(&machine.token(["alice"]), &with("/root/alice.key.pub")).expect_code(1);
    assert!(
        bearer.stdout.contains("REFUSED: binding_missing"),
        "{bearer}"
    );
    // Where no login has a key proved, none is explained.
    let sudo = ["pam-jwt", "verify", "--user", "alice", "--service", "sudo"];
    let sudo = machine.command(sudo).args(with("/root/alice.key.pub"));
    let sudo = sudo.stdin(&*token).run().expect_code(2);
    assert!(
        sudo.stderr.contains("nobody proves a key to sudo"),
        "{sudo}"
    );
    // The private half, no key and no file are errors that say so.
    for (file, words) in [
        ("/root/alice.key", "holds a private key"),
        ("/etc/passwd", "not an OpenSSH public key"),
        ("/root/none.pub", "No such file"),
    ] {
        let failed = verify(&token, &with(file)).expect_code(2);
        assert!(failed.stderr.contains(words), "{failed}");
        let failed = machine.run(["pam-jwt", "issue", "alice", "--bind", file]);
        let failed = failed.expect_code(2);
        assert!(failed.stderr.contains(words), "{failed}");
    }
}
