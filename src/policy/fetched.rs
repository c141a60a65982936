//! Keys that were fetched: until when they are good. Only a fetch that succeeded makes them
//! younger, so that an issuer that nobody can reach, or a fetcher that does not run, is
//! trusted for a while and no longer: what was revoked there meanwhile is not known here.

use crate::decision::{Note, Refusal};
use crate::duration::for_people;
use crate::explain::Observer;
use crate::reason::Reason;

/// How the keys of an issuer were fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// For how many seconds after the last success they are good.
    pub max_key_age: u64,
    /// Whether a token with an unknown kid has them fetched anew.
    pub on_unknown_kid: bool,
    /// The last success, in seconds since the epoch, or why there are none to use.
    pub checked_at: Result<u64, String>,
}

/// For how many seconds a key is kept that an issuer publishes no longer: some take a key out
/// of their set while tokens that it has signed are still good. One that was withdrawn as it
/// is in wrong hands is trusted for so long too, unless it is revoked here (pam-jwt revoke).
pub const GRACE: u64 = 24 * 3600;

/// By how many seconds a fetch may lie in the future: the clock was set back a little. Beyond
/// that nobody knows how old the keys are.
const AHEAD: u64 = 300;

impl Fetched {
    /// Whether a key may be used at `now` that its issuer published last at `withdrawn`, where it
    /// does no longer. What fetches leaves out those that are over, but does not have to run.
    pub fn keeps(&self, withdrawn: Option<u64>, now: u64) -> bool {
        let grace = GRACE.min(self.max_key_age);
        withdrawn.is_none_or(|at| now.saturating_sub(at) < grace)
    }
}

/// Whether keys may be used at `now`, in seconds since the epoch; those of files may.
///
/// # Errors
/// [`Reason::KeysNotFetched`] or [`Reason::KeysTooOld`].
pub fn check(
    fetched: Option<&Fetched>,
    now: u64,
    observer: &mut dyn Observer,
) -> Result<(), Refusal> {
    let Some(fetched) = fetched else {
        return Ok(());
    };
    let outcome = age(fetched, now);
    let name = format_args!("fetched");
    match &outcome {
        Ok(age) => observer.check(
            name,
            true,
            format_args!(
                "{} ago; they are good for {}",
                for_people(*age),
                for_people(fetched.max_key_age)
            ),
        ),
        Err(Refusal { reason, note }) => {
            let words = match note {
                Note::Detail(words) => words.clone(),
                Note::OverBy(over) => format!(
                    "{} longer ago than max_key_age, {}",
                    for_people(*over),
                    for_people(fetched.max_key_age)
                ),
                _ => reason.text().to_owned(),
            };
            observer.check(name, false, format_args!("{words}"));
        }
    }
    outcome.map(|_| ())
}

/// Seconds since the last success, where they are good.
fn age(fetched: &Fetched, now: u64) -> Result<u64, Refusal> {
    let checked_at = match &fetched.checked_at {
        Ok(time) => *time,
        Err(why) => {
            return Err(Refusal {
                reason: Reason::KeysNotFetched,
                note: Note::Detail(why.clone()),
            });
        }
    };
    if checked_at > now.saturating_add(AHEAD) {
        let ahead = for_people(checked_at.saturating_sub(now));
        return Err(Refusal {
            reason: Reason::KeysTooOld,
            note: Note::Detail(format!(
                "they were fetched {ahead} after now, so the clock was set back"
            )),
        });
    }
    let age = now.saturating_sub(checked_at);
    match age.checked_sub(fetched.max_key_age) {
        Some(over) => Err(Refusal {
            reason: Reason::KeysTooOld,
            note: Note::OverBy(over),
        }),
        None => Ok(age),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::Silent;

    fn reason(checked_at: Result<u64, String>, now: u64) -> Option<Reason> {
        let fetched = Fetched {
            max_key_age: 100,
            on_unknown_kid: false,
            checked_at,
        };
        let checked = check(Some(&fetched), now, &mut Silent);
        checked.err().map(|refusal| refusal.reason)
    }

    #[test]
    fn keys_are_good_for_their_age_and_no_second_longer() {
        for (now, expected) in [
            (1000, None),
            (1099, None),
            (1100, Some(Reason::KeysTooOld)),
            (u64::MAX, Some(Reason::KeysTooOld)),
            // A clock that was set back a little, and one that says nothing of their age.
            (700, None),
            (699, Some(Reason::KeysTooOld)),
            (0, Some(Reason::KeysTooOld)),
        ] {
            assert_eq!(reason(Ok(1000), now), expected, "{now}");
        }
    }

    #[test]
    fn where_there_are_none_the_reason_says_so_and_files_have_no_age() {
        assert_eq!(reason(Err("x".into()), 0), Some(Reason::KeysNotFetched));
        assert!(check(None, 0, &mut Silent).is_ok());
    }

    #[test]
    fn a_key_that_was_withdrawn_has_its_day_though_nothing_is_fetched() {
        for (max_key_age, withdrawn, now, is_kept) in [
            (3 * GRACE, Some(1000), 1000 + GRACE - 1, true),
            (3 * GRACE, Some(1000), 1000 + GRACE, false),
            (60, Some(1000), 1059, true),
            (60, Some(1000), 1060, false),
            (60, None, u64::MAX, true),
        ] {
            let fetched = Fetched {
                max_key_age,
                on_unknown_kid: false,
                checked_at: Ok(1000),
            };
            assert_eq!(fetched.keeps(withdrawn, now), is_kept, "{now}");
        }
    }
}
