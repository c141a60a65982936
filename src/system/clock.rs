//! The time, from one place, and whether it can be true.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// When this program was made, in seconds since the epoch: SOURCE_DATE_EPOCH
/// (the convention of reproducible builds, set by the Makefile to the time of
/// the last commit), or else a day on which this file certainly existed.
pub const BUILD_DATE: u64 = match option_env!("SOURCE_DATE_EPOCH") {
    Some(text) => decimal(text.as_bytes()),
    None => 1_795_392_000, // 2026-11-23
};

/// The clock shows a time before this program existed: it was never set, or has
/// been turned back so that old tokens live again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockUnset;

/// The time in seconds since the epoch.
///
/// # Errors
/// [`ClockUnset`] where it is earlier than [`BUILD_DATE`].
pub fn now() -> Result<u64, ClockUnset> {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) if since.as_secs() >= BUILD_DATE => Ok(since.as_secs()),
        _ => Err(ClockUnset),
    }
}

/// A moment until which something is waited for. Setting the clock does not move it.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(time).unwrap_or(now))
    }

    /// How long it is until then; nothing once it has passed.
    #[must_use]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// Reads a number while compiling; a text that is none gives the end of time,
/// so that a broken build refuses every token instead of trusting every clock.
const fn decimal(mut text: &[u8]) -> u64 {
    if text.is_empty() {
        return u64::MAX;
    }
    let mut number: u64 = 0;
    while let [digit, rest @ ..] = text {
        if !digit.is_ascii_digit() {
            return u64::MAX;
        }
        number = number
            .saturating_mul(10)
            .saturating_add((*digit - b'0') as u64);
        text = rest;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_and_nonsense_is_the_end_of_time() {
        assert_eq!(decimal(b"1795392000"), 1_795_392_000);
        assert_eq!(decimal(b"0"), 0);
        for nonsense in [&b""[..], b"x", b"12x", b"-1", b"99999999999999999999999"] {
            assert_eq!(decimal(nonsense), u64::MAX);
        }
    }

    #[test]
    fn this_machine_lives_after_the_build() {
        assert!(now().unwrap() >= BUILD_DATE);
    }
}
