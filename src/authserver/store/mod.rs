//! What has to survive: SQLite by default, PostgreSQL where several replicas are one server. The
//! same statements run on both, in what both understand: texts, 64-bit integers, `$1`. What was
//! acknowledged is on the disk: SQLite's log is synced at each commit (`synchronous = FULL`),
//! PostgreSQL's by its own default.
//!
//! That something happens once is decided by the database: an `UPDATE` whose condition holds for
//! one caller alone.

mod schema;
mod status;

use crate::error::Fault;
use sqlx::AnyPool;
use sqlx::any::{AnyPoolOptions, install_default_drivers};
use std::time::Duration;

/// How long a request waits for the database before it is told to come again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connections to PostgreSQL.
const CONNECTIONS: u32 = 16;

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: AnyPool,
    shared: bool,
}

impl Store {
    /// Opens it, and makes its tables where they are missing.
    ///
    /// # Errors
    /// It cannot be reached or written, or a later version of this program has made it.
    pub async fn open(url: &str) -> Result<Self, Fault> {
        install_default_drivers();
        let shared = url.starts_with("postgres");
        let url = if shared {
            url.to_owned()
        } else {
            format!("{url}?mode=rwc")
        };
        let options = AnyPoolOptions::new()
            .acquire_timeout(PATIENCE)
            // SQLite has one writer at a time anyway, and here it waits its turn in order.
            .max_connections(if shared { CONNECTIONS } else { 1 })
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if !shared {
                        sqlx::raw_sql(schema::PRAGMAS).execute(connection).await?;
                    }
                    Ok(())
                })
            });
        let pool = options.connect(&url).await.map_err(fault)?;
        let store = Self { pool, shared };
        store.prepare().await?;
        Ok(store)
    }

    /// Whether other replicas may write to it too.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.shared
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), Fault> {
        let one = sqlx::query("SELECT 1").execute(&self.pool).await;
        one.map(drop).map_err(fault)
    }

    /// Closes it.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// What a database says, for the log. It may be over when somebody asks again.
fn fault(error: sqlx::Error) -> Fault {
    Fault::passing(format!("the store: {error}"))
}
