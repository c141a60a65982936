//! What a decision needs of the operating system: trusted files, the accounts,
//! the clock. The only crate that asks it; what it learns it passes on as values.
#![forbid(unsafe_code)]

pub mod account_db;
pub mod client_secret;
pub mod clock;
pub mod fetched;
pub mod handoff;
pub mod helper;
mod introspect;
pub mod issue;
pub mod key_store;
pub mod login;
pub mod logind;
pub mod new_file;
pub mod process;
pub mod records;
mod refresh;
pub mod remote;
pub mod revocations;
pub mod run_dir;
pub mod sessions;
pub mod ssh_auth_info;
pub mod status_store;
pub mod terminals;
pub mod trusted_file;
pub mod used_tokens;

use std::path::Path;

/// Where the configuration is unless somebody says otherwise.
pub const CONFIG_DIR: &str = "/etc/pam-jwt";

/// The machine's name, as gethostname(2) has it.
///
/// # Errors
/// The system's error, or one for a name that is not UTF-8.
pub fn hostname() -> std::io::Result<String> {
    let name = nix::unistd::gethostname()?;
    name.into_string()
        .map_err(|_| std::io::ErrorKind::InvalidData.into())
}

/// A path as messages show it.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
