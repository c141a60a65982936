//! What the token endpoint asks of every request, whatever the grant; that it takes a form and
//! nothing else is shown with the other endpoints (bad_input_tests).

use crate::testing::{CONFIG, SECRET, World, confidential, public};

async fn world() -> World {
    let job = "grant_types = [\"client_credentials\"]\nscopes = [\"api\"]\n";
    World::new(CONFIG, &[confidential("job", job), public("app", "")]).await
}

/// Checklist: C.9
#[tokio::test]
async fn a_grant_is_one_that_there_is_and_that_the_client_is_registered_for() {
    let world = world().await;
    for (grant, error) in [
        ("authorization_code", "unauthorized_client"),
        ("refresh_token", "unauthorized_client"),
        ("password", "unauthorized_client"),
        (
            "urn:ietf:params:oauth:grant-type:device_code",
            "unauthorized_client",
        ),
        (
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "unauthorized_client",
        ),
        (
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "unauthorized_client",
        ),
        ("implicit", "unsupported_grant_type"),
        ("unknown", "unsupported_grant_type"),
        ("CLIENT_CREDENTIALS", "unsupported_grant_type"),
        ("", "invalid_request"),
    ] {
        let refused = world
            .post("/token", &[("grant_type", grant)], Some(("job", SECRET)))
            .await;
        assert_eq!(refused.refusal(), (400, error.to_owned()), "{grant}");
        assert_eq!(refused.header("cache-control"), "no-store");
    }
    let form = [("grant_type", "client_credentials")];
    let answer = world.post("/token", &form, Some(("job", SECRET))).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (200, "no-store")
    );
    assert_eq!(answer.header("content-type"), "application/json");
    // RFC 6749 §5.2: a description is printable ASCII without quotes.
    let refused = world
        .post(
            "/token",
            &[("grant_type", "x\u{e9}\"")],
            Some(("job", SECRET)),
        )
        .await;
    let description = refused.member("error_description");
    assert!(
        description
            .bytes()
            .all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"')
    );
}
