//! The time, from one place.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Seconds since the epoch. A clock before it is one that says nothing: every token is
/// then not yet valid, or has no end that has passed, and the host decides.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// By which is measured how long something takes.
pub fn instant() -> Instant {
    Instant::now()
}
