//! What happens once happens once, with two replicas and twenty callers at the same moment.

use super::{code, device, grant, on_both, token};
use crate::store::{Decision, Issued, Poll, Redeemed, Store};
use crate::token::status::BLOCK;
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const CALLERS: usize = 20;

/// What twenty callers at once are told, half of them by another replica.
async fn at_once<T, F>(
    replicas: [&Store; 2],
    call: impl Fn(Store, u64) -> F + Copy + Send + 'static,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send,
{
    let barrier = Arc::new(Barrier::new(CALLERS));
    let mut callers = JoinSet::new();
    for (number, replica) in (0..).zip(replicas.into_iter().cycle().take(CALLERS)) {
        let (replica, barrier) = (replica.clone(), Arc::clone(&barrier));
        callers.spawn(async move {
            barrier.wait().await;
            call(replica, number).await
        });
    }
    callers.join_all().await
}

/// One is done, all others came again; what was issued to the one is taken back.
async fn assert_once(told: Vec<(u64, Redeemed)>, store: &Store) {
    let mut done = Vec::new();
    let mut taken = BTreeSet::new();
    for (number, redeemed) in told {
        match redeemed {
            Redeemed::Done => done.push(number),
            Redeemed::Again(issued) => {
                taken.extend(issued.into_iter().map(|Issued { index, .. }| index))
            }
            Redeemed::Gone => panic!("{number} came for nothing"),
        }
    }
    assert_eq!(done.len(), 1, "{done:?}");
    assert!(taken.contains(&done[0]), "{taken:?}");
    let revoked = store.revoked(0, 100).await.unwrap().indices;
    assert!(revoked.contains(&(done[0], 1000)), "{revoked:?}");
}

/// Checklist: C.8
#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_redeemed_once() {
    on_both(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        for round in ["f1", "f2", "f3"] {
            one.put_code("c", &code(round), 200).await.unwrap();
            let told = at_once([&one, &other], |store, number| async move {
                let refresh = format!("r{number}");
                let redeemed = store.redeem_code("c", 100, token(number), Some((&refresh, 500)));
                (number, redeemed.await.unwrap())
            })
            .await;
            assert_once(told, &other).await;
            assert!(!one.family_stands(round).await.unwrap());
            // As if all of it were over.
            one.sweep(1_000_000).await.unwrap();
        }
    })
    .await;
}

/// Checklist: C.11
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_used_once() {
    on_both(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        for round in ["f1", "f2", "f3"] {
            one.put_code("c", &code(round), 200).await.unwrap();
            let first = one.redeem_code("c", 100, token(99), Some(("first", 500)));
            assert_eq!(first.await.unwrap(), Redeemed::Done);
            let told = at_once([&one, &other], |store, number| async move {
                let new = format!("r{number}");
                let rotated = store.rotate("first", 100, token(number), (&new, 600));
                (number, rotated.await.unwrap())
            })
            .await;
            assert_once(told, &other).await;
            let revoked = one.revoked(0, 100).await.unwrap().indices;
            assert!(revoked.contains(&(99, 1000)), "{revoked:?}");
            // What the one has got is worth nothing either.
            for number in 0..CALLERS {
                if let Some(kept) = one.refresh(&format!("r{number}")).await.unwrap() {
                    assert!(kept.revoked && !kept.is_good(100));
                }
            }
            one.sweep(1_000_000).await.unwrap();
        }
    })
    .await;
}

/// Checklist: C.13
#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_decided_about_and_gets_its_tokens_once() {
    on_both(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        assert!(one.put_device("d", "u", &device(), 5, 200).await.unwrap());
        let decided = at_once([&one, &other], |store, number| async move {
            let decision = if number % 2 == 0 {
                Decision::Denied
            } else {
                Decision::Allowed(Box::new(grant(&format!("f{number}"))))
            };
            store.decide_device("u", &decision, 100).await.unwrap()
        })
        .await;
        assert_eq!(decided.into_iter().filter(|first| *first).count(), 1);

        let allowed = Decision::Allowed(Box::new(grant("f")));
        assert!(one.put_device("e", "v", &device(), 5, 200).await.unwrap());
        assert!(one.decide_device("v", &allowed, 100).await.unwrap());
        let ready = other.poll_device("e", "tv", 100).await.unwrap();
        assert_eq!(ready, Poll::Ready(Box::new(grant("f"))));
        let told = at_once([&one, &other], |store, number| async move {
            let redeemed = store.redeem_device("e", 100, token(number), None).await;
            (number, redeemed.unwrap())
        })
        .await;
        assert_once(told, &one).await;
    })
    .await;
}

/// Checklist: C.16
#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_request_is_answered_once() {
    on_both(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        one.put_request("p", "web", "{}", 200).await.unwrap();
        let ended = at_once([&one, &other], |store, _| async move {
            store.end_request("p").await.unwrap()
        })
        .await;
        assert_eq!(ended.into_iter().filter(|first| *first).count(), 1);
        assert_eq!(one.request("p", "web", 100).await.unwrap(), None);
    })
    .await;
}

/// However many register at once, there are no more than there may be.
///
/// Checklist: C.16
#[tokio::test(flavor = "multi_thread")]
async fn no_more_clients_register_than_may() {
    on_both(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        let kept = at_once([&one, &other], |store, number| async move {
            let client = format!(r#"{{"client_id":"c{number}"}}"#);
            let client = serde_json::from_str(&client).unwrap();
            store.register(&client, 7).await.unwrap()
        })
        .await;
        assert_eq!(kept.into_iter().filter(|kept| *kept).count(), 7);
        assert_eq!(one.registered_all().await.unwrap().len(), 7);
    })
    .await;
}

/// Checklist: C.14
#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_used_once() {
    on_both(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        let used = at_once([&one, &other], |store, _| async move {
            store.first_use("assertion", "jti", 200).await.unwrap()
        })
        .await;
        assert_eq!(used.into_iter().filter(|first| *first).count(), 1);
        assert!(one.first_use("assertion", "another", 200).await.unwrap());
        assert!(one.first_use("another", "jti", 200).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_index_is_given_out_twice() {
    on_both(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        let drawn = at_once([&one, &other], |store, _| async move {
            store.draw_indices(100).await.unwrap()
        })
        .await;
        let drawn: BTreeSet<u64> = drawn.into_iter().collect();
        let expected: BTreeSet<u64> = (0..).step_by(BLOCK as usize).take(CALLERS).collect();
        assert_eq!(drawn, expected);
    })
    .await;
}

/// Who revokes a family at the moment at which a token of it is issued gets hold of that token, or
/// none is issued.
#[tokio::test(flavor = "multi_thread")]
async fn a_family_is_not_revoked_past_a_token() {
    on_both(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        for round in 0..30_u64 {
            let family = format!("f{round}");
            let (old, new) = (format!("old{round}"), format!("new{round}"));
            let digest = format!("c{round}");
            one.put_code(&digest, &code(&family), 200).await.unwrap();
            let first = one.redeem_code(&digest, 100, token(2 * round), Some((&old, 500)));
            assert_eq!(first.await.unwrap(), Redeemed::Done);
            let (rotated, revoked) = tokio::join!(
                one.rotate(&old, 100, token(2 * round + 1), (&new, 500)),
                other.revoke_family(&family, 100),
            );
            let mut expected = vec![token(2 * round)];
            match rotated.unwrap() {
                Redeemed::Done => expected.push(token(2 * round + 1)),
                Redeemed::Gone => {}
                Redeemed::Again(_) => panic!("it was used once"),
            }
            let mut revoked = revoked.unwrap();
            revoked.sort();
            assert_eq!(revoked, expected);
        }
    })
    .await;
}
