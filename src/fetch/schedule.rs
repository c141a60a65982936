//! When a server is asked again. Times and spans are in seconds, times since the epoch; what is
//! random is a parameter.

/// After a success nobody is asked for keys earlier, whatever the answer says.
const LEAST: u64 = 5 * 60;

/// Nor later.
const MOST: u64 = 6 * 3600;

/// Where an answer does not say for how long it is good.
const USUAL: u64 = 3600;

/// After a first failure; each further one doubles it.
const FIRST_PAUSE: u64 = 60;

/// However many there were.
const LONGEST_PAUSE: u64 = 3600;

/// What is good for a shorter time is asked for this often all the same, as are status lists.
const FLOOR: u64 = 60;

/// Whether it is time. A clock that was set back does not hold anything up: who was asked after
/// now, or is to be asked later than anybody is, is asked.
pub const fn is_due(now: u64, attempted_at: u64, next_at: u64) -> bool {
    now >= next_at || attempted_at > now || next_at > now.saturating_add(MOST)
}

/// When to ask for keys again after an answer at `now` with this `Cache-Control`. What was fetched
/// is good for `good_for` more: there have to be tries left before that has passed.
pub fn after_success(now: u64, cache_control: Option<&str>, good_for: u64) -> u64 {
    let fresh = cache_control.map_or(USUAL, fresh_for).clamp(LEAST, MOST);
    let span = fresh.min(good_for / 2).max(FLOOR);
    now.saturating_add(span)
}

/// The same for a status list: how soon a host hears of what was taken back is for the issuer to
/// say.
pub fn after_list(now: u64, cache_control: Option<&str>, good_for: u64) -> u64 {
    let fresh = cache_control.map_or(USUAL, fresh_for).clamp(FLOOR, MOST);
    let span = fresh.min(good_for / 2).max(FLOOR);
    now.saturating_add(span)
}

/// When to ask again after `failures` in a row, at least one: the pause doubles, and of each the
/// second half is left to chance, so that not all hosts come back at once.
pub fn after_failure(now: u64, failures: u64, random: u64) -> u64 {
    let doubled = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    let pause = 2_u64.saturating_pow(doubled).saturating_mul(FIRST_PAUSE);
    let half = pause.min(LONGEST_PAUSE) / 2;
    let chance = random.checked_rem(half.saturating_add(1)).unwrap_or(0);
    now.saturating_add(half).saturating_add(chance)
}

/// For how long an answer is fresh (RFC 9111 §5.2.2): this is a private cache, so s-maxage is
/// not meant for it.
fn fresh_for(cache_control: &str) -> u64 {
    let mut fresh = USUAL;
    for directive in cache_control.split(',') {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return 0,
            "max-age" => {
                let digits = value.trim().trim_matches('"');
                let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
                // A number that has no place here is a very long time (§1.2.2), and one that
                // is none means stale (§4.2.1).
                fresh = if all_digits {
                    digits.parse().unwrap_or(u64::MAX)
                } else {
                    0
                };
            }
            _ => {}
        }
    }
    fresh
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_within_bounds_when_to_come_again() {
        for (cache_control, span) in [
            (None, USUAL),
            (Some(""), USUAL),
            (Some("public"), USUAL),
            (Some("public, max-age=1200, must-revalidate"), 1200),
            (Some("Max-Age=\"1200\""), 1200),
            (Some("s-maxage=1200"), USUAL),
            (Some("max-age=1"), LEAST),
            (Some("max-age=0"), LEAST),
            (Some("no-store"), LEAST),
            (Some("max-age=7200, no-cache"), LEAST),
            (Some("max-age=999999"), MOST),
            (Some("max-age=99999999999999999999999"), MOST),
            (Some("max-age=-5"), LEAST),
            (Some("max-age"), LEAST),
        ] {
            let next = after_success(1000, cache_control, 3 * 86_400);
            assert_eq!(next, 1000 + span, "{cache_control:?}");
        }
    }

    #[test]
    fn what_is_good_for_a_short_time_is_fetched_twice_in_it() {
        for (good_for, span) in [(3600, 1800), (600, 300), (200, 100), (1, FLOOR), (0, FLOOR)] {
            assert_eq!(after_success(0, Some("max-age=7200"), good_for), span);
        }
        assert_eq!(after_success(u64::MAX, None, 10), u64::MAX);
    }

    #[test]
    fn a_list_is_fetched_as_soon_as_its_issuer_says() {
        for (cache_control, good_for, span) in [
            (Some("public, max-age=60"), 600, 60),
            (Some("max-age=90"), 600, 90),
            (Some("max-age=7200"), 600, 300),
            (Some("no-cache"), 600, FLOOR),
            (Some("max-age=60"), 10, FLOOR),
            (None, 86_400, USUAL),
            (Some("max-age=999999"), 86_400, MOST),
        ] {
            let next = after_list(1000, cache_control, good_for);
            assert_eq!(next, 1000 + span, "{cache_control:?} {good_for}");
        }
    }

    #[test]
    fn who_fails_is_left_alone_for_longer_each_time() {
        for (failures, least, most) in [
            (0, 30, 60),
            (1, 30, 60),
            (2, 60, 120),
            (3, 120, 240),
            (6, 960, 1920),
            (7, 1800, 3600),
            (8, 1800, 3600),
            (u64::MAX, 1800, 3600),
        ] {
            assert_eq!(after_failure(0, failures, 0), least, "{failures}");
            assert_eq!(after_failure(0, failures, most - least), most, "{failures}");
            for random in [1, 7, 12_345, u64::MAX] {
                let next = after_failure(0, failures, random);
                assert!((least..=most).contains(&next), "{failures} {random}");
            }
        }
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nothing_up() {
        let now = 1_000_000;
        for (attempted_at, next_at, due) in [
            (0, 0, true),
            (now - 10, now, true),
            (now - 10, now + 1, false),
            (now, now + MOST, false),
            (now, now + MOST + 1, true),
            (now + 1, now + 60, true),
        ] {
            assert_eq!(
                is_due(now, attempted_at, next_at),
                due,
                "{attempted_at} {next_at}"
            );
        }
    }
}
