//! /run/pam-jwt: what lives as long as a session, and is gone with the boot.
//!
//! ```text
//! /run/pam-jwt/                 0755 root, a tmpfs
//!     handoff/                  0700 root: what a login tells its session
//!     sessions/                 0700 root: a record of each session that is open
//!     1000/                     0711 root: the tokens of that uid's sessions
//!         6f1c…                 0400 of the uid
//! ```

use crate::trusted_file::{self, FileFault, Untrusted, may_write};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{Uid, UnlinkatFlags, linkat, unlinkat};
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where it is.
pub const DIR: &str = "/run/pam-jwt";

/// How often a directory is made again that the end of another session takes away.
pub(crate) const TRIES: usize = 10;

/// The directory `name` in it with this mode, open. What is missing is made.
///
/// # Errors
/// What is in the way, with its path.
pub(crate) fn made(name: &str, mode: u32) -> Result<(OwnedFd, PathBuf), String> {
    // Whatever else its capabilities let it write: what it makes would not be root's.
    if !nix::unistd::geteuid().is_root() {
        return Err(format!(
            "this process does not run as root, and only root writes to {DIR}"
        ));
    }
    let path = Path::new(DIR).join(name);
    for _ in 0..TRIES {
        match trusted_file::directory(&path) {
            Ok(dir) => return Ok((dir, path)),
            Err(Untrusted {
                fault: FileFault::Missing,
                ..
            }) => {}
            Err(error) => return Err(in_the_way(&error)),
        }
        trusted_file::make_directory(Path::new(DIR), 0o755)?;
        trusted_file::make_directory(&path, mode)?;
        // Another session's end may take it away again.
    }
    Err(taken_away(&path))
}

/// What to say when it is gone after [`TRIES`].
pub(crate) fn taken_away(path: &Path) -> String {
    format!(
        "{}: it is taken away as often as it is made",
        path.display()
    )
}

/// The directory `name` in it, open, if there is one.
///
/// # Errors
/// What is in the way, with its path.
pub(crate) fn existing(name: &str) -> Result<Option<OwnedFd>, String> {
    match trusted_file::directory(&Path::new(DIR).join(name)) {
        Ok(dir) => Ok(Some(dir)),
        Err(Untrusted {
            fault: FileFault::Missing,
            ..
        }) => Ok(None),
        Err(error) => Err(in_the_way(&error)),
    }
}

/// What is wrong with a place that nobody but this program is to make, and what mends it.
fn in_the_way(error: &Untrusted) -> String {
    let path = error.path.display();
    match &error.fault {
        FileFault::DirectoryOfOthers => format!(
            "{path} belongs to others than root, or all may write to it; run: chown root {path} \
             && chmod go-w,-t {path}"
        ),
        FileFault::Link => format!("{path} is a symbolic link; run: rm {path}"),
        FileFault::Kind(wanted) => format!("{path} is not a {wanted}; run: rm {path}"),
        _ => error.to_string(),
    }
}

/// Whose a file is.
#[derive(Clone, Copy)]
pub(crate) enum Owner {
    /// Root's, and nobody else reads it.
    Root,
    /// This uid's, to read.
    User(u32),
}

/// Puts a file in its place, whole, with its owner and mode, or not at all: it has no name
/// until then, so that a process that is killed leaves nothing.
pub(crate) fn put(dir: &OwnedFd, name: &str, text: &str, owner: Owner) -> io::Result<()> {
    may_write(text.len() as u64)?;
    let flags = OFlag::O_WRONLY | OFlag::O_TMPFILE | OFlag::O_CLOEXEC;
    let mut file = File::from(openat(dir, ".", flags, Mode::S_IRUSR | Mode::S_IWUSR)?);
    file.write_all(text.as_bytes())?;
    if let Owner::User(uid) = owner {
        file.set_permissions(Permissions::from_mode(0o400))?;
        nix::unistd::fchown(&file, Some(Uid::from_raw(uid)), None)?;
    }
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let link = || {
        linkat(
            nix::fcntl::AT_FDCWD,
            &*path,
            dir,
            name,
            AtFlags::AT_SYMLINK_FOLLOW,
        )
    };
    match link() {
        Err(Errno::EEXIST) => {
            unlinkat(dir, name, UnlinkatFlags::NoRemoveDir)?;
            Ok(link()?)
        }
        linked => Ok(linked?),
    }
}
