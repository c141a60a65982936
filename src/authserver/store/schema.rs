//! The tables.

use super::{Store, fault};
use crate::error::Fault;
use sqlx::Row;

/// What a connection to SQLite is set to. A reader never waits for the writer (WAL), a commit
/// is on the disk (FULL), what was deleted is overwritten, and memory stays small.
pub(super) const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000; PRAGMA secure_delete = ON; \
    PRAGMA cache_size = -2048";

/// The version of these tables.
const VERSION: i64 = 1;

/// The tables, each in one statement that does nothing where it is there.
const TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS revoked (status_index BIGINT PRIMARY KEY, expires BIGINT NOT NULL, \
     noted BIGINT NOT NULL)",
];

impl Store {
    pub(super) async fn prepare(&self) -> Result<(), Fault> {
        for table in TABLES {
            sqlx::query(*table)
                .execute(&self.pool)
                .await
                .map_err(fault)?;
        }
        for (name, value) in [("version", VERSION), ("next_index", 0)] {
            sqlx::query("INSERT INTO numbers (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(name)
                .bind(value)
                .execute(&self.pool)
                .await
                .map_err(fault)?;
        }
        let row = sqlx::query("SELECT value FROM numbers WHERE name = 'version'")
            .fetch_one(&self.pool)
            .await
            .map_err(fault)?;
        match row.try_get::<i64, _>(0).map_err(fault)? {
            VERSION => Ok(()),
            other => Err(Fault::lasting(format!(
                "the store was made by another version of this program (tables {other}, here \
                 {VERSION})"
            ))),
        }
    }
}
