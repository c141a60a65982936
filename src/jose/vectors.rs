//! The tokens that the RFCs print: what each layer says of them.

use crate::{Algorithm, Claims, Compact, Error, Header, Jwk, VerifyingKey};
use serde_json::Value;

const VECTORS: &[(&str, &str)] = include!("testdata/vectors/list.rs");

/// What the signature layer says: the payload, or the name of the error.
fn signature_layer(vector: &Value) -> Result<Vec<u8>, String> {
    let token = vector["token"].as_str().unwrap();
    let verified = Compact::parse(token.as_bytes()).and_then(|compact| {
        let header = Header::parse(&compact)?;
        key_of(vector).verify(&compact, &header)?;
        Ok(compact.payload().to_vec())
    });
    verified.map_err(|error| name_of(&error))
}

/// The vector's key, bound to its algorithm as its own header names it.
fn key_of(vector: &Value) -> VerifyingKey {
    let jwk = Jwk::parse(vector["key"].to_string().as_bytes()).unwrap();
    let alg = Algorithm::from_name(vector["alg"].as_str().unwrap());
    VerifyingKey::new(jwk.key, alg).unwrap()
}

/// `Critical` of `Critical("it names …")`.
fn name_of(error: &Error) -> String {
    let text = format!("{error:?}");
    text.split(['(', ' ', '{']).next().unwrap().to_owned()
}

/// Checklist: A.2, A.6, A.8, A.10, A.19, A.19b
#[test]
fn the_rfcs_tokens_verify_or_are_refused_for_their_reason() {
    let mut verified = 0;
    for (name, text) in VECTORS {
        let vector: Value = serde_json::from_str(text).unwrap();
        let must = |layer: &str| vector["must"][layer].as_str().unwrap().to_owned();
        let (jws, claims) = match signature_layer(&vector) {
            Ok(payload) => {
                verified += 1;
                assert_eq!(payload, vector["payload"].as_str().unwrap().as_bytes());
                let claims = match Claims::parse(&payload) {
                    Ok(_) => "is a claim set".to_owned(),
                    Err(error) => name_of(&error),
                };
                ("verifies".to_owned(), claims)
            }
            Err(error) => (error, "not reached".to_owned()),
        };
        assert_eq!((jws, claims), (must("jws"), must("claims")), "{name}");
    }
    let count = VECTORS.len();
    assert_eq!((count, verified), (41, 14));
}

/// Checklist: A.19, A.19b
#[test]
fn a_token_of_the_rfcs_does_not_verify_once_its_signature_is_changed() {
    for (name, text) in VECTORS {
        let mut vector: Value = serde_json::from_str(text).unwrap();
        if signature_layer(&vector).is_err() {
            continue;
        }
        let token = vector["token"].as_str().unwrap().to_owned();
        let (input, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { "B" } else { "A" };
        let changed: String = first.chars().chain(signature.chars().skip(1)).collect();
        vector["token"] = format!("{input}.{changed}").into();
        let refused = signature_layer(&vector);
        assert_eq!(refused, Err("Signature".to_owned()), "{name}");
    }
}
