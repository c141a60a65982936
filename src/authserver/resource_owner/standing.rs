//! Whether an account may still log in, when its owner is not there: before new tokens are made
//! of what was allowed earlier, PAM's account stack is asked (`pam_acct_mgmt(3)`), as cron(8)
//! does. What it has let pass counts for a minute, so that who asks often costs little; so long
//! may an account that was locked have new tokens.

use super::client::{Owners, Step};
use super::message::{CHECK_TIME, Outcome, Purpose, Reason, Start};
use crate::error::Fault;
use crate::limits::lru::Lru;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// For so many seconds what PAM has let pass is not asked for again.
const FRESH: u64 = 60;

/// So many are remembered.
const MOST: usize = 16_384;

/// The accounts that PAM has let pass, each from an address, as modules such as `pam_access` may
/// tell addresses apart; and when.
struct Passed(Lru<(String, IpAddr), u64>);

impl Passed {
    fn note(&mut self, now: u64, account: &str, rhost: IpAddr) {
        self.0.put((account.to_owned(), rhost), now);
    }

    /// Whether it is not long ago at `now`, in seconds; with a clock that was set back it is.
    fn is_fresh(&self, now: u64, account: &str, rhost: IpAddr) -> bool {
        let at = self.0.get(&(account.to_owned(), rhost));
        at.and_then(|at| now.checked_sub(*at))
            .is_some_and(|age| age < FRESH)
    }
}

/// How accounts stand.
pub struct Standing {
    owners: Owners,
    passed: Mutex<Passed>,
    /// How long PAM is waited for.
    time: Duration,
}

impl Standing {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(owners: Owners) -> Self {
        Self {
            owners,
            passed: Mutex::new(Passed(Lru::new(MOST))),
            time: CHECK_TIME,
        }
    }

    /// PAM has just let the account log in.
    pub fn note(&self, now: u64, account: &str, rhost: IpAddr) {
        self.passed(|passed| passed.note(now, account, rhost));
    }

    /// Whether the account may log in at `now`, in seconds, as far as PAM knows without its
    /// owner; why not, the log is told. `rhost` is who asks in its name.
    ///
    /// # Errors
    /// PAM does not say, within [`CHECK_TIME`].
    pub async fn is_good(&self, now: u64, account: &str, rhost: IpAddr) -> Result<bool, Fault> {
        let is_fresh = || self.passed(|passed| passed.is_fresh(now, account, rhost));
        if is_fresh() {
            return Ok(true);
        }
        let start = Start {
            account: account.to_owned(),
            rhost,
            purpose: Purpose::Check,
        };
        let asked = async {
            let turn = self.owners.turn().await?;
            // Somebody else may have asked the same meanwhile.
            if is_fresh() {
                return Ok(());
            }
            let mut conversation = self.owners.begin(&start, turn).await?;
            match conversation.next().await {
                Step::Done(Outcome::Granted(_), _) => {
                    self.note(now, account, rhost);
                    Ok(())
                }
                Step::Done(Outcome::Refused(reason), _) => Err(reason),
                Step::Ask(_) | Step::Tell(_) => Err(Reason::Unavailable),
            }
        };
        let answer = timeout(self.time, asked).await;
        match answer.unwrap_or(Err(Reason::TimedOut)) {
            Ok(()) => Ok(true),
            Err(reason) if is_fault(reason) => {
                let why = reason.code();
                let text = format!("PAM does not say whether an account may log in: {why}");
                Err(Fault::passing(text))
            }
            Err(_) => Ok(false),
        }
    }

    // It is not left half changed by a panic.
    fn passed<T>(&self, with: impl FnOnce(&mut Passed) -> T) -> T {
        with(&mut self.passed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether the reason is no account's.
const fn is_fault(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Busy | Reason::Unavailable | Reason::TimedOut | Reason::AccountLookupFailed
    )
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
