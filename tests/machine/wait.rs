//! Waiting for what happens by itself, in time however busy this machine is.

use std::thread;
use std::time::{Duration, Instant};

use crate::Machine;

/// How long that may take. It is never a measure.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until something comes to be.
///
/// # Panics
///
/// If it does not in two minutes, with `what`.
#[track_caller]
pub fn wait_until(what: &str, mut comes: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !comes() {
        assert!(Instant::now() < deadline, "in two minutes not: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

impl Machine {
    /// Waits until a condition of root's shell holds in the machine.
    ///
    /// # Panics
    ///
    /// If it does not in two minutes, with the processes that there are.
    #[track_caller]
    pub fn wait_until(&self, condition: &str) {
        let script = format!("until {condition}; do sleep 0.05; done >/dev/null");
        let waits = self.command(["sh", "-c", &script]).time_limit(PATIENCE);
        let output = waits.run();
        assert!(
            output.code() == Some(0),
            "{output}\n{}",
            self.run(["ps", "-ef"])
        );
    }
}
