//! After a login no part of the token is left in the host's memory: not on the heap,
//! and not on the stack below.

use base64ct::{Base64UrlUnpadded, Encoding};
use machine::Machine;

/// Logs in with `token`, then searches the process for it and for its signature as
/// bytes, which is what the verification works on.
fn search(machine: &Machine, token: &str, keep: &[&str]) -> String {
    let (_, signature) = token.rsplit_once('.').expect("a token");
    let signature = Base64UrlUnpadded::decode_vec(signature).expect("base64url");
    let masked: Vec<u8> = token
        .bytes()
        .chain(signature)
        .map(|byte| byte ^ 0x55)
        .collect();
    let length = token.len().to_string();
    let program = machine.command(["/tmp/memory", "sshd", "alice", "/etc/pam.alone", &length]);
    program
        .args(keep)
        .stdin(masked)
        .run()
        .expect_success()
        .stdout
}

#[test]
fn nothing_of_a_token_outlives_the_login() {
    let machine = Machine::ready();
    machine.write("/etc/pam.alone/sshd", "auth required pam_jwt.so\n", 0o644);
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
    for (account, code) in [("alice", 0), ("bob", 7)] {
        let token = machine.token([account]);
        let seen = search(&machine, &token, &[]);
        assert_eq!(seen, format!("authenticate {code}\nfound 0\n"));
        // The search finds what is there.
        let kept = search(&machine, &token, &["keep"]);
        assert!(kept.contains("byte 0 is left in [heap]"), "{kept}");
    }
}
