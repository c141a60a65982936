//! How often one client, and one address, may ask: a bucket of tokens each, which fills as time
//! goes on. What nobody has asked for longest is forgotten first, and its bucket is full by then.

use super::lru::Lru;
use super::origin::Origin;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Buckets of each sort that are remembered.
const MOST: usize = 65_536;

/// A token, in the unit in which buckets are counted: what a bucket of one token a minute gains
/// in a millisecond is one.
const TOKEN: u64 = 60_000;

/// A bucket as it was at `at`, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: u64,
    at: u64,
}

/// The buckets of all who ask.
pub struct Rates {
    key: RandomState,
    origins: Mutex<Lru<Origin, Bucket>>,
    clients: Mutex<Lru<u64, Bucket>>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            key: RandomState::new(),
            origins: Mutex::new(Lru::new(MOST)),
            clients: Mutex::new(Lru::new(MOST)),
        }
    }
}

impl Rates {
    /// Whether somebody from this address may ask, `per_minute` times a minute, at `now` in
    /// milliseconds from any beginning; it is not counted yet.
    ///
    /// # Errors
    /// After how many seconds they may.
    pub fn may_ask(&self, address: IpAddr, per_minute: u32, now: u64) -> Result<(), u64> {
        let origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = filled(origins.get(&address.into()), per_minute, now);
        wait(bucket.level, per_minute)
    }

    /// Counts a request from this address for which no client has vouched.
    pub fn asked(&self, address: IpAddr, per_minute: u32, now: u64) {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bucket = filled(origins.get(&address.into()), per_minute, now);
        bucket.level = bucket.level.saturating_sub(TOKEN);
        origins.put(address.into(), bucket);
    }

    /// Counts a request of a client that has shown who it is.
    ///
    /// # Errors
    /// After how many seconds it may come again; then it is not counted.
    pub fn client(&self, client_id: &str, per_minute: u32, now: u64) -> Result<(), u64> {
        let key = self.key.hash_one(client_id);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bucket = filled(clients.get(&key), per_minute, now);
        wait(bucket.level, per_minute)?;
        bucket.level = bucket.level.saturating_sub(TOKEN);
        clients.put(key, bucket);
        Ok(())
    }
}

/// The bucket at `now`; one that is not there is full.
fn filled(bucket: Option<&Bucket>, per_minute: u32, now: u64) -> Bucket {
    let most = TOKEN.saturating_mul(per_minute.into());
    let level = bucket.map_or(most, |bucket| {
        let gained = now
            .saturating_sub(bucket.at)
            .saturating_mul(per_minute.into());
        bucket.level.saturating_add(gained).min(most)
    });
    Bucket { level, at: now }
}

fn wait(level: u64, per_minute: u32) -> Result<(), u64> {
    if level >= TOKEN {
        return Ok(());
    }
    let milliseconds = TOKEN
        .saturating_sub(level)
        .div_ceil(u64::from(per_minute).max(1));
    Err(milliseconds.div_ceil(1000).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_asks_so_often_in_a_minute_and_then_waits() {
        let rates = Rates::default();
        for _ in 0..6 {
            assert_eq!(rates.client("a", 6, 1000), Ok(()));
        }
        assert_eq!(rates.client("a", 6, 1000), Err(10));
        assert_eq!(rates.client("b", 6, 1000), Ok(()));
        assert_eq!(rates.client("a", 6, 10_999), Err(1));
        assert_eq!(rates.client("a", 6, 11_000), Ok(()));
        assert_eq!(rates.client("a", 6, 11_000), Err(10));
        // A minute later it is full, and no fuller an hour later.
        for _ in 0..6 {
            assert_eq!(rates.client("a", 6, 3_600_000), Ok(()));
        }
        assert!(rates.client("a", 6, 3_600_000).is_err());
    }

    #[test]
    fn an_address_is_asked_for_before_it_is_counted() {
        let rates = Rates::default();
        let address = IpAddr::from([192, 0, 2, 7]);
        for _ in 0..3 {
            assert_eq!(rates.may_ask(address, 2, 0), Ok(()));
        }
        rates.asked(address, 2, 0);
        rates.asked(address, 2, 0);
        assert_eq!(rates.may_ask(address, 2, 0), Err(30));
        assert_eq!(rates.may_ask(IpAddr::from([192, 0, 2, 8]), 2, 0), Ok(()));
        // All addresses of a host with IPv6 are one.
        let six = |last| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]);
        rates.asked(six(1), 1, 0);
        assert_eq!(rates.may_ask(six(2), 1, 0), Err(60));
    }

    #[test]
    fn a_clock_that_stands_or_limits_of_nothing_do_no_harm() {
        let rates = Rates::default();
        assert!(rates.client("a", 0, u64::MAX).is_err());
        assert_eq!(rates.client("b", u32::MAX, u64::MAX), Ok(()));
        assert_eq!(rates.client("b", u32::MAX, 0), Ok(()));
    }
}
