//! Keys and tokens made by others: openssl makes the keys, jsonwebtoken signs.
//! Nothing here shares code with what is tested.

use super::Token;
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use jsonwebtoken::{Algorithm, EncodingKey};
use machine::{Machine, PIECE};
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

/// How deep `{deep}` is.
const DEEP: usize = 10_000;

/// Signs tokens.
pub struct Mint(BTreeMap<&'static str, Key>);

struct Key {
    alg: Algorithm,
    private: EncodingKey,
    /// The file of the public key, as a verifier may have it.
    pem: Vec<u8>,
    /// The same, binary: a SubjectPublicKeyInfo.
    spki: Vec<u8>,
    /// A certificate for it, signed by itself, binary.
    certificate: Vec<u8>,
}

impl Mint {
    /// Makes the keys in `machine`, and there /root/KID.pem and /root/KID.spki with
    /// each public half.
    pub fn new(machine: &Machine) -> Self {
        let key = |(kid, alg, args): &(&'static str, Algorithm, &[&str])| {
            (*kid, Key::new(machine, kid, *alg, args))
        };
        Self(KEYS.iter().map(key).collect())
    }

    /// A file of keys that were fetched at [`NOW`]: the first of `key_set`, and `ed-1`.
    pub fn fetched(&self, key_set: &str) -> String {
        let set: Value = serde_json::from_str(key_set).expect("a set");
        let mut key = self.0["ed-1"].jwk();
        key["kid"] = "ed-1".into();
        json!({
            "issuer": "https://login.example.org", "checked_at": NOW, "keys": [set["keys"][0], key],
        })
        .to_string()
    }

    /// The secret that `token` describes.
    pub fn token(&self, token: &Token) -> String {
        let mut secret = match (&token.secret, token.length) {
            (Some(secret), _) => secret.clone(),
            (None, None) => self.signed(token, ""),
            (None, Some(length)) => self.of_length(token, length),
        };
        if let Some(cut) = token.cut {
            assert!(
                cut < secret.len(),
                "only {} bytes, less than {cut}",
                secret.len()
            );
            secret.truncate(cut);
        }
        secret
    }

    /// The same token with a claim that makes it longer than an answer that is continued,
    /// where that is no other token for it.
    pub fn longer(&self, token: &Token) -> Option<String> {
        let is_text = token.secret.is_some() || token.payload.is_some();
        let counts = token.length.or(token.cut).is_some() || token.trailing_bits.is_some();
        (!is_text && !counts).then(|| self.signed(token, &"x".repeat(PIECE)))
    }

    /// Base64url has no text of 4n + 1 characters, so not every length can be had.
    fn of_length(&self, token: &Token, length: usize) -> String {
        let without = self.signed(token, "").len();
        let missing = length.checked_sub(without).expect("a greater length");
        // `,"filler":""` takes twelve bytes or so, three bytes take four characters.
        (0..20)
            .filter_map(|more| (missing * 3 / 4).checked_sub(more))
            .map(|bytes| self.signed(token, &"x".repeat(bytes)))
            .find(|secret| secret.len() == length)
            .unwrap_or_else(|| panic!("no token has {length} bytes, try one more or less"))
    }

    fn signed(&self, token: &Token, filler: &str) -> String {
        let kid = token.key.as_deref().unwrap_or("ed-1");
        let key = self.0.get(kid).unwrap_or_else(|| panic!("no key {kid}"));
        let header = token.header_text.as_deref().map(deepened);
        let header = encoded(&header.unwrap_or_else(|| key.header(kid, token)));
        let payload = token.payload.as_deref().map(deepened);
        let payload = encoded(&payload.unwrap_or_else(|| claims(token, filler)));
        let respelled = |part: &str, text: String| match &token.trailing_bits {
            Some(meant) if meant == part => with_trailing_bits(&text),
            _ => text,
        };
        let header = respelled("header", header);
        let payload = respelled("payload", payload);
        let input = format!("{header}.{payload}");
        let signature = token.signature.clone();
        let signature = signature.unwrap_or_else(|| key.sign(&input, token.hmac.as_deref()));
        let signature = respelled("signature", signature);
        let Some(form) = &token.form else {
            return format!("{input}.{signature}");
        };
        form.replace("{token}", "{header}.{payload}.{signature}")
            .replace("{header}", &header)
            .replace("{payload}", &payload)
            .replace("{signature}", &signature)
    }
}

impl Key {
    fn new(machine: &Machine, kid: &str, alg: Algorithm, args: &[&str]) -> Self {
        let file = |ending: &str| format!("/root/{kid}.{ending}");
        let (private, der, public) = (file("private.pem"), file("der"), file("pem"));
        let (spki, certificate) = (file("spki"), file("certificate"));
        let pkcs8 = match alg {
            Algorithm::RS256 => "rsa -traditional",
            _ => "pkcs8 -topk8 -nocrypt",
        };
        let openssl = |line: String, more: &[&str]| {
            let command = machine.command(["openssl"]).args(line.split(' '));
            let _ = command.args(more).run().expect_success();
        };
        openssl(format!("genpkey -out {private}"), args);
        openssl(
            format!("{pkcs8} -in {private} -outform DER -out {der}"),
            &[],
        );
        openssl(format!("pkey -in {private} -pubout -out {public}"), &[]);
        openssl(
            format!("pkey -in {private} -pubout -outform DER -out {spki}"),
            &[],
        );
        openssl(
            format!("req -x509 -key {private} -subj /CN={kid} -outform DER -out {certificate}"),
            &[],
        );
        let read = |path: &str| machine.inside(|| std::fs::read(path)).expect("the key");
        let der = read(&der);
        Self {
            alg,
            private: match alg {
                Algorithm::EdDSA => EncodingKey::from_ed_der(&der),
                Algorithm::ES256 => EncodingKey::from_ec_der(&der),
                _ => EncodingKey::from_rsa_der(&der),
            },
            pem: read(&public),
            spki: read(&spki),
            certificate: read(&certificate),
        }
    }

    fn header(&self, kid: &str, token: &Token) -> String {
        let alg = token.hmac.as_ref().map_or(self.alg, |_| Algorithm::HS256);
        let claimed = if kid == "stranger" { "ed-1" } else { kid };
        let mut header = json!({ "alg": format!("{alg:?}"), "kid": claimed, "typ": "at+jwt" });
        for parameter in &token.embed {
            header[parameter] = match parameter.as_str() {
                "jwk" => self.jwk(),
                "x5c" => json!([Base64::encode_string(&self.certificate)]),
                other => panic!("{other} cannot be embedded"),
            };
        }
        merge(&mut header, &token.header, &token.without);
        header.to_string()
    }

    /// Of an Ed25519 key, whose SubjectPublicKeyInfo ends in its 32 bytes (RFC 8410 §4).
    fn jwk(&self) -> Value {
        assert_eq!(self.alg, Algorithm::EdDSA);
        let x = Base64UrlUnpadded::encode_string(&self.spki[self.spki.len() - 32..]);
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "x": x })
    }

    fn sign(&self, input: &str, hmac: Option<&str>) -> String {
        let (key, alg) = match hmac {
            None => (&self.private, self.alg),
            Some("pem") => (&EncodingKey::from_secret(&self.pem), Algorithm::HS256),
            Some("der") => (&EncodingKey::from_secret(&self.spki), Algorithm::HS256),
            Some(other) => panic!("a public key has no form {other}"),
        };
        jsonwebtoken::crypto::sign(input.as_bytes(), key, alg).expect("a signature")
    }
}

fn claims(token: &Token, filler: &str) -> String {
    let mut claims = json!({
        "iss": "https://login.example.org", "sub": "alice", "aud": "ssh://machine",
        "iat": NOW, "exp": NOW + 3600, "jti": "j1", "client_id": "demo",
    });
    merge(&mut claims, &token.claims, &token.without);
    if !filler.is_empty() {
        claims["filler"] = filler.into();
    }
    claims.to_string()
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

fn deepened(text: &str) -> String {
    text.replace("{deep}", &("[".repeat(DEEP) + &"]".repeat(DEEP)))
}

fn encoded(text: &str) -> String {
    Base64UrlUnpadded::encode_string(text.as_bytes())
}

/// The same bytes for a decoder that does not look: the last character of 2 or 3
/// stands for six bits, of which four or two are used by nothing and set here.
fn with_trailing_bits(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    assert!(text.len() % 4 > 1, "all bits of {text} are used");
    let (rest, last) = text.split_at(text.len() - 1);
    let value = ALPHABET.iter().position(|c| last.as_bytes() == [*c]);
    format!(
        "{rest}{}",
        char::from(ALPHABET[value.expect("base64url") | 1])
    )
}
