//! What `check` finds in private/.

use super::Finding;
use crate::pam_stack::Severity;
use jose::PrivateKey;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// Private keys are root's alone; a directory that is absent holds none.
pub(super) fn private_keys(dir: &Path) -> Vec<Finding> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    std::iter::once(dir.to_owned())
        .chain(entries.map(|entry| entry.path()))
        .filter_map(|path| private_key(&path))
        .collect()
}

/// The fault of private/ or of a file in it.
fn private_key(path: &Path) -> Option<Finding> {
    let metadata = path.symlink_metadata().ok()?;
    let mode = metadata.permissions().mode() & 0o777;
    let shown = path.display();
    let (code, text, more) = if metadata.is_symlink() {
        (
            "private_key_link",
            "is a symbolic link, and what it points to is not checked".to_owned(),
            "put there what it points to".to_owned(),
        )
    } else if metadata.uid() != 0 {
        (
            "private_key_exposed",
            format!("belongs to uid {}, not to root", metadata.uid()),
            format!("run: chown root {shown}"),
        )
    } else if mode & 0o077 != 0 {
        let wanted = if metadata.is_dir() { "700" } else { "600" };
        (
            "private_key_exposed",
            format!("has mode {mode:04o}, so others can reach the private key"),
            format!("run: chmod {wanted} {shown}"),
        )
    } else if metadata.is_file() && path.extension().is_some_and(|extension| extension == "jwk") {
        let cause = unusable(path)?;
        ("private_key_unusable", cause, String::new())
    } else {
        return None;
    };
    Some(Finding {
        severity: Severity::Error,
        code,
        place: shown.to_string(),
        text,
        more,
    })
}

/// Why nothing can be signed with the key in `path`.
fn unusable(path: &Path) -> Option<String> {
    match std::fs::read(path).map(Zeroizing::new) {
        Ok(text) => PrivateKey::parse(&text)
            .err()
            .map(|error| error.to_string()),
        Err(error) => Some(format!("cannot be read: {error}")),
    }
}
