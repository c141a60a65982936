//! The indices of access tokens that were given out, and which of them were taken back.

use super::grants::Issued;
use super::row::{number, signed};
use super::{Store, patiently};
use crate::error::Fault;
use crate::token::status::{BLOCK, place, still_matters};
use sqlx::AnyConnection;

/// What was taken back since somebody last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revocations {
    /// The tokens, each an index and when it expires.
    pub indices: Vec<(u64, u64)>,
    /// What to ask from the next time.
    pub sequence: u64,
}

impl Store {
    /// Draws a block of [`BLOCK`] indices that nobody else has, at `now`: the first of them. When
    /// this returns it is on the disk, so that no index is given out twice.
    ///
    /// # Errors
    /// The database's.
    pub async fn draw_indices(&self, now: u64) -> Result<u64, Fault> {
        let draw = async {
            let mut transaction = self.begin().await?;
            let row = sqlx::query(
                "UPDATE numbers SET value = value + $1 WHERE name = 'next_index' RETURNING value",
            )
            .bind(signed(BLOCK))
            .fetch_one(&mut *transaction)
            .await?;
            let end = number(&row, 0)?;
            let first = end.saturating_sub(BLOCK);
            let (from, _) = place(first);
            let (to, _) = place(end.saturating_sub(1));
            for list in from..=to {
                sqlx::query(
                    "INSERT INTO lists (number, drawn) VALUES ($1, $2) \
                     ON CONFLICT (number) DO UPDATE SET drawn = $3",
                )
                .bind(signed(list))
                .bind(signed(now))
                .bind(signed(now))
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await?;
            Ok(first)
        };
        patiently(draw).await
    }

    /// The status lists of which indices were drawn after `since`.
    ///
    /// # Errors
    /// The database's.
    pub async fn lists(&self, since: u64) -> Result<Vec<u64>, Fault> {
        let rows = sqlx::query("SELECT number FROM lists WHERE drawn > $1 ORDER BY number")
            .bind(signed(since))
            .fetch_all(&self.readers);
        patiently(async { rows.await?.iter().map(|row| number(row, 0)).collect() }).await
    }

    /// Takes access tokens back, each an index and when it expires: on the disk when this
    /// returns.
    ///
    /// # Errors
    /// The database's; then none was.
    pub async fn revoke(&self, indices: &[(u64, u64)]) -> Result<(), Fault> {
        let work = async {
            let mut transaction = self.begin().await?;
            take_back(&mut transaction, indices.iter().copied()).await?;
            transaction.commit().await
        };
        patiently(work).await
    }

    /// Which were taken back since `sequence`, which is 0 at first, and matter at `now`.
    ///
    /// # Errors
    /// The database's.
    pub async fn revoked(&self, sequence: u64, now: u64) -> Result<Revocations, Fault> {
        let work = async {
            let row = sqlx::query("SELECT value FROM numbers WHERE name = 'revocations'")
                .fetch_one(&self.readers)
                .await?;
            let last = number(&row, 0)?;
            if last == sequence {
                return Ok(Revocations {
                    sequence,
                    ..Revocations::default()
                });
            }
            // An earlier state was restored: everything is asked for again.
            let after = if last < sequence { 0 } else { sequence };
            let rows = sqlx::query(
                "SELECT status_index, expires FROM revoked WHERE sequence > $1 AND expires > $2",
            )
            .bind(signed(after))
            .bind(signed(still_matters(now)))
            .fetch_all(&self.readers)
            .await?;
            let indices = rows
                .iter()
                .map(|row| Ok((number(row, 0)?, number(row, 1)?)))
                .collect::<sqlx::Result<_>>()?;
            // What was committed between the two statements comes again the next time.
            let sequence = last;
            Ok(Revocations { indices, sequence })
        };
        patiently(work).await
    }
}

/// Takes access tokens back in a transaction. The counter's row is held until its end, so that
/// the numbers become visible in their order: who has seen one has seen all before it.
pub(super) async fn take_back(
    transaction: &mut AnyConnection,
    indices: impl ExactSizeIterator<Item = (u64, u64)>,
) -> sqlx::Result<()> {
    if indices.len() == 0 {
        return Ok(());
    }
    let row = sqlx::query(
        "UPDATE numbers SET value = value + 1 WHERE name = 'revocations' RETURNING value",
    )
    .fetch_one(&mut *transaction)
    .await?;
    let sequence = number(&row, 0)?;
    for (index, expires) in indices {
        sqlx::query(
            "INSERT INTO revoked (status_index, expires, sequence) VALUES ($1, $2, $3) \
             ON CONFLICT DO NOTHING",
        )
        .bind(signed(index))
        .bind(signed(expires))
        .bind(signed(sequence))
        .execute(&mut *transaction)
        .await?;
    }
    Ok(())
}

/// Those of a family that matter at `now`.
pub(super) async fn issued_of(
    transaction: &mut AnyConnection,
    family: &str,
    now: u64,
) -> sqlx::Result<Vec<Issued>> {
    let rows =
        sqlx::query("SELECT status_index, expires FROM issued WHERE family = $1 AND expires > $2")
            .bind(family)
            .bind(signed(still_matters(now)))
            .fetch_all(transaction)
            .await?;
    rows.iter()
        .map(|row| {
            Ok(Issued {
                index: number(row, 0)?,
                expires: number(row, 1)?,
            })
        })
        .collect()
}
