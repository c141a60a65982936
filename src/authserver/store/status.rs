//! The indices of access tokens that were given out, and which of them were taken back.

use super::{Store, fault};
use crate::error::Fault;
use crate::token::status::BLOCK;
use sqlx::Row;

impl Store {
    /// Draws a block of [`BLOCK`] indices that nobody else has: the first of them. When this
    /// returns it is on the disk, so that no index is given out twice.
    ///
    /// # Errors
    /// The database's.
    pub async fn draw_indices(&self) -> Result<u64, Fault> {
        let row = sqlx::query(
            "UPDATE numbers SET value = value + $1 WHERE name = 'next_index' RETURNING value",
        )
        .bind(signed(BLOCK))
        .fetch_one(&self.pool)
        .await
        .map_err(fault)?;
        let end: i64 = row.try_get(0).map_err(fault)?;
        Ok(unsigned(end).saturating_sub(BLOCK))
    }

    /// Takes access tokens back, each an index and when it expires: on the disk when this
    /// returns.
    ///
    /// # Errors
    /// The database's; then none was.
    pub async fn revoke(&self, indices: &[(u64, u64)], now: u64) -> Result<(), Fault> {
        let mut transaction = self.pool.begin().await.map_err(fault)?;
        for (index, expires) in indices {
            sqlx::query(
                "INSERT INTO revoked (status_index, expires, noted) VALUES ($1, $2, $3) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(signed(*index))
            .bind(signed(*expires))
            .bind(signed(now))
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        }
        transaction.commit().await.map_err(fault)
    }

    /// Which were taken back and have not expired at `now`, with the time at which they do.
    ///
    /// # Errors
    /// The database's.
    pub async fn revoked(&self, now: u64) -> Result<Vec<(u64, u64)>, Fault> {
        let rows = sqlx::query("SELECT status_index, expires FROM revoked WHERE expires > $1")
            .bind(signed(now))
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        let pair = |row: &sqlx::any::AnyRow| {
            let index: i64 = row.try_get(0)?;
            let expires: i64 = row.try_get(1)?;
            Ok((unsigned(index), unsigned(expires)))
        };
        rows.iter()
            .map(pair)
            .collect::<Result<_, _>>()
            .map_err(fault)
    }
}

/// As databases have numbers.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// As we have them.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
