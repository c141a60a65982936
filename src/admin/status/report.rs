//! What is to be said of what was fetched from one issuer; no I/O, no clock.

use policy::decision::{Note, Refusal};
use policy::duration::for_people;
use policy::explain::Silent;
use policy::fetched::Fetched;
use policy::trust::{TrustedIssuer, TrustedKey};
use system::fetched::State;

/// One issuer from whom something is fetched.
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
    /// For how many seconds keys are good, where they are fetched.
    pub max_key_age: Option<u64>,
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
    /// They do, and these are files: status lists alone are fetched.
    Files,
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
        !matches!(self, Self::TooOld(_) | Self::Missing(_))
    }

    /// Of keys that are fetched, at `now`, in seconds since the epoch.
    fn of(fetched: &Fetched, now: u64) -> Self {
        let checked_at = fetched.checked_at.as_ref().ok();
        let age = checked_at.map_or(0, |checked_at| now.saturating_sub(*checked_at));
        match policy::fetched::check(Some(fetched), now, &mut Silent) {
            Ok(()) => {
                let left = fetched.max_key_age.saturating_sub(age);
                let age = Age { age, left };
                if left <= fetched.max_key_age / 4 {
                    Self::Ageing(age)
                } else {
                    Self::Fresh(age)
                }
            }
            Err(Refusal { note, .. }) => match (note, checked_at) {
                (Note::Detail(why), None) => Self::Missing(why),
                (Note::Detail(why), Some(_)) => Self::TooOld(why),
                _ => {
                    let over = age.saturating_sub(fetched.max_key_age);
                    Self::TooOld(format!("for {}", for_people(over)))
                }
            },
        }
    }
}

impl Report {
    /// What is to be said of `issuer`; nothing where nothing is fetched from it. `state` is of
    /// the fetcher's notes, `now` in seconds since the epoch, `leeway` in seconds.
    pub fn of(
        issuer: &TrustedIssuer,
        state: Result<Option<State>, String>,
        now: u64,
        leeway: u64,
    ) -> Option<Self> {
        let standing = match &issuer.fetched {
            Some(fetched) => Standing::of(fetched, now),
            None if matches!(&state, Ok(Some(state)) if !state.lists.is_empty()) => Standing::Files,
            None => return None,
        };
        let notes = state.as_ref().ok().and_then(Option::as_ref);
        let ahead = notes.and_then(|state| state.clock_ahead);
        let clock_wrong = ahead.filter(|ahead| ahead.unsigned_abs() > leeway);
        let seen_at = |kid: &str| {
            let all = notes.into_iter().flat_map(|state| &state.seen_at);
            all.clone().find(|(one, _)| one == kid).map(|(_, at)| *at)
        };
        let key = |key: &TrustedKey| Key {
            kid: key.kid.clone(),
            alg: key.key.algorithm().name(),
            seen_at: seen_at(&key.kid),
            is_withdrawn: key.withdrawn.is_some(),
        };
        Some(Self {
            issuer: issuer.issuer.clone(),
            file: issuer.file.clone(),
            keys: issuer.keys.iter().map(key).collect(),
            standing,
            max_key_age: issuer.fetched.as_ref().map(|fetched| fetched.max_key_age),
            clock_wrong,
            state,
            now,
        })
    }

    /// Whether nothing is too old, and nothing was never fetched.
    pub fn is_fine(&self) -> bool {
        let mut lists = self.notes().into_iter().flat_map(|notes| &notes.lists);
        self.standing.is_usable() && lists.all(|list| list.checked_at.is_some())
    }

    /// The fetcher's notes, where there are any.
    pub fn notes(&self) -> Option<&State> {
        self.state.as_ref().ok().and_then(Option::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::config::{Config, Source};
    use policy::trust::{KeysOfIssuer, Trust};
    use system::fetched::ListState;

    const NOW: u64 = 2_000_000_000;

    fn issuer(keys: &str, checked_at: Option<Result<u64, String>>) -> TrustedIssuer {
        let text = format!("issuer='https://i'\naudience=['x']\n{keys}");
        let source = |text| Source {
            file: "i.toml",
            text,
        };
        let config = Config::parse(source(""), &[source(&text)]).whole().unwrap();
        let keys = KeysOfIssuer {
            checked_at,
            ..KeysOfIssuer::default()
        };
        Trust::new(config, vec![keys], "h")
            .unwrap()
            .issuers
            .remove(0)
    }

    fn report(checked_at: Result<u64, String>, state: State) -> Report {
        let issuer = issuer("discover=true\nmax_key_age='100s'", Some(checked_at));
        Report::of(&issuer, Ok(Some(state)), NOW, 30).unwrap()
    }

    #[test]
    fn keys_are_fresh_then_ageing_then_too_old() {
        for (age, expected, is_fine) in [
            (0, Standing::Fresh(Age { age: 0, left: 100 }), true),
            (74, Standing::Fresh(Age { age: 74, left: 26 }), true),
            (75, Standing::Ageing(Age { age: 75, left: 25 }), true),
            (99, Standing::Ageing(Age { age: 99, left: 1 }), true),
            (100, Standing::TooOld("for 0 s".into()), false),
            (142, Standing::TooOld("for 42 s".into()), false),
        ] {
            let report = report(Ok(NOW - age), State::default());
            assert_eq!((&report.standing, report.is_fine()), (&expected, is_fine));
        }
        let ahead = report(Ok(NOW + 400), State::default());
        assert!(matches!(&ahead.standing, Standing::TooOld(why) if why.contains("set back")));
        let never = report(Err("never".into()), State::default());
        assert_eq!(never.standing, Standing::Missing("never".into()));
        assert!(!never.is_fine());
    }

    #[test]
    fn a_clock_that_differs_by_more_than_leeway_is_told() {
        for (ahead, wrong) in [(None, None), (Some(30), None), (Some(-31), Some(-31))] {
            let state = State {
                clock_ahead: ahead,
                ..State::default()
            };
            assert_eq!(report(Ok(NOW), state).clock_wrong, wrong);
        }
    }

    #[test]
    fn a_list_that_was_never_fetched_is_not_fine_and_files_need_no_fetcher() {
        let lists = |checked_at| State {
            lists: vec![ListState {
                uri: "https://i/1".into(),
                checked_at,
                ..ListState::default()
            }],
            ..State::default()
        };
        assert!(report(Ok(NOW), lists(Some(NOW))).is_fine());
        assert!(!report(Ok(NOW), lists(None)).is_fine());
        let files = issuer("keys=['/k']", None);
        assert_eq!(Report::of(&files, Ok(None), NOW, 30), None);
        assert_eq!(Report::of(&files, Err("none".into()), NOW, 30), None);
        let with_lists = Report::of(&files, Ok(Some(lists(Some(NOW)))), NOW, 30).unwrap();
        assert_eq!(with_lists.standing, Standing::Files);
    }
}
