//! Who is at the local socket, and how often they come: nobody takes the places of all.

use std::collections::BTreeMap;
use std::time::Duration;

/// Conversations at once.
const MOST: usize = 64;

/// Those of one uid.
const MOST_OF_ONE: usize = 8;

/// Whose pace is remembered beyond this is forgotten once they may come again anyway.
const REMEMBERED: usize = 1000;

/// Why somebody is sent away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// So many are served that there is no place for another.
    Full,
    /// This one has too many conversations at once, or too often one.
    Slow,
}

/// The uids that are served.
#[derive(Debug, Default)]
pub struct Callers {
    /// How many conversations each has.
    open: BTreeMap<u32, usize>,
    /// When each would come next that came evenly, after the beginning of time as the caller
    /// counts it (the generic cell rate algorithm, ITU-T I.371).
    next: BTreeMap<u32, Duration>,
}

impl Callers {
    /// Lets `uid` in at `now`, who may come `per_minute` times a minute: all at once, too. Whoever
    /// is let in has to [`leave`](Self::leave).
    ///
    /// # Errors
    /// Why not.
    pub fn enter(&mut self, uid: u32, now: Duration, per_minute: u32) -> Result<(), Busy> {
        let here = self.open.get(&uid).copied().unwrap_or_default();
        if here >= MOST_OF_ONE {
            return Err(Busy::Slow);
        }
        if self.open.values().sum::<usize>() >= MOST {
            return Err(Busy::Full);
        }
        let minute = Duration::from_secs(60);
        let apart = minute.checked_div(per_minute).unwrap_or(minute);
        let next = self.next.get(&uid).copied().unwrap_or_default().max(now);
        if next.saturating_add(apart) > now.saturating_add(minute) {
            return Err(Busy::Slow);
        }
        if self.next.len() >= REMEMBERED {
            self.next.retain(|_, next| *next > now);
        }
        self.next.insert(uid, next.saturating_add(apart));
        self.open.insert(uid, here.saturating_add(1));
        Ok(())
    }

    /// A conversation of `uid` has ended.
    pub fn leave(&mut self, uid: u32) {
        let left = self.open.remove(&uid).unwrap_or_default().saturating_sub(1);
        if left > 0 {
            self.open.insert(uid, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(5);

    #[test]
    fn one_has_some_of_the_places_and_all_have_no_more_than_there_are() {
        let mut callers = Callers::default();
        for _ in 0..MOST_OF_ONE {
            assert_eq!(callers.enter(1, START, 6000), Ok(()));
        }
        assert_eq!(callers.enter(1, START, 6000), Err(Busy::Slow));
        let uids = 2..=u32::try_from(MOST - MOST_OF_ONE + 1).unwrap();
        for uid in uids {
            assert_eq!(callers.enter(uid, START, 6000), Ok(()), "{uid}");
        }
        assert_eq!(callers.enter(1000, START, 6000), Err(Busy::Full));
        callers.leave(1);
        assert_eq!(callers.enter(1000, START, 6000), Ok(()));
        // Who leaves twice takes nobody's place.
        callers.leave(2);
        callers.leave(2);
        assert_eq!(callers.open.values().sum::<usize>(), MOST - 1);
    }

    #[test]
    fn who_comes_too_often_waits_and_nobody_else_does() {
        let mut callers = Callers::default();
        let mut come = |uid, now| {
            let entered = callers.enter(uid, now, 3);
            if entered.is_ok() {
                callers.leave(uid);
            }
            entered
        };
        for _ in 0..3 {
            assert_eq!(come(1, START), Ok(()));
        }
        assert_eq!(come(1, START), Err(Busy::Slow));
        assert_eq!(come(2, START), Ok(()));
        let later = START + Duration::from_secs(20);
        assert_eq!(come(1, later - Duration::from_millis(1)), Err(Busy::Slow));
        assert_eq!(come(1, later), Ok(()));
        assert_eq!(come(1, later), Err(Busy::Slow));
        let next_day = START + Duration::from_secs(86_400);
        for _ in 0..3 {
            assert_eq!(come(1, next_day), Ok(()));
        }
        assert_eq!(come(1, next_day), Err(Busy::Slow));
    }

    #[test]
    fn what_is_remembered_is_bounded_by_those_who_have_to_wait() {
        let mut callers = Callers::default();
        for uid in 0..5000 {
            let now = Duration::from_secs(u64::from(uid));
            callers.enter(uid, now, 60).unwrap();
            callers.leave(uid);
        }
        assert!(callers.next.len() <= REMEMBERED, "{}", callers.next.len());
        assert!(callers.open.is_empty());
    }
}
