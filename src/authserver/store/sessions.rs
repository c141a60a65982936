//! Who is logged in in which browser, and what people have agreed to.

use super::row::{json, signed, text, value};
use super::{Store, patiently};
use crate::error::Fault;
use clients::Client;
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

    /// Remembers that who is logged in has agreed that a client has these scopes, or has each of
    /// them at a place, beside those of before.
    ///
    /// # Errors
    /// The database's.
    pub async fn remember_consent(
        &self,
        session: &Session,
        client: &Client,
        scopes: &[String],
    ) -> Result<(), Fault> {
        let work = async {
            let mut transaction = self.begin().await?;
            for scope in scopes {
                sqlx::query(
                    "INSERT INTO consents (account, uid, client_id, registered, scope) \
                     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                )
                .bind(session.account.as_str())
                .bind(i64::from(session.uid))
                .bind(client.client_id.as_str())
                .bind(registered(client))
                .bind(scope.as_str())
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await
        };
        patiently(work).await
    }

    /// What who is logged in has agreed to for a client, in its order.
    ///
    /// # Errors
    /// The database's.
    pub async fn consent(&self, session: &Session, client: &Client) -> Result<Vec<String>, Fault> {
        let rows = sqlx::query(
            "SELECT scope FROM consents WHERE account = $1 AND uid = $2 AND client_id = $3 \
             AND registered = $4 ORDER BY scope",
        )
        .bind(session.account.as_str())
        .bind(i64::from(session.uid))
        .bind(client.client_id.as_str())
        .bind(registered(client))
        .fetch_all(&self.readers);
        patiently(async { rows.await?.iter().map(|row| text(row, 0)).collect() }).await
    }
}

/// When a client was registered; 0 where its file does not say.
fn registered(client: &Client) -> i64 {
    signed(client.client_id_issued_at.unwrap_or_default())
}
