//! The tables.

use super::row::{number, signed};
use super::{Store, patiently};
use crate::error::Fault;

/// What a connection to SQLite is set to. A reader never waits for the writer (WAL), a commit
/// is on the disk (FULL), what was deleted is overwritten, and memory stays small.
pub(super) const PRAGMAS: &str = "PRAGMA busy_timeout = 4000; PRAGMA journal_mode = WAL; \
    PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cache_size = -2048";

/// What a connection to PostgreSQL is set to: a commit is on the disk, and a replica that is gone
/// without a word holds nobody up.
pub(super) const SETTINGS: &str = "SET synchronous_commit = on; SET statement_timeout = '4s'; \
    SET idle_in_transaction_session_timeout = '4s'; \
    SET default_transaction_isolation = 'read committed'";

/// The version of these tables.
const VERSION: u64 = 1;

/// The lock that the first of several replicas takes to make the tables: "pam-jwt".
const LOCK: &str = "SELECT pg_advisory_xact_lock(31632373266512756)";

/// The tables, each in one statement that does nothing where it is there. Times are seconds since
/// the epoch; `data` is JSON; `digest` is the SHA-256 of what was handed out.
const TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
    // When indices of a status list were last drawn.
    "CREATE TABLE IF NOT EXISTS lists (number BIGINT PRIMARY KEY, drawn BIGINT NOT NULL)",
    // The access tokens that were taken back; `sequence` counts the transactions that did.
    "CREATE TABLE IF NOT EXISTS revoked (status_index BIGINT PRIMARY KEY, expires BIGINT NOT NULL, \
     sequence BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS revoked_sequence ON revoked (sequence)",
    // What persons allowed clients; `kept` is when the last token of it has expired.
    "CREATE TABLE IF NOT EXISTS families (id TEXT PRIMARY KEY, data TEXT NOT NULL, \
     revoked BIGINT NOT NULL, kept BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS families_kept ON families (kept)",
    // The access tokens that were issued under them.
    "CREATE TABLE IF NOT EXISTS issued (family TEXT NOT NULL, status_index BIGINT NOT NULL, \
     expires BIGINT NOT NULL, PRIMARY KEY (family, status_index))",
    "CREATE INDEX IF NOT EXISTS issued_index ON issued (status_index)",
    "CREATE TABLE IF NOT EXISTS refresh (digest TEXT PRIMARY KEY, family TEXT NOT NULL, \
     used BIGINT NOT NULL, expires BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS refresh_family ON refresh (family)",
    // A code that was used is `kept` for as long as its family.
    "CREATE TABLE IF NOT EXISTS codes (digest TEXT PRIMARY KEY, data TEXT NOT NULL, \
     used BIGINT NOT NULL, expires BIGINT NOT NULL, kept BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS codes_kept ON codes (kept)",
    // `data` is of the request, `allowed` of the grant.
    "CREATE TABLE IF NOT EXISTS devices (digest TEXT PRIMARY KEY, user_code TEXT NOT NULL UNIQUE, \
     data TEXT NOT NULL, state BIGINT NOT NULL, allowed TEXT NOT NULL, pace BIGINT NOT NULL, \
     polled BIGINT NOT NULL, expires BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS devices_expires ON devices (expires)",
    "CREATE TABLE IF NOT EXISTS tries (who TEXT PRIMARY KEY, wrong BIGINT NOT NULL, \
     expires BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS requests (digest TEXT PRIMARY KEY, client_id TEXT NOT NULL, \
     data TEXT NOT NULL, expires BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS requests_expires ON requests (expires)",
    "CREATE TABLE IF NOT EXISTS clients (client_id TEXT PRIMARY KEY, data TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS seen (kind TEXT NOT NULL, digest TEXT NOT NULL, \
     expires BIGINT NOT NULL, PRIMARY KEY (kind, digest))",
    "CREATE INDEX IF NOT EXISTS seen_expires ON seen (expires)",
    "CREATE TABLE IF NOT EXISTS sessions (digest TEXT PRIMARY KEY, data TEXT NOT NULL, \
     expires BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS sessions_expires ON sessions (expires)",
    // Of an account and of a client that may both be others by the same name later: `uid` and
    // `registered` tell them apart.
    "CREATE TABLE IF NOT EXISTS consents (account TEXT NOT NULL, uid BIGINT NOT NULL, \
     client_id TEXT NOT NULL, registered BIGINT NOT NULL, scope TEXT NOT NULL, \
     PRIMARY KEY (account, uid, client_id, registered, scope))",
];

impl Store {
    /// Makes the tables where they are missing.
    ///
    /// # Errors
    /// The database's, or that another version has made them.
    pub(super) async fn prepare(&self) -> Result<(), Fault> {
        match patiently(self.version()).await? {
            VERSION => Ok(()),
            other => Err(Fault::lasting(format!(
                "the store was made by another version of this program (tables {other}, here \
                 {VERSION})"
            ))),
        }
    }

    async fn version(&self) -> sqlx::Result<u64> {
        let mut transaction = self.begin().await?;
        if self.shared {
            sqlx::query(LOCK).execute(&mut *transaction).await?;
        }
        for table in TABLES {
            sqlx::query(*table).execute(&mut *transaction).await?;
        }
        for (name, value) in [
            ("version", VERSION),
            ("next_index", 0),
            ("revocations", 0),
            ("registrations", 0),
        ] {
            sqlx::query("INSERT INTO numbers (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(name)
                .bind(signed(value))
                .execute(&mut *transaction)
                .await?;
        }
        let row = sqlx::query("SELECT value FROM numbers WHERE name = 'version'")
            .fetch_one(&mut *transaction)
            .await?;
        transaction.commit().await?;
        number(&row, 0)
    }
}
