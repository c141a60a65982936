//! What is to be said of what was fetched from one issuer; no I/O, no clock.

use policy::decision::{Note, Refusal};
use policy::explain::Silent;
use policy::trust::TrustedIssuer;
use system::fetched::State;

/// One issuer whose keys are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub issuer: String,
    /// The file that says so.
    pub file: String,
    /// The keys that logins use.
    pub keys: Vec<Key>,
    /// Whether they do.
    pub standing: Standing,
    /// For how many seconds keys are good.
    pub max_key_age: u64,
    /// How fetching went: the fetcher's notes, none where it never tried, or why they cannot
    /// be read.
    pub state: Result<Option<State>, String>,
    /// By how many seconds the issuer's clock is ahead of this one, where that is more than
    /// clocks may differ.
    pub clock_wrong: Option<i64>,
    /// When this was said, in seconds since the epoch.
    pub now: u64,
}

/// Whether logins use an issuer's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// They do, and the keys are good for more than a quarter of their time.
    Fresh(Age),
    /// They do, but not for long any more.
    Ageing(Age),
    /// The keys are older than they may be, by so many seconds, or in words.
    TooOld(String),
    /// There are none to use, for this reason.
    Missing(String),
}

/// How old keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// Seconds since the last success.
    pub age: u64,
    /// Seconds for which they are still good.
    pub left: u64,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its kid.
    pub kid: String,
    /// The name of its algorithm.
    pub alg: &'static str,
    /// When it was last in what the issuer publishes, in seconds since the epoch.
    pub seen_at: Option<u64>,
    /// Whether the issuer publishes it no longer, and it is kept for a while.
    pub is_withdrawn: bool,
}

impl Standing {
    /// Whether logins use the keys.
    pub const fn is_usable(&self) -> bool {
        matches!(self, Self::Fresh(_) | Self::Ageing(_))
    }
}

impl Report {
    /// What is to be said of `issuer`; nothing where its keys are files. `state` is of the
    /// fetcher's notes, `now` in seconds since the epoch, `leeway` in seconds.
    pub fn of(
        issuer: &TrustedIssuer,
        state: Result<Option<State>, String>,
        now: u64,
        leeway: u64,
    ) -> Option<Self> {
        let fetched = issuer.fetched.as_ref()?;
        let checked_at = fetched.checked_at.as_ref().ok().copied();
        let standing = match policy::fetched::check(Some(fetched), now, &mut Silent) {
            Ok(()) => {
                let age = now.saturating_sub(checked_at.unwrap_or(now));
                let left = fetched.max_key_age.saturating_sub(age);
                let age = Age { age, left };
                if left <= fetched.max_key_age / 4 {
                    Standing::Ageing(age)
                } else {
                    Standing::Fresh(age)
                }
            }
            Err(Refusal { note, .. }) => match (note, checked_at) {
                (Note::Detail(why), None) => Standing::Missing(why),
                (Note::Detail(why), Some(_)) => Standing::TooOld(why),
                (_, checked_at) => {
                    let age = now.saturating_sub(checked_at.unwrap_or(now));
                    let over = age.saturating_sub(fetched.max_key_age);
                    let over = policy::duration::for_people(over);
                    Standing::TooOld(format!("for {over}"))
                }
            },
        };
        let notes = state.as_ref().ok().and_then(Option::as_ref);
        let ahead = notes.and_then(|state| state.clock_ahead);
        let clock_wrong = ahead.filter(|ahead| ahead.unsigned_abs() > leeway);
        let seen_at = |kid: &str| {
            let all = notes.into_iter().flat_map(|state| &state.seen_at);
            all.clone().find(|(one, _)| one == kid).map(|(_, at)| *at)
        };
        let key = |key: &policy::trust::TrustedKey| {
            let seen_at = seen_at(&key.kid);
            Key {
                kid: key.kid.clone(),
                alg: key.key.algorithm().name(),
                seen_at,
                is_withdrawn: seen_at.is_some_and(|seen| Some(seen) < checked_at),
            }
        };
        Some(Self {
            issuer: issuer.issuer.clone(),
            file: issuer.file.clone(),
            keys: issuer.keys.iter().map(key).collect(),
            standing,
            max_key_age: fetched.max_key_age,
            clock_wrong,
            state,
            now,
        })
    }

    /// The fetcher's notes, where there are any.
    pub fn notes(&self) -> Option<&State> {
        self.state.as_ref().ok().and_then(Option::as_ref)
    }
}
