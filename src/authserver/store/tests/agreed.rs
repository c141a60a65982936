//! What people agreed to, with whom, and what ends with it.

use super::{code, grant, on_both, token};
use crate::store::{Redeemed, Session};
use clients::Client;

/// Checklist: C.16
#[tokio::test(flavor = "multi_thread")]
async fn registered_clients_are_kept() {
    on_both(async |database| {
        let store = database.open().await;
        let client: Client = serde_json::from_str(
            r#"{"client_id":"c","client_name":"A","redirect_uris":["https://c/"],"scopes":["read"]}"#,
        )
        .unwrap();
        assert!(!store.register(&client, 0).await.unwrap());
        assert!(store.register(&client, 2).await.unwrap());
        assert!(!store.register(&client, 2).await.unwrap());
        let (alice, scopes) = (session(), ["read".to_owned()]);
        let remembered = store.remember_consent(&alice, &client, &scopes);
        remembered.await.unwrap();
        assert_eq!(store.registered("c").await.unwrap(), Some(client.clone()));
        assert_eq!(store.registered_all().await.unwrap(), std::slice::from_ref(&client));
        assert!(store.unregister("c").await.unwrap());
        assert!(!store.unregister("c").await.unwrap());
        assert_eq!(store.registered("c").await.unwrap(), None);
        let consent = store.consent(&alice, &client).await.unwrap();
        assert_eq!(consent, [] as [&str; 0]);
    })
    .await;
}

fn session() -> Session {
    Session {
        account: "alice".to_owned(),
        uid: 1000,
        auth_time: 90,
        amr: vec!["pwd".to_owned(), "otp".to_owned()],
        expires: 200,
    }
}

fn web(client_id_issued_at: Option<u64>) -> Client {
    let client: Client = serde_json::from_str(r#"{"client_id":"web"}"#).unwrap();
    Client {
        client_id_issued_at,
        ..client
    }
}

/// A name that was given to somebody else, and a client that was registered again, come to nothing
/// of what was allowed before.
#[tokio::test(flavor = "multi_thread")]
async fn consent_is_of_an_account_and_a_client_and_not_of_names() {
    on_both(async |database| {
        let store = database.open().await;
        let alice = session();
        let scopes = ["read".to_owned()];
        let client = web(Some(100));
        let remembered = store.remember_consent(&alice, &client, &scopes);
        remembered.await.unwrap();
        let bob = Session {
            account: "bob".to_owned(),
            ..session()
        };
        let another_alice = Session {
            uid: 1001,
            ..session()
        };
        for (who, client, expected) in [
            (&alice, web(Some(100)), scopes.as_slice()),
            (&bob, web(Some(100)), &[]),
            (&another_alice, web(Some(100)), &[]),
            (&alice, web(Some(101)), &[]),
            (&alice, web(None), &[]),
        ] {
            assert_eq!(store.consent(who, &client).await.unwrap(), expected);
        }
    })
    .await;
}

/// What is made of an access token is of the family that the token is of, and ends with it.
///
/// Checklist: C.11
#[tokio::test(flavor = "multi_thread")]
async fn a_family_takes_what_was_made_of_its_tokens_with_it() {
    on_both(async |database| {
        let store = database.open().await;
        assert_eq!(store.grant_of(1).await.unwrap(), None);
        store.put_code("c", &code("f"), 200).await.unwrap();
        let first = store.redeem_code("c", 100, token(1), None);
        assert_eq!(first.await.unwrap(), Redeemed::Done);
        assert_eq!(store.grant_of(1).await.unwrap(), Some(grant("f")));
        assert!(store.extend_family("f", 100, token(2)).await.unwrap());
        // And what is made of that one.
        assert_eq!(store.grant_of(2).await.unwrap(), Some(grant("f")));
        assert!(store.extend_family("f", 100, token(3)).await.unwrap());
        let mut revoked = store.revoke_family("f", 101).await.unwrap();
        revoked.sort();
        assert_eq!(revoked, [token(1), token(2), token(3)]);
        assert!(!store.extend_family("f", 102, token(4)).await.unwrap());
        assert_eq!(store.grant_of(4).await.unwrap(), None);
        assert!(!store.extend_family("g", 102, token(5)).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_hold_until_they_end_and_consent_adds_up() {
    on_both(async |database| {
        let store = database.open().await;
        let session = session();
        store.put_session("s", &session).await.unwrap();
        let now = |now| store.session("s", now);
        assert_eq!(now(199).await.unwrap(), Some(session.clone()));
        assert_eq!(now(200).await.unwrap(), None);
        store.end_session("s").await.unwrap();
        assert_eq!(now(199).await.unwrap(), None);

        let client = web(None);
        for scopes in [["write", "read"], ["read", "openid"]] {
            let scopes = scopes.map(str::to_owned);
            let remembered = store.remember_consent(&session, &client, &scopes);
            remembered.await.unwrap();
        }
        let consent = store.consent(&session, &client).await.unwrap();
        assert_eq!(consent, ["openid", "read", "write"]);
    })
    .await;
}
