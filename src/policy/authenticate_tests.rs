//! Whole decisions: signed tokens against a loaded trust.

use super::*;
use crate::config::{Config, KeyFile, Source};
use crate::explain::{Silent, Steps};
use crate::login_token::Authenticated;
use crate::revocation::{Entry, Mark};
use crate::status::{ListFault, Listed};
use crate::trust::{KeysOfIssuer, keys_in};
use jose::private_key::generate;
use jose::{Algorithm, PrivateKey, Validity, sign::sign};
use serde_json::{Value, json};

pub(super) const NOW: u64 = 2_000_000_000;

pub(super) struct World {
    pub(super) trust: Trust,
    key: PrivateKey,
}

fn world() -> World {
    world_of(
        "issuer='https://i'\naudience=['ssh://{hostname}']\nkeys=['/k']\n\
         [[allow]]\naccount='{sub}'\nservices=['sshd']\n",
    )
}

/// A world whose issuers have these files, and all the same key.
pub(super) fn world_of(issuers: &str) -> World {
    let generated = generate(Algorithm::EdDsa, Some("k1")).unwrap();
    let texts: Vec<&str> = issuers.split("---\n").collect();
    let sources: Vec<Source<'_>> = texts
        .iter()
        .map(|text| Source {
            file: "/etc/pam-jwt/issuers.d/i.toml",
            text,
        })
        .collect();
    let global = Source {
        file: "pam-jwt.toml",
        text: "",
    };
    let config = Config::parse(global, &sources).whole().unwrap();
    let public = generated.public_jwk.unwrap();
    let keys = texts.iter().map(|_| keys_of(&public)).collect();
    World {
        trust: Trust::new(config, keys, "h").unwrap(),
        key: PrivateKey::parse(generated.private_jwk.as_bytes()).unwrap(),
    }
}

fn keys_of(text: &str) -> KeysOfIssuer {
    let file = KeyFile {
        file: "/k".into(),
        alg: None,
        kid: None,
        key_use: jose::KeyUse::Signature,
    };
    KeysOfIssuer {
        keys: keys_in(&file, text.as_bytes()).unwrap().keys,
        out_of_reach: Vec::new(),
        checked_at: None,
    }
}

pub(super) const ALICE: Request<'_> = Request {
    account: "alice",
    service: "sshd",
    uid: Some(1000),
    in_pieces: false,
    proved: &[],
};

/// A machine that knows nothing of any token.
struct Blank;

impl Standing for Blank {
    fn revocation(&self, _: Mark<'_>) -> Result<Option<Entry>, String> {
        Ok(None)
    }

    fn listed(&self, _: Lists, _: &str, _: &str, _: u64) -> Result<Listed, ListFault> {
        Err(ListFault::Missing)
    }

    fn use_up(&self, _: OneTime<'_>) -> Result<(), UseFault> {
        Ok(())
    }
}

pub(super) fn grounds(trust: &Trust, now: u64) -> Grounds<'_> {
    Grounds {
        trust,
        standing: &Blank,
        now,
    }
}

pub(super) fn good() -> Value {
    json!({"iss": "https://i", "sub": "alice", "aud": "ssh://h", "exp": NOW + 60, "iat": NOW, "jti": "j"})
}

impl World {
    pub(super) fn token(&self, claims: &Value) -> String {
        sign(&self.key, "at+jwt", claims.as_object().unwrap()).unwrap()
    }

    fn decide(&self, claims: &Value) -> Decision {
        authenticate(
            self.token(claims).as_bytes(),
            &ALICE,
            grounds(&self.trust, NOW),
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
            rule: "i.toml:4".into(),
            token: LoginToken {
                issuer: "https://i".into(),
                subject: Some("alice".into()),
                id: Some("j".into()),
                expires: decision.facts.expires.unwrap(),
                authenticated: Authenticated::default(),
                may_issue: true,
            },
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

/// Checklist: A.20, A.21, A.22, A.28, B.1, B.11
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

/// Checklist: A.20
#[test]
fn what_did_not_verify_is_never_called_verified() {
    let world = world();
    let other = self::world();
    let forged = other.token(&good());
    let decision = authenticate(
        forged.as_bytes(),
        &ALICE,
        grounds(&world.trust, NOW),
        &mut Silent,
    );
    assert_eq!(
        (decision.reason(), decision.facts.verified),
        (Reason::SignatureInvalid, false)
    );
    assert_eq!(decision.facts.subject.as_deref(), Some("alice"));
}

/// Checklist: A.10, A.13
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
        let decision = authenticate(
            token.as_bytes(),
            &ALICE,
            grounds(&world.trust, NOW),
            &mut Silent,
        );
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
        let watched = authenticate(
            token.as_bytes(),
            &ALICE,
            grounds(&world.trust, NOW),
            &mut steps,
        );
        assert_eq!(
            watched,
            authenticate(
                token.as_bytes(),
                &ALICE,
                grounds(&world.trust, NOW),
                &mut Silent
            )
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
    let decision = authenticate(
        token.as_bytes(),
        &ALICE,
        grounds(&world.trust, NOW),
        &mut steps,
    );
    assert_eq!(decision.reason(), Reason::AudienceMismatch);
    let failed: Vec<&str> = steps
        .0
        .iter()
        .filter(|step| !step.passed)
        .map(|step| step.name.as_str())
        .collect();
    assert_eq!(failed, ["audience", "rule i.toml:4 account", "expiry"]);
}

/// Checklist: A.20
#[test]
fn the_key_of_one_issuer_signs_nothing_for_another() {
    let rule = "[[allow]]\naccount='{sub}'\nservices=['sshd']\n";
    let file = |iss: &str| format!("issuer='{iss}'\naudience=['ssh://h']\nkeys=['/k']\n{rule}");
    let mut world = world_of(&format!("{}---\n{}", file("https://i"), file("https://j")));
    let claims = |iss: &str| {
        let mut claims = good();
        claims["iss"] = iss.into();
        claims
    };
    for iss in ["https://i", "https://j"] {
        assert_eq!(world.decide(&claims(iss)).reason(), Reason::Allowed);
    }
    let other = generate(Algorithm::EdDsa, Some("k1")).unwrap();
    world.trust.issuers[1].keys = keys_of(&other.public_jwk.unwrap()).keys;
    let decided = world.decide(&claims("https://j")).reason();
    assert_eq!(decided, Reason::SignatureInvalid);
    assert_eq!(world.decide(&good()).reason(), Reason::Allowed);
}

/// Checklist: A.25
#[test]
fn an_issuer_set_to_access_tokens_takes_no_other() {
    let world = world_of(
        "issuer='https://i'\naudience=['ssh://h']\nkeys=['/k']\ntyp='at+jwt'\n\
         [[allow]]\naccount='{sub}'\nservices=['sshd']\n",
    );
    let decided = |typ: &str| {
        let token = sign(&world.key, typ, good().as_object().unwrap()).unwrap();
        authenticate(
            token.as_bytes(),
            &ALICE,
            grounds(&world.trust, NOW),
            &mut Silent,
        )
        .reason()
    };
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        assert_eq!(decided(typ), Reason::Allowed, "{typ}");
    }
    // An ID token's is JWT (OpenID Connect Core does not name another).
    for typ in [
        "JWT",
        "",
        "none",
        "logout+jwt",
        "dpop+jwt",
        "statuslist+jwt",
    ] {
        assert_eq!(decided(typ), Reason::TypeNotAccepted, "{typ}");
    }
}

#[test]
fn a_token_that_lives_too_long_or_is_too_old_is_told_so() {
    let head = "issuer='https://i'\naudience=['ssh://h']\nkeys=['/k']\nmax_lifetime='1h'\n";
    let rule = "[[allow]]\naccount='{sub}'\nservices=['sshd']\nmax_age='5m'\n";
    let world = world_of(&format!("{head}{rule}"));
    let decided = |iat: u64, exp: u64| {
        let mut claims = good();
        claims["iat"] = iat.into();
        claims["exp"] = exp.into();
        let decision = world.decide(&claims);
        (decision.reason(), decision.message_for_user())
    };
    assert_eq!(decided(NOW - 100, NOW + 3500), (Reason::Allowed, None));
    let (reason, message) = decided(NOW - 100, NOW + 3501);
    assert_eq!(reason, Reason::LifetimeTooLong);
    let words = "Your token lives 1 s longer than is accepted here; ask for a shorter one.";
    assert_eq!(message.as_deref(), Some(words));
    let (reason, message) = decided(NOW - 331, NOW + 60);
    assert_eq!(reason, Reason::TooOld);
    let words = "Your token is 31 s too old for this; get a new one.";
    assert_eq!(message.as_deref(), Some(words));
    let (reason, message) = decided(NOW - 3600, NOW - 60);
    assert_eq!(reason, Reason::TooOld);
    assert!(message.is_some());
}

#[test]
fn a_key_in_a_certificate_verifies_on_its_days_alone() {
    let mut world = world();
    let validity = Validity {
        not_before: NOW - 10,
        not_after: NOW + 10,
    };
    world.trust.issuers[0].keys[0].validity = Some(validity);
    let token = world.token(&good());
    for (now, reason) in [
        (NOW, Reason::Allowed),
        (NOW - 11, Reason::CertificateNotYetValid),
        (NOW + 11, Reason::CertificateExpired),
    ] {
        let decision = authenticate(
            token.as_bytes(),
            &ALICE,
            grounds(&world.trust, now),
            &mut Silent,
        );
        assert_eq!(decision.reason(), reason);
        assert_eq!(decision.facts.verified, reason == Reason::Allowed);
        assert_eq!(decision.message_for_user(), None);
    }
}

#[test]
fn a_key_that_could_not_be_read_is_named_and_makes_none_the_only_one() {
    let mut world = world();
    world.trust.issuers[0].out_of_reach = vec!["/etc/pam-jwt/keys/oct.jwk".into()];
    assert_eq!(world.decide(&good()).reason(), Reason::Allowed);
    let missing = generate(Algorithm::Hs256, Some("other")).unwrap();
    let missing = PrivateKey::parse(missing.private_jwk.as_bytes()).unwrap();
    let token = sign(&missing, "JWT", good().as_object().unwrap()).unwrap();
    let decide = |token: &str| {
        authenticate(
            token.as_bytes(),
            &ALICE,
            grounds(&world.trust, NOW),
            &mut Silent,
        )
    };
    let refused = decide(&token);
    assert_eq!(refused.reason(), Reason::KeyOutOfReach);
    let detail = "this process may not read /etc/pam-jwt/keys/oct.jwk";
    assert_eq!(*refused.note(), Note::Detail(detail.into()));
    let kidless = "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJodHRwczovL2kifQ.AAAA";
    assert_eq!(decide(kidless).reason(), Reason::KeyOutOfReach);
}

#[test]
fn a_token_that_is_not_whole_and_has_the_length_of_a_cut_was_cut() {
    let world = world();
    let mut claims = good();
    claims["padding"] = "x".repeat(4000).into();
    let token = world.token(&claims);
    assert_eq!(world.decide(&claims).reason(), Reason::Allowed);
    let cut = |length: usize| {
        let token = token.as_bytes().get(..length).unwrap();
        authenticate(token, &ALICE, grounds(&world.trust, NOW), &mut Silent).reason()
    };
    let in_pieces = Request {
        in_pieces: true,
        ..ALICE
    };
    for length in [511, 1023, 4095] {
        assert_eq!(cut(length), Reason::TokenCut);
        let token = token.as_bytes().get(..length).unwrap();
        let decision = authenticate(token, &in_pieces, grounds(&world.trust, NOW), &mut Silent);
        assert_eq!(decision.reason(), Reason::TokenMalformed);
        assert_eq!(cut(length - 1), Reason::TokenMalformed);
        assert_eq!(cut(length + 1), Reason::TokenMalformed);
    }
}

/// Checklist: A.9
#[test]
fn a_token_is_as_long_as_the_settings_say_at_most() {
    let mut world = world();
    let token = world.token(&good());
    let decide =
        |trust: &Trust| authenticate(token.as_bytes(), &ALICE, grounds(trust, NOW), &mut Silent);
    world.trust.global.max_token_bytes = token.len();
    assert_eq!(decide(&world.trust).reason(), Reason::Allowed);
    world.trust.global.max_token_bytes = token.len() - 1;
    let refused = decide(&world.trust);
    assert_eq!(refused.reason(), Reason::TokenTooLong);
    assert_eq!(refused.facts, Facts::default());
}
