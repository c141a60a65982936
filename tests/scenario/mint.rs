//! Keys and tokens made by others: openssl makes the keys, jsonwebtoken signs.
//! Nothing here shares code with what is tested.

use super::Token;
use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::{Algorithm, EncodingKey};
use machine::Machine;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The keys: their kid, their alg, and what openssl is asked for. The world trusts
/// all but the stranger's, which claims to be `ed-1`.
pub const KEYS: [(&str, Algorithm, &[&str]); 4] = [
    ("ed-1", Algorithm::EdDSA, &["-algorithm", "ed25519"]),
    (
        "es-1",
        Algorithm::ES256,
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ),
    (
        "rs-1",
        Algorithm::RS256,
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    ),
    ("stranger", Algorithm::EdDSA, &["-algorithm", "ed25519"]),
];

/// The moment at which the world stands still, 2040-01-01 00:00:00 UTC.
pub const NOW: i64 = 2_208_988_800;

/// Signs tokens.
pub struct Mint(BTreeMap<&'static str, (Algorithm, EncodingKey)>);

impl Mint {
    /// Makes the keys in `machine`, and there /root/KID.pem with each public half.
    pub fn new(machine: &Machine) -> Self {
        Self(
            KEYS.iter()
                .map(|(kid, alg, args)| (*kid, (*alg, key(machine, kid, *alg, args))))
                .collect(),
        )
    }

    /// The token that `token` describes.
    pub fn token(&self, token: &Token) -> String {
        if let Some(secret) = &token.secret {
            return secret.clone();
        }
        let kid = token.key.as_deref().unwrap_or("ed-1");
        let (alg, key) = self.0.get(kid).unwrap_or_else(|| panic!("no key {kid}"));
        let claimed = if kid == "stranger" { "ed-1" } else { kid };
        let mut header = json!({ "alg": format!("{alg:?}"), "kid": claimed, "typ": "at+jwt" });
        let mut claims = json!({
            "iss": "https://login.example.org", "sub": "alice", "aud": "ssh://machine",
            "iat": NOW, "exp": NOW + 3600, "jti": "j1", "client_id": "demo",
        });
        merge(&mut header, &token.header, &token.without);
        merge(&mut claims, &token.claims, &token.without);
        let payload = token.payload.clone().unwrap_or_else(|| claims.to_string());
        let encode = |text: String| Base64UrlUnpadded::encode_string(text.as_bytes());
        let input = format!("{}.{}", encode(header.to_string()), encode(payload));
        let signature = token.signature.clone().unwrap_or_else(|| {
            jsonwebtoken::crypto::sign(input.as_bytes(), key, *alg).expect("a signature")
        });
        format!("{input}.{signature}")
    }
}

fn merge(into: &mut Value, over: &toml::Table, without: &[String]) {
    let into: &mut Map<String, Value> = into.as_object_mut().expect("an object");
    for (name, value) in over {
        into.insert(name.clone(), serde_json::to_value(value).expect("JSON"));
    }
    for name in without {
        into.remove(name);
    }
}

fn key(machine: &Machine, kid: &str, alg: Algorithm, args: &[&str]) -> EncodingKey {
    let private = format!("/root/{kid}.private.pem");
    let _ = machine
        .command(["openssl", "genpkey", "-out", &private])
        .args(args)
        .run()
        .expect_success();
    let public = format!("/root/{kid}.pem");
    let _ = machine
        .run([
            "openssl", "pkey", "-in", &private, "-pubout", "-out", &public,
        ])
        .expect_success();
    let der = format!("/root/{kid}.der");
    let format: &[&str] = match alg {
        Algorithm::RS256 => &["rsa", "-traditional"],
        _ => &["pkcs8", "-topk8", "-nocrypt"],
    };
    let convert = machine.command(["openssl"]).args(format);
    let _ = convert
        .args(["-in", &private, "-outform", "DER", "-out", &der])
        .run()
        .expect_success();
    let der = machine.inside(|| std::fs::read(&der)).expect("the key");
    match alg {
        Algorithm::EdDSA => EncodingKey::from_ed_der(&der),
        Algorithm::ES256 => EncodingKey::from_ec_der(&der),
        _ => EncodingKey::from_rsa_der(&der),
    }
}
