//! Pushed authorization requests (RFC 9126).

use super::row::{signed, text};
use super::{Store, patiently};
use crate::error::Fault;

impl Store {
    /// Keeps a request until `expires`: the digest of what its `request_uri` ends in, whose it is,
    /// and its parameters.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_request(
        &self,
        digest: &str,
        client_id: &str,
        parameters: &str,
        expires: u64,
    ) -> Result<(), Fault> {
        let put = sqlx::query(
            "INSERT INTO requests (digest, client_id, data, expires) VALUES ($1, $2, $3, $4)",
        )
        .bind(digest)
        .bind(client_id)
        .bind(parameters)
        .bind(signed(expires))
        .execute(&self.writers);
        patiently(put).await.map(drop)
    }

    /// The parameters of this client's request, where it is kept beyond `until` and has not ended:
    /// whoever is logging in may load the page again.
    ///
    /// # Errors
    /// The database's.
    pub async fn request(
        &self,
        digest: &str,
        client_id: &str,
        until: u64,
    ) -> Result<Option<String>, Fault> {
        let row = sqlx::query(
            "SELECT data FROM requests WHERE digest = $1 AND client_id = $2 AND expires > $3",
        )
        .bind(digest)
        .bind(client_id)
        .bind(signed(until))
        .fetch_optional(&self.readers);
        patiently(async { row.await?.map(|row| text(&row, 0)).transpose() }).await
    }

    /// Ends a request, since it was answered (§4): true for the first who does, who alone may
    /// answer it.
    ///
    /// # Errors
    /// The database's; then it has not ended.
    pub async fn end_request(&self, digest: &str) -> Result<bool, Fault> {
        let end = sqlx::query("DELETE FROM requests WHERE digest = $1")
            .bind(digest)
            .execute(&self.writers);
        Ok(patiently(end).await?.rows_affected() == 1)
    }
}
