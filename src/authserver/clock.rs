//! The clock of the machine, for rates and durations; what is signed or stored takes
//! [`system::clock`].

use std::time::{Duration, Instant};

/// A moment from which time is counted.
#[derive(Debug, Clone, Copy)]
pub struct Moment(Instant);

impl Moment {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        Self(Instant::now())
    }

    /// How long ago it was.
    #[must_use]
    pub fn age(self) -> Duration {
        self.0.elapsed()
    }
}
