//! Keys as issuers publish them, and tokens by them. openssl makes the keys and jsonwebtoken
//! signs: nothing here shares code with what is tested.

use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use machine::Machine;
use serde_json::{Value, json};

/// A key of an issuer's.
pub struct Key {
    alg: Algorithm,
    kid: String,
    private: EncodingKey,
    /// Its public half, as in a set at a jwks_uri.
    pub jwk: Value,
}

impl Key {
    /// Makes one in `machine`, in files of this name.
    pub fn new(machine: &Machine, name: &str, alg: Algorithm, kid: &str) -> Key {
        let (make, pkcs8) = match alg {
            Algorithm::RS256 => ("RSA -pkeyopt rsa_keygen_bits:2048", "rsa -traditional"),
            Algorithm::ES256 => (
                "EC -pkeyopt ec_paramgen_curve:P-256",
                "pkcs8 -topk8 -nocrypt",
            ),
            Algorithm::EdDSA => ("ed25519", "pkcs8 -topk8 -nocrypt"),
            other => panic!("no recipe is for {other:?}"),
        };
        let file = format!("/root/{name}");
        let script = format!(
            "openssl genpkey -quiet -algorithm {make} -out {file}.pem &&
            openssl {pkcs8} -in {file}.pem -outform DER -out {file}.der"
        );
        machine.run(["sh", "-ec", &script]).expect_success();
        let der = machine.inside(|| std::fs::read(format!("{file}.der")));
        let der = der.expect("the key");
        let private = match alg {
            Algorithm::RS256 => EncodingKey::from_rsa_der(&der),
            Algorithm::ES256 => EncodingKey::from_ec_der(&der),
            _ => EncodingKey::from_ed_der(&der),
        };
        let jwk = Jwk::from_encoding_key(&private, alg).expect("the public half");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        jwk["kid"] = kid.into();
        jwk["use"] = "sig".into();
        Key {
            alg,
            kid: kid.to_owned(),
            private,
            jwk,
        }
    }

    /// A token with these claims, and this beside alg and kid in its header.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let mut all = json!({ "alg": format!("{:?}", self.alg), "kid": self.kid });
        for (name, value) in header.as_object().expect("an object") {
            all[name] = value.clone();
        }
        let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
        let input = format!("{}.{}", part(&all), part(claims));
        let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &self.private, self.alg);
        format!("{input}.{}", signature.expect("a signature"))
    }
}
