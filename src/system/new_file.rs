//! A file in place of another: whoever reads finds the one or the other, whole, and what is
//! there afterwards is on the disk.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Puts a file of these parts at `path`, with mode 0644, by way of `new` in the same directory.
/// Nobody else may do the same meanwhile.
///
/// # Errors
/// The system's; then what was at `path` is there still.
pub fn replace(path: &Path, new: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let written = write(path, new, parts);
    if written.is_err() {
        let _ = fs::remove_file(new);
    }
    written
}

fn write(path: &Path, new: &Path, parts: &[&[u8]]) -> io::Result<()> {
    // Of one who was interrupted.
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(new)?;
    for part in parts {
        file.write_all(part)?;
    }
    // Whatever the umask.
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.sync_all()?;
    fs::rename(new, path)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}
