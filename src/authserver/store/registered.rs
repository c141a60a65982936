//! The clients that registered themselves (RFC 7591).

use super::row::{json, number, value};
use super::{Store, patiently};
use crate::error::Fault;
use clients::Client;

impl Store {
    /// Keeps a client; false where its id is taken.
    ///
    /// # Errors
    /// The database's.
    pub async fn register(&self, client: &Client) -> Result<bool, Fault> {
        let work = async {
            sqlx::query(
                "INSERT INTO clients (client_id, data) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(client.client_id.as_str())
            .bind(json(client)?)
            .execute(&self.writers)
            .await
        };
        Ok(patiently(work).await?.rows_affected() == 1)
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

    /// How many there are.
    ///
    /// # Errors
    /// The database's.
    pub async fn registered_count(&self) -> Result<u64, Fault> {
        let row = sqlx::query("SELECT COUNT(*) FROM clients").fetch_one(&self.readers);
        patiently(async { number(&row.await?, 0) }).await
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
