//! Sessions that an SSH key opens, alone or with a password: whether they have a token, and
//! what it says of the key.

use crate::login::{Session, ssh};
use crate::{PASSWORD, claims, issue, library, made};
use machine::{Login, Machine};
use serde_json::json;
use std::sync::OnceLock;

const KEY_ALONE: &str = "publickey";
const KEY_FIRST: &str = "publickey,keyboard-interactive";
const PASSWORD_FIRST: &str = "keyboard-interactive,publickey";
const TWO_KEYS: &str = "publickey,publickey,keyboard-interactive";

/// Keys of alice's, as /root/NAME, and what ssh-keygen makes them with.
const KEYS: [(&str, &str); 3] = [
    ("software", "-t ed25519"),
    ("hardware", "-t ed25519-sk -w /root/security_key.so"),
    ("hardware-ecdsa", "-t ecdsa-sk -w /root/security_key.so"),
];

const WITH_KEYS: &str =
    "methods = [\"publickey\", \"password\", \"token\"]\npassword_services = [\"sshd\"]";

fn with_keys(machine: Machine, settings: &str) -> Machine {
    static LIBRARY: OnceLock<Vec<u8>> = OnceLock::new();
    let machine = made(machine, settings);
    let library = LIBRARY.get_or_init(|| library("security_key.c", &["-lcrypto"]));
    machine.write("/root/security_key.so", library, 0o755);
    for (name, options) in KEYS {
        let make = format!(
            "ssh-keygen -q {options} -N '' -f /root/{name}
            install -d -o alice /home/alice/.ssh
            cat /root/{name}.pub >>/home/alice/.ssh/authorized_keys"
        );
        machine.run(["sh", "-ec", &make]).expect_success();
    }
    machine
}

/// A login by these methods in this order, with these keys and this answer.
fn login(machine: &Machine, methods: &str, keys: &[&str], answer: &str) -> Login {
    let config = format!("AuthenticationMethods {methods}");
    let login = ssh(machine, &[&config], |ssh| {
        let ssh = ssh
            .option(&format!("PreferredAuthentications={methods}"))
            .option("SecurityKeyProvider=/root/security_key.so")
            .option("IdentitiesOnly=yes")
            .answers([answer]);
        keys.iter().fold(ssh, |ssh, key| {
            ssh.option(&format!("IdentityFile=/root/{key}"))
        })
    });
    assert_eq!(login.code(), Some(0), "{login}");
    login
}

fn session(machine: &Machine, methods: &str, keys: &[&str]) -> Session {
    Session::of(machine, || {
        login(machine, methods, keys, PASSWORD).to_string()
    })
}

/// What `amr` says of the keys and of the password.
fn what_is_said(machine: &Machine) {
    for (methods, keys, amr) in [
        (KEY_ALONE, &["software"][..], json!(["swk"])),
        (KEY_ALONE, &["hardware"], json!(["hwk"])),
        (KEY_ALONE, &["hardware-ecdsa"], json!(["hwk"])),
        (KEY_FIRST, &["software"], json!(["swk", "pwd"])),
        (KEY_FIRST, &["hardware"], json!(["hwk", "pwd"])),
        (
            TWO_KEYS,
            &["hardware", "software"],
            json!(["hwk", "swk", "pwd"]),
        ),
        // What was proved after PAM was asked the user can have set.
        (PASSWORD_FIRST, &["hardware"], json!(["pwd"])),
    ] {
        let session = session(machine, methods, keys);
        let claims = claims(machine, session.token());
        assert_eq!(claims["amr"], amr, "{methods} {keys:?}");
        let at = |name: &str| claims[name].as_u64().expect("a time");
        assert!(at("auth_time") <= at("iat"), "{methods} {keys:?}");
    }
}

#[test]
fn a_token_says_what_kind_of_key_sshd_has_verified_here() {
    what_is_said(&with_keys(Machine::boot(), WITH_KEYS));
}

#[test]
fn a_token_says_what_kind_of_key_sshd_has_verified_in_the_other_release() {
    what_is_said(&with_keys(Machine::boot_other_debian(), WITH_KEYS));
}

/// Its issuer knows nothing of the key, and the session's token is no stronger.
#[test]
fn a_token_behind_a_key_says_what_the_token_did() {
    let machine = with_keys(Machine::boot(), WITH_KEYS);
    for amr in [Some(json!(["otp"])), None] {
        let claim = amr.as_ref().map(|amr| format!("--claim=amr={amr}"));
        let token = machine.token(claim.iter().map(String::as_str).chain(["alice"]));
        let session = Session::of(&machine, || {
            login(&machine, KEY_FIRST, &["hardware"], &token).to_string()
        });
        let claims = claims(&machine, session.token());
        assert_eq!(claims.get("amr"), amr.as_ref());
        assert!(!claims.contains_key("auth_time"));
    }
}

#[test]
fn a_key_opens_a_session_without_a_token_unless_the_settings_name_publickey() {
    let machine = with_keys(Machine::boot(), "");
    for methods in [KEY_ALONE, KEY_FIRST, PASSWORD_FIRST] {
        let session = session(&machine, methods, &["software"]);
        assert!(session.shown.is_none(), "{methods}");
        let line = machine.wait_for_log(session.mark, "result=withheld reason=issue_withheld ");
        assert!(line.message.contains("do not name publickey"), "{line}");
    }
}

/// Why that is so.
#[test]
fn a_key_that_is_restricted_to_a_command_reads_the_token_where_the_settings_name_publickey() {
    let machine = with_keys(Machine::boot(), "");
    let command = "restrict,command=\"cat $BEARER_TOKEN_FILE\" ";
    let restricted = command.to_owned() + &machine.read("/root/software.pub");
    machine.write_as(
        "alice",
        "/home/alice/.ssh/authorized_keys",
        restricted,
        0o600,
    );
    assert_eq!(login(&machine, KEY_ALONE, &["software"], "").stdout, "");
    issue(&machine, "methods = [\"publickey\"]");
    let read = login(&machine, KEY_ALONE, &["software"], "").stdout;
    assert_eq!(claims(&machine, &read)["sub"], "alice");
}
