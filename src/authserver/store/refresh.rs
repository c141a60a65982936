//! Refresh tokens (RFC 6749 §6): each is used once and followed by another, and who uses one again
//! ends its family (RFC 9700 §4.14.2).

use super::codes::Redeemed;
use super::grants::{self, Grant, Issued, grant};
use super::row::{number, signed, text};
use super::{Store, patiently};
use crate::error::Fault;

/// A refresh token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRefresh {
    /// What it is good for.
    pub grant: Grant,
    /// When it expires.
    pub expires: u64,
    /// Whether another has taken its place.
    pub used: bool,
    /// Whether its family was revoked.
    pub revoked: bool,
}

impl KeptRefresh {
    /// Whether it works at `now`.
    #[must_use]
    pub const fn is_good(&self, now: u64) -> bool {
        !self.used && !self.revoked && self.expires > now
    }
}

impl Store {
    /// The refresh token of this digest, good or not.
    ///
    /// # Errors
    /// The database's.
    pub async fn refresh(&self, digest: &str) -> Result<Option<KeptRefresh>, Fault> {
        let row = sqlx::query(
            "SELECT families.data, refresh.expires, refresh.used, families.revoked \
             FROM refresh JOIN families ON families.id = refresh.family WHERE refresh.digest = $1",
        )
        .bind(digest)
        .fetch_optional(&self.readers);
        let kept = |row: sqlx::any::AnyRow| {
            Ok(KeptRefresh {
                grant: grant(&row, 0)?,
                expires: number(&row, 1)?,
                used: number(&row, 2)? != 0,
                revoked: number(&row, 3)? != 0,
            })
        };
        patiently(async { row.await?.map(kept).transpose() }).await
    }

    /// Uses a refresh token at `now`, for an access token and the refresh token that follows: its
    /// digest, and when it expires.
    ///
    /// # Errors
    /// The database's; then it was not used.
    pub async fn rotate(
        &self,
        old: &str,
        now: u64,
        issued: Issued,
        new: (&str, u64),
    ) -> Result<Redeemed, Fault> {
        let work = async {
            let mut transaction = self.begin().await?;
            let row = sqlx::query(
                "UPDATE refresh SET used = 1 WHERE digest = $1 AND used = 0 AND expires > $2 \
                 RETURNING family",
            )
            .bind(old)
            .bind(signed(now))
            .fetch_optional(&mut *transaction)
            .await?;
            let redeemed = if let Some(row) = row {
                let family = text(&row, 0)?;
                if grants::extend(&mut transaction, &family, now, issued, Some(new)).await? {
                    Redeemed::Done
                } else {
                    Redeemed::Gone
                }
            } else {
                let row = sqlx::query(
                    "SELECT family FROM refresh WHERE digest = $1 AND used = 1 AND expires > $2",
                )
                .bind(old)
                .bind(signed(now))
                .fetch_optional(&mut *transaction)
                .await?;
                match row {
                    Some(row) => {
                        let family = text(&row, 0)?;
                        Redeemed::Again(grants::revoke(&mut transaction, &family, now).await?)
                    }
                    None => Redeemed::Gone,
                }
            };
            transaction.commit().await?;
            Ok(redeemed)
        };
        patiently(work).await
    }
}
