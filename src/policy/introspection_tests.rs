//! Decisions about opaque tokens, by what their issuer has said.

use super::standing_tests::Machine;
use super::tests::{ALICE, NOW, World, good, world_of};
use super::*;
use crate::explain::Silent;
use crate::introspection::{Said, introspected, issuer_of};
use crate::revocation::Kind;
use serde_json::{Value, json};

const SECRET: &[u8] = b"opa-0123456789abcdefghij";

fn issuer(name: &str, prefix: &str, more: &str) -> String {
    format!(
        "issuer='{name}'\naudience=['ssh://h']\nkeys=['/k']\n{more}\n\
         [introspection]\nclient_id='c'\nclient_secret_file='/s'\nprefix='{prefix}'\n\
         [[allow]]\naccount='{{username}}'\nservices=['sshd']\n"
    )
}

fn world(more: &str) -> World {
    world_of(&issuer("https://i", "opa-", more))
}

/// What an issuer says of a token that is good.
fn answer() -> Value {
    let mut answer = good();
    answer["active"] = true.into();
    answer["username"] = "alice".into();
    answer
}

fn decide(world: &World, machine: &Machine, said: Said<'_>, request: Request<'_>) -> Decision {
    let grounds = Grounds {
        trust: &world.trust,
        standing: machine,
        now: NOW,
    };
    introspected(
        SECRET,
        &world.trust.issuers[0],
        said,
        &request,
        grounds,
        &mut Silent,
    )
}

fn reason(world: &World, answer: &Value) -> Reason {
    let said = answer.to_string();
    decide(world, &Machine::new(), Said::Claims(&said), ALICE).reason()
}

#[test]
fn what_an_issuer_says_is_judged_as_what_it_signs() {
    let world = world("max_lifetime='10m'\nstatus='require'\ntyp='at+jwt'");
    assert_eq!(reason(&world, &answer()), Reason::Allowed);
    let changed = |name: &str, value: Value| {
        let mut answer = answer();
        if value.is_null() {
            answer.as_object_mut().unwrap().remove(name);
        } else {
            answer[name] = value;
        }
        answer
    };
    // It may leave out whose the token is, since it is asked about its own.
    assert_eq!(
        reason(&world, &changed("iss", json!(null))),
        Reason::Allowed
    );
    for (name, value, expected) in [
        ("active", json!(false), Reason::TokenInactive),
        ("active", json!("true"), Reason::IntrospectionFailed),
        ("active", json!(1), Reason::IntrospectionFailed),
        ("active", json!(null), Reason::IntrospectionFailed),
        ("iss", json!("https://j"), Reason::IntrospectionFailed),
        ("iss", json!(["https://i"]), Reason::IntrospectionFailed),
        ("aud", json!(null), Reason::AudienceMissing),
        ("aud", json!("ssh://other"), Reason::AudienceMismatch),
        ("exp", json!(null), Reason::ExpiryMissing),
        ("exp", json!(NOW - 60), Reason::Expired),
        ("exp", json!("tomorrow"), Reason::IntrospectionFailed),
        ("nbf", json!(NOW + 60), Reason::NotYetValid),
        ("iat", json!(NOW - 601), Reason::LifetimeTooLong),
        ("username", json!("bob"), Reason::AccountNotAllowed),
        ("username", json!(null), Reason::AccountNotAllowed),
        ("cnf", json!({"jkt": "x"}), Reason::KeyBound),
    ] {
        assert_eq!(reason(&world, &changed(name, value)), expected, "{name}");
    }
}

#[test]
fn what_is_no_answer_opens_nothing() {
    let world = world("");
    let machine = Machine::new();
    for (said, expected) in [
        (Said::Inactive, Reason::TokenInactive),
        (Said::Nothing("it is down"), Reason::IntrospectionFailed),
        (Said::Claims(""), Reason::IntrospectionFailed),
        (Said::Claims("null"), Reason::IntrospectionFailed),
        (
            Said::Claims("{\"active\":true,\"active\":true}"),
            Reason::IntrospectionFailed,
        ),
    ] {
        let decision = decide(&world, &machine, said, ALICE);
        assert_eq!(decision.reason(), expected, "{said:?}");
        assert!(!decision.facts.verified && decision.message_for_user().is_none());
    }
}

/// It is revoked, used up and mapped by the same rules; for root the issuer's word is not
/// enough, since it came over the network.
#[test]
fn the_rules_and_the_records_of_the_machine_hold() {
    let said = answer().to_string();
    let once = world("");
    let mut machine = Machine::new();
    let allowed = decide(&once, &machine, Said::Claims(&said), ALICE);
    assert_eq!(allowed.reason(), Reason::Allowed);
    assert_eq!(allowed.facts.subject.as_deref(), Some("alice"));
    assert_eq!(allowed.facts.id.as_deref(), Some("j"));
    let mut itself = answer();
    itself["jti"] = json!(std::str::from_utf8(SECRET).unwrap());
    let unnamed = decide(
        &once,
        &Machine::new(),
        Said::Claims(&itself.to_string()),
        ALICE,
    );
    assert_eq!(
        (unnamed.reason(), unnamed.facts.id),
        (Reason::Allowed, None)
    );
    // There is no kid, and no list.
    assert_eq!(
        *machine.asked.borrow(),
        ["jti j", "sub alice", "iss https://i"]
    );
    machine.revoked = Ok(Some((Kind::Id, None)));
    let revoked = decide(&once, &machine, Said::Claims(&said), ALICE);
    assert_eq!(revoked.reason(), Reason::Revoked);

    let used = world_of(&(issuer("https://i", "opa-", "") + "one_time=true\nmax_age='10m'\n"));
    let machine = Machine {
        use_up: Err(UseFault::Used("then".into())),
        ..Machine::new()
    };
    let twice = decide(&used, &machine, Said::Claims(&said), ALICE);
    assert_eq!(twice.reason(), Reason::AlreadyUsed);

    let root = Request {
        account: "root",
        uid: Some(0),
        ..ALICE
    };
    for (more, expected) in [
        ("", Reason::KeyFetched),
        ("fetched_keys=true\n", Reason::Allowed),
    ] {
        let rule = format!("[[allow]]\naccount='root'\nservices=['sshd']\n{more}");
        let world = world_of(&(issuer("https://i", "opa-", "") + &rule));
        let decision = decide(&world, &Machine::new(), Said::Claims(&said), root);
        assert_eq!(decision.reason(), expected);
    }
}

#[test]
fn nobody_is_asked_about_what_could_be_anothers() {
    let found = |issuers: &[String], secret: &[u8]| {
        let world = world_of(&issuers.join("---\n"));
        let found = issuer_of(&world.trust, secret)?;
        Some(
            found
                .map(|issuer| issuer.issuer.clone())
                .map_err(|refusal| refusal.reason),
        )
    };
    let [one, other, same] = [("i", "opa-"), ("j", "other-"), ("k", "opa-01")]
        .map(|(name, prefix)| issuer(&format!("https://{name}"), prefix, ""));
    let one_of_two = [one.clone(), other.clone()];
    assert_eq!(found(&one_of_two, SECRET), Some(Ok("https://i".into())));
    assert_eq!(found(&one_of_two, b"password-0123456789abcdef"), None);
    assert_eq!(
        found(&[one, same], SECRET),
        Some(Err(Reason::IntrospectionFailed))
    );
    // A JWT is one even where tokens of this beginning are opaque.
    let odd = issuer("https://i", "eyJhb", "");
    assert_eq!(
        found(std::slice::from_ref(&odd), b"eyJhbGciOiJFZERTQSJ9.e30.AAAA"),
        None
    );
    assert_eq!(
        found(&[odd], b"eyJhbGciOiJFZERTQSJ9"),
        Some(Ok("https://i".into()))
    );
    let long = [SECRET, &[b'a'; 70_000]].concat();
    assert_eq!(found(&[other], &long), None);
    assert_eq!(found(&one_of_two, &long), Some(Err(Reason::TokenTooLong)));
}
