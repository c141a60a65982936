//! What persons allowed clients. All tokens that come of one such grant are a *family*: they end
//! together where one of them was stolen (RFC 9700 §4.14.2), or where it is taken back.

use super::row::{json, signed, value};
use super::status::{issued_of, take_back};
use super::{Store, patiently};
use crate::error::Fault;
use crate::token::status::{LEEWAY, still_matters};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

/// What a person allowed a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Of the family: random, and nothing that opens anything.
    pub id: String,
    /// To whom.
    pub client_id: String,
    /// When that was registered (`client_id_issued_at`): its id may be another's since.
    pub registered: Option<u64>,
    /// By whom.
    pub account: String,
    /// Whose name that was then, where it is kept for later: the name may have been given to
    /// somebody else since.
    pub uid: Option<u32>,
    /// What for.
    pub scopes: Vec<String>,
    /// Where (RFC 8707); none: wherever the scopes say.
    pub resources: Vec<String>,
    /// When the person logged in, where that was with this server.
    pub auth_time: Option<u64>,
    /// By what (RFC 8176).
    pub amr: Vec<String>,
    /// `nonce` of the request (OpenID Connect Core §3.1.2.1).
    pub nonce: Option<String>,
    /// Until when: no refresh token of it works longer.
    pub expires: u64,
}

/// An access token that was issued under a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Issued {
    /// Its place in the status lists.
    pub index: u64,
    /// When it expires.
    pub expires: u64,
}

impl Issued {
    /// As [`crate::token::status::Revoked`] takes it.
    #[must_use]
    pub const fn pair(self) -> (u64, u64) {
        (self.index, self.expires)
    }
}

impl Store {
    /// Revokes a family at `now`: none of its refresh tokens works any more, and its access tokens
    /// are taken back, which are returned so that this process knows it too.
    ///
    /// # Errors
    /// The database's; then nothing was.
    pub async fn revoke_family(&self, id: &str, now: u64) -> Result<Vec<Issued>, Fault> {
        let work = async {
            let mut transaction = self.begin().await?;
            let issued = revoke(&mut transaction, id, now).await?;
            transaction.commit().await?;
            Ok(issued)
        };
        patiently(work).await
    }

    /// Begins a family whose first tokens are handed out at once, for nothing that is redeemed.
    ///
    /// # Errors
    /// The database's; then it was not begun.
    pub async fn begin_family(
        &self,
        grant: &Grant,
        issued: Issued,
        refresh: (&str, u64),
    ) -> Result<(), Fault> {
        let work = async {
            let mut transaction = self.begin().await?;
            begin(&mut transaction, grant, issued, Some(refresh)).await?;
            transaction.commit().await
        };
        patiently(work).await
    }

    /// Under which grant an access token was issued, by its place in the status lists; none where
    /// that is under none that is kept.
    ///
    /// # Errors
    /// The database's.
    pub async fn grant_of(&self, index: u64) -> Result<Option<Grant>, Fault> {
        let row = sqlx::query(
            "SELECT families.data FROM issued JOIN families ON families.id = issued.family \
             WHERE issued.status_index = $1",
        )
        .bind(signed(index))
        .fetch_optional(&self.readers);
        patiently(async { row.await?.map(|row| grant(&row, 0)).transpose() }).await
    }

    /// Adds an access token to a family at `now`; false where that was revoked, and then the token
    /// is not handed out.
    ///
    /// # Errors
    /// The database's; then it was not added.
    pub async fn extend_family(&self, id: &str, now: u64, issued: Issued) -> Result<bool, Fault> {
        let work = async {
            let mut transaction = self.begin().await?;
            let stands = extend(&mut transaction, id, now, issued, None).await?;
            transaction.commit().await?;
            Ok(stands)
        };
        patiently(work).await
    }

    /// Whether a family is there and was not revoked.
    ///
    /// # Errors
    /// The database's.
    #[cfg(test)]
    pub async fn family_stands(&self, id: &str) -> Result<bool, Fault> {
        let row = sqlx::query("SELECT revoked FROM families WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.readers);
        patiently(async {
            let revoked = row
                .await?
                .map(|row| crate::store::row::number(&row, 0))
                .transpose()?;
            Ok(revoked == Some(0))
        })
        .await
    }
}

/// Revokes a family in a transaction.
pub(super) async fn revoke(
    transaction: &mut AnyConnection,
    id: &str,
    now: u64,
) -> sqlx::Result<Vec<Issued>> {
    // Whoever is just issuing a token under it is waited for.
    sqlx::query("UPDATE families SET revoked = 1 WHERE id = $1")
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    let issued = issued_of(transaction, id, now).await?;
    let pairs = issued.iter().copied().map(Issued::pair);
    take_back(transaction, pairs).await?;
    Ok(issued)
}

/// Begins a family in a transaction, with its first tokens; returns until when it is kept.
pub(super) async fn begin(
    transaction: &mut AnyConnection,
    grant: &Grant,
    issued: Issued,
    refresh: Option<(&str, u64)>,
) -> sqlx::Result<u64> {
    let kept = kept_until(issued, refresh);
    sqlx::query("INSERT INTO families (id, data, revoked, kept) VALUES ($1, $2, 0, $3)")
        .bind(grant.id.as_str())
        .bind(json(grant)?)
        .bind(signed(kept))
        .execute(&mut *transaction)
        .await?;
    add(transaction, &grant.id, issued, refresh).await?;
    Ok(kept)
}

/// Takes a family that was not revoked for the rest of a transaction, and adds tokens to it;
/// false where there is none.
pub(super) async fn extend(
    transaction: &mut AnyConnection,
    id: &str,
    now: u64,
    issued: Issued,
    refresh: Option<(&str, u64)>,
) -> sqlx::Result<bool> {
    let kept = kept_until(issued, refresh);
    let stands = sqlx::query(
        "UPDATE families SET kept = CASE WHEN kept < $1 THEN $2 ELSE kept END \
         WHERE id = $3 AND revoked = 0",
    )
    .bind(signed(kept))
    .bind(signed(kept))
    .bind(id)
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    if stands != 1 {
        return Ok(false);
    }
    // A family that is used for months does not grow.
    for (table, over) in [
        (
            "DELETE FROM issued WHERE family = $1 AND expires <= $2",
            still_matters(now),
        ),
        (
            "DELETE FROM refresh WHERE family = $1 AND expires <= $2",
            now,
        ),
    ] {
        sqlx::query(table)
            .bind(id)
            .bind(signed(over))
            .execute(&mut *transaction)
            .await?;
    }
    add(transaction, id, issued, refresh).await?;
    Ok(true)
}

async fn add(
    transaction: &mut AnyConnection,
    family: &str,
    issued: Issued,
    refresh: Option<(&str, u64)>,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO issued (family, status_index, expires) VALUES ($1, $2, $3)")
        .bind(family)
        .bind(signed(issued.index))
        .bind(signed(issued.expires))
        .execute(&mut *transaction)
        .await?;
    if let Some((digest, expires)) = refresh {
        sqlx::query("INSERT INTO refresh (digest, family, used, expires) VALUES ($1, $2, 0, $3)")
            .bind(digest)
            .bind(family)
            .bind(signed(expires))
            .execute(&mut *transaction)
            .await?;
    }
    Ok(())
}

/// The grant in a column.
pub(super) fn grant(row: &sqlx::any::AnyRow, column: usize) -> sqlx::Result<Grant> {
    value(row, column)
}

fn kept_until(issued: Issued, refresh: Option<(&str, u64)>) -> u64 {
    let access = issued.expires.saturating_add(LEEWAY);
    refresh.map_or(access, |(_, expires)| access.max(expires))
}
