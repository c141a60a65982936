//! Authorization codes (RFC 6749 §4.1.2): each is redeemed once, and who redeems it again ends
//! what came of it.

use super::grants::{self, Grant, Issued};
use super::row::{json, number, signed, value};
use super::{Store, patiently};
use crate::error::Fault;
use serde::{Deserialize, Serialize};

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// What was allowed.
    pub grant: Grant,
    /// `redirect_uri` of the request, where it had one (RFC 6749 §4.1.3).
    pub redirect_uri: Option<String>,
    /// `code_challenge`, of the method S256 (RFC 7636 §4.4).
    pub challenge: Option<String>,
}

/// A code as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCode {
    /// What it stands for.
    pub code: Code,
    /// When it expires.
    pub expires: u64,
    /// Whether it was redeemed.
    pub used: bool,
}

/// What comes of redeeming what is good once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// The caller is the one: its tokens are on record.
    Done,
    /// It was used before: its family is revoked, and these access tokens are taken back.
    Again(Vec<Issued>),
    /// There is no such thing, or not any more.
    Gone,
}

impl Store {
    /// Keeps a code, by its digest.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_code(&self, digest: &str, code: &Code, expires: u64) -> Result<(), Fault> {
        let work = async {
            sqlx::query(
                "INSERT INTO codes (digest, data, used, expires, kept) VALUES ($1, $2, 0, $3, $4)",
            )
            .bind(digest)
            .bind(json(code)?)
            .bind(signed(expires))
            .bind(signed(expires))
            .execute(&self.writers)
            .await
        };
        patiently(work).await.map(drop)
    }

    /// The code of this digest, good or not.
    ///
    /// # Errors
    /// The database's.
    pub async fn code(&self, digest: &str) -> Result<Option<KeptCode>, Fault> {
        let row = sqlx::query("SELECT data, expires, used FROM codes WHERE digest = $1")
            .bind(digest)
            .fetch_optional(&self.readers);
        let kept = |row: sqlx::any::AnyRow| {
            Ok(KeptCode {
                code: value(&row, 0)?,
                expires: number(&row, 1)?,
                used: number(&row, 2)? != 0,
            })
        };
        patiently(async { row.await?.map(kept).transpose() }).await
    }

    /// Redeems a code at `now` for an access token, and a refresh token (its digest, and when it
    /// expires) where there is to be one.
    ///
    /// # Errors
    /// The database's; then it was not.
    pub async fn redeem_code(
        &self,
        digest: &str,
        now: u64,
        issued: Issued,
        refresh: Option<(&str, u64)>,
    ) -> Result<Redeemed, Fault> {
        let work = async {
            let mut transaction = self.begin().await?;
            let row = sqlx::query(
                "UPDATE codes SET used = 1 WHERE digest = $1 AND used = 0 AND expires > $2 \
                 RETURNING data",
            )
            .bind(digest)
            .bind(signed(now))
            .fetch_optional(&mut *transaction)
            .await?;
            let redeemed = if let Some(row) = row {
                let code: Code = value(&row, 0)?;
                let kept = grants::begin(&mut transaction, &code.grant, issued, refresh).await?;
                // Whatever the family may come to, in all its refreshing.
                let kept = refresh.map_or(kept, |_| kept.max(code.grant.expires));
                sqlx::query("UPDATE codes SET kept = $1 WHERE digest = $2")
                    .bind(signed(kept))
                    .bind(digest)
                    .execute(&mut *transaction)
                    .await?;
                Redeemed::Done
            } else {
                let row = sqlx::query("SELECT data FROM codes WHERE digest = $1 AND used = 1")
                    .bind(digest)
                    .fetch_optional(&mut *transaction)
                    .await?;
                match row {
                    Some(row) => {
                        let code: Code = value(&row, 0)?;
                        let id = &code.grant.id;
                        Redeemed::Again(grants::revoke(&mut transaction, id, now).await?)
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
