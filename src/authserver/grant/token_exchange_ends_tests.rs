//! With what an exchanged token ends.

use crate::testing::{
    ACCOUNT, Answer, CONFIG, REDIRECT, SECRET, VERIFIER, World, confidential, public,
};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

async fn world() -> World {
    let app = format!(
        "redirect_uris = [\"{REDIRECT}\"]\nscopes = [\"ssh\"]\n\
         grant_types = [\"authorization_code\", \"refresh_token\"]\n"
    );
    let gateway =
        format!("grant_types = [\"{EXCHANGE}\"]\nscopes = [\"ssh\"]\nintrospects = true\n");
    let clients = [public("app", &app), confidential("gateway", &gateway)];
    World::new(CONFIG, &clients).await
}

/// What the app gets for a code.
async fn allowed(world: &World) -> Answer {
    let code = world.code(world.grant("app", &["ssh"])).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    world.post("/token", &form, None).await
}

async fn exchange(world: &World, subject: &str) -> Answer {
    let form = [
        ("grant_type", EXCHANGE),
        ("subject_token", subject),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    world.post("/token", &form, Some(("gateway", SECRET))).await
}

/// A token that the gateway makes of this one, and one that it makes of that.
async fn made_of(world: &World, subject: &str) -> [String; 2] {
    let one = exchange(world, subject).await;
    assert_eq!(one.claims("access_token")["sub"], ACCOUNT);
    let other = exchange(world, &one.member("access_token")).await;
    [one, other].map(|answer| answer.member("access_token"))
}

/// Whether it is good, as whoever introspects it is told; and whether more is made of it.
async fn is_good(world: &World, token: &str) -> bool {
    let form = [("token", token)];
    let answer = world.post("/introspect", &form, Some(("gateway", SECRET)));
    let is_active = answer.await.json()["active"] == true;
    let refused = exchange(world, token).await.status != 200;
    assert_ne!(is_active, refused);
    is_active
}

/// Checklist: C.14, C.15
#[tokio::test]
async fn what_came_of_a_token_ends_with_what_that_came_of() {
    let world = world().await;
    let (app, other) = (allowed(&world).await, allowed(&world).await);
    let made = made_of(&world, &app.member("access_token")).await;
    let [others, _] = made_of(&world, &other.member("access_token")).await;
    for token in &made {
        assert!(is_good(&world, token).await);
    }
    let refresh = app.member("refresh_token");
    let form = [("token", refresh.as_str()), ("client_id", "app")];
    assert_eq!(world.post("/revoke", &form, None).await.status, 200);
    for token in &made {
        assert!(!is_good(&world, token).await);
    }
    assert!(is_good(&world, &others).await);
}

/// Checklist: C.11, C.14
#[tokio::test]
async fn a_stolen_refresh_token_takes_what_came_of_it_with_it() {
    let world = world().await;
    let app = allowed(&world).await;
    let refresh = app.member("refresh_token");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", refresh.as_str()),
    ];
    let next = world.post("/token", &form, None).await;
    let made = [
        made_of(&world, &app.member("access_token")).await,
        made_of(&world, &next.member("access_token")).await,
    ];
    assert_eq!(world.post("/token", &form, None).await.status, 400);
    for token in made.as_flattened() {
        assert!(!is_good(&world, token).await);
    }
}
