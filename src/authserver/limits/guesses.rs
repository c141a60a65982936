//! How often a password may be guessed. Tries are counted for an account, for an address, and for
//! an account from an address; each number grows by a try and shrinks with time, and beyond what
//! people need for their typos every further try waits twice as long.
//!
//! Nobody can lock an account from everywhere by that: an address from which its owner has logged
//! in waits only for what was tried there for that account; and what all the others try together
//! lets a try from a stranger's address through once a minute, which goes to who asks first. (That
//! `pam_faillock`, where the administrator has it, locks is none of this.)

use super::lru::Lru;
use super::origin::Origin;
use std::hash::{BuildHasher, RandomState};

/// Whether a try may be made; one that may not is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allowed,
    /// Not for so many seconds.
    Wait(u64),
}

/// How a number of tries grows and what it costs.
struct Limit {
    /// So many cost nothing.
    free: u64,
    /// After so many seconds one is forgotten.
    forget: u64,
    /// Nobody waits longer, in seconds.
    longest: u64,
}

/// An account from an address: what its owner mistypes.
const PAIR: Limit = Limit {
    free: 5,
    forget: 600,
    longest: 900,
};

/// An address: the people behind it mistype as well, each for an account of theirs.
const ORIGIN: Limit = Limit {
    free: 20,
    forget: 60,
    longest: 300,
};

/// An account from wherever nobody has logged in to it: guesses of many addresses together.
const ACCOUNT: Limit = Limit {
    free: 20,
    forget: 60,
    longest: 60,
};

/// Numbers of each sort that are remembered.
const MOST: usize = 65_536;

/// An address from which somebody has logged in is known for so many seconds: 90 days.
const KNOWN: u64 = 90 * 86_400;

/// An account's name, hashed with a key of this process: what people type there may be a password.
type Account = u64;

/// The tries, of which it was the last at `at` that made them so many.
#[derive(Debug, Clone, Copy, Default)]
struct Tries {
    count: u64,
    at: u64,
}

/// What was tried, and by whom successfully.
pub struct Guesses {
    key: RandomState,
    pairs: Lru<(Account, Origin), Tries>,
    origins: Lru<Origin, Tries>,
    accounts: Lru<Account, Tries>,
    /// Since when an address is known for an account.
    known: Lru<(Account, Origin), u64>,
}

impl Limit {
    /// The tries that are not forgotten at `now`.
    fn left(&self, tries: Tries, now: u64) -> u64 {
        let forgotten = now.saturating_sub(tries.at) / self.forget;
        tries.count.saturating_sub(forgotten)
    }

    /// How many seconds from `now` the next one may be made.
    fn wait(&self, tries: Tries, now: u64) -> u64 {
        // Of the time of the last one; what was forgotten since does not shorten it.
        let beyond = tries.count.saturating_sub(self.free);
        if beyond == 0 {
            return 0;
        }
        let doubled = 1_u64.checked_shl(u32::try_from(beyond).unwrap_or(u32::MAX));
        let wait = doubled.unwrap_or(u64::MAX).min(self.longest);
        wait.saturating_sub(now.saturating_sub(tries.at))
    }

    fn add(&self, tries: Tries, now: u64) -> Tries {
        // Beyond what makes nobody wait longer, a flood is not remembered longer.
        let most = self.free + 16;
        Tries {
            count: (self.left(tries, now) + 1).min(most),
            at: now.max(tries.at),
        }
    }
}

impl Default for Guesses {
    fn default() -> Self {
        Self::bounded(MOST)
    }
}

impl Guesses {
    /// None yet; of each sort at most so many are remembered.
    #[must_use]
    pub fn bounded(most: usize) -> Self {
        Self {
            key: RandomState::new(),
            pairs: Lru::new(most),
            origins: Lru::new(most),
            accounts: Lru::new(most),
            known: Lru::new(most),
        }
    }

    /// Somebody is about to answer what PAM asks of this account's owner, at `now` in seconds: a
    /// try, and counted as one that fails until [`succeeded`](Self::succeeded) says otherwise, so
    /// that many at once are no more than one after the other.
    pub fn attempt(&mut self, now: u64, account: &str, origin: Origin) -> Decision {
        let decision = self.judge(now, account, origin);
        if decision == Decision::Allowed {
            let account = self.account(account);
            let pair = (account, origin);
            let [of_pair, of_origin, of_account] = self.tries(&pair);
            self.pairs.put(pair, PAIR.add(of_pair, now));
            self.origins.put(origin, ORIGIN.add(of_origin, now));
            self.accounts.put(account, ACCOUNT.add(of_account, now));
        }
        decision
    }

    /// Whether there may be a try at `now`; none is counted.
    #[must_use]
    pub fn judge(&self, now: u64, account: &str, origin: Origin) -> Decision {
        let pair = (self.account(account), origin);
        let [of_pair, of_origin, of_account] = self.tries(&pair);
        let mut wait = PAIR.wait(of_pair, now);
        if !self.knows(now, &pair) {
            wait = wait.max(ORIGIN.wait(of_origin, now));
            wait = wait.max(ACCOUNT.wait(of_account, now));
        }
        match wait {
            0 => Decision::Allowed,
            wait => Decision::Wait(wait),
        }
    }

    /// Those of the account from there, of all from there, and of the account from anywhere.
    fn tries(&self, pair: &(Account, Origin)) -> [Tries; 3] {
        let (account, origin) = pair;
        let tries = [
            self.pairs.get(pair),
            self.origins.get(origin),
            self.accounts.get(account),
        ];
        tries.map(|tries| tries.copied().unwrap_or_default())
    }

    /// The account's owner has logged in from there: what was tried there for the account were
    /// typos, and the address is known.
    pub fn succeeded(&mut self, now: u64, account: &str, origin: Origin) {
        let account = self.account(account);
        let typos = self
            .pairs
            .remove(&(account, origin))
            .unwrap_or_default()
            .count;
        let less = |tries: &Tries| Tries {
            count: tries.count.saturating_sub(typos),
            at: tries.at,
        };
        if let Some(tries) = self.origins.get(&origin).map(less) {
            self.origins.put(origin, tries);
        }
        if let Some(tries) = self.accounts.get(&account).map(less) {
            self.accounts.put(account, tries);
        }
        self.known.put((account, origin), now);
    }

    fn knows(&self, now: u64, pair: &(Account, Origin)) -> bool {
        let since = self.known.get(pair);
        since.is_some_and(|since| now.saturating_sub(*since) < KNOWN)
    }

    /// Databases that fold case have one account of all its spellings.
    fn account(&self, name: &str) -> Account {
        self.key.hash_one(name.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    const START: u64 = 1_800_000_000;

    fn host(number: u32) -> Origin {
        Origin::from(IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + number)))
    }

    /// How many tries are allowed within so many seconds, made as soon as each may be.
    fn guessed(guesses: &mut Guesses, account: &str, origin: Origin, seconds: u64) -> u64 {
        let mut now = START;
        let mut allowed = 0;
        while now < START + seconds {
            match guesses.attempt(now, account, origin) {
                Decision::Allowed => allowed += 1,
                Decision::Wait(seconds) => now += seconds,
            }
        }
        allowed
    }

    #[test]
    fn typos_cost_nothing_and_guesses_ever_more() {
        let mut guesses = Guesses::default();
        for _ in 0..PAIR.free {
            assert_eq!(guesses.attempt(START, "alice", host(1)), Decision::Allowed);
        }
        let mut now = START;
        let waits = [0, 2, 4, 8, 16, 32, 64, 128, 256, 512];
        for wait in waits {
            if wait > 0 {
                assert_eq!(guesses.attempt(now, "alice", host(1)), Decision::Wait(wait));
            }
            now += wait;
            assert_eq!(
                guesses.attempt(now, "alice", host(1)),
                Decision::Allowed,
                "{wait}"
            );
        }
    }

    /// Checklist: C.19
    #[test]
    fn a_password_is_guessed_slowly_from_one_address() {
        let in_a_day = guessed(&mut Guesses::default(), "alice", host(1), 86_400);
        assert!((50..200).contains(&in_a_day), "{in_a_day}");
        let spellings = ["alice", "Alice", "ALICE"];
        let mut guesses = Guesses::default();
        let all: u64 = spellings
            .map(|name| guessed(&mut guesses, name, host(1), 60))
            .into_iter()
            .sum();
        assert!(all < 15, "{all}");
    }

    /// Checklist: C.19
    #[test]
    fn an_address_guesses_slowly_at_many_accounts() {
        let mut guesses = Guesses::default();
        let allowed = (0..1000)
            .filter(|n| guesses.attempt(START, &format!("user{n}"), host(1)) == Decision::Allowed)
            .count();
        assert_eq!(u64::try_from(allowed).unwrap(), ORIGIN.free + 1);
        assert_eq!(guesses.attempt(START, "user1", host(2)), Decision::Allowed);
        // All of an IPv6 network's addresses are one.
        let mut guesses = Guesses::default();
        let allowed = (0..1000_u128)
            .map(|n| Ipv6Addr::from_bits((0x2001_0db8 << 96) + n))
            .filter(|address| {
                let origin = Origin::from(IpAddr::from(*address));
                guesses.attempt(START, "alice", origin) == Decision::Allowed
            });
        assert_eq!(u64::try_from(allowed.count()).unwrap(), PAIR.free + 1);
    }

    /// Checklist: C.19
    #[test]
    fn many_addresses_together_lock_the_owner_out_from_nowhere() {
        let mut guesses = Guesses::default();
        let home = host(1);
        assert_eq!(guesses.attempt(START, "alice", home), Decision::Allowed);
        guesses.succeeded(START, "alice", home);
        let mut now = START;
        let mut allowed = 0;
        // A day of as many guesses as possible, each from another address.
        for number in 2..100_000 {
            if guesses.attempt(now, "alice", host(number)) == Decision::Allowed {
                allowed += 1;
            }
            now += 1;
        }
        assert!((1000..3000).contains(&allowed), "{allowed}");
        // The owner does not notice at home, typos included.
        for _ in 0..PAIR.free {
            assert_eq!(guesses.attempt(now, "alice", home), Decision::Allowed);
        }
        guesses.succeeded(now, "alice", home);
        // Elsewhere it is a minute at most.
        let Decision::Wait(wait) = guesses.attempt(now, "alice", host(200_000)) else {
            panic!("the flood is forgotten");
        };
        assert!(wait <= ACCOUNT.longest, "{wait}");
        assert_eq!(
            guesses.attempt(now + wait, "alice", host(200_000)),
            Decision::Allowed
        );
    }

    #[test]
    fn who_guesses_at_others_from_a_known_address_holds_its_owner_up_no_more() {
        let mut guesses = Guesses::default();
        guesses.succeeded(START, "alice", host(1));
        for n in 0..100 {
            guesses.attempt(START, &format!("user{n}"), host(1));
        }
        assert_ne!(guesses.attempt(START, "bob", host(1)), Decision::Allowed);
        assert_eq!(guesses.attempt(START, "alice", host(1)), Decision::Allowed);
        // Known for one account is not known for another, and not for ever.
        let later = START + KNOWN;
        for n in 0..100 {
            guesses.attempt(later, &format!("user{n}"), host(1));
        }
        assert_ne!(guesses.attempt(later, "alice", host(1)), Decision::Allowed);
    }

    #[test]
    fn a_login_takes_its_own_typos_back_and_nobody_elses() {
        let mut guesses = Guesses::default();
        for n in 0..ORIGIN.free {
            guesses.attempt(START, &format!("user{n}"), host(1));
        }
        // One who has an account of his own gets no further with those of others by it.
        for _ in 0..3 {
            guesses.succeeded(START, "mallory", host(1));
        }
        assert_eq!(guesses.attempt(START, "user50", host(1)), Decision::Allowed);
        assert_ne!(guesses.attempt(START, "user51", host(1)), Decision::Allowed);
        guesses.succeeded(START, "user50", host(1));
        assert_eq!(guesses.attempt(START, "user52", host(1)), Decision::Allowed);
    }

    #[test]
    fn what_is_long_ago_is_forgotten_and_a_clock_set_back_is_no_way_round() {
        let mut guesses = Guesses::default();
        guessed(&mut guesses, "alice", host(1), 3600);
        let long_after = START + 3600 + (PAIR.free + 16) * PAIR.forget;
        assert_eq!(
            guesses.attempt(long_after, "alice", host(1)),
            Decision::Allowed
        );
        assert_eq!(
            guesses.attempt(long_after, "alice", host(1)),
            Decision::Allowed
        );
        let mut guesses = Guesses::default();
        while guesses.attempt(START, "alice", host(1)) == Decision::Allowed {}
        let Decision::Wait(wait) = guesses.attempt(0, "alice", host(1)) else {
            panic!("allowed");
        };
        assert!(wait <= PAIR.longest);
    }

    #[test]
    fn memory_is_bounded() {
        let mut guesses = Guesses::bounded(100);
        for n in 0..10_000 {
            guesses.attempt(START, &format!("user{n}"), host(n));
            guesses.succeeded(START, &format!("user{n}"), host(n));
        }
        assert!(guesses.knows(START, &(guesses.account("user9999"), host(9999))));
        assert!(!guesses.knows(START, &(guesses.account("user1"), host(1))));
    }
}
