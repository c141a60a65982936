//! Databases that are busy, gone, and back.

use super::database::{Cluster, Database};
use super::{code, on_both, token};
use crate::store::{Redeemed, Store};
use tokio::task::JoinSet;

/// All kinds of work at once, on what is one connection with SQLite: nobody waits for a
/// connection while holding one.
#[tokio::test(flavor = "multi_thread")]
async fn much_at_once_comes_to_an_end() {
    on_both(async |database| {
        let store = database.open().await;
        let mut tasks = JoinSet::new();
        for number in 0..100_u64 {
            let store = store.clone();
            tasks.spawn(async move {
                let (digest, family) = (format!("c{number}"), format!("f{number}"));
                let (r1, r2) = (format!("r{number}"), format!("s{number}"));
                store.put_code(&digest, &code(&family), 200).await.unwrap();
                let redeemed = store.redeem_code(&digest, 100, token(number), Some((&r1, 500)));
                assert_eq!(redeemed.await.unwrap(), Redeemed::Done);
                let rotated = store.rotate(&r1, 100, token(1000 + number), (&r2, 500));
                assert_eq!(rotated.await.unwrap(), Redeemed::Done);
                store.sweep(100).await.unwrap();
                let taken = store.revoke_family(&family, 100).await.unwrap();
                assert_eq!(taken.len(), 2);
                let _ = store.draw_indices(100).await.unwrap();
                store.ping().await.unwrap();
            });
        }
        tasks.join_all().await;
        assert_eq!(store.revoked(0, 100).await.unwrap().indices.len(), 200);
    })
    .await;
}

/// A request that is broken off anywhere, as when its client hangs up, leaves all of its work or
/// none, and the connection to the next.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_off_is_done_or_not() {
    on_both(async |database| {
        let store = database.open().await;
        let mut tasks = JoinSet::new();
        for number in 0..60_u64 {
            let digest = format!("c{number}");
            let family = format!("f{number}");
            store.put_code(&digest, &code(&family), 200).await.unwrap();
            let store = store.clone();
            tasks.spawn(async move {
                let refresh = format!("r{number}");
                let work = store.redeem_code(&digest, 100, token(number), Some((&refresh, 500)));
                let patience = std::time::Duration::from_micros(number * 200);
                let _ = tokio::time::timeout(patience, work).await;
            });
        }
        tasks.join_all().await;
        for number in 0..60_u64 {
            let code = store.code(&format!("c{number}")).await.unwrap().unwrap();
            let family = store.family_stands(&format!("f{number}")).await.unwrap();
            let refresh = store.refresh(&format!("r{number}")).await.unwrap();
            assert_eq!(code.used, family, "{number}");
            assert_eq!(code.used, refresh.is_some(), "{number}");
        }
    })
    .await;
}

/// Somebody else, such as a backup, holds SQLite's lock.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_is_a_fault_that_passes() {
    let database = Database::sqlite();
    let (store, other) = (database.open().await, database.open().await);
    let lock = other.begin().await.unwrap();
    let fault = store.revoke(&[(1, 1000)]).await.unwrap_err();
    assert!(fault.passing, "{fault}");
    // Who only reads does not wait.
    assert_eq!(store.revoked(0, 100).await.unwrap().indices, []);
    drop(lock);
    other.close().await;
    store.revoke(&[(1, 1000)]).await.unwrap();
    assert_eq!(store.revoked(0, 100).await.unwrap().indices, [(1, 1000)]);
}

/// PostgreSQL crashes and comes back: what was acknowledged is there, and the first request after
/// that is answered.
#[tokio::test(flavor = "multi_thread")]
async fn postgresql_goes_and_comes_back() {
    let mut cluster = Cluster::start();
    let store = Store::open(&cluster.url("postgres")).await.unwrap();
    store.put_code("c", &code("f"), 200).await.unwrap();
    // So that there are several connections.
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let store = store.clone();
        tasks.spawn(async move { store.revoke(&[(number, 1000)]).await.unwrap() });
    }
    tasks.join_all().await;
    for _ in 0..2 {
        cluster.order("stop");
        for _ in 0..2 {
            let fault = store.revoke(&[(99, 1000)]).await.unwrap_err();
            assert!(fault.passing, "{fault}");
        }
        assert!(store.ping().await.unwrap_err().passing);
        cluster.order("start");
        assert_eq!(store.revoked(0, 100).await.unwrap().indices.len(), 50);
        store.ping().await.unwrap();
    }
    let redeemed = store.redeem_code("c", 100, token(1), None).await.unwrap();
    assert_eq!(redeemed, Redeemed::Done);
}

/// A replica that has stopped in the middle of a transaction, as its machine may, holds the others
/// up for a while alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stands_still_holds_nobody_up_for_long() {
    let database = Database::postgresql().await;
    let (store, other) = (database.open().await, database.open().await);
    store.put_code("c", &code("f"), 200).await.unwrap();
    let mut standing = other.begin().await.unwrap();
    sqlx::query("UPDATE codes SET used = 1 WHERE digest = 'c'")
        .execute(&mut *standing)
        .await
        .unwrap();
    let mut tries = 0;
    let redeemed = loop {
        tries += 1;
        match store.redeem_code("c", 100, token(1), None).await {
            Ok(redeemed) => break redeemed,
            Err(fault) => assert!(fault.passing && tries < 5, "{fault}"),
        }
    };
    assert_eq!(redeemed, Redeemed::Done);
    drop(standing);
}

/// Replicas that begin at the same moment make the tables once.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_begin_together() {
    on_both(async |database| {
        let mut replicas = JoinSet::new();
        for _ in 0..8 {
            let url = database.url.clone();
            replicas.spawn(async move { Store::open(&url).await });
        }
        for replica in replicas.join_all().await {
            replica.unwrap().ping().await.unwrap();
        }
    })
    .await;
}
