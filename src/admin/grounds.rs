//! What a command rests on: whom the machine trusts, and the time.

use crate::faults;
use cli::output::Failure;
use policy::trust::Trust;
use std::path::Path;
use system::{clock, key_store};

/// Whom the configuration in `config` trusts.
///
/// # Errors
/// Why it does not load.
pub fn trust(config: &Path) -> Result<Trust, Failure> {
    let loaded = key_store::load(config).map_err(|faults| faults::config_does_not_load(&faults))?;
    Ok(loaded.trust)
}

/// The time, in seconds since the epoch.
///
/// # Errors
/// The clock is not set.
pub fn now() -> Result<u64, Failure> {
    clock::now().map_err(|_| {
        Failure::new("the clock is earlier than this program; set it, or times mean nothing")
    })
}
