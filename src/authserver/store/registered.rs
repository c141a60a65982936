//! The clients that registered themselves (RFC 7591).

use super::row::{json, signed, value};
use super::{Store, patiently};
use crate::error::Fault;
use clients::Client;

impl Store {
    /// Keeps a client; false where its id is taken, or there are `most` already.
    ///
    /// # Errors
    /// The database's; then it was not.
    pub async fn register(&self, client: &Client, most: u64) -> Result<bool, Fault> {
        let work = async {
            let mut transaction = self.begin().await?;
            // Who comes second waits here until the first has committed, and counts it too.
            sqlx::query("UPDATE numbers SET value = value + 1 WHERE name = 'registrations'")
                .execute(&mut *transaction)
                .await?;
            let kept = sqlx::query(
                "INSERT INTO clients (client_id, data) SELECT $1, $2 \
                 WHERE (SELECT COUNT(*) FROM clients) < $3 ON CONFLICT DO NOTHING",
            )
            .bind(client.client_id.as_str())
            .bind(json(client)?)
            .bind(signed(most))
            .execute(&mut *transaction)
            .await?
            .rows_affected();
            transaction.commit().await?;
            Ok(kept == 1)
        };
        patiently(work).await
    }

    /// The client of this id.
    ///
    /// # Errors
    /// The database's.
    pub async fn registered(&self, id: &str) -> Result<Option<Client>, Fault> {
        let row = sqlx::query("SELECT data FROM clients WHERE client_id = $1")
            .bind(id)
            .fetch_optional(&self.readers);
        patiently(async { row.await?.map(|row| value(&row, 0)).transpose() }).await
    }

    /// All of them, by id.
    ///
    /// # Errors
    /// The database's.
    pub async fn registered_all(&self) -> Result<Vec<Client>, Fault> {
        let rows =
            sqlx::query("SELECT data FROM clients ORDER BY client_id").fetch_all(&self.readers);
        patiently(async { rows.await?.iter().map(|row| value(row, 0)).collect() }).await
    }

    /// Forgets a client, and what people have agreed to for it; false where there is none.
    ///
    /// # Errors
    /// The database's; then it is still there.
    pub async fn unregister(&self, id: &str) -> Result<bool, Fault> {
        let work = async {
            let mut transaction = self.begin().await?;
            let removed = sqlx::query("DELETE FROM clients WHERE client_id = $1")
                .bind(id)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
            sqlx::query("DELETE FROM consents WHERE client_id = $1")
                .bind(id)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(removed == 1)
        };
        patiently(work).await
    }
}
