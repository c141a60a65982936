//! Making a token: header and claims in, compact serialization out.

use crate::algorithm::Scheme;
use crate::base64url::encode;
use crate::digest::hex;
use crate::error::KeyError;
use crate::private_key::{PrivateKey, Signer};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use serde_json::{Map, Value};

/// Signs `claims` as a token of type `typ`; alg and kid are the key's.
///
/// # Errors
/// [`KeyError::Library`] where the cryptographic library fails.
pub fn sign(key: &PrivateKey, typ: &str, claims: &Map<String, Value>) -> Result<String, KeyError> {
    let claims = serde_json::to_vec(claims).map_err(|_| KeyError::Library)?;
    sign_json(key, typ, &claims)
}

/// The same for claims that are written already: a JSON object.
///
/// # Errors
/// As [`sign`].
pub fn sign_json(key: &PrivateKey, typ: &str, claims: &[u8]) -> Result<String, KeyError> {
    let header = Header {
        alg: key.alg.name(),
        kid: &key.kid,
        typ,
    };
    let header = serde_json::to_vec(&header).map_err(|_| KeyError::Library)?;
    let mut token = encode(&header);
    token.push('.');
    token.push_str(&encode(claims));
    let signature = signature(key, token.as_bytes())?;
    token.push('.');
    token.push_str(&encode(&signature));
    Ok(token)
}

/// The header of a token (RFC 7515 §4.1).
#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
}

/// A new identifier for `jti`: 128 random bits, base64url.
///
/// # Errors
/// [`KeyError::Library`] where the system has no randomness to give.
pub fn random_id() -> Result<String, KeyError> {
    Ok(encode(&random()?))
}

/// A new secret, which nobody guesses: 256 random bits, base64url.
///
/// # Errors
/// As [`random_id`].
pub fn random_secret() -> Result<zeroize::Zeroizing<String>, KeyError> {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    SystemRandom::new()
        .fill(bytes.as_mut())
        .map_err(|_| KeyError::Library)?;
    Ok(zeroize::Zeroizing::new(encode(bytes.as_ref())))
}

/// A new name for a file, which nobody guesses: 128 random bits, 32 hexadecimal digits.
///
/// # Errors
/// As [`random_id`].
pub fn random_name() -> Result<String, KeyError> {
    Ok(hex(&random()?))
}

/// A random number, for what is to be left to chance.
///
/// # Errors
/// As [`random_id`].
pub fn random_number() -> Result<u64, KeyError> {
    let [a, b, c, d, e, f, g, h, ..] = random()?;
    Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
}

fn random() -> Result<[u8; 16], KeyError> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| KeyError::Library)?;
    Ok(bytes)
}

fn signature(key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, KeyError> {
    let library = |_| KeyError::Library;
    match (&key.signer, key.alg.scheme()) {
        (Signer::Ed25519(pair), Scheme::Ed25519) => {
            Ok(pair.try_sign(message).map_err(library)?.as_ref().to_vec())
        }
        (Signer::Ecdsa(pair), Scheme::Ecdsa(_)) => {
            let signature = pair.sign(&SystemRandom::new(), message).map_err(library)?;
            Ok(signature.as_ref().to_vec())
        }
        (Signer::Rsa(pair), Scheme::Rsa { signing, .. }) => {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(signing, &SystemRandom::new(), message, &mut signature)
                .map_err(library)?;
            Ok(signature)
        }
        (Signer::MlDsa(pair), Scheme::MlDsa(set)) => {
            let mut signature = vec![0; set.signature_bytes()];
            pair.sign(message, &mut signature).map_err(library)?;
            Ok(signature)
        }
        (Signer::Hmac(secret), Scheme::Hmac(algorithm)) => {
            let key = hmac::Key::new(algorithm, secret.bytes());
            Ok(hmac::sign(&key, message).as_ref().to_vec())
        }
        // A private key's algorithm is one of its kind.
        _ => Err(KeyError::Library),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Algorithm, Claims, Compact, Header, VerifyingKey, json, private_key};

    /// Checklist: A.19, A.19b
    #[test]
    fn what_is_signed_verifies() {
        let claims = json::object(br#"{"iss":"i","exp":10}"#).unwrap();
        for alg in Algorithm::ALL.iter().copied() {
            let generated = private_key::generate(alg, None).unwrap();
            let key = PrivateKey::parse(generated.private_jwk.as_bytes()).unwrap();
            let token = sign(&key, "at+jwt", &claims).unwrap();
            let token = Compact::parse(token.as_bytes()).unwrap();
            let header = Header::parse(&token).unwrap();
            assert_eq!(
                (header.alg, header.kid.as_deref(), header.typ.as_deref()),
                (alg, Some(generated.kid.as_str()), Some("at+jwt"))
            );
            let verifier = VerifyingKey::new(key.verifier, Some(alg)).unwrap();
            assert_eq!(verifier.verify(&token, &header), Ok(()));
            assert_eq!(Claims::parse(token.payload()).unwrap().all(), &claims);
        }
    }
}
