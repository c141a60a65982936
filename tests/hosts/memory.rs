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
fn search(machine: &Machine, confdir: &str, token: &str, key: &[u8], how: &[&str]) -> String {
    let (_, signature) = token.rsplit_once('.').expect("a token");
    let mut signature = Base64UrlUnpadded::decode_vec(signature).expect("base64url");
    // One of ML-DSA ends with zeros and a few counts, and zeros are everywhere.
    let zeros = signature.windows(4).position(|bytes| bytes == [0; 4]);
    signature.truncate(zeros.unwrap_or(signature.len()));
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
        .args(how)
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

/// No piece, and not what they become.
#[test]
fn nothing_of_a_token_in_pieces_outlives_the_login() {
    let machine = machine();
    // With one that ends with a piece, and so with an answer that is empty.
    for bytes in [1000, 1500, 1700] {
        for (account, code) in [("alice", 0), ("bob", 7)] {
            let token = machine.token_of(bytes, [account]);
            for (confdir, _) in &STACKS[..2] {
                let seen = search(&machine, confdir, &token, &[], &["pieces"]);
                assert_eq!(seen, format!("authenticate {code}\nfound 0\n"), "{confdir}");
            }
        }
        let token = machine.token_of(bytes, ["alice"]);
        // Where somebody gives up, PAM_CONV_ERR is an answer that was not given.
        let seen = search(&machine, "/etc/pam.alone", &token, &[], &["give-up"]);
        assert_eq!(seen, "authenticate 7\nfound 0\n", "{bytes}");
        let kept = search(&machine, "/etc/pam.alone", &token, &[], &["pieces", "keep"]);
        assert!(kept.contains(" is left in [heap]"), "{kept}");
    }
    // Where one answer is given to all prompts, all are the same.
    for (account, code) in [("alice", 0), ("bob", 7)] {
        let token = machine.token_of(500, [account]);
        let seen = search(&machine, "/etc/pam.alone", &token, &[], &[]);
        assert_eq!(seen, format!("authenticate {code}\nfound 0\n"));
    }
}

/// Its signature is of thousands of bytes, which the verification unpacks.
#[test]
fn nothing_of_a_post_quantum_token_outlives_the_login() {
    let machine = machine();
    for alg in ["ML-DSA-44", "ML-DSA-87"] {
        let key = format!("/root/{alg}.jwk");
        let keygen = ["pam-jwt", "keygen", "--alg", alg, "--out", &key];
        let _ = machine.run(keygen).expect_success();
        let trust = format!(
            "issuer = \"https://{alg}\"\naudience = [\"ssh://{{hostname}}\"]\n\
             keys = [\"/root/{alg}.pub.jwk\"]\n\
             [[allow]]\naccount = \"{{sub}}\"\nservices = [\"sshd\"]\n"
        );
        machine.write(&format!("/etc/pam-jwt/issuers.d/{alg}.toml"), trust, 0o644);
        for (account, code) in [("alice", 0), ("bob", 7)] {
            let token = machine.token([account, "--key", &key]);
            let seen = search(&machine, "/etc/pam.alone", &token, &[], &["pieces"]);
            assert_eq!(seen, format!("authenticate {code}\nfound 0\n"), "{alg}");
        }
        let token = machine.token(["alice", "--key", &key]);
        let kept = search(&machine, "/etc/pam.alone", &token, &[], &["pieces", "keep"]);
        assert!(kept.contains(" is left in [heap]"), "{kept}");
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

/// The key that signs a session's token is read by the host program too.
#[test]
fn nothing_of_the_signing_key_outlives_the_session() {
    let machine = machine();
    let confdir = "/etc/pam.issues";
    let stack = "auth required pam_jwt.so\nsession required pam_jwt.so issue=required\n";
    machine.write(&format!("{confdir}/sshd"), stack, 0o644);
    for (alg, member) in [
        ("EdDSA", "d"),
        ("ES256", "d"),
        ("RS256", "q"),
        ("ML-DSA-44", "priv"),
    ] {
        let file = format!("/etc/pam-jwt/private/{alg}.jwk");
        let keygen = ["pam-jwt", "keygen", "--alg", alg, "--out", &file];
        let _ = machine.run(keygen).expect_success();
        let settings = format!(
            "[issue]\nissuer = \"https://h\"\naudience = [\"ssh://b\"]\nkey = \"{file}\"\n\
             services = [\"sshd\"]\n"
        );
        machine.write("/etc/pam-jwt/pam-jwt.toml", settings, 0o644);
        let jwk: serde_json::Value = serde_json::from_str(&machine.read(&file)).expect("a JWK");
        let secret = jwk[member].as_str().expect("a private key");
        let key = Base64UrlUnpadded::decode_vec(secret).expect("base64url");
        let token = machine.token(["alice"]);
        let seen = search(&machine, confdir, &token, &key, &["session"]);
        let all_is_well = "authenticate 0\nopen_session 0\nhas a token\nfound 0\n";
        assert_eq!(seen, all_is_well, "{alg}");
        let kept = search(&machine, confdir, &token, &key, &["session", "keep"]);
        assert!(kept.contains(" is left in [heap]"), "{kept}");
    }
}

/// Also of a file that is refused nothing stays, wherever the fault in it is.
#[test]
fn nothing_of_a_symmetric_key_that_is_refused_outlives_the_login() {
    let machine = machine();
    let file = "/etc/pam-jwt/keys/broken.jwk";
    let trust = format!(
        "issuer = \"https://broken\"\naudience = [\"ssh://{{hostname}}\"]\nkeys = [\"{file}\"]\n\
         [[allow]]\naccount = \"{{sub}}\"\nservices = [\"sshd\"]\n"
    );
    let key: Vec<u8> = (0..100_u8).map(|at| at.wrapping_mul(151) ^ 0xa5).collect();
    let k = Base64UrlUnpadded::encode_string(&key);
    let good = format!(r#"{{"kty":"oct","kid":"x","alg":"HS256","k":"{k}"}}"#);
    let token = machine.token(["alice"]);
    machine.write("/etc/pam-jwt/issuers.d/broken.toml", trust, 0o644);
    let without_kid = good.replace(r#""kid":"x","#, "");
    for (text, code) in [
        (good.clone(), 0),
        (format!("{good}x"), 9),
        (format!("[{good}]"), 9),
        (good.replace('}', r#","kty":"oct"}"#), 9),
        (good.replace('}', r#","alg":5,"#), 9),
        (good.replace(&k, &format!("{k}=")), 9),
        (good.replace(&k, &format!("{k}\\n")), 9),
        (
            good.replace(&k[..1], &format!("\\u{:04x}", k.as_bytes()[0])),
            9,
        ),
        (good.replace("HS256", "ES256"), 9),
        (format!(r#"{{"keys":[{good},{good}]}}"#), 9),
        (without_kid, 9),
    ] {
        machine.write(file, &text, 0o600);
        let seen = search(&machine, "/etc/pam.alone", &token, &key, &[]);
        assert_eq!(seen, format!("authenticate {code}\nfound 0\n"), "{text}");
    }
}
