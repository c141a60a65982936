//! What has to survive: SQLite by default, PostgreSQL where several replicas are one server. The
//! same statements run on both, in what both understand: texts, 64-bit integers, `$1`. What was
//! acknowledged is on the disk: SQLite's log is synced at each commit (`synchronous = FULL`),
//! PostgreSQL's by its own default.
//!
//! That something happens once is decided by the database: an `UPDATE` whose condition holds for
//! one caller alone. READ COMMITTED is enough for that: who comes second to a row waits until the
//! first has committed, and then the condition is tried again on what the first has left. What
//! belongs to a family (see [`grants`]) takes its row so before it looks at anything else, so that
//! a family is never revoked past a token that is just being issued.

mod codes;
mod device;
pub mod file;
mod grants;
mod pushed;
mod refresh;
mod registered;
mod row;
mod schema;
mod seen;
mod sessions;
mod status;
mod sweep;
#[cfg(test)]
mod tests;

pub use codes::{Code, Redeemed};
pub use device::{Decision, Device, Poll, State};
pub use grants::{Grant, Issued};
pub use sessions::Session;

use crate::config::{self, sqlite_path};
use crate::error::Fault;
use sqlx::any::{Any, AnyPoolOptions, install_default_drivers};
use sqlx::{AnyConnection, AnyPool, Connection, Transaction};
use std::future::Future;
use std::time::Duration;

/// How long a request waits for the database before it is told to come again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connections to PostgreSQL.
const CONNECTIONS: u32 = 16;

/// Connections that read from SQLite, beside the one that writes.
const READERS: u32 = 2;

/// The database. Whatever it is asked, it answers or fails within [`PATIENCE`].
#[derive(Debug, Clone)]
pub struct Store {
    /// Where transactions are: SQLite has one writer at a time anyway, and here they wait their
    /// turn in order.
    writers: AnyPool,
    /// Where is only read: with PostgreSQL, the same.
    readers: AnyPool,
    shared: bool,
}

impl Store {
    /// Opens it, and makes its tables where they are missing.
    ///
    /// # Errors
    /// It cannot be reached or written, others than this user could read it, or a later version
    /// of this program has made it.
    pub async fn open(url: &str) -> Result<Self, Fault> {
        install_default_drivers();
        let shared = url.starts_with("postgres");
        let store = if shared {
            let pool = pool(url, CONNECTIONS, schema::SETTINGS).await?;
            Self {
                writers: pool.clone(),
                readers: pool,
                shared,
            }
        } else {
            let path = sqlite_path(url).ok_or_else(|| Fault::lasting(config::Store::ADDRESS))?;
            file::prepare(path)?;
            Self {
                writers: pool(url, 1, schema::PRAGMAS).await?,
                readers: pool(url, READERS, schema::PRAGMAS).await?,
                shared,
            }
        };
        store.prepare().await?;
        Ok(store)
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), Fault> {
        let one = sqlx::query("SELECT 1").execute(&self.readers);
        patiently(one).await.map(drop)
    }

    /// Closes it.
    pub async fn close(&self) {
        self.writers.close().await;
        self.readers.close().await;
    }

    /// A transaction that writes. With SQLite it is the writer from its beginning: one that reads
    /// first would fail where another process has written since.
    ///
    /// It begins in a task of its own, which comes to its end also where who waits for it breaks
    /// off: sqlx counts a transaction once the database has said that it has begun, and would give
    /// the connection to the next one before that, whose work would be this transaction's and
    /// never be committed.
    async fn begin(&self) -> sqlx::Result<Transaction<'static, Any>> {
        let (writers, shared) = (self.writers.clone(), self.shared);
        let begun = tokio::spawn(async move {
            if shared {
                writers.begin().await
            } else {
                writers.begin_with("BEGIN IMMEDIATE").await
            }
        });
        begun.await.map_err(|_| sqlx::Error::WorkerCrashed)?
    }
}

async fn pool(url: &str, connections: u32, settings: &'static str) -> Result<AnyPool, Fault> {
    // A pool tries again and again; one connection says at once what is wrong.
    let first = async {
        let mut connection = AnyConnection::connect(url).await?;
        sqlx::raw_sql(settings).execute(&mut connection).await?;
        connection.close().await
    };
    patiently(first).await?;
    let options = AnyPoolOptions::new()
        .acquire_timeout(PATIENCE)
        .max_connections(connections)
        // Where SQLite has ended a transaction by itself, as on a full disk, there is none to roll
        // back, and sqlx takes it for open ever after: the connection is not used again.
        .before_acquire(|connection, _| {
            let is_free = !connection.is_in_transaction();
            Box::pin(async move { Ok(is_free) })
        })
        .after_connect(move |connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(settings).execute(connection).await?;
                Ok(())
            })
        });
    options.connect_lazy(url).map_err(|error| fault(&error))
}

/// What the work comes to, within [`PATIENCE`]. A transaction that is broken off is rolled back.
async fn patiently<T>(work: impl Future<Output = sqlx::Result<T>>) -> Result<T, Fault> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(|error| fault(&error)),
        Err(_) => Err(Fault::passing(format!(
            "the store: no answer within {} s",
            PATIENCE.as_secs()
        ))),
    }
}

/// What a database says, for the log. It may be over when somebody asks again, unless what it
/// holds cannot be understood.
fn fault(error: &sqlx::Error) -> Fault {
    let message = format!("the store: {error}");
    match error {
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Encode(_) => {
            Fault::lasting(message)
        }
        _ => Fault::passing(message),
    }
}
