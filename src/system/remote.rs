//! Asking an issuer something in the middle of a decision. Who decides does not know by what
//! process that is done: a login forks a helper, `pam-jwt verify` asks nobody unless told to.

use crate::helper::{Answer, Request};
use std::slice;
use std::time::Duration;

/// Who can be asked.
pub trait Remote {
    /// Asks all side by side, and waits for the one answer to each, no longer than `patience` in
    /// all. The answers are in the order of the requests; where there is none it says why, in
    /// words for the log.
    fn ask_all(&self, requests: &[Request], patience: Duration) -> Vec<Result<Answer, String>>;

    /// Asks, and waits for the one answer no longer than `patience`.
    ///
    /// # Errors
    /// Why there is none, in words for the log.
    fn ask(&self, request: &Request, patience: Duration) -> Result<Answer, String> {
        let mut answers = self.ask_all(slice::from_ref(request), patience);
        answers
            .pop()
            .unwrap_or_else(|| Err("nobody was asked".to_owned()))
    }
}

/// Nobody can be asked, for this reason.
pub struct Offline(pub &'static str);

impl Remote for Offline {
    fn ask_all(&self, requests: &[Request], _: Duration) -> Vec<Result<Answer, String>> {
        vec![Err(self.0.to_owned()); requests.len()]
    }
}
