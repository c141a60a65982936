//! A value that one thread fills and another waits on.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// How long anything is waited for before the test fails. It is never a measure: nothing here
/// takes a tenth of it, and a slow machine must not make a test fail.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

#[derive(Default)]
pub(crate) struct Watched<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Watched<T> {
    pub(crate) fn update(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.value.lock().expect("the other thread did not panic"));
        self.changed.notify_all();
    }

    pub(crate) fn look<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.value.lock().expect("the other thread did not panic"))
    }

    /// The first answer that `find` gives as the value changes, or nothing at the deadline.
    pub(crate) fn wait_for<R>(&self, mut find: impl FnMut(&T) -> Option<R>) -> Option<R> {
        let mut found = None;
        let value = self.value.lock().expect("the other thread did not panic");
        let _value = self
            .changed
            .wait_timeout_while(value, DEADLINE, |value| {
                found = find(value);
                found.is_none()
            })
            .expect("the other thread did not panic");
        found
    }
}
