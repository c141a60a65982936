//! Making a token: header and claims in, compact serialization out.

use crate::base64url::encode;
use crate::error::KeyError;
use crate::private_key::{PrivateKey, Signer};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use serde_json::{Map, Value, json};

/// Signs `claims` as a token of type `typ`; alg and kid are the key's.
///
/// # Errors
/// [`KeyError::Library`] where the cryptographic library fails.
pub fn sign(key: &PrivateKey, typ: &str, claims: &Map<String, Value>) -> Result<String, KeyError> {
    let header = json!({ "alg": key.alg.name(), "kid": key.kid, "typ": typ });
    let claims = serde_json::to_vec(claims).map_err(|_| KeyError::Library)?;
    let mut token = format!(
        "{}.{}",
        encode(header.to_string().as_bytes()),
        encode(&claims)
    );
    let signature = signature(&key.signer, token.as_bytes())?;
    token.push('.');
    token.push_str(&encode(&signature));
    Ok(token)
}

/// A new identifier for `jti`: 128 random bits, base64url.
///
/// # Errors
/// [`KeyError::Library`] where the system has no randomness to give.
pub fn random_id() -> Result<String, KeyError> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| KeyError::Library)?;
    Ok(encode(&bytes))
}

fn signature(signer: &Signer, message: &[u8]) -> Result<Vec<u8>, KeyError> {
    let library = |_| KeyError::Library;
    match signer {
        Signer::EdDsa(pair) => Ok(pair.try_sign(message).map_err(library)?.as_ref().to_vec()),
        Signer::Es256(pair) => {
            let signature = pair.sign(&SystemRandom::new(), message).map_err(library)?;
            Ok(signature.as_ref().to_vec())
        }
        Signer::Rs256(pair) => {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(library)?;
            Ok(signature)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Algorithm, Claims, Compact, Header, VerifyingKey, json, private_key};

    #[test]
    fn what_is_signed_verifies() {
        let claims = json::object(br#"{"iss":"i","exp":10}"#).unwrap();
        for alg in Algorithm::ALL {
            let generated = private_key::generate(alg, None).unwrap();
            let key = PrivateKey::parse(generated.private_jwk.as_bytes()).unwrap();
            let token = sign(&key, "at+jwt", &claims).unwrap();
            let token = Compact::parse(token.as_bytes()).unwrap();
            let header = Header::parse(&token).unwrap();
            assert_eq!(
                (header.alg, header.kid.as_deref(), header.typ.as_deref()),
                (alg, Some(generated.kid.as_str()), Some("at+jwt"))
            );
            let verifier = VerifyingKey::new(key.public, None).unwrap();
            assert_eq!(verifier.verify(&token, &header), Ok(()));
            assert_eq!(Claims::parse(token.payload()).unwrap().all(), &claims);
        }
    }
}
