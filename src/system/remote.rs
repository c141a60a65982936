//! Asking an issuer something in the middle of a decision. Who decides does not know by what
//! process that is done: a login forks a helper, `pam-jwt verify` asks nobody unless told to.

use crate::helper::{Answer, Request};
use std::time::Duration;

/// Who can be asked.
pub trait Remote {
    /// Asks, and waits for the one answer no longer than `patience`.
    ///
    /// # Errors
    /// Why there is none, in words for the log.
    fn ask(&self, request: &Request, patience: Duration) -> Result<Answer, String>;
}

/// Nobody can be asked, for this reason.
pub struct Offline(pub &'static str);

impl Remote for Offline {
    fn ask(&self, _: &Request, _: Duration) -> Result<Answer, String> {
        Err(self.0.to_owned())
    }
}
