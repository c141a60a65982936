//! Who is logged in in which browser, and what people have agreed to.

use super::row::{json, signed, text, value};
use super::{Store, patiently};
use crate::error::Fault;
use serde::{Deserialize, Serialize};

/// A login in a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who it is.
    pub account: String,
    /// The account's number then: one that was made anew is another's.
    pub uid: u32,
    /// When they logged in.
    pub auth_time: u64,
    /// By what (RFC 8176).
    pub amr: Vec<String>,
    /// Until when it holds.
    pub expires: u64,
}

impl Store {
    /// Keeps a session, by the digest of its cookie.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_session(&self, digest: &str, session: &Session) -> Result<(), Fault> {
        let work = async {
            sqlx::query("INSERT INTO sessions (digest, data, expires) VALUES ($1, $2, $3)")
                .bind(digest)
                .bind(json(session)?)
                .bind(signed(session.expires))
                .execute(&self.writers)
                .await
        };
        patiently(work).await.map(drop)
    }

    /// The session of this digest, where it holds at `now`.
    ///
    /// # Errors
    /// The database's.
    pub async fn session(&self, digest: &str, now: u64) -> Result<Option<Session>, Fault> {
        let row = sqlx::query("SELECT data FROM sessions WHERE digest = $1 AND expires > $2")
            .bind(digest)
            .bind(signed(now))
            .fetch_optional(&self.readers);
        patiently(async { row.await?.map(|row| value(&row, 0)).transpose() }).await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The database's; then it holds.
    pub async fn end_session(&self, digest: &str) -> Result<(), Fault> {
        let end = sqlx::query("DELETE FROM sessions WHERE digest = $1")
            .bind(digest)
            .execute(&self.writers);
        patiently(end).await.map(drop)
    }

    /// Remembers that somebody has agreed that a client has these scopes, beside those of before.
    ///
    /// # Errors
    /// The database's.
    pub async fn remember_consent(
        &self,
        account: &str,
        client_id: &str,
        scopes: &[String],
    ) -> Result<(), Fault> {
        let work = async {
            let mut transaction = self.begin().await?;
            for scope in scopes {
                sqlx::query(
                    "INSERT INTO consents (account, client_id, scope) VALUES ($1, $2, $3) \
                     ON CONFLICT DO NOTHING",
                )
                .bind(account)
                .bind(client_id)
                .bind(scope.as_str())
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await
        };
        patiently(work).await
    }

    /// The scopes that somebody has agreed to for a client, in their order.
    ///
    /// # Errors
    /// The database's.
    pub async fn consent(&self, account: &str, client_id: &str) -> Result<Vec<String>, Fault> {
        let rows = sqlx::query(
            "SELECT scope FROM consents WHERE account = $1 AND client_id = $2 ORDER BY scope",
        )
        .bind(account)
        .bind(client_id)
        .fetch_all(&self.readers);
        patiently(async { rows.await?.iter().map(|row| text(row, 0)).collect() }).await
    }
}
