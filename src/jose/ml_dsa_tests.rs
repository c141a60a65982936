//! ML-DSA keys and signatures that are taken, and those that only look like one.

use super::*;
use crate::base64url::{decode, encode};
use crate::{
    Compact, Error, Header, Jwk, Material, PrivateKey, PublicKey, VerifyingKey, json, private_key,
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What RFC 9964 A.1 prints, by the all-zeros seeds.
const PRINTED: [(ParameterSet, &str); 3] = [
    (
        ParameterSet::MlDsa44,
        include_str!("testdata/vectors/rfc9964-a1-ml-dsa-44.json"),
    ),
    (
        ParameterSet::MlDsa65,
        include_str!("testdata/vectors/rfc9964-a1-ml-dsa-65.json"),
    ),
    (
        ParameterSet::MlDsa87,
        include_str!("testdata/vectors/rfc9964-a1-ml-dsa-87.json"),
    ),
];

/// The public key that is printed, and the token.
fn printed(text: &str) -> (Map<String, Value>, String) {
    let vector: Value = serde_json::from_str(text).unwrap();
    let token = vector["token"].as_str().unwrap().to_owned();
    (vector["key"].as_object().unwrap().clone(), token)
}

/// The printed key, changed.
fn edited(text: &str, edit: impl FnOnce(&mut Map<String, Value>)) -> Vec<u8> {
    let (mut key, _) = printed(text);
    edit(&mut key);
    Value::Object(key).to_string().into_bytes()
}

/// With this `priv`.
fn with_priv(text: &str, seed: &[u8]) -> Vec<u8> {
    edited(text, |jwk| {
        jwk.insert("priv".into(), encode(seed).into());
    })
}

fn wrong_length(member: &'static str, bytes: usize, set: ParameterSet) -> KeyError {
    KeyError::Length {
        member,
        bytes,
        needed: match member {
            "pub" => set.public_bytes(),
            _ => SEED_BYTES,
        },
        alg: set.algorithm(),
    }
}

/// What the key says of the printed token with another signature.
fn check(text: &str, signature: &[u8]) -> Result<(), Error> {
    let (key, token) = printed(text);
    let jwk = Jwk::parse(Value::Object(key).to_string().as_bytes()).unwrap();
    let key = VerifyingKey::new(jwk.key, jwk.alg).unwrap();
    let (input, _) = token.rsplit_once('.').unwrap();
    let token = format!("{input}.{}", encode(signature));
    let token = Compact::parse(token.as_bytes())?;
    key.verify(&token, &Header::parse(&token)?)
}

fn printed_signature(text: &str) -> Vec<u8> {
    let (_, token) = printed(text);
    decode(token.rsplit_once('.').unwrap().1).unwrap()
}

/// Checklist: A.19b
#[test]
fn the_rfcs_keys_have_the_thumbprints_that_it_prints() {
    for (set, text) in PRINTED {
        let (key, _) = printed(text);
        let jwk = Jwk::parse(Value::Object(key).to_string().as_bytes()).unwrap();
        assert_eq!(
            (jwk.alg, jwk.kid),
            (Some(set.algorithm()), jwk.key.thumbprint())
        );
        assert_eq!(jwk.key.bits(), set.public_bytes() * 8);
        assert_eq!(jwk.key.default_algorithm(), set.algorithm());
    }
}

#[test]
fn the_rfcs_seeds_sign() {
    let claims = json::object(br#"{"iss":"i"}"#).unwrap();
    for (set, text) in PRINTED {
        let private = PrivateKey::parse(&with_priv(text, &[0; SEED_BYTES])).unwrap();
        assert_eq!(private.alg, set.algorithm());
        let token = crate::sign::sign(&private, "JWT", &claims).unwrap();
        let token = Compact::parse(token.as_bytes()).unwrap();
        assert_eq!(token.signature_bytes(), set.signature_bytes());
        let key = VerifyingKey::new(private.verifier, None).unwrap();
        let header = Header::parse(&token).unwrap();
        assert_eq!(key.verify(&token, &header), Ok(()));
    }
}

/// Checklist: A.14
#[test]
fn a_key_says_its_algorithm_itself() {
    for (set, text) in PRINTED {
        let named = |alg: Value| {
            Jwk::parse(&edited(text, |jwk| {
                jwk.insert("alg".into(), alg);
            }))
        };
        for alg in [
            "EdDSA",
            "ES256",
            "HS256",
            "ML-DSA-46",
            "ml-dsa-44",
            "none",
            "",
        ] {
            assert_eq!(named(alg.into()), Err(KeyError::Algorithm(alg.into())));
        }
        assert_eq!(named(65.into()), Err(KeyError::Member("alg")));
        let unnamed = edited(text, |jwk| {
            jwk.remove("alg");
        });
        assert_eq!(Jwk::parse(&unnamed), Err(KeyError::AlgorithmMissing));
        // Nor can a configuration make it a key for anything else.
        let (key, _) = printed(text);
        let jwk = Jwk::parse(Value::Object(key).to_string().as_bytes()).unwrap();
        for alg in Algorithm::ALL.iter().copied() {
            let bound = VerifyingKey::new(jwk.key.clone(), Some(alg));
            assert_eq!(bound.is_ok(), alg == set.algorithm(), "{alg}");
        }
    }
    // And no other key is one for ML-DSA.
    for alg in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Hs512] {
        let private = private_key::generate(alg, None).unwrap().private_jwk;
        let verifier = PrivateKey::parse(private.as_bytes()).unwrap().verifier;
        for set in ParameterSet::ALL.map(ParameterSet::algorithm) {
            let bound = VerifyingKey::new(verifier.clone(), Some(set));
            assert_eq!(bound, Err(KeyError::Algorithm(set.to_string())));
        }
    }
}

/// Checklist: A.16
#[test]
fn a_public_key_of_another_length_such_as_another_parameter_sets_is_refused() {
    for (set, text) in PRINTED {
        let (key, _) = printed(text);
        let good = decode(key["pub"].as_str().unwrap()).unwrap();
        let of = |bytes: &[u8]| {
            Jwk::parse(&edited(text, |jwk| {
                jwk.insert("pub".into(), encode(bytes).into());
            }))
        };
        let longer = [&good[..], &[0]].concat();
        for bad in [&good[..1], &good[1..], &longer, &good.repeat(2)] {
            assert_eq!(of(bad), Err(wrong_length("pub", bad.len(), set)));
        }
        for other in ParameterSet::ALL.into_iter().filter(|other| *other != set) {
            let named = edited(text, |jwk| {
                jwk.insert("alg".into(), other.algorithm().name().into());
            });
            let refused = wrong_length("pub", good.len(), other);
            assert_eq!(Jwk::parse(&named), Err(refused));
        }
        for (value, cause) in [
            ("".into(), KeyError::Member("pub")),
            (5.into(), KeyError::Member("pub")),
            (
                format!("{}=", encode(&good)).into(),
                KeyError::Member("pub"),
            ),
        ] {
            let key = edited(text, |jwk| {
                jwk.insert("pub".into(), value);
            });
            assert_eq!(Jwk::parse(&key), Err(cause));
        }
        let without = edited(text, |jwk| {
            jwk.remove("pub");
        });
        assert_eq!(Jwk::parse(&without), Err(KeyError::Member("pub")));
    }
}

#[test]
fn a_private_key_is_its_seed_and_nothing_else() {
    for (set, text) in PRINTED {
        let good = with_priv(text, &[0; SEED_BYTES]);
        assert!(PrivateKey::parse(&good).is_ok());
        // Where it does not belong, whatever it holds.
        for seed in [&[0; SEED_BYTES][..], &[0]] {
            assert_eq!(Jwk::parse(&with_priv(text, seed)), Err(KeyError::Private));
        }
        // 2560, 4032 and 4896 bytes: the keys that a seed is expanded to (RFC 9964 §5).
        for bytes in [1, 31, 33, 64, 2560, 4032, 4896] {
            let refused = PrivateKey::parse(&with_priv(text, &vec![0; bytes])).err();
            assert_eq!(refused, Some(wrong_length("priv", bytes, set)));
        }
        // Of another key.
        let refused = PrivateKey::parse(&with_priv(text, &[1; SEED_BYTES])).err();
        assert_eq!(refused, Some(KeyError::Inconsistent));
        // None, or under the name that other keys have for theirs.
        let (public, _) = printed(text);
        let refused = PrivateKey::parse(Value::Object(public).to_string().as_bytes()).err();
        assert_eq!(refused, Some(KeyError::Public));
        let misnamed = edited(text, |jwk| {
            jwk.insert("d".into(), encode(&[0; SEED_BYTES]).into());
        });
        assert_eq!(PrivateKey::parse(&misnamed).err(), Some(KeyError::Public));
        assert_eq!(Jwk::parse(&misnamed), Err(KeyError::Private));
    }
}

/// A set of keys goes on without an entry that says no algorithm.
#[test]
fn an_unusable_key_is_left_out_of_a_set() {
    let (good, _) = printed(PRINTED[1].1);
    let mut unnamed = good.clone();
    unnamed.remove("alg");
    unnamed.remove("kid");
    let set = serde_json::json!({ "keys": [unnamed, good] }).to_string();
    let set = crate::JwkSet::parse(set.as_bytes()).unwrap();
    assert_eq!(set.keys.len(), 1);
    assert_eq!(set.left_out, [(0, KeyError::AlgorithmMissing)]);
}

/// Where the hint stands in a signature, and how it is laid out (FIPS 204 algorithms 20
/// and 26): ω places for the indices, then for each of k polynomials how many of them are
/// used up.
struct Hint {
    omega: usize,
    k: usize,
    bytes: Vec<u8>,
}

impl Hint {
    fn of(set: ParameterSet, signature: &[u8]) -> Self {
        let (omega, k) = match set {
            ParameterSet::MlDsa44 => (80, 4),
            ParameterSet::MlDsa65 => (55, 6),
            ParameterSet::MlDsa87 => (75, 8),
        };
        let bytes = signature[signature.len() - omega - k..].to_vec();
        Self { omega, k, bytes }
    }

    fn count(&self, polynomial: usize) -> usize {
        self.bytes[self.omega + polynomial].into()
    }

    /// Where the indices of a polynomial stand.
    fn places(&self, polynomial: usize) -> std::ops::Range<usize> {
        let begin = polynomial
            .checked_sub(1)
            .map_or(0, |before| self.count(before));
        begin..self.count(polynomial)
    }

    /// What a decoder reads that checks nothing: the set of indices of each polynomial.
    fn read_leniently(&self) -> Vec<BTreeSet<u8>> {
        (0..self.k)
            .map(|polynomial| {
                let places = self.places(polynomial);
                self.bytes[..self.omega][places].iter().copied().collect()
            })
            .collect()
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = Self {
            bytes: self.bytes.clone(),
            ..*self
        };
        change(&mut changed);
        assert_ne!(changed.bytes, self.bytes);
        changed
    }

    /// What the key says of the printed signature with this hint.
    fn check(&self, text: &str) -> Result<(), Error> {
        let mut signature = printed_signature(text);
        let at = signature.len() - self.bytes.len();
        signature.splice(at.., self.bytes.iter().copied());
        check(text, &signature)
    }
}

/// FIPS 204 algorithm 21: a hint has one encoding, or else whoever sees a signature could
/// make another of it.
///
/// Checklist: A.16
#[test]
fn a_hint_in_another_encoding_is_refused_though_it_is_the_same() {
    for (set, text) in PRINTED {
        let good = Hint::of(set, &printed_signature(text));
        assert_eq!(good.check(text), Ok(()));
        let (total, last) = (good.count(good.k - 1), good.omega - 1);
        assert!(total < last, "there is padding to write into");

        let mut same = Vec::new();
        for polynomial in 0..good.k {
            let places = good.places(polynomial);
            assert!(places.len() >= 2, "there are indices to exchange");
            // In another order: two neighbours, and the first and the last.
            same.push(good.changed(|hint| hint.bytes.swap(places.start, places.start + 1)));
            same.push(good.changed(|hint| hint.bytes.swap(places.start, places.end - 1)));
            // One of them twice, and every count behind it higher by one.
            same.push(good.changed(|hint| {
                let omega = hint.omega;
                hint.bytes[places.start..omega].rotate_right(1);
                hint.bytes[places.start] = hint.bytes[places.start + 1];
                for count in &mut hint.bytes[omega + polynomial..] {
                    *count += 1;
                }
            }));
        }
        // What no index uses is not zero.
        for at in [total, total + 1, last] {
            for byte in [1, 0xff] {
                same.push(good.changed(|hint| hint.bytes[at] = byte));
            }
        }
        for hint in same {
            assert_eq!(hint.read_leniently(), good.read_leniently());
            assert_eq!(hint.check(text), Err(Error::Signature), "{set:?}");
        }
    }
}

/// Checklist: A.16
#[test]
fn counts_of_a_hint_that_fall_or_are_out_of_range_are_refused() {
    for (set, text) in PRINTED {
        let good = Hint::of(set, &printed_signature(text));
        for polynomial in 0..good.k {
            let (omega, count) = (good.omega as u8, good.count(polynomial) as u8);
            let before = good.places(polynomial).start as u8;
            let fallen = before.checked_sub(1);
            let wrong = [0, count - 1, count + 1, omega, omega + 1, 0x80, 0xff];
            for byte in wrong.into_iter().chain(fallen) {
                let hint = good.changed(|hint| hint.bytes[hint.omega + polynomial] = byte);
                assert_eq!(hint.check(text), Err(Error::Signature), "{set:?} {byte}");
            }
        }
        for byte in [0, 0xff] {
            let hint = good.changed(|hint| hint.bytes.fill(byte));
            assert_eq!(hint.check(text), Err(Error::Signature));
        }
    }
}

#[test]
fn any_bytes_of_the_right_length_are_a_public_key_and_verify_nothing() {
    for (set, text) in PRINTED {
        let signature = printed_signature(text);
        let (_, token) = printed(text);
        let token = Compact::parse(token.as_bytes()).unwrap();
        let header = Header::parse(&token).unwrap();
        assert_eq!(signature.len(), token.signature_bytes());
        for byte in [0, 0xff] {
            let key = PublicKey::ml_dsa(set, &vec![byte; set.public_bytes()]).unwrap();
            let key = VerifyingKey::new(Material::Public(key), None).unwrap();
            assert_eq!(key.verify(&token, &header), Err(Error::Signature));
        }
    }
}
