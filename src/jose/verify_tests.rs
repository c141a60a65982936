//! Signatures that hold, and the many that do not.

use super::*;
use crate::base64url::{decode, encode};
use crate::json;
use crate::private_key::{PrivateKey, generate};
use crate::secret_key::SecretKey;
use crate::sign::sign;
use zeroize::Zeroizing;

/// A new key for `alg`, and a token that it signed.
fn signed(alg: Algorithm) -> (VerifyingKey, String) {
    let generated = generate(alg, None).unwrap();
    let private = PrivateKey::parse(generated.private_jwk.as_bytes()).unwrap();
    let claims = json::object(br#"{"iss":"i","exp":10}"#).unwrap();
    let token = sign(&private, "JWT", &claims).unwrap();
    let key = VerifyingKey::new(private.verifier, Some(alg)).unwrap();
    (key, token)
}

/// The same for every algorithm.
fn all_signed() -> Vec<(VerifyingKey, String)> {
    Algorithm::ALL.iter().copied().map(signed).collect()
}

fn check(key: &VerifyingKey, token: &str) -> Result<(), Error> {
    let token = Compact::parse(token.as_bytes())?;
    key.verify(&token, &Header::parse(&token)?)
}

/// `token` with another signature.
fn resigned(token: &str, signature: &[u8]) -> String {
    let (input, _) = token.rsplit_once('.').unwrap();
    format!("{input}.{}", encode(signature))
}

/// Checklist: A.19, A.19b
#[test]
fn every_algorithms_signature_holds_and_a_changed_character_anywhere_is_refused() {
    for (key, token) in all_signed() {
        assert_eq!(check(&key, &token), Ok(()), "{token}");
        for at in (0..token.len()).filter(|at| token.as_bytes()[*at] != b'.') {
            let mut changed = token.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = std::str::from_utf8(&changed).unwrap();
            assert!(check(&key, changed).is_err(), "byte {at} of {token}");
        }
    }
}

/// Checklist: A.16
#[test]
fn a_signature_of_another_length_is_refused() {
    for (key, token) in all_signed() {
        let signature = decode(token.rsplit_once('.').unwrap().1).unwrap();
        assert_eq!(signature.len(), key.signature_bytes());
        for wrong in [
            &[][..],
            &signature[1..],
            &signature[..signature.len() - 1],
            &[&signature[..], &[0]].concat(),
            &[&[0], &signature[..]].concat(),
        ] {
            let result = check(&key, &resigned(&token, wrong));
            assert_eq!(result, Err(Error::Signature), "{}", key.alg);
        }
        // Two of ML-DSA are longer than any that is decoded.
        let twice = check(&key, &resigned(&token, &signature.repeat(2)));
        assert!(matches!(
            twice,
            Err(Error::Signature | Error::PartTooLong(..))
        ));
    }
}

/// Checklist: A.16
#[test]
fn an_ecdsa_signature_has_r_and_s_in_range() {
    // The orders of the curves (SEC 2 §2.4-2.6).
    let orders = [
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    ];
    for (alg, order) in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512]
        .into_iter()
        .zip(orders)
    {
        let (key, token) = signed(alg);
        let digit = |hex: &u8| char::from(*hex).to_digit(16).unwrap();
        let order: Vec<u8> = order
            .as_bytes()
            .chunks(2)
            .map(|pair| (digit(&pair[0]) * 16 + digit(&pair[1])) as u8)
            .collect();
        let signature = decode(token.rsplit_once('.').unwrap().1).unwrap();
        let (r, s) = signature.split_at(order.len());
        let zero = vec![0; order.len()];
        let most = vec![0xff; order.len()];
        for bad in [&zero, &order, &most] {
            for pair in [[bad, s], [r, bad], [bad, bad]] {
                let result = check(&key, &resigned(&token, &pair.concat()));
                assert_eq!(result, Err(Error::Signature), "{alg}");
            }
        }
    }
}

/// Checklist: A.10
#[test]
fn the_key_decides_the_algorithm() {
    let tokens = all_signed();
    for (key, own) in &tokens {
        for (_, token) in &tokens {
            let result = check(key, token);
            let header = Header::parse(&Compact::parse(token.as_bytes()).unwrap()).unwrap();
            let expected = if token == own {
                Ok(())
            } else {
                Err(Error::AlgorithmMismatch {
                    header: header.alg,
                    key: key.alg,
                })
            };
            assert_eq!(result, expected);
        }
    }
}

/// Checklist: A.11
#[test]
fn a_public_key_is_for_no_hmac_and_a_secret_for_nothing_else() {
    for (key, _) in all_signed() {
        for alg in Algorithm::ALL {
            let bound = VerifyingKey::new(key.material().clone(), Some(*alg));
            if alg.is_symmetric() != key.material().is_secret() {
                assert_eq!(bound, Err(KeyError::Algorithm(alg.to_string())));
            }
        }
    }
}

/// Checklist: A.15, B.15
#[test]
fn a_secret_is_at_least_as_long_as_its_hash() {
    for (alg, needed) in [
        (Algorithm::Hs256, 32),
        (Algorithm::Hs384, 48),
        (Algorithm::Hs512, 64),
    ] {
        let of = |bytes: usize| {
            let secret = SecretKey::new(Zeroizing::new(vec![7; bytes]));
            VerifyingKey::new(Material::Secret(secret), Some(alg)).map(|key| key.algorithm())
        };
        assert_eq!(of(needed), Ok(alg));
        for bytes in [1, needed - 1] {
            assert_eq!(of(bytes), Err(KeyError::SecretBytes { bytes, needed }));
        }
    }
    let empty = crate::Jwk::parse(br#"{"kty":"oct","k":""}"#);
    assert_eq!(empty, Err(KeyError::Member("k")));
}

/// RFC 8037 §3.1 and RFC 9864 §2.2 name one algorithm. A key that names it by one of the
/// two is for that one.
///
/// Checklist: A.14, A.19
#[test]
fn an_ed25519_key_without_an_algorithm_goes_by_both_names() {
    let names = [Algorithm::EdDsa, Algorithm::Ed25519];
    for name in names {
        let (named, token) = signed(name);
        let unnamed = VerifyingKey::new(named.material().clone(), None).unwrap();
        assert_eq!(check(&unnamed, &token), Ok(()));
        for other in names {
            let key = VerifyingKey::new(named.material().clone(), Some(other)).unwrap();
            assert_eq!(check(&key, &token).is_ok(), name == other);
        }
    }
    let (rsa, token) = signed(Algorithm::Rs512);
    let unnamed = VerifyingKey::new(rsa.material().clone(), None).unwrap();
    assert!(matches!(
        check(&unnamed, &token),
        Err(Error::AlgorithmMismatch { .. })
    ));
}

/// Made with openssl dgst -sigopt rsa_pss_saltlen over one signing input; the private key
/// is gone.
///
/// Checklist: A.17
#[test]
fn a_pss_salt_is_as_long_as_the_hash() {
    let pem = crate::pem::parse(include_bytes!("testdata/pss.pub.pem")).unwrap();
    let key = VerifyingKey::new(Material::Public(pem.key), Some(Algorithm::Ps256)).unwrap();
    for (token, holds) in [
        (include_str!("testdata/pss-salt-32.jws"), true),
        (include_str!("testdata/pss-salt-0.jws"), false),
        (include_str!("testdata/pss-salt-20.jws"), false),
        (include_str!("testdata/pss-salt-222.jws"), false),
    ] {
        let expected = if holds { Ok(()) } else { Err(Error::Signature) };
        assert_eq!(check(&key, token.trim()), expected);
    }
}
