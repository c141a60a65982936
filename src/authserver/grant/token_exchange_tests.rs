//! Token exchange: tokens of this server and of another that the machine trusts.

use crate::store::Grant;
use crate::testing::{
    ACCOUNT, Answer, CONFIG, Foreign, REDIRECT, SECRET, VERIFIER, World, confidential, public,
};
use serde_json::{Value, json};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Rules that take the tokens of an issuer at this server, for [`ACCOUNT`].
const TRUST: &str = "audience = [\"https://auth.example.org\"]\n\
    [[allow]]\naccount = \"nobody\"\nservices = [\"sshd\"]\n\
    [[allow]]\naccount = \"{sub}\"\nservices = [\"pam-jwt-authserver\"]\n";

async fn world() -> World {
    let app = "redirect_uris = [\"https://app.example.org/cb\"]\n\
        grant_types = [\"authorization_code\"]\nscopes = [\"openid\", \"ssh\", \"api\", \"staff\"]\n";
    let exchange = format!(
        "grant_types = [\"{EXCHANGE}\", \"refresh_token\", \"client_credentials\"]\n\
         scopes = [\"openid\", \"ssh\", \"api\", \"staff\", \"ops\"]\naudiences = [\"backend\"]\n"
    );
    let both = "redirect_uris = [\"https://app.example.org/cb\"]\n".to_owned()
        + &exchange.replace("client_credentials", "authorization_code");
    let clients = [
        public("app", app),
        public("self", &both),
        confidential("gateway", &format!("{exchange}introspects = true\n")),
        confidential(
            "api",
            &exchange.replace("backend", "https://api.example.org"),
        ),
        confidential("other", &exchange),
    ];
    World::new(CONFIG, &clients).await
}

/// An access token of a person for this grant.
async fn token_for(world: &World, grant: Grant) -> String {
    let client_id = grant.client_id.clone();
    let code = world.code(grant).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client_id.as_str()),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let answer = world.post("/token", &form, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.member("access_token")
}

async fn token(world: &World, scopes: &[&str]) -> String {
    token_for(world, world.grant("app", scopes)).await
}

/// The gateway's own token.
async fn own(world: &World) -> String {
    let form = [("grant_type", "client_credentials")];
    let answer = world.post("/token", &form, Some(("gateway", SECRET))).await;
    answer.member("access_token")
}

async fn exchange(world: &World, subject: &str, more: &[(&str, &str)]) -> Answer {
    exchange_as(world, "gateway", subject, more).await
}

async fn exchange_as(
    world: &World,
    client_id: &str,
    subject: &str,
    more: &[(&str, &str)],
) -> Answer {
    let mut form = more.to_vec();
    form.extend([("grant_type", EXCHANGE), ("subject_token", subject)]);
    if more.iter().all(|(name, _)| *name != "subject_token_type") {
        form.push(("subject_token_type", ACCESS_TOKEN));
    }
    world.post("/token", &form, Some((client_id, SECRET))).await
}

/// Who acts, by this token.
fn actor(token: &str) -> [(&str, &str); 2] {
    [("actor_token", token), ("actor_token_type", JWT)]
}

fn refusal(error: &str) -> (u16, String) {
    (400, error.to_owned())
}

fn index(token: &str) -> u64 {
    let claims = crate::testing::claims_of(token);
    let status = claims.get("status").unwrap();
    status["status_list"]["idx"].as_u64().unwrap()
}

/// Checklist: C.14
#[tokio::test]
async fn a_token_becomes_another_for_the_same_person() {
    let world = world().await;
    let grant = world.grant("app", &["openid", "ssh", "api"]);
    let auth_time = grant.auth_time;
    let subject = token_for(&world, grant).await;
    let answer = exchange(&world, &subject, &[("scope", "api")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.member("issued_token_type"), ACCESS_TOKEN);
    assert_eq!(answer.member("token_type"), "Bearer");
    for absent in ["refresh_token", "id_token"] {
        assert_eq!(answer.json().get(absent), None, "{absent}");
    }
    let claims = answer.claims("access_token");
    for (name, value) in [
        ("sub", json!(ACCOUNT)),
        ("client_id", json!("gateway")),
        ("scope", json!("api")),
        ("auth_time", json!(auth_time)),
        ("amr", json!(["pwd"])),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert_eq!(claims.get("act"), None);
    let as_jwt = [("requested_token_type", JWT), ("subject_token_type", JWT)];
    let answer = exchange(&world, &subject, &as_jwt).await;
    assert_eq!(answer.member("issued_token_type"), JWT);
    // All that the client may have of what the token has.
    assert_eq!(answer.member("scope"), "openid ssh api");
}

/// Checklist: C.14
#[tokio::test]
async fn who_acts_nests() {
    let world = world().await;
    let subject = token(&world, &["ssh", "api"]).await;
    let gateway = own(&world).await;
    let acts = [
        ("actor_token", &*gateway),
        ("actor_token_type", ACCESS_TOKEN),
    ];
    let once = exchange(&world, &subject, &acts).await;
    let act = json!({ "sub": "client:gateway" });
    assert_eq!(once.claims("access_token")["act"], act);
    let once = once.member("access_token");

    let person = token(&world, &["ssh"]).await;
    let twice = exchange(&world, &once, &actor(&person)).await;
    let nested = json!({ "sub": ACCOUNT, "act": act });
    assert_eq!(twice.claims("access_token")["act"], nested);
    assert_eq!(twice.claims("access_token")["sub"], ACCOUNT);
    // Without another actor those who acted are not forgotten.
    let kept = exchange(&world, &twice.member("access_token"), &[]).await;
    assert_eq!(kept.claims("access_token")["act"], nested);

    let mut chain = kept.member("access_token");
    for _ in 2..8 {
        let answer = exchange(&world, &chain, &actor(&person)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        chain = answer.member("access_token");
    }
    let endless = exchange(&world, &chain, &actor(&person)).await;
    assert_eq!(endless.refusal(), refusal("invalid_request"));
}

/// Checklist: C.14
#[tokio::test]
async fn a_subject_or_an_actor_that_is_not_good_is_an_invalid_request() {
    let world = world().await;
    let good = token(&world, &["ssh"]).await;
    let revoked = token(&world, &["ssh"]).await;
    let pair = [(index(&revoked), world.now() + 600)];
    world.server.store.revoke(&pair).await.unwrap();
    world.server.revoked.add(pair);
    let forged = {
        let (rest, signature) = good.rsplit_once('.').unwrap();
        let flipped = if signature.starts_with('A') { "B" } else { "A" };
        format!("{rest}.{flipped}{}", signature.split_at(1).1)
    };
    let client = own(&world).await;
    for bad in ["", "x", "a.b.c", &forged, &revoked] {
        let refused = exchange(&world, bad, &[]).await;
        assert_eq!(refused.refusal(), refusal("invalid_request"), "{bad}");
        if !bad.is_empty() {
            let refused = exchange(&world, &good, &actor(bad)).await;
            assert_eq!(refused.refusal(), refusal("invalid_request"), "{bad}");
        }
    }
    // A client is no account.
    let refused = exchange(&world, &client, &[]).await;
    assert_eq!(refused.refusal(), refusal("invalid_request"));
    for (name, value) in [
        ("subject_token_type", ""),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:saml2",
        ),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:refresh_token",
        ),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:refresh_token",
        ),
        ("actor_token", &good),
        ("actor_token_type", ACCESS_TOKEN),
    ] {
        let refused = exchange(&world, &good, &[(name, value)]).await.refusal();
        assert_eq!(refused, refusal("invalid_request"), "{name} {value}");
    }
    assert_eq!(exchange(&world, &good, &[]).await.status, 200);
}

/// Checklist: C.14
#[tokio::test]
async fn a_target_that_is_not_the_clients_is_an_invalid_target() {
    let world = world().await;
    let subject = token(&world, &["ssh", "api"]).await;
    for (name, target) in [
        ("resource", "https://other.example.org"),
        ("audience", "https://other.example.org"),
        ("audience", "other"),
        ("resource", "ssh"),
    ] {
        let refused = exchange(&world, &subject, &[(name, target)])
            .await
            .refusal();
        assert_eq!(refused, refusal("invalid_target"), "{name} {target}");
    }
    let targets = [("resource", "ssh://h"), ("audience", "backend")];
    let answer = exchange(&world, &subject, &targets).await;
    assert_eq!(
        answer.claims("access_token")["aud"],
        json!(["ssh://h", "backend"])
    );
    // The scope that reaches it is not there any more.
    let narrow = [("resource", "ssh://h"), ("scope", "api")];
    let refused = exchange(&world, &subject, &narrow).await;
    assert_eq!(refused.refusal(), refusal("invalid_target"));
}

/// Checklist: C.14
#[tokio::test]
async fn a_token_never_comes_to_more_than_it_is() {
    let world = world().await;
    let expires = world.now() + 100;
    let grant = Grant {
        expires,
        ..world.grant("app", &["ssh"])
    };
    let subject = token_for(&world, grant).await;
    for more in ["api", "ssh api", "openid"] {
        let refused = exchange(&world, &subject, &[("scope", more)]).await;
        assert_eq!(refused.refusal(), refusal("invalid_scope"), "{more}");
    }
    let nothing = token(&world, &[]).await;
    let refused = exchange(&world, &nothing, &[]).await;
    assert_eq!(refused.refusal(), refusal("invalid_scope"));
    let answer = exchange(&world, &subject, &[]).await;
    assert_eq!(answer.member("scope"), "ssh");
    assert_eq!(answer.claims("access_token")["exp"], expires);
    // Nor does it live longer than the actor's.
    let long = token(&world, &["ssh"]).await;
    let answer = exchange(&world, &long, &actor(&subject)).await;
    assert_eq!(answer.claims("access_token")["exp"], expires);
}

/// Checklist: C.14
#[tokio::test]
async fn a_public_client_exchanges_its_own_tokens_alone() {
    let world = world().await;
    let own = token_for(&world, world.grant("self", &["ssh"])).await;
    let others = token(&world, &["ssh"]).await;
    let sent = async |subject: &str| {
        let form = [
            ("grant_type", EXCHANGE),
            ("client_id", "self"),
            ("subject_token", subject),
            ("subject_token_type", ACCESS_TOKEN),
        ];
        world.post("/token", &form, None).await
    };
    assert_eq!(sent(&own).await.status, 200);
    assert_eq!(sent(&others).await.refusal(), refusal("invalid_request"));
}

/// Whoever was shown a token, as the servers are that it opens, does not make more of it.
///
/// Checklist: C.14
#[tokio::test]
async fn a_client_exchanges_what_is_meant_for_it() {
    let world = world().await;
    let meant = token(&world, &["ssh", "api"]).await;
    let not_meant = token(&world, &["ssh"]).await;
    for (client_id, subject, expected) in [
        ("api", &meant, (200, String::new())),
        ("api", &not_meant, refusal("invalid_request")),
        ("other", &meant, refusal("invalid_request")),
        // Its registration says that it may ask about any.
        ("gateway", &not_meant, (200, String::new())),
    ] {
        let answer = exchange_as(&world, client_id, subject, &[]).await;
        let outcome = (answer.status, answer.member("error"));
        assert_eq!(outcome, expected, "{client_id}");
    }
    let refused = exchange_as(&world, "api", &meant, &actor(&not_meant)).await;
    assert_eq!(refused.refusal(), refusal("invalid_request"));
}

fn claims(world: &World) -> Value {
    json!({
        "sub": ACCOUNT, "aud": "https://auth.example.org", "exp": world.now() + 200,
        "scope": "whatever", "jti": "j", "amr": ["otp"], "auth_time": 5,
    })
}

/// Checklist: C.14
#[tokio::test]
async fn a_token_of_a_trusted_issuer_becomes_a_short_one_of_this_server() {
    let world = world().await;
    let ci = world.trust("ci", TRUST);
    let subject = ci.token(&claims(&world));
    let scope = [("scope", "ssh"), ("subject_token_type", JWT)];
    let answer = exchange(&world, &subject, &scope).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let claims = answer.claims("access_token");
    assert_eq!(
        (&claims["sub"], &claims["scope"]),
        (&json!(ACCOUNT), &json!("ssh"))
    );
    let lifetime = answer.json()["expires_in"].as_u64().unwrap();
    assert!((1..=200).contains(&lifetime), "{lifetime}");
    // Nobody has logged in here.
    assert_eq!((claims.get("amr"), claims.get("auth_time")), (None, None));
}

/// What the rules of `issuers.d` do not let in, one thing at a time.
///
/// Checklist: C.14
#[tokio::test]
async fn a_token_of_another_issuer_is_taken_by_the_rules_of_a_login_alone() {
    let world = world().await;
    let ci = world.trust("ci", TRUST);
    let passed_on = "account = \"daemon\"\nmay_issue = false";
    let kept = world.trust("kept", &TRUST.replace("account = \"{sub}\"", passed_on));
    let sent = async |issuer: &Foreign, change: Value| {
        let mut claims = claims(&world);
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let answer = exchange(&world, &issuer.token(&claims), &[]).await;
        (answer.status, answer.member("error"))
    };
    assert_eq!(sent(&ci, json!({})).await, (200, String::new()));
    let now = world.now();
    for change in [
        json!({ "sub": "no-such-account" }),
        json!({ "sub": "root" }),
        json!({ "sub": "nobody" }),
        json!({ "aud": "ssh://h" }),
        json!({ "exp": now - 400 }),
        json!({ "exp": now }),
        json!({ "iat": now + 400 }),
        json!({ "iss": "https://unknown.example.org" }),
        json!({ "iss": "https://auth.example.org" }),
        json!({ "cnf": { "jkt": "x" } }),
    ] {
        assert_eq!(
            sent(&ci, change.clone()).await,
            refusal("invalid_request"),
            "{change}"
        );
    }
    // What is not to be passed on does not become a token.
    assert_eq!(sent(&kept, json!({})).await, refusal("invalid_request"));
}

/// Checklist: C.14
#[tokio::test]
async fn where_the_subject_names_who_may_act_nobody_else_does() {
    let world = world().await;
    let ci = world.trust("ci", TRUST);
    let mut of = claims(&world);
    of["may_act"] = json!({ "sub": "client:gateway" });
    let subject = ci.token(&of);
    let gateway = own(&world).await;
    let person = token(&world, &["ssh"]).await;
    let alone = exchange(&world, &subject, &[]).await;
    assert_eq!(alone.refusal(), refusal("invalid_request"));
    let refused = exchange(&world, &subject, &actor(&person)).await;
    assert_eq!(refused.refusal(), refusal("invalid_request"));
    let answer = exchange(&world, &subject, &actor(&gateway)).await;
    assert_eq!(
        answer.claims("access_token")["act"],
        json!({ "sub": "client:gateway" })
    );
}
