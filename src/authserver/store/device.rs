//! Device authorizations (RFC 8628): a device waits, a person decides elsewhere, once.

use super::codes::Redeemed;
use super::grants::{self, Grant, Issued};
use super::row::{json, number, signed, value};
use super::{Store, patiently};
use crate::error::Fault;
use serde::{Deserialize, Serialize};

/// By how many seconds a device that asks too often has to slow down (§3.5).
const SLOWER: u64 = 5;

/// What a device asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Who asks.
    pub client_id: String,
    /// For what.
    pub scopes: Vec<String>,
    /// Where (RFC 8707).
    pub resources: Vec<String>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has decided.
    Pending,
    /// Somebody has allowed it.
    Allowed,
    /// Somebody has refused it.
    Denied,
    /// The device has its tokens.
    Redeemed,
}

impl State {
    const fn number(self) -> i64 {
        match self {
            Self::Pending => 0,
            Self::Allowed => 1,
            Self::Denied => 2,
            Self::Redeemed => 3,
        }
    }

    fn of(number: u64) -> sqlx::Result<Self> {
        match number {
            0 => Ok(Self::Pending),
            1 => Ok(Self::Allowed),
            2 => Ok(Self::Denied),
            3 => Ok(Self::Redeemed),
            _ => Err(sqlx::Error::Decode("no such state of a device".into())),
        }
    }
}

/// A device authorization as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDevice {
    /// What was asked for.
    pub device: Device,
    /// What became of it.
    pub state: State,
    /// How many seconds there have to be between two questions of the device.
    pub interval: u64,
    /// When it last asked; 0 where it has not.
    pub polled: u64,
    /// When it expires.
    pub expires: u64,
}

/// What a person says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allowed(Box<Grant>),
    /// It may not.
    Denied,
}

/// What a device is told that asks (§3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Poll {
    /// `authorization_pending`
    Pending,
    /// `slow_down`
    SlowDown,
    /// `access_denied`
    Denied,
    /// `expired_token`
    Expired,
    /// `invalid_grant`: there is no such code, or it is another client's.
    Unknown,
    /// It was allowed; whether the device is the first to come for it, redeeming tells.
    Ready(Box<Grant>),
}

/// What a device is told at `now`, without what was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Pending,
    SlowDown,
    Denied,
    Expired,
    Ready,
}

/// What a device is told at `now`. What was decided comes before the pace, which is for waiting.
fn answer(kept: &KeptDevice, now: u64) -> Answer {
    if kept.expires <= now {
        return Answer::Expired;
    }
    match kept.state {
        State::Allowed | State::Redeemed => Answer::Ready,
        State::Denied => Answer::Denied,
        State::Pending if now < kept.polled.saturating_add(kept.interval) => Answer::SlowDown,
        State::Pending => Answer::Pending,
    }
}

fn kept(row: &sqlx::any::AnyRow) -> sqlx::Result<KeptDevice> {
    Ok(KeptDevice {
        device: value(row, 0)?,
        state: State::of(number(row, 1)?)?,
        interval: number(row, 2)?,
        polled: number(row, 3)?,
        expires: number(row, 4)?,
    })
}

impl Store {
    /// Keeps a device authorization, by the digests of its two codes; false where the user code is
    /// taken, and another has to be made.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_device(
        &self,
        digest: &str,
        user_code: &str,
        device: &Device,
        interval: u64,
        expires: u64,
    ) -> Result<bool, Fault> {
        let work = async {
            sqlx::query(
                "INSERT INTO devices (digest, user_code, data, state, allowed, pace, polled, \
                 expires) VALUES ($1, $2, $3, 0, '', $4, 0, $5) ON CONFLICT DO NOTHING",
            )
            .bind(digest)
            .bind(user_code)
            .bind(json(device)?)
            .bind(signed(interval))
            .bind(signed(expires))
            .execute(&self.writers)
            .await
        };
        Ok(patiently(work).await?.rows_affected() == 1)
    }

    /// The device authorization of this user code, whatever became of it.
    ///
    /// # Errors
    /// The database's.
    pub async fn device_by_user_code(&self, digest: &str) -> Result<Option<KeptDevice>, Fault> {
        let row = sqlx::query(
            "SELECT data, state, pace, polled, expires FROM devices WHERE user_code = $1",
        )
        .bind(digest)
        .fetch_optional(&self.readers);
        patiently(async { row.await?.as_ref().map(kept).transpose() }).await
    }

    /// Notes that somebody, such as an account, has named a user code that there is not, and how
    /// often they have since the first time, which is forgotten at `until`.
    ///
    /// # Errors
    /// The database's.
    pub async fn wrong_user_code(&self, who: &str, now: u64, until: u64) -> Result<u64, Fault> {
        let row = sqlx::query(
            "INSERT INTO tries (who, wrong, expires) VALUES ($1, 1, $2) \
             ON CONFLICT (who) DO UPDATE SET \
             wrong = CASE WHEN tries.expires <= $3 THEN 1 ELSE tries.wrong + 1 END, \
             expires = CASE WHEN tries.expires <= $4 THEN $5 ELSE tries.expires END \
             RETURNING wrong",
        )
        .bind(who)
        .bind(signed(until))
        .bind(signed(now))
        .bind(signed(now))
        .bind(signed(until))
        .fetch_one(&self.writers);
        patiently(async { number(&row.await?, 0) }).await
    }

    /// How often they have, at `now`.
    ///
    /// # Errors
    /// The database's.
    pub async fn wrong_user_codes(&self, who: &str, now: u64) -> Result<u64, Fault> {
        let row = sqlx::query("SELECT wrong FROM tries WHERE who = $1 AND expires > $2")
            .bind(who)
            .bind(signed(now))
            .fetch_optional(&self.readers);
        patiently(async { row.await?.map_or(Ok(0), |row| number(&row, 0)) }).await
    }

    /// Decides about the device of this user code at `now`; false where somebody has before, or
    /// it has expired.
    ///
    /// # Errors
    /// The database's; then it was not decided.
    pub async fn decide_device(
        &self,
        user_code: &str,
        decision: &Decision,
        now: u64,
    ) -> Result<bool, Fault> {
        let work = async {
            let (state, allowed) = match decision {
                Decision::Allowed(grant) => (State::Allowed, json(grant)?),
                Decision::Denied => (State::Denied, String::new()),
            };
            sqlx::query(
                "UPDATE devices SET state = $1, allowed = $2 \
                 WHERE user_code = $3 AND state = 0 AND expires > $4",
            )
            .bind(state.number())
            .bind(allowed)
            .bind(user_code)
            .bind(signed(now))
            .execute(&self.writers)
            .await
        };
        Ok(patiently(work).await?.rows_affected() == 1)
    }

    /// What a device is told that asks at `now`.
    ///
    /// # Errors
    /// The database's.
    pub async fn poll_device(
        &self,
        digest: &str,
        client_id: &str,
        now: u64,
    ) -> Result<Poll, Fault> {
        let work = async {
            let row = sqlx::query(
                "SELECT data, state, pace, polled, expires, allowed FROM devices WHERE digest = $1",
            )
            .bind(digest)
            .fetch_optional(&self.readers)
            .await?;
            let Some(row) = row else {
                return Ok(Poll::Unknown);
            };
            let kept = kept(&row)?;
            if kept.device.client_id != client_id {
                return Ok(Poll::Unknown);
            }
            Ok(match answer(&kept, now) {
                Answer::Expired => Poll::Expired,
                Answer::Denied => Poll::Denied,
                Answer::Ready => Poll::Ready(value(&row, 5)?),
                Answer::Pending => {
                    self.pace(digest, now, 0).await?;
                    Poll::Pending
                }
                Answer::SlowDown => {
                    self.pace(digest, now, SLOWER).await?;
                    Poll::SlowDown
                }
            })
        };
        patiently(work).await
    }

    async fn pace(&self, digest: &str, now: u64, slower: u64) -> sqlx::Result<()> {
        sqlx::query("UPDATE devices SET polled = $1, pace = pace + $2 WHERE digest = $3")
            .bind(signed(now))
            .bind(signed(slower))
            .bind(digest)
            .execute(&self.writers)
            .await
            .map(drop)
    }

    /// Redeems an allowed device code at `now`, as [`Store::redeem_code`] does a code.
    ///
    /// # Errors
    /// The database's; then it was not.
    pub async fn redeem_device(
        &self,
        digest: &str,
        now: u64,
        issued: Issued,
        refresh: Option<(&str, u64)>,
    ) -> Result<Redeemed, Fault> {
        let work = async {
            let mut transaction = self.begin().await?;
            let row = sqlx::query(
                "UPDATE devices SET state = 3 WHERE digest = $1 AND state = 1 AND expires > $2 \
                 RETURNING allowed",
            )
            .bind(digest)
            .bind(signed(now))
            .fetch_optional(&mut *transaction)
            .await?;
            let redeemed = if let Some(row) = row {
                let grant: Grant = value(&row, 0)?;
                grants::begin(&mut transaction, &grant, issued, refresh).await?;
                Redeemed::Done
            } else {
                let row =
                    sqlx::query("SELECT allowed FROM devices WHERE digest = $1 AND state = 3")
                        .bind(digest)
                        .fetch_optional(&mut *transaction)
                        .await?;
                match row {
                    Some(row) => {
                        let grant: Grant = value(&row, 0)?;
                        Redeemed::Again(grants::revoke(&mut transaction, &grant.id, now).await?)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(state: State) -> KeptDevice {
        KeptDevice {
            device: Device {
                client_id: "tv".to_owned(),
                scopes: Vec::new(),
                resources: Vec::new(),
            },
            state,
            interval: 5,
            polled: 0,
            expires: 1000,
        }
    }

    #[test]
    fn what_a_device_is_told_depends_on_what_was_decided_and_when() {
        for (state, told) in [
            (State::Pending, Answer::Pending),
            (State::Allowed, Answer::Ready),
            (State::Redeemed, Answer::Ready),
            (State::Denied, Answer::Denied),
        ] {
            assert_eq!(answer(&kept(state), 999), told);
            assert_eq!(answer(&kept(state), 1000), Answer::Expired);
        }
    }

    #[test]
    fn a_device_that_asks_too_soon_is_told_to_slow_down_while_it_waits() {
        let waiting = KeptDevice {
            polled: 100,
            ..kept(State::Pending)
        };
        assert_eq!(answer(&waiting, 104), Answer::SlowDown);
        assert_eq!(answer(&waiting, 105), Answer::Pending);
        let allowed = KeptDevice {
            polled: 100,
            ..kept(State::Allowed)
        };
        assert_eq!(answer(&allowed, 101), Answer::Ready);
    }
}
