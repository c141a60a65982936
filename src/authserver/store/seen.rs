//! What may come once, such as the `jti` of an assertion (RFC 7523 §3).

use super::row::signed;
use super::{Store, patiently};
use crate::error::Fault;

impl Store {
    /// Whether this is the first time that an id, of which there is the digest, comes; it is
    /// remembered until `expires`, when whatever has it is no good any more.
    ///
    /// # Errors
    /// The database's.
    pub async fn first_use(&self, kind: &str, digest: &str, expires: u64) -> Result<bool, Fault> {
        let note = sqlx::query(
            "INSERT INTO seen (kind, digest, expires) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(kind)
        .bind(digest)
        .bind(signed(expires))
        .execute(&self.writers);
        Ok(patiently(note).await?.rows_affected() == 1)
    }
}
