//! What a device gets to wait with.

use super::path;
use crate::store::State;
use crate::testing::{SECRET, World, confidential, public};
use crate::token::{secret, user_code};

const DEVICE: &str = "grant_types = [\"urn:ietf:params:oauth:grant-type:device_code\"]\n\
    scopes = [\"openid\", \"ssh\"]";

async fn world(more: &str) -> World {
    let config = format!(
        "{more}\n[scopes.ssh]\ndescription = \"d\"\naudiences = [\"ssh://*\"]\n\
         [scopes.other]\ndescription = \"d\""
    );
    let clients = [
        public("tv", DEVICE),
        confidential("box", DEVICE),
        public("none", ""),
    ];
    World::new(&config, &clients).await
}

/// Checklist: C.13
#[tokio::test]
async fn a_device_gets_its_codes_and_where_to_type_one() {
    let world = world("").await;
    for (form, basic) in [
        (
            &[
                ("client_id", "tv"),
                ("scope", "ssh"),
                ("resource", "ssh://h"),
            ][..],
            None,
        ),
        (
            &[("scope", "ssh"), ("resource", "ssh://h")],
            Some(("box", SECRET)),
        ),
    ] {
        let answer = world.post(path::DEVICE_AUTHORIZATION, form, basic).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("cache-control"), "no-store");
        let json = answer.json();
        assert_eq!(
            (&json["expires_in"], &json["interval"]),
            (&600.into(), &5.into())
        );
        let page = "https://auth.example.org/device";
        assert_eq!(answer.member("verification_uri"), page);
        let shown = answer.member("user_code");
        assert_eq!(
            answer.member("verification_uri_complete"),
            format!("{page}?user_code={shown}")
        );
        assert!(answer.member("device_code").len() >= 43);

        let digest = secret::digest(&user_code::typed(&shown).unwrap());
        let kept = world
            .server
            .store
            .device_by_user_code(&digest)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(kept.state, State::Pending);
        assert_eq!(kept.device.client_id, basic.map_or("tv", |(id, _)| id));
        assert_eq!(kept.device.scopes, ["ssh"]);
        assert_eq!(kept.device.resources, ["ssh://h"]);
    }
}

/// Checklist: C.13, C.12
#[tokio::test]
async fn what_the_client_may_not_have_is_refused_at_once() {
    let world = world("").await;
    for (form, basic, expected) in [
        (
            &[("client_id", "none")][..],
            None,
            (400, "unauthorized_client"),
        ),
        (&[("client_id", "unknown")], None, (401, "invalid_client")),
        (&[("client_id", "box")], None, (401, "invalid_client")),
        (&[], Some(("box", "wrong")), (401, "invalid_client")),
        (&[], None, (401, "invalid_client")),
        (
            &[("client_id", "tv"), ("scope", "other")],
            None,
            (400, "invalid_scope"),
        ),
        (
            &[("client_id", "tv"), ("resource", "https://x")],
            None,
            (400, "invalid_target"),
        ),
    ] {
        let answer = world.post(path::DEVICE_AUTHORIZATION, form, basic).await;
        let (status, error) = answer.refusal();
        assert_eq!((status, error.as_str()), expected, "{form:?}");
    }
}

/// Checklist: C.13
#[tokio::test]
async fn one_address_does_not_take_all_the_codes() {
    let world = world("[limits]\npending = 32").await;
    let form = [("client_id", "tv")];
    for expected in [200, 200, 503, 503] {
        let answer = world.post(path::DEVICE_AUTHORIZATION, &form, None).await;
        assert_eq!(answer.status, expected);
    }
    // A client that shows who it is has its own part.
    let answer = world
        .post(path::DEVICE_AUTHORIZATION, &[], Some(("box", SECRET)))
        .await;
    assert_eq!(answer.status, 200);
}
