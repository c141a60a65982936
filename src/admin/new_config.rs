//! The configuration directory as a command finds or makes it, before it puts a file there.

use crate::new_file::NewFiles;
use cli::output::Failure;
use std::path::Path;

/// `pam-jwt.toml` as it is made where there is none: every setting at its default.
pub const GLOBAL: &str = include_str!("../../conf/pam-jwt.toml");

/// That `config` is an absolute path, since the files in it name others by theirs.
pub fn check_path(config: &Path) -> Result<(), Failure> {
    if config.is_absolute() {
        return Ok(());
    }
    let shown = config.display();
    Err(Failure::new(format!(
        "--config {shown} is not an absolute path"
    )))
}

/// Makes what is not there yet: the directories, and `pam-jwt.toml`.
pub fn prepare(files: &mut NewFiles, config: &Path) -> Result<(), Failure> {
    files.directory(config, 0o755)?;
    for (dir, mode) in [("issuers.d", 0o755), ("keys", 0o755), ("private", 0o700)] {
        files.directory(&config.join(dir), mode)?;
    }
    let global = config.join("pam-jwt.toml");
    if global.symlink_metadata().is_err() {
        files.file(&global, 0o644, GLOBAL.as_bytes())?;
    }
    Ok(())
}
