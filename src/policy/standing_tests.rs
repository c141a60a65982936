//! Decisions that rest on what the machine knows of a token: in which order it is asked,
//! what comes of the answers, and what of them the user is told.

use super::tests::{ALICE, NOW, World, good, world_of};
use super::*;
use crate::explain::Silent;
use crate::revocation::{Entry, Kind, Mark};
use crate::status::{ListFault, Listed};
use serde_json::{Value, json};
use std::cell::RefCell;

const RULE: &str = "[[allow]]\naccount='{sub}'\nservices=['sshd']\n";

/// Answers as it is told, and keeps what it was asked.
pub(super) struct Machine {
    pub(super) revoked: Result<Option<(Kind, Option<u64>)>, String>,
    pub(super) listed: Result<Listed, ListFault>,
    /// What is said where only lists count that root has loaded.
    pub(super) loaded: Result<Listed, ListFault>,
    pub(super) use_up: Result<(), UseFault>,
    pub(super) asked: RefCell<Vec<String>>,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self {
            revoked: Ok(None),
            listed: Err(ListFault::Missing),
            loaded: Err(ListFault::Missing),
            use_up: Ok(()),
            asked: RefCell::default(),
        }
    }

    fn is_asked(&self, what: String) {
        self.asked.borrow_mut().push(what);
    }
}

impl Standing for Machine {
    fn revocation(&self, mark: Mark<'_>) -> Result<Option<Entry>, String> {
        self.is_asked(format!("{} {}", mark.kind.claim(), mark.value));
        assert_eq!(mark.issuer, "https://i");
        let found = self.revoked.clone()?;
        Ok(found.and_then(|(kind, issued_before)| {
            (kind == mark.kind).then_some(Entry {
                issued_before,
                ..Entry::ALL
            })
        }))
    }

    fn listed(
        &self,
        lists: Lists,
        issuer: &str,
        uri: &str,
        index: u64,
    ) -> Result<Listed, ListFault> {
        assert_eq!(issuer, "https://i");
        self.is_asked(format!("list {uri} {index}"));
        match (lists, &self.listed) {
            (Lists::Loaded, Ok(latest)) if latest.is_fetched => self.loaded.clone(),
            // It is the one that root has loaded.
            (_, latest) => latest.clone(),
        }
    }

    fn use_up(&self, once: OneTime<'_>) -> Result<(), UseFault> {
        self.is_asked(format!("use {} {}", once.id, once.expires));
        assert_eq!(once.issuer, "https://i");
        self.use_up.clone()
    }
}

fn world(top: &str, rule: &str) -> World {
    world_of(&format!(
        "issuer='https://i'\naudience=['ssh://h']\nkeys=['/k']\n{top}\n{RULE}{rule}\n"
    ))
}

fn decide(world: &World, machine: &Machine, claims: &Value) -> Decision {
    let grounds = Grounds {
        trust: &world.trust,
        standing: machine,
        now: NOW,
    };
    authenticate(world.token(claims).as_bytes(), &ALICE, grounds, &mut Silent)
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

const MARKS: [&str; 4] = ["jti j", "sub alice", "kid k1", "iss https://i"];

/// Checklist: A.27
#[test]
fn a_token_is_used_up_last_of_all_and_only_where_all_else_holds() {
    let world = world(
        "max_lifetime='10m'\nstatus='require'",
        "one_time=true\nmax_age='10m'",
    );
    let listed = json!({"status_list": {"uri": "u", "idx": 5}});
    let fine = with("status", listed);
    let machine = Machine {
        listed: Ok(Listed {
            value: 0,
            stale_at: None,
            kid: "k1".into(),
            issued_at: NOW - 100,
            is_fetched: false,
        }),
        ..Machine::new()
    };
    assert_eq!(decide(&world, &machine, &fine).reason(), Reason::Allowed);
    let using = format!("use j {}", NOW + 60);
    let expected = [&MARKS[..], &["list u 5", "kid k1", &using]].concat();
    assert_eq!(*machine.asked.borrow(), expected);

    for (name, value, reason) in [
        ("aud", json!("x"), Reason::AudienceMismatch),
        ("sub", json!("bob"), Reason::AccountNotAllowed),
        ("cnf", json!({"jkt": "x"}), Reason::KeyBound),
        ("exp", json!(NOW - 60), Reason::Expired),
        ("nbf", json!(NOW + 60), Reason::NotYetValid),
        ("iat", json!(NOW - 700), Reason::TooOld),
        ("jti", Value::Null, Reason::TokenMalformed),
    ] {
        let machine = Machine::new();
        let mut claims = fine.clone();
        claims[name] = value;
        assert_eq!(decide(&world, &machine, &claims).reason(), reason);
        let asked = machine.asked.borrow();
        assert!(
            asked
                .iter()
                .all(|what| !what.starts_with("use") && !what.starts_with("list"))
        );
    }
    let machine = Machine {
        listed: Ok(Listed {
            value: 1,
            stale_at: None,
            kid: "k1".into(),
            issued_at: NOW - 100,
            is_fetched: false,
        }),
        ..Machine::new()
    };
    assert_eq!(
        decide(&world, &machine, &fine).reason(),
        Reason::StatusInvalid
    );
    assert!(
        machine
            .asked
            .borrow()
            .iter()
            .all(|what| !what.starts_with("use"))
    );
}

/// Checklist: A.27
#[test]
fn a_token_that_was_used_or_cannot_be_remembered_is_refused() {
    let world = world("", "one_time=true\nmax_age='10m'");
    let told = "Your token was used already; get a new one.";
    for (fault, reason, message) in [
        (
            UseFault::Used("at noon from 192.0.2.7".into()),
            Reason::AlreadyUsed,
            Some(told),
        ),
        (UseFault::Dropped, Reason::RecordsDropped, None),
        (
            UseFault::Unrecorded("disk full".into()),
            Reason::UseUnrecorded,
            None,
        ),
    ] {
        let machine = Machine {
            use_up: Err(fault),
            ..Machine::new()
        };
        let decision = decide(&world, &machine, &good());
        assert_eq!(decision.reason(), reason);
        // When and where it was used is for the log.
        assert_eq!(decision.message_for_user().as_deref(), message);
    }
    // A rule that does not say so asks nobody.
    let machine = Machine::new();
    let plain = world_of(&format!(
        "issuer='https://i'\naudience=['ssh://h']\nkeys=['/k']\n{RULE}"
    ));
    assert_eq!(decide(&plain, &machine, &good()).reason(), Reason::Allowed);
    assert_eq!(*machine.asked.borrow(), MARKS);
}

/// A rule of one use does not hold any more, another does: what was used is used.
///
/// Checklist: A.27
#[test]
fn time_makes_no_token_of_one_use_one_of_many() {
    let once = "one_time=true\nmax_age='10m'\nmax_auth_age='5m'\n";
    let used = Machine {
        use_up: Err(UseFault::Used("at noon".into())),
        ..Machine::new()
    };
    let world = world("", &format!("{once}{RULE}"));
    for auth_time in [NOW - 300, NOW - 400, NOW + 60] {
        let claims = with("auth_time", json!(auth_time));
        assert_eq!(
            decide(&world, &used, &claims).reason(),
            Reason::AlreadyUsed,
            "{auth_time}"
        );
    }
    // What was never a token for that rule is none of its business.
    let mut long = with("auth_time", json!(NOW - 400));
    long["exp"] = json!(NOW + 3600);
    for claims in [good(), long] {
        assert_eq!(decide(&world, &used, &claims).reason(), Reason::Allowed);
    }
}

#[test]
fn what_is_revoked_is_refused_without_a_word_whatever_its_time() {
    let world = world("", "max_age='10m'");
    for kind in [Kind::Id, Kind::Subject, Kind::Key, Kind::Issuer] {
        for claims in [good(), with("exp", json!(NOW - 60)), with("iat", json!(0))] {
            let machine = Machine {
                revoked: Ok(Some((kind, None))),
                ..Machine::new()
            };
            let decision = decide(&world, &machine, &claims);
            assert_eq!(decision.reason(), Reason::Revoked);
            assert_eq!(decision.message_for_user(), None);
        }
        let issued_before = |limit| Machine {
            revoked: Ok(Some((kind, Some(limit)))),
            ..Machine::new()
        };
        let decided =
            |limit, claims: &Value| decide(&world, &issued_before(limit), claims).reason();
        assert_eq!(decided(NOW, &good()), Reason::Allowed);
        assert_eq!(decided(NOW + 1, &good()), Reason::Revoked);
        let mut no_iat = good();
        no_iat.as_object_mut().unwrap().remove("iat");
        assert_eq!(decided(0, &no_iat), Reason::Revoked);
    }
    let unreadable = Machine {
        revoked: Err("/var: Input/output error".into()),
        ..Machine::new()
    };
    let decision = decide(&world, &unreadable, &good());
    assert_eq!(decision.reason(), Reason::RevocationsUnreadable);
}

#[test]
fn the_user_is_told_what_a_login_at_the_issuer_has_to_be() {
    let told = |rule: &str, claims: &Value| {
        let decision = decide(&world("", rule), &Machine::new(), claims);
        assert!(decision.outcome.is_err());
        decision.message_for_user()
    };
    assert_eq!(
        told("amr=['otp','hwk']", &with("amr", json!(["pwd"]))).as_deref(),
        Some("This takes a login at the issuer with amr otp or hwk; log in there that way.")
    );
    assert_eq!(
        told("acr='gold'", &good()).as_deref(),
        Some("This takes a login at the issuer with acr gold; log in there that way.")
    );
    assert_eq!(
        told("max_auth_age='10m'", &with("auth_time", json!(NOW - 642))).as_deref(),
        Some("Your last login at the issuer is 42 s too old for this; log in there again.")
    );
    // Not whom nothing else lets in.
    for (name, value) in [
        ("sub", json!("bob")),
        ("aud", json!("x")),
        ("cnf", json!({})),
    ] {
        assert_eq!(told("amr='otp'", &with(name, value)), None, "{name}");
    }
    assert_eq!(told("amr='otp'\nclaims={x=1}", &good()), None);
    assert_eq!(told("bound=true\namr='otp'", &good()), None);
}

/// What becomes of a token under both choices, for each thing that a list can say.
///
/// Checklist: A.29
#[test]
fn a_status_list_is_obeyed_and_its_absence_follows_the_configured_choice() {
    use ListFault::{Missing, OutOfRange, Unusable};
    let listed = |value: u8, stale_at: u64, kid: &str| {
        let kid = kid.to_owned();
        Ok(Listed {
            value,
            stale_at: Some(stale_at),
            kid,
            issued_at: NOW - 100,
            is_fetched: false,
        })
    };
    let (fresh, stale) = (NOW + 1, NOW);
    let unknown = Err(Reason::StatusUnknown);
    let invalid = Err(Reason::StatusInvalid);
    for (answer, require, if_present) in [
        (listed(0, fresh, "k1"), Ok(()), Ok(())),
        (listed(1, fresh, "k1"), invalid, invalid),
        (listed(2, fresh, "k1"), invalid, invalid),
        (listed(255, fresh, "k1"), invalid, invalid),
        (listed(0, stale, "k1"), unknown, Ok(())),
        (listed(1, stale, "k1"), invalid, invalid),
        (listed(0, fresh, "gone"), unknown, unknown),
        (Err(Missing), unknown, Ok(())),
        (Err(OutOfRange(5)), unknown, unknown),
        (Err(Unusable("broken".into())), unknown, unknown),
    ] {
        for (mode, outcome) in [("require", require), ("if-present", if_present)] {
            let world = world(&format!("status='{mode}'"), "");
            let machine = Machine {
                listed: answer.clone(),
                ..Machine::new()
            };
            let status = json!({"status_list": {"uri": "u", "idx": 5}});
            let decision = decide(&world, &machine, &with("status", status));
            let reason = outcome.err().unwrap_or(Reason::Allowed);
            assert_eq!(decision.reason(), reason, "{mode}: {answer:?}");
            assert_eq!(decision.message_for_user(), None);
        }
    }
    for (top, status, reason) in [
        ("status='require'", Value::Null, Reason::StatusMissing),
        ("status='require'", json!({}), Reason::StatusMissing),
        ("status='if-present'", Value::Null, Reason::Allowed),
        ("", Value::Null, Reason::Allowed),
        (
            "",
            json!({"status_list": {"uri": "u"}}),
            Reason::StatusUnknown,
        ),
    ] {
        let decision = decide(&world(top, ""), &Machine::new(), &with("status", status));
        assert_eq!(decision.reason(), reason, "{top}");
    }
}

/// A key that is revoked signs no list either, as far as it is revoked.
///
/// Checklist: A.29
#[test]
fn a_list_by_a_revoked_key_says_nothing() {
    let status = json!({"status_list": {"uri": "u", "idx": 5}});
    for (limit, reason) in [
        (Some(NOW - 99), Reason::StatusUnknown),
        (Some(NOW - 100), Reason::Allowed),
    ] {
        let machine = Machine {
            revoked: Ok(Some((Kind::Key, limit))),
            listed: Ok(Listed {
                value: 0,
                stale_at: None,
                kid: "k1".into(),
                issued_at: NOW - 100,
                is_fetched: false,
            }),
            ..Machine::new()
        };
        // The token is younger than that.
        let claims = with("status", status.clone());
        assert_eq!(decide(&world("", ""), &machine, &claims).reason(), reason);
    }
}
