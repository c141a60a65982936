//! What a status list may say for root that came over the network.

use super::standing_tests::Machine;
use super::tests::{ALICE, NOW, good, world_of};
use super::*;
use crate::explain::Silent;
use crate::status::{ListFault, Listed};
use serde_json::json;

/// For uid 0 a list that was fetched may speak against a token, and not for it.
#[test]
fn a_fetched_list_says_nothing_for_root_unless_the_rule_takes_such() {
    use ListFault::Missing;
    let listed = |value, is_fetched| {
        Ok(Listed {
            value,
            stale_at: None,
            kid: "k1".into(),
            issued_at: NOW - 100,
            is_fetched,
        })
    };
    let root = Request {
        account: "root",
        uid: Some(0),
        ..ALICE
    };
    let mut claims = good();
    claims["sub"] = json!("root");
    claims["status"] = json!({"status_list": {"uri": "u", "idx": 5}});
    for (latest, loaded, require, if_present, taken) in [
        (
            listed(0, true),
            Err(Missing),
            Reason::KeyFetched,
            Reason::Allowed,
            Reason::Allowed,
        ),
        // Somebody has it taken back what root has loaded.
        (
            listed(0, true),
            listed(1, false),
            Reason::StatusInvalid,
            Reason::StatusInvalid,
            Reason::Allowed,
        ),
        (
            listed(0, true),
            listed(0, false),
            Reason::Allowed,
            Reason::Allowed,
            Reason::Allowed,
        ),
        (
            listed(1, true),
            listed(0, false),
            Reason::StatusInvalid,
            Reason::StatusInvalid,
            Reason::StatusInvalid,
        ),
        (
            listed(0, false),
            listed(0, false),
            Reason::Allowed,
            Reason::Allowed,
            Reason::Allowed,
        ),
    ] {
        for (mode, more, reason) in [
            ("require", "", require),
            ("if-present", "", if_present),
            ("require", "fetched_keys=true", taken),
            ("if-present", "fetched_keys=true", taken),
        ] {
            let world = world_of(&format!(
                "issuer='https://i'\naudience=['ssh://h']\nkeys=['/k']\nstatus='{mode}'\n\
                 status_lists=['https://i/l']\n\
                 [[allow]]\naccount='root'\nservices=['sshd']\n{more}\n"
            ));
            let machine = Machine {
                listed: latest.clone(),
                loaded: loaded.clone(),
                ..Machine::new()
            };
            let grounds = Grounds {
                trust: &world.trust,
                standing: &machine,
                now: NOW,
            };
            let token = world.token(&claims);
            let decision = authenticate(token.as_bytes(), &root, grounds, &mut Silent);
            assert_eq!(
                decision.reason(),
                reason,
                "{mode} {more}: {latest:?} {loaded:?}"
            );
        }
    }
}

/// An issuer whose lists nobody fetches is not concerned by what lies there all the same; sudo
/// leads to root as root's own login does.
#[test]
fn who_may_write_among_the_fetched_lists_has_no_say_over_others_and_at_sudo() {
    let listed = |value| {
        Ok(Listed {
            value,
            stale_at: None,
            kid: "k1".into(),
            issued_at: NOW - 100,
            is_fetched: true,
        })
    };
    let mut claims = good();
    claims["status"] = json!({"status_list": {"uri": "u", "idx": 5}});
    let decide = |top: &str, service, value| {
        let world = world_of(&format!(
            "issuer='https://i'\naudience=['ssh://h']\nkeys=['/k']\nstatus='require'\n{top}\n\
             [[allow]]\naccount='{{sub}}'\nservices=['sshd','sudo']\n"
        ));
        let machine = Machine {
            listed: listed(value),
            loaded: Err(ListFault::Missing),
            ..Machine::new()
        };
        let grounds = Grounds {
            trust: &world.trust,
            standing: &machine,
            now: NOW,
        };
        let request = Request { service, ..ALICE };
        let token = world.token(&claims);
        authenticate(token.as_bytes(), &request, grounds, &mut Silent).reason()
    };
    let fetches = "status_lists=['https://i/l']";
    assert_eq!(decide("", "sshd", 0), Reason::StatusUnknown);
    assert_eq!(decide("", "sshd", 1), Reason::StatusUnknown);
    assert_eq!(decide(fetches, "sshd", 0), Reason::Allowed);
    assert_eq!(decide(fetches, "sudo", 0), Reason::KeyFetched);
    assert_eq!(decide(fetches, "sshd", 1), Reason::StatusInvalid);
}
