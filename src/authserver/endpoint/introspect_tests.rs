//! What is told of a token, and to whom.

use super::path;
use crate::store::Code;
use crate::store::{Grant, Issued};
use crate::testing::{Answer, SECRET, World, confidential, public};
use crate::token::access::Access;
use crate::token::secret::Secret;
use serde_json::{Value, json};

const SCOPES: &str = "scopes = [\"api\"]\ngrant_types = [\"client_credentials\"]\n";

async fn world() -> World {
    let config = "[scopes.api]\ndescription = \"d\"\naudiences = [\"https://api/x\"]";
    let clients = [
        confidential("owner", SCOPES),
        confidential("any", "introspects = true"),
        confidential("resource", "audiences = [\"https://api/*\"]"),
        confidential("other", "audiences = [\"https://api\"]"),
        public(
            "public",
            "grant_types = [\"urn:ietf:params:oauth:grant-type:device_code\"]",
        ),
    ];
    World::new(config, &clients).await
}

async fn ask(world: &World, who: &str, token: &str) -> Answer {
    world
        .post(path::INTROSPECT, &[("token", token)], Some((who, SECRET)))
        .await
}

/// The body, after what goes for every answer.
async fn told(world: &World, who: &str, token: &str) -> String {
    let answer = ask(world, who, token).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.text
}

const INACTIVE: &str = "{\"active\":false}";

async fn own_token(world: &World) -> String {
    let form = [("grant_type", "client_credentials")];
    let answer = world
        .post(path::TOKEN, &form, Some(("owner", SECRET)))
        .await;
    answer.member("access_token")
}

/// Checklist: C.15
#[tokio::test]
async fn a_good_token_is_told_to_whom_it_concerns() {
    let world = world().await;
    let token = own_token(&world).await;
    let claims = crate::testing::claims_of(&token);
    let expected = json!({
        "active": true, "token_type": "Bearer", "client_id": "owner", "sub": "client:owner",
        "scope": "api", "aud": "https://api/x", "iss": crate::testing::ISSUER,
        "exp": claims.expires.unwrap().floor(), "iat": claims.issued_at.unwrap().floor(),
        "jti": claims.id.clone().unwrap(),
    });
    // The second time it is known already, which changes nothing.
    for _ in 0..2 {
        for who in ["owner", "any", "resource"] {
            let answer: Value = serde_json::from_str(&told(&world, who, &token).await).unwrap();
            assert_eq!(answer, expected, "{who}");
        }
        assert_eq!(told(&world, "other", &token).await, INACTIVE);
    }
}

/// Checklist: C.15
#[tokio::test]
async fn of_a_person_more_is_told() {
    let world = world().await;
    let settings = world.server.settings();
    let now = world.now();
    let (groups, amr) = (["ops".to_owned()], ["pwd".to_owned()]);
    let actor = json!({ "sub": "service" });
    let access = Access {
        issuer: &settings.config.issuer,
        subject: "alice",
        audience: &["any".to_owned()],
        client_id: "public",
        now,
        lifetime: 60,
        index: world.server.next_index().await.unwrap(),
        auth_time: Some(now - 5),
        amr: &amr,
        groups: Some(&groups),
        actor: Some(&actor),
        ..Access::default()
    };
    let token = access
        .signed(settings.keys.signing(now).unwrap())
        .unwrap()
        .token;
    let answer = ask(&world, "any", &token).await.json();
    for (name, value) in [
        ("username", json!("alice")),
        ("sub", json!("alice")),
        ("auth_time", json!(now - 5)),
        ("amr", json!(["pwd"])),
        ("groups", json!(["ops"])),
        ("act", actor.clone()),
    ] {
        assert_eq!(answer[name], value, "{name}");
    }
    // Where it is listed is nobody's to know who asks for the status itself.
    assert_eq!(answer.get("status"), None);
}

/// Checklist: C.15
#[tokio::test]
async fn of_what_is_not_good_nothing_is_told() {
    let world = world().await;
    let token = own_token(&world).await;
    assert_ne!(told(&world, "any", &token).await, INACTIVE);
    let (rest, signature) = token.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    let forged = format!("{rest}.{flipped}");
    for bad in [
        "unknown",
        "a.b.c",
        "...",
        rest,
        &forged,
        &format!("{token} "),
        &format!("{token}."),
        &"a.".repeat(10_000),
    ] {
        assert_eq!(told(&world, "any", bad).await, INACTIVE, "{bad}");
    }
    // Signed by the server, but for something else, or for a time that is over.
    let settings = world.server.settings();
    let now = world.now();
    let access = |now, lifetime| Access {
        issuer: &settings.config.issuer,
        subject: "alice",
        audience: &[],
        client_id: "any",
        now,
        lifetime,
        ..Access::default()
    };
    let key = settings.keys.signing(now).unwrap();
    let expired = access(now - 60, 60).signed(key).unwrap().token;
    assert_eq!(told(&world, "any", &expired).await, INACTIVE);
    let claims = crate::testing::claims_of(&access(now, 60).signed(key).unwrap().token);
    let id_token = jose::sign::sign(key, "JWT", claims.all()).unwrap();
    assert_eq!(told(&world, "any", &id_token).await, INACTIVE);

    // Taken back while it was known to be good.
    let revoked = world
        .post(path::REVOKE, &[("token", &token)], Some(("owner", SECRET)))
        .await;
    assert_eq!(revoked.status, 200);
    for who in ["any", "owner", "resource"] {
        assert_eq!(told(&world, who, &token).await, INACTIVE);
    }
}

/// Checklist: C.15
#[tokio::test]
async fn who_asks_has_to_show_who_it_is() {
    let world = world().await;
    let token = own_token(&world).await;
    let form = [("token", token.as_str())];
    let unknown = (401, "invalid_client".to_owned());
    for basic in [
        None,
        Some(("any", "wrong")),
        Some(("unknown", SECRET)),
        Some(("any", "")),
    ] {
        let answer = world.post(path::INTROSPECT, &form, basic).await;
        assert_eq!(answer.refusal(), unknown, "{basic:?}");
        assert!(answer.header("www-authenticate").starts_with("Basic "));
    }
    let form = [("token", token.as_str()), ("client_id", "public")];
    assert_eq!(
        world.post(path::INTROSPECT, &form, None).await.refusal(),
        unknown
    );
    let answer = world
        .post(path::INTROSPECT, &[], Some(("any", SECRET)))
        .await;
    assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()));
}

/// A grant with an access token and a refresh token, as from a code.
pub(super) async fn granted(world: &World, client_id: &str) -> (String, String) {
    let settings = world.server.settings();
    let now = world.now();
    let index = world.server.next_index().await.unwrap();
    let access = Access {
        issuer: &settings.config.issuer,
        subject: "alice",
        audience: &["https://api/x".to_owned()],
        client_id,
        now,
        lifetime: 600,
        index,
        ..Access::default()
    };
    let code = Code {
        grant: Grant {
            id: jose::sign::random_id().unwrap(),
            client_id: client_id.to_owned(),
            registered: None,
            account: "alice".to_owned(),
            uid: Some(1000),
            scopes: vec!["openid".to_owned(), "api".to_owned()],
            resources: vec!["https://api/x".to_owned()],
            auth_time: Some(now),
            amr: vec!["pwd".to_owned()],
            nonce: None,
            expires: now + 1000,
        },
        redirect_uri: None,
        challenge: None,
    };
    let (code_secret, refresh) = (Secret::new().unwrap(), Secret::new().unwrap());
    let store = &world.server.store;
    store
        .put_code(&code_secret.digest, &code, now + 60)
        .await
        .unwrap();
    let issued = Issued {
        index,
        expires: now + 600,
    };
    let new = Some((refresh.digest.as_str(), now + 500));
    store
        .redeem_code(&code_secret.digest, now, issued, new)
        .await
        .unwrap();
    let token = access
        .signed(settings.keys.signing(now).unwrap())
        .unwrap()
        .token;
    (token, refresh.text.to_string())
}

/// Checklist: C.15
#[tokio::test]
async fn a_refresh_token_is_told_to_its_client_until_it_is_used() {
    let world = world().await;
    let (_, refresh) = granted(&world, "owner").await;
    let now = world.now();
    let kept = world
        .server
        .store
        .refresh(&crate::token::secret::digest(&refresh))
        .await;
    let kept = kept.unwrap().unwrap();
    let expected = json!({
        "active": true, "client_id": "owner", "username": "alice", "sub": "alice",
        "iss": crate::testing::ISSUER, "scope": "openid api", "aud": ["https://api/x"],
        "amr": ["pwd"], "auth_time": kept.grant.auth_time, "exp": kept.expires,
    });
    for who in ["owner", "any"] {
        assert_eq!(ask(&world, who, &refresh).await.json(), expected, "{who}");
    }
    for who in ["other", "resource"] {
        assert_eq!(told(&world, who, &refresh).await, INACTIVE);
    }
    let next = Secret::new().unwrap();
    let index = world.server.next_index().await.unwrap();
    let issued = Issued {
        index,
        expires: now + 600,
    };
    let old = crate::token::secret::digest(&refresh);
    let rotated = world
        .server
        .store
        .rotate(&old, now, issued, (&next.digest, now + 500))
        .await;
    rotated.unwrap();
    assert_eq!(told(&world, "owner", &refresh).await, INACTIVE);
    assert_ne!(told(&world, "owner", &next.text).await, INACTIVE);
}
