//! The file of SQLite.

use super::Database;
use crate::store::Store;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

async fn refused(url: &str) -> String {
    let fault = Store::open(url).await.expect_err(url);
    assert!(!fault.passing, "{fault}");
    fault.message
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_and_its_log_are_nobody_elses() {
    let database = Database::sqlite();
    let store = database.open().await;
    store.revoke(&[(1, 1000)]).await.unwrap();
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let metadata = fs::metadata(database.directory().join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
    store.close().await;
    // It is opened again.
    let revoked = database.open().await.revoked(0, 100).await.unwrap();
    assert_eq!(revoked.indices, [(1, 1000)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_others_can_read_or_have_made_is_refused() {
    let database = Database::sqlite();
    let path = database.directory().join("store.db");
    database.open().await.close().await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let said = refused(&database.url).await;
    assert!(said.contains("run: chmod 600"), "{said}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    // Root alone can give a file away.
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(1), None).unwrap();
        let said = refused(&database.url).await;
        assert!(said.contains("belongs to user 1"), "{said}");
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
    }
    let moved = database.directory().join("elsewhere.db");
    fs::rename(&path, &moved).unwrap();
    symlink(&moved, &path).unwrap();
    let _ = refused(&database.url).await;
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let _ = refused(&database.url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_names_one_file() {
    for url in [
        "sqlite::memory:",
        "sqlite://store.db",
        "sqlite:///tmp/a?mode=memory",
        "sqlite:///tmp/%2e",
    ] {
        let said = refused(url).await;
        assert!(said.contains("an absolute path"), "{said}");
    }
    let _ = refused("sqlite:///nowhere/at/all/store.db").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_database_of_this_version_is_refused() {
    let database = Database::sqlite();
    let store = database.open().await;
    sqlx::query("UPDATE numbers SET value = 2 WHERE name = 'version'")
        .execute(&store.writers)
        .await
        .unwrap();
    store.close().await;
    let said = refused(&database.url).await;
    assert!(said.contains("another version"), "{said}");

    let other = Database::sqlite();
    let path = other.directory().join("store.db");
    fs::write(
        &path,
        "this is a text, and no database at all; it is long enough\n".repeat(100),
    )
    .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let fault = Store::open(&other.url).await.unwrap_err();
    assert!(fault.message.contains("not a database"), "{fault}");
}
