//! After a login no part of the token, and of a symmetric key that verified it, is left in
//! the host's memory: not on the heap, and not on the stack below.

use base64ct::{Base64UrlUnpadded, Encoding};
use machine::Machine;

/// pam_jwt alone, before pam_unix, and behind one that asked.
const STACKS: [(&str, &str); 3] = [
    ("/etc/pam.alone", "auth required pam_jwt.so\n"),
    (
        "/etc/pam.before",
        "auth sufficient pam_jwt.so\nauth required pam_unix.so\n",
    ),
    (
        "/etc/pam.behind",
        "auth optional pam_unix.so\nauth sufficient pam_jwt.so\nauth required pam_unix.so\n",
    ),
];

/// Logs in with `token`, then searches the process for it, for its signature as bytes,
/// which is what the verification works on, and for `key` in the two forms that it has.
fn search(machine: &Machine, confdir: &str, token: &str, key: &[u8], keep: &[&str]) -> String {
    let (_, signature) = token.rsplit_once('.').expect("a token");
    let signature = Base64UrlUnpadded::decode_vec(signature).expect("base64url");
    let masked: Vec<u8> = token
        .bytes()
        .chain(signature)
        .chain(key.iter().copied())
        .chain(Base64UrlUnpadded::encode_string(key).into_bytes())
        .map(|byte| byte ^ 0x55)
        .collect();
    let length = token.len().to_string();
    let program = machine.command(["/tmp/memory", "sshd", "alice", confdir, &length]);
    program
        .args(keep)
        .stdin(masked)
        .run()
        .expect_success()
        .stdout
}

/// A machine with the program that searches.
fn machine() -> Machine {
    let machine = Machine::ready();
    for (confdir, stack) in STACKS {
        machine.write(&format!("{confdir}/sshd"), stack, 0o644);
    }
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/hosts/memory.c");
    let cc = [
        "cc",
        "-O1",
        "-Wall",
        "-Werror",
        "-o",
        "/tmp/memory",
        source,
        "-lpam",
    ];
    let _ = machine.run(cc).expect_success();
    machine
}

#[test]
fn nothing_of_a_token_outlives_the_login() {
    let machine = machine();
    for (account, code) in [("alice", 0), ("bob", 7)] {
        let token = machine.token([account]);
        for (confdir, _) in STACKS {
            let seen = search(&machine, confdir, &token, &[], &[]);
            assert_eq!(seen, format!("authenticate {code}\nfound 0\n"), "{confdir}");
            // The search finds what is there.
            let kept = search(&machine, confdir, &token, &[], &["keep"]);
            assert!(kept.contains("byte 0 is left in [heap]"), "{kept}");
        }
    }
}

#[test]
fn nothing_of_a_symmetric_key_outlives_the_login() {
    let machine = machine();
    for alg in ["HS256", "HS512"] {
        let file = format!("/etc/pam-jwt/keys/{alg}.jwk");
        let keygen = ["pam-jwt", "keygen", "--alg", alg, "--out", &file];
        let _ = machine.run(keygen).expect_success();
        let trust = format!(
            "issuer = \"https://{alg}\"\naudience = [\"ssh://{{hostname}}\"]\nkeys = [\"{file}\"]\n\
             [[allow]]\naccount = \"{{sub}}\"\nservices = [\"sshd\"]\n"
        );
        machine.write(&format!("/etc/pam-jwt/issuers.d/{alg}.toml"), trust, 0o644);
        let jwk: serde_json::Value = serde_json::from_str(&machine.read(&file)).expect("a JWK");
        let key = Base64UrlUnpadded::decode_vec(jwk["k"].as_str().expect("k")).expect("a key");
        for (account, code) in [("alice", 0), ("bob", 7)] {
            let token = machine.token([account, "--key", &file]);
            let seen = search(&machine, "/etc/pam.alone", &token, &key, &[]);
            assert_eq!(seen, format!("authenticate {code}\nfound 0\n"), "{alg}");
        }
    }
}
