//! Accounts that may not log in any more, at every grant that their owners are not there for.

use super::Issued;
use crate::resource_owner::message::Reason;
use crate::store::{Decision, Device};
use crate::testing::{ACCOUNT, REDIRECT, SECRET, VERIFIER, World, confidential};
use crate::token::secret::Secret;
use serde_json::json;

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

const TRUST: &str = "audience = [\"https://auth.example.org\"]\n\
    [[allow]]\naccount = \"{sub}\"\nservices = [\"pam-jwt-authserver\"]\n";

type Form = Vec<(&'static str, String)>;

async fn world() -> World {
    let app = format!(
        "redirect_uris = [\"{REDIRECT}\"]\nscopes = [\"ssh\"]\ngrant_types = \
         [\"authorization_code\", \"refresh_token\", \"{DEVICE}\", \"{EXCHANGE}\", \"{JWT_BEARER}\"]\n"
    );
    World::new(crate::testing::CONFIG, &[confidential("app", &app)]).await
}

/// What comes of each thing that somebody may present for an account later.
async fn forms(world: &World) -> Vec<Form> {
    let (store, now) = (&world.server.store, world.now());
    let grant = || world.grant("app", &["ssh"]);
    let code = world.code(grant()).await;

    let refresh = Secret::new().unwrap();
    let first = Issued {
        index: world.server.next_index().await.unwrap(),
        expires: now + 600,
    };
    let next = (refresh.digest.as_str(), now + 600);
    store.begin_family(&grant(), first, next).await.unwrap();

    let (device, user) = (Secret::new().unwrap(), Secret::new().unwrap());
    let asked = Device {
        client_id: "app".to_owned(),
        scopes: vec!["ssh".to_owned()],
        resources: Vec::new(),
    };
    let put = store.put_device(&device.digest, &user.digest, &asked, 5, now + 600);
    assert!(put.await.unwrap());
    let allowed = Decision::Allowed(Box::new(grant()));
    let decided = store.decide_device(&user.digest, &allowed, now);
    assert!(decided.await.unwrap());

    let of = |jti: &str| {
        json!({
            "sub": ACCOUNT, "aud": "https://auth.example.org", "exp": now + 120, "jti": jti,
        })
    };
    let ci = world.trust("ci", TRUST);
    vec![
        vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code),
            ("redirect_uri", REDIRECT.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ],
        vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", refresh.text.to_string()),
        ],
        vec![
            ("grant_type", DEVICE.to_owned()),
            ("device_code", device.text.to_string()),
        ],
        vec![
            ("grant_type", EXCHANGE.to_owned()),
            ("subject_token", ci.token(&of("one"))),
            ("subject_token_type", JWT.to_owned()),
        ],
        vec![
            ("grant_type", JWT_BEARER.to_owned()),
            ("assertion", ci.token(&of("two"))),
        ],
    ]
}

async fn answers(world: &World, forms: &[Form]) -> Vec<(u16, String)> {
    let mut answers = Vec::new();
    for form in forms {
        let form: Vec<_> = form
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = world.post("/token", &form, Some(("app", SECRET))).await;
        answers.push(answer.refusal());
    }
    answers
}

fn says(world: &World, refused: Option<Reason>) -> usize {
    let mut account = world.account.lock().unwrap();
    account.refused = refused;
    std::mem::take(&mut account.asked)
}

#[tokio::test]
async fn an_account_that_may_not_log_in_any_more_gets_nothing_new() {
    let world = world().await;
    let forms = forms(&world).await;
    let refusal = |error: &str| (400, error.to_owned());
    for reason in [
        Reason::AccountExpired,
        Reason::PasswordExpired,
        Reason::AccessDenied,
    ] {
        says(&world, Some(reason));
        let expected = [
            refusal("invalid_grant"),
            refusal("invalid_grant"),
            refusal("invalid_grant"),
            refusal("invalid_request"),
            refusal("invalid_grant"),
        ];
        assert_eq!(answers(&world, &forms).await, expected, "{reason:?}");
        assert_eq!(says(&world, None), forms.len());
    }
    // Nothing was used up by that, and PAM is asked once for all that comes within a minute.
    let good = vec![(200, String::new()); forms.len()];
    assert_eq!(answers(&world, &forms).await, good);
    assert_eq!(says(&world, None), 1);
}

#[tokio::test]
async fn where_pam_does_not_say_nobody_gets_anything_new() {
    let world = world().await;
    let forms = forms(&world).await;
    says(&world, Some(Reason::Unavailable));
    let passing = vec![(503, "temporarily_unavailable".to_owned()); forms.len()];
    assert_eq!(answers(&world, &forms).await, passing);
    says(&world, None);
    let good = vec![(200, String::new()); forms.len()];
    assert_eq!(answers(&world, &forms).await, good);
}

/// What people allowed a client is not for another that has its id later.
#[tokio::test]
async fn a_client_that_is_registered_anew_gets_nothing_of_what_the_one_before_it_had() {
    let app = format!(
        "redirect_uris = [\"{REDIRECT}\"]\nscopes = [\"ssh\"]\nclient_id_issued_at = 100\n\
         grant_types = [\"authorization_code\"]\n"
    );
    let world = World::new(crate::testing::CONFIG, &[confidential("app", &app)]).await;
    for (registered, expected) in [(None, 400), (Some(99), 400), (Some(100), 200)] {
        let grant = crate::store::Grant {
            registered,
            ..world.grant("app", &["ssh"])
        };
        let code = world.code(grant).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        let answer = world.post("/token", &form, Some(("app", SECRET))).await;
        assert_eq!(answer.status, expected, "{registered:?}: {}", answer.text);
        let error = answer.member("error");
        assert_eq!(error == "invalid_grant", expected == 400, "{error}");
    }
}
