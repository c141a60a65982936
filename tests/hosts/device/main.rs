//! Logging in with a browser: the module, its helper and real host programs, with an issuer
//! whose answers are the test's.

mod console;
mod contract;
mod faults;
mod issuer;
mod memory;
mod people;
mod sshd;
mod terminals;
mod world;

use std::thread;

/// Runs tests that wait most of their time, side by side, however many processors there are.
fn side_by_side(tests: &[fn()]) {
    thread::scope(|scope| {
        for test in tests {
            scope.spawn(test);
        }
    });
}
