//! What is kept, for how long, and what comes of it.

use super::{code, device, grant, on_both, token};
use crate::store::codes::KeptCode;
use crate::store::refresh::KeptRefresh;
use crate::store::{Decision, Issued, Poll, Redeemed};
use crate::token::status::{BLOCK, LEEWAY, LIST};

/// Checklist: C.8
#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once_and_until_it_expires() {
    on_both(async |database| {
        let store = database.open().await;
        store.put_code("c", &code("f"), 200).await.unwrap();
        let kept = |used| KeptCode {
            code: code("f"),
            expires: 200,
            used,
        };
        assert_eq!(store.code("c").await.unwrap(), Some(kept(false)));
        assert_eq!(store.code("d").await.unwrap(), None);
        let redeem = async |digest, now| {
            store
                .redeem_code(digest, now, token(1), Some(("r", 500)))
                .await
                .unwrap()
        };
        assert_eq!(redeem("d", 100).await, Redeemed::Gone);
        assert_eq!(redeem("c", 200).await, Redeemed::Gone);
        assert_eq!(redeem("c", 199).await, Redeemed::Done);
        assert_eq!(store.code("c").await.unwrap(), Some(kept(true)));
        assert!(store.family_stands("f").await.unwrap());
        // Also when it has long expired, and whoever has it next.
        store.sweep(450).await.unwrap();
        assert_eq!(redeem("c", 450).await, Redeemed::Again(vec![token(1)]));
        assert!(!store.family_stands("f").await.unwrap());
        assert!(!store.family_stands("g").await.unwrap());
    })
    .await;
}

/// Checklist: C.11
#[tokio::test(flavor = "multi_thread")]
async fn refresh_tokens_rotate_until_one_comes_again() {
    on_both(async |database| {
        let store = database.open().await;
        store.put_code("c", &code("f"), 200).await.unwrap();
        let first = store.redeem_code("c", 100, token(1), Some(("r1", 500)));
        assert_eq!(first.await.unwrap(), Redeemed::Done);
        let kept = |used, revoked| KeptRefresh {
            grant: grant("f"),
            expires: 500,
            used,
            revoked,
        };
        let rotate = async |old, now, index, new| {
            store
                .rotate(old, now, token(index), (new, 600))
                .await
                .unwrap()
        };
        let refresh = async |digest| store.refresh(digest).await.unwrap();
        assert_eq!(refresh("r1").await, Some(kept(false, false)));
        assert_eq!(rotate("r0", 110, 2, "r2").await, Redeemed::Gone);
        assert_eq!(rotate("r1", 500, 2, "r2").await, Redeemed::Gone);
        assert_eq!(rotate("r1", 110, 2, "r2").await, Redeemed::Done);
        assert_eq!(refresh("r1").await, Some(kept(true, false)));
        assert_eq!(rotate("r2", 120, 3, "r3").await, Redeemed::Done);
        let taken = vec![token(1), token(2), token(3)];
        assert_eq!(rotate("r1", 130, 4, "r4").await, Redeemed::Again(taken));
        assert_eq!(refresh("r1").await, Some(kept(true, true)));
        assert_eq!(rotate("r3", 140, 5, "r5").await, Redeemed::Gone);
        assert_eq!(refresh("r4").await, None);
        assert_eq!(refresh("r5").await, None);
        let revoked = store.revoked(0, 140).await.unwrap();
        assert_eq!(revoked.indices.len(), 3);
    })
    .await;
}

/// A family that is refreshed for months keeps what matters.
#[tokio::test(flavor = "multi_thread")]
async fn a_family_does_not_grow() {
    on_both(async |database| {
        let store = database.open().await;
        store.put_code("c", &code("f"), 200).await.unwrap();
        let first = store.redeem_code("c", 100, token(0), Some(("r0", 1100)));
        assert_eq!(first.await.unwrap(), Redeemed::Done);
        let mut now = 100;
        for round in 1..40_u64 {
            now += 500;
            let issued = Issued {
                index: round,
                expires: now + 600,
            };
            let (old, new) = (format!("r{}", round - 1), format!("r{round}"));
            let rotated = store.rotate(&old, now, issued, (&new, now + 1000)).await;
            assert_eq!(rotated.unwrap(), Redeemed::Done);
        }
        let issued = store.revoke_family("f", now).await.unwrap();
        let indices: Vec<u64> = issued.iter().map(|issued| issued.index).collect();
        assert_eq!(indices, [38, 39]);
        assert_eq!(store.refresh("r30").await.unwrap(), None);
        assert!(store.refresh("r38").await.unwrap().is_some());
    })
    .await;
}

/// Checklist: C.13
#[tokio::test(flavor = "multi_thread")]
async fn a_device_waits_at_its_pace_until_somebody_decides() {
    on_both(async |database| {
        let store = database.open().await;
        assert!(store.put_device("d", "u", &device(), 5, 900).await.unwrap());
        // Another has to be made.
        assert!(!store.put_device("e", "u", &device(), 5, 900).await.unwrap());
        let poll = async |now| store.poll_device("d", "tv", now).await.unwrap();
        assert_eq!(
            store.poll_device("d", "web", 100).await.unwrap(),
            Poll::Unknown
        );
        assert_eq!(
            store.poll_device("e", "tv", 100).await.unwrap(),
            Poll::Unknown
        );
        assert_eq!(poll(100).await, Poll::Pending);
        assert_eq!(poll(105).await, Poll::Pending);
        assert_eq!(poll(109).await, Poll::SlowDown);
        assert_eq!(poll(115).await, Poll::SlowDown);
        assert_eq!(poll(130).await, Poll::Pending);
        let kept = store.device_by_user_code("u").await.unwrap().unwrap();
        assert_eq!((kept.interval, kept.polled), (15, 130));
        assert_eq!(kept.device, device());
        assert_eq!(store.device_by_user_code("v").await.unwrap(), None);

        let decide = async |decision| store.decide_device("u", &decision, 140).await.unwrap();
        assert!(decide(Decision::Allowed(Box::new(grant("f")))).await);
        assert!(!decide(Decision::Denied).await);
        assert_eq!(poll(141).await, Poll::Ready(Box::new(grant("f"))));
        let redeem = async |now| store.redeem_device("d", now, token(1), None).await.unwrap();
        assert_eq!(redeem(900).await, Redeemed::Gone);
        assert_eq!(redeem(141).await, Redeemed::Done);
        assert_eq!(redeem(142).await, Redeemed::Again(vec![token(1)]));
        assert_eq!(poll(900).await, Poll::Expired);

        assert!(store.put_device("g", "w", &device(), 5, 900).await.unwrap());
        assert!(
            !store
                .decide_device("w", &Decision::Denied, 900)
                .await
                .unwrap()
        );
        assert!(
            store
                .decide_device("w", &Decision::Denied, 899)
                .await
                .unwrap()
        );
        assert_eq!(
            store.poll_device("g", "tv", 899).await.unwrap(),
            Poll::Denied
        );
        let denied = store.redeem_device("g", 899, token(2), None).await;
        assert_eq!(denied.unwrap(), Redeemed::Gone);
    })
    .await;
}

/// Checklist: C.13
#[tokio::test(flavor = "multi_thread")]
async fn wrong_user_codes_are_counted_for_a_while() {
    on_both(async |database| {
        let store = database.open().await;
        assert_eq!(store.wrong_user_codes("alice", 100).await.unwrap(), 0);
        for count in 1..=6 {
            let counted = store
                .wrong_user_code("alice", 100 + count, 200 + count)
                .await;
            assert_eq!(counted.unwrap(), count);
        }
        assert_eq!(store.wrong_user_codes("alice", 200).await.unwrap(), 6);
        assert_eq!(store.wrong_user_codes("bob", 200).await.unwrap(), 0);
        assert_eq!(store.wrong_user_codes("alice", 201).await.unwrap(), 0);
        assert_eq!(store.wrong_user_code("alice", 201, 300).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_request_is_its_clients() {
    on_both(async |database| {
        let store = database.open().await;
        store
            .put_request("p", "web", "{\"a\":\"ü\"}", 200)
            .await
            .unwrap();
        let request = async |client, now| store.request("p", client, now).await.unwrap();
        assert_eq!(request("web", 199).await.as_deref(), Some("{\"a\":\"ü\"}"));
        assert_eq!(request("web", 199).await.as_deref(), Some("{\"a\":\"ü\"}"));
        assert_eq!(request("app", 199).await, None);
        assert_eq!(request("web", 200).await, None);
        assert!(store.end_request("p").await.unwrap());
        assert_eq!(request("web", 199).await, None);
    })
    .await;
}

/// What one replica takes back the others learn, and what they know they are not told again.
///
/// Checklist: C.15
#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_is_learnt_in_its_order() {
    on_both(async |database| {
        let (one, other) = (database.open().await, database.open().await);
        let none = other.revoked(0, 100).await.unwrap();
        assert_eq!((none.indices.len(), none.sequence), (0, 0));
        one.revoke(&[(7, 1000), (8, 150)]).await.unwrap();
        one.revoke(&[(9, 1000)]).await.unwrap();
        one.revoke(&[]).await.unwrap();
        let mut news = other.revoked(0, 100).await.unwrap();
        news.indices.sort_unstable();
        assert_eq!(news.indices, [(7, 1000), (8, 150), (9, 1000)]);
        assert_eq!(news.sequence, 2);
        one.revoke(&[(9, 1000), (10, 1000)]).await.unwrap();
        let news = other.revoked(news.sequence, 100).await.unwrap();
        assert_eq!((news.indices, news.sequence), (vec![(10, 1000)], 3));
        assert_eq!(other.revoked(3, 100).await.unwrap().indices, []);
        // An earlier state was restored.
        assert_eq!(other.revoked(9, 100).await.unwrap().indices.len(), 4);
        // A host may take a token for a while after it has expired.
        let late = other.revoked(0, 149 + LEEWAY).await.unwrap().indices;
        assert!(late.contains(&(8, 150)));
        let later = other.revoked(0, 150 + LEEWAY).await.unwrap().indices;
        assert!(!later.contains(&(8, 150)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_those_that_indices_were_lately_drawn_of() {
    on_both(async |database| {
        let store = database.open().await;
        assert_eq!(store.lists(0).await.unwrap(), [] as [u64; 0]);
        store.draw_indices(100).await.unwrap();
        assert_eq!(store.lists(99).await.unwrap(), [0]);
        assert_eq!(store.lists(100).await.unwrap(), [] as [u64; 0]);
        // Up to a block that lies in two lists.
        let next = LIST / BLOCK * BLOCK;
        sqlx::query("UPDATE numbers SET value = $1 WHERE name = 'next_index'")
            .bind(i64::try_from(next).unwrap())
            .execute(&store.writers)
            .await
            .unwrap();
        assert_eq!(store.draw_indices(200).await.unwrap(), next);
        assert_eq!(store.lists(100).await.unwrap(), [0, 1]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_deleted_and_nothing_else() {
    on_both(async |database| {
        let store = database.open().await;
        for number in 0..1200_u64 {
            let digest = format!("old{number}");
            assert!(store.first_use("k", &digest, 200).await.unwrap());
        }
        assert!(store.first_use("k", "new", 201).await.unwrap());
        store.put_code("c1", &code("f1"), 200).await.unwrap();
        store.put_code("c2", &code("f2"), 200).await.unwrap();
        store.put_code("c3", &code("f3"), 201).await.unwrap();
        let first = store.redeem_code("c2", 100, token(1), Some(("r", 5000)));
        assert_eq!(first.await.unwrap(), Redeemed::Done);
        store.put_request("p", "web", "{}", 200).await.unwrap();
        assert!(store.put_device("d", "u", &device(), 5, 200).await.unwrap());
        store.wrong_user_code("alice", 100, 200).await.unwrap();
        store.revoke(&[(5, 200), (6, 1000)]).await.unwrap();
        let count = async |table: &'static str| {
            let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
            sqlx::query_scalar::<_, i64>(count)
                .fetch_one(&store.readers)
                .await
                .unwrap()
        };
        store.sweep(200).await.unwrap();
        for (table, left) in [
            ("seen", 1),
            ("codes", 2),
            ("families", 1),
            ("issued", 1),
            ("refresh", 1),
            ("requests", 0),
            ("devices", 0),
            ("tries", 0),
            ("revoked", 2),
        ] {
            assert_eq!(count(table).await, left, "{table}");
        }
        store.sweep(200 + LEEWAY).await.unwrap();
        assert_eq!(count("revoked").await, 1);
        store.sweep(5000).await.unwrap();
        for (table, left) in [("families", 0), ("issued", 0), ("refresh", 0), ("codes", 1)] {
            assert_eq!(count(table).await, left, "{table}");
        }
        store.sweep(grant("f").expires).await.unwrap();
        assert_eq!(count("codes").await, 0);
    })
    .await;
}
