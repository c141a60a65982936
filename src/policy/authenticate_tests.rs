//! Whole decisions: signed tokens against a loaded trust.

use super::*;
use crate::config::{Config, KeyFile, Source};
use crate::explain::{Silent, Steps};
use crate::trust::keys_in;
use jose::private_key::{Generated, generate};
use jose::{Algorithm, PrivateKey, sign::sign};
use serde_json::{Value, json};

const NOW: u64 = 2_000_000_000;

struct World {
    trust: Trust,
    key: PrivateKey,
}

fn world() -> World {
    let Generated {
        private_jwk,
        public_jwk,
        ..
    } = generate(Algorithm::EdDsa, Some("k1")).unwrap();
    let text = "issuer='https://i'\naudience=['ssh://{hostname}']\nkeys=['/k']\n\
                [[allow]]\naccount='{sub}'\nservices=['sshd']\n";
    let config = Config::parse(
        Source {
            file: "pam-jwt.toml",
            text: "",
        },
        &[Source {
            file: "/etc/pam-jwt/issuers.d/i.toml",
            text,
        }],
    )
    .whole()
    .unwrap();
    let file = KeyFile {
        file: "/k".into(),
        alg: None,
        kid: None,
    };
    let keys = keys_in(&file, public_jwk.as_bytes()).unwrap().keys;
    World {
        trust: Trust::new(config, vec![keys], "h").unwrap(),
        key: PrivateKey::parse(private_jwk.as_bytes()).unwrap(),
    }
}

const ALICE: Request<'_> = Request {
    account: "alice",
    service: "sshd",
    uid: Some(1000),
};

fn good() -> Value {
    json!({"iss": "https://i", "sub": "alice", "aud": "ssh://h", "exp": NOW + 60, "iat": NOW, "jti": "j"})
}

impl World {
    fn token(&self, claims: &Value) -> String {
        sign(&self.key, "at+jwt", claims.as_object().unwrap()).unwrap()
    }

    fn decide(&self, claims: &Value) -> Decision {
        authenticate(
            self.token(claims).as_bytes(),
            &ALICE,
            &self.trust,
            NOW,
            &mut Silent,
        )
    }

    fn with(&self, name: &str, value: Value) -> Decision {
        let mut claims = good();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        self.decide(&claims)
    }
}

#[test]
fn a_good_token_is_let_in_by_its_rule() {
    let decision = world().decide(&good());
    assert_eq!(
        decision.outcome,
        Ok(Admission {
            rule: "i.toml:4".into()
        })
    );
    assert_eq!(
        decision.facts,
        Facts {
            verified: true,
            issuer: Some("https://i".into()),
            subject: Some("alice".into()),
            kid: Some("k1".into()),
            id: Some("j".into()),
            expires: Some(NOW + 60),
        }
    );
}

#[test]
fn each_claim_that_is_wrong_has_its_reason() {
    let world = world();
    for (name, value, reason) in [
        ("iss", Value::Null, Reason::IssuerMissing),
        ("iss", "https://I".into(), Reason::IssuerUnknown),
        ("iss", 5.into(), Reason::TokenMalformed),
        ("aud", Value::Null, Reason::AudienceMissing),
        ("aud", "ssh://other".into(), Reason::AudienceMismatch),
        ("sub", "bob".into(), Reason::AccountNotAllowed),
        ("exp", Value::Null, Reason::ExpiryMissing),
        ("exp", (NOW - 30).into(), Reason::Expired),
        ("nbf", (NOW + 31).into(), Reason::NotYetValid),
        ("iat", (NOW + 31).into(), Reason::IssuedInFuture),
        ("cnf", json!({}), Reason::KeyBound),
    ] {
        assert_eq!(
            world.with(name, value.clone()).reason(),
            reason,
            "{name} = {value}"
        );
    }
}

#[test]
fn only_a_matter_of_time_is_told_to_the_user() {
    let world = world();
    let expired = world.with("exp", (NOW - 42).into());
    assert_eq!(
        expired.message_for_user().as_deref(),
        Some("Your token expired 42 s ago.")
    );
    assert!(
        world
            .with("nbf", (NOW + 90).into())
            .message_for_user()
            .unwrap()
            .contains("1 min 30 s")
    );
    for (name, value) in [
        ("sub", json!("bob")),
        ("aud", json!("x")),
        ("iss", json!("x")),
        ("exp", Value::Null),
    ] {
        let mut claims = good();
        claims["exp"] = (NOW - 42).into();
        claims[name] = value;
        let decision = world.decide(&claims);
        assert_eq!(decision.message_for_user(), None, "{name}");
    }
    assert_eq!(world.decide(&good()).message_for_user(), None);
}

#[test]
fn what_did_not_verify_is_never_called_verified() {
    let world = world();
    let other = self::world();
    let forged = other.token(&good());
    let decision = authenticate(forged.as_bytes(), &ALICE, &world.trust, NOW, &mut Silent);
    assert_eq!(
        (decision.reason(), decision.facts.verified),
        (Reason::SignatureInvalid, false)
    );
    assert_eq!(decision.facts.subject.as_deref(), Some("alice"));
}

#[test]
fn an_unknown_kid_and_a_foreign_alg_have_their_reasons() {
    let world = world();
    let unknown = generate(Algorithm::EdDsa, Some("k2")).unwrap();
    let unknown = PrivateKey::parse(unknown.private_jwk.as_bytes()).unwrap();
    let ec = generate(Algorithm::Es256, Some("k1")).unwrap();
    let ec = PrivateKey::parse(ec.private_jwk.as_bytes()).unwrap();
    for (key, reason) in [
        (unknown, Reason::KeyUnknown),
        (ec, Reason::AlgorithmMismatch),
    ] {
        let token = sign(&key, "JWT", good().as_object().unwrap()).unwrap();
        let decision = authenticate(token.as_bytes(), &ALICE, &world.trust, NOW, &mut Silent);
        assert_eq!(decision.reason(), reason);
    }
}

#[test]
fn the_verdict_is_the_same_whoever_watches() {
    let world = world();
    let mut expired_for_bob = good();
    expired_for_bob["sub"] = "bob".into();
    expired_for_bob["exp"] = 5.into();
    for claims in [good(), expired_for_bob] {
        let token = world.token(&claims);
        let mut steps = Steps::default();
        let watched = authenticate(token.as_bytes(), &ALICE, &world.trust, NOW, &mut steps);
        assert_eq!(
            watched,
            authenticate(token.as_bytes(), &ALICE, &world.trust, NOW, &mut Silent)
        );
        assert_eq!(
            watched.outcome.is_ok(),
            steps.0.iter().all(|step| step.passed)
        );
    }
}

#[test]
fn an_explanation_shows_every_check_that_failed() {
    let world = world();
    let mut claims = good();
    claims["sub"] = "bob".into();
    claims["aud"] = "x".into();
    claims["exp"] = (NOW - 42).into();
    let mut steps = Steps::default();
    let token = world.token(&claims);
    let decision = authenticate(token.as_bytes(), &ALICE, &world.trust, NOW, &mut steps);
    assert_eq!(decision.reason(), Reason::AudienceMismatch);
    let failed: Vec<&str> = steps
        .0
        .iter()
        .filter(|step| !step.passed)
        .map(|step| step.name.as_str())
        .collect();
    assert_eq!(failed, ["audience", "rule i.toml:4 account", "expiry"]);
}
