//! No part of a token that the helper has brought is left in the host's memory, nor of the
//! client's secret that it was given.

use crate::world::World;
use base64ct::{Base64UrlUnpadded, Encoding};

const CLIENT_SECRET: &str = "a secret of the client's, which is long enough to be found";

#[test]
fn nothing_of_a_token_from_a_browser_outlives_the_login() {
    let world = World::new();
    let machine = &world.machine;
    machine.write("/etc/pam.alone/sshd", "auth required pam_jwt.so\n", 0o644);
    let file = "/etc/pam-jwt/private/client.secret";
    machine.write(file, CLIENT_SECRET, 0o600);
    world.trust(&format!("client_secret_file = \"{file}\""));
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
    let search = |token: &str, keep: &[&str]| {
        world.issuer.confirms(token);
        let (_, signature) = token.rsplit_once('.').expect("a token");
        let signature = Base64UrlUnpadded::decode_vec(signature).expect("base64url");
        let all = [token.as_bytes(), &signature, CLIENT_SECRET.as_bytes()];
        let masked: Vec<u8> = all.concat().into_iter().map(|byte| byte ^ 0x55).collect();
        let length = token.len().to_string();
        let program = [
            "/tmp/memory",
            "sshd",
            "alice",
            "/etc/pam.alone",
            &length,
            "nothing",
        ];
        let program = machine.command(program).args(keep).stdin(masked);
        program.run().expect_success().stdout
    };
    for (account, code) in [("alice", 0), ("bob", 7)] {
        for bytes in [500, 6000] {
            let token = machine.token_of(bytes, [account, "--key", "/root/issuer.jwk"]);
            let seen = search(&token, &[]);
            assert_eq!(seen, format!("authenticate {code}\nfound 0\n"), "{account}");
            // The search finds what is there.
            let kept = search(&token, &["keep"]);
            assert!(kept.contains(" is left in [heap]"), "{kept}");
        }
    }
    let asked = world.issuer.wait_for("/token", 8);
    // The issuer takes the secret in a header.
    assert!(
        asked.iter().all(|ask| !ask.form.contains("secret")),
        "{asked:#?}"
    );
}
