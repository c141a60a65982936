//! What is over is deleted.

use super::row::{signed, text};
use super::{Store, patiently};
use crate::error::Fault;
use crate::token::status::still_matters;
use sqlx::AnyConnection;

/// How many rows at once: nobody waits long for the writer.
const BATCH: usize = 500;

/// What is over, and how it is found: by an index, the first [`BATCH`].
const OVER: &[&str] = &[
    "DELETE FROM codes WHERE digest IN (SELECT digest FROM codes WHERE kept <= $1 LIMIT 500)",
    "DELETE FROM devices WHERE digest IN (SELECT digest FROM devices WHERE expires <= $1 LIMIT 500)",
    "DELETE FROM requests WHERE digest IN \
     (SELECT digest FROM requests WHERE expires <= $1 LIMIT 500)",
    "DELETE FROM sessions WHERE digest IN \
     (SELECT digest FROM sessions WHERE expires <= $1 LIMIT 500)",
    "DELETE FROM seen WHERE (kind, digest) IN \
     (SELECT kind, digest FROM seen WHERE expires <= $1 LIMIT 500)",
    "DELETE FROM tries WHERE who IN (SELECT who FROM tries WHERE expires <= $1 LIMIT 500)",
];

impl Store {
    /// Deletes what is over at `now`, and whose coming again is refused without it. Replicas may do
    /// it at once.
    ///
    /// # Errors
    /// The database's; what is over stays over, and is deleted the next time.
    pub async fn sweep(&self, now: u64) -> Result<(), Fault> {
        for statement in OVER {
            while self.delete(statement, now).await? == BATCH as u64 {}
        }
        let revoked = "DELETE FROM revoked WHERE status_index IN \
             (SELECT status_index FROM revoked WHERE expires <= $1 LIMIT 500)";
        while self.delete(revoked, still_matters(now)).await? == BATCH as u64 {}
        while patiently(self.sweep_families(now)).await? == BATCH {}
        Ok(())
    }

    async fn delete(&self, statement: &'static str, over: u64) -> Result<u64, Fault> {
        let delete = sqlx::query(statement)
            .bind(signed(over))
            .execute(&self.writers);
        Ok(patiently(delete).await?.rows_affected())
    }

    /// Families go with all that belongs to them, once nothing of it is good any more.
    async fn sweep_families(&self, now: u64) -> sqlx::Result<usize> {
        let over = sqlx::query("SELECT id FROM families WHERE kept <= $1 LIMIT 500")
            .bind(signed(now))
            .fetch_all(&self.readers)
            .await?;
        if over.is_empty() {
            return Ok(0);
        }
        let mut transaction = self.begin().await?;
        for row in &over {
            sweep_family(&mut transaction, &text(row, 0)?, now).await?;
        }
        transaction.commit().await?;
        Ok(over.len())
    }
}

async fn sweep_family(transaction: &mut AnyConnection, id: &str, now: u64) -> sqlx::Result<()> {
    let deleted = sqlx::query("DELETE FROM families WHERE id = $1 AND kept <= $2")
        .bind(id)
        .bind(signed(now))
        .execute(&mut *transaction)
        .await?
        .rows_affected();
    if deleted == 1 {
        for statement in [
            "DELETE FROM issued WHERE family = $1",
            "DELETE FROM refresh WHERE family = $1",
        ] {
            sqlx::query(statement)
                .bind(id)
                .execute(&mut *transaction)
                .await?;
        }
    }
    Ok(())
}
