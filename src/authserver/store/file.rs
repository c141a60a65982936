//! The file of SQLite: nobody else's to read, nor to have put there.

use crate::error::Fault;
use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use std::fs::{Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Makes the file where it is missing, as this user's alone; SQLite gives its log the same mode.
///
/// # Errors
/// It cannot be made, or the one that is there is not this user's, or others could read it.
pub(super) fn prepare(path: &Path) -> Result<(), Fault> {
    let shown = path.display();
    let failed = |error: std::io::Error| Fault::lasting(format!("{shown}: {error}"));
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    match options.clone().create_new(true).open(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = options.custom_flags(flags.bits()).open(path);
    let metadata = file.and_then(|file| file.metadata()).map_err(failed)?;
    judge(path, &metadata, geteuid().as_raw())
}

/// Whether what is there can be the store of a server that is the user `own`.
///
/// # Errors
/// Why not, and what mends it.
pub fn judge(path: &Path, metadata: &Metadata, own: u32) -> Result<(), Fault> {
    let shown = path.display();
    if !metadata.is_file() {
        return Err(Fault::lasting(format!(
            "{shown} is not a file; move it away, or have url of [store] name another place"
        )));
    }
    if metadata.uid() != own {
        let owner = metadata.uid();
        return Err(Fault::lasting(format!(
            "{shown} belongs to user {owner}, and the server is user {own}; run: chown {own} {shown}"
        )));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(Fault::lasting(format!(
            "{shown} is open to others than its owner; run: chmod 600 {shown}"
        )));
    }
    if metadata.mode() & 0o600 != 0o600 {
        return Err(Fault::lasting(format!(
            "{shown} cannot be written by its owner; run: chmod 600 {shown}"
        )));
    }
    Ok(())
}
