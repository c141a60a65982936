//! Waiting for what happens by itself, in time however busy this machine is.

use std::thread;
use std::time::{Duration, Instant};

use crate::Machine;
use crate::watched::DEADLINE;

/// Waits until something comes to be.
///
/// # Panics
///
/// At the deadline, with `what`.
#[track_caller]
pub fn wait_until(what: &str, mut comes: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !comes() {
        assert!(Instant::now() < deadline, "in {DEADLINE:?} not: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

impl Machine {
    /// Waits until a condition of root's shell holds in the machine.
    ///
    /// # Panics
    ///
    /// At the deadline, with the processes that there are.
    #[track_caller]
    pub fn wait_until(&self, condition: &str) {
        let script = format!("until {condition}; do sleep 0.05; done >/dev/null");
        let output = self.run(["sh", "-c", &script]);
        assert!(
            output.code() == Some(0),
            "{output}\n{}",
            self.run(["ps", "-ef"])
        );
    }
}
