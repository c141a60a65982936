//! One-time tokens that were used (DESIGN: /var/lib/pam-jwt/used).

use policy::standing::{OneTime, UseFault};
use std::path::Path;

/// Where they are recorded.
pub const DIR: &str = "/var/lib/pam-jwt/used";

/// Uses `token` up at `now`; `whence` is kept for the log: account, service and host.
///
/// # Errors
/// [`UseFault`]
pub fn use_up(_dir: &Path, _token: OneTime<'_>, _now: u64, _whence: &str) -> Result<(), UseFault> {
    Err(UseFault::Unrecorded("not built yet".to_owned()))
}

/// Whether `token` could be used up, without doing it.
///
/// # Errors
/// [`UseFault`]
pub fn look(_dir: &Path, _token: OneTime<'_>) -> Result<(), UseFault> {
    Err(UseFault::Unrecorded("not built yet".to_owned()))
}
