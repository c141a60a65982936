//! Tokens in files.

use super::{Text, bounded};
use nix::fcntl::OFlag;
use nix::unistd::Uid;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Reads a file that the user named, whatever it is: a pipe, too.
///
/// # Errors
/// What keeps it from being read, its length among that.
pub fn read(path: &Path) -> io::Result<Text> {
    bounded(File::open(path)?)
}

/// Reads a file that the user named if nobody notices that.
///
/// # Errors
/// Those of [`open_regular`], or what keeps it from being read.
pub fn read_regular(path: &Path) -> io::Result<Text> {
    bounded(open_regular(path)?)
}

/// Opens a regular file.
///
/// # Errors
/// That it is none, or what keeps it from being opened.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Whoever waits at a pipe for a reader would take this for one.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut options = OpenOptions::new();
    let options = options.read(true).custom_flags(OFlag::O_NONBLOCK.bits());
    options.open(path)
}

/// Reads a file that nobody named, from a place where others may have put it: only the
/// user's own, or root's, and a regular one. None if it is not there.
///
/// Otherwise somebody else's token in /tmp would have the user log in as somebody else.
///
/// # Errors
/// That it is another's, that others may write to it, or what keeps it from being read.
pub fn read_own(path: &Path) -> io::Result<Option<Text>> {
    read_trusted(path, OFlag::O_NOFOLLOW)
}

/// Reads the user's settings in the same way. They may be a link, as people keep them.
///
/// # Errors
/// Those of [`read_own`].
pub fn read_settings(path: &Path) -> io::Result<Option<Text>> {
    read_trusted(path, OFlag::empty())
}

fn read_trusted(path: &Path, flags: OFlag) -> io::Result<Option<Text>> {
    let file = match OpenOptions::new()
        .read(true)
        .custom_flags((flags | OFlag::O_NONBLOCK).bits())
        .open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    let owner = metadata.uid();
    if !metadata.is_file() || (owner != Uid::effective().as_raw() && owner != 0) {
        return Err(io::Error::other("it is not a file of your own"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other("others may write to it; chmod 600 it"));
    }
    bounded(file).map(Some)
}

/// Puts a file of the user's own (0600) in place of what is there, all at once. What is there
/// is looked at by [`read_own`] before, and a link is replaced, not followed.
///
/// # Errors
/// What keeps it from being written; what was there is there still.
pub fn replace_own(path: &Path, text: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let template = path.with_file_name(format!(".{name}.XXXXXX"));
    // 0600, and nobody else's file (mkstemp(3)).
    let (descriptor, temporary) = nix::unistd::mkstemp(&template)?;
    let written =
        write_all(File::from(descriptor), text).and_then(|()| std::fs::rename(&temporary, path));
    written.inspect_err(|_| {
        let _ = std::fs::remove_file(&temporary);
    })
}

fn write_all(mut file: File, text: &[u8]) -> io::Result<()> {
    file.write_all(text)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn only_a_file_of_ones_own_is_read_unasked() {
        let directory = nix::unistd::mkdtemp("/tmp/jwt-ssh-test.XXXXXX").unwrap();
        let path = directory.join("bt_u0");
        let error = || read_own(&path).unwrap_err().to_string();
        assert!(read_own(&path).unwrap().is_none());
        fs::write(&path, "token").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(**read_own(&path).unwrap().unwrap(), *b"token");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
        assert!(error().contains("chmod 600"));
        fs::rename(&path, directory.join("elsewhere")).unwrap();
        symlink(directory.join("elsewhere"), &path).unwrap();
        assert!(read_own(&path).is_err());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(error().contains("not a file of your own"));
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_file_is_replaced_at_once_and_no_link_is_followed() {
        let directory = nix::unistd::mkdtemp("/tmp/jwt-ssh-test.XXXXXX").unwrap();
        let path = directory.join("bt_u0");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        replace_own(&path, b"one").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode()), (b"one".to_vec(), 0o600));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        replace_own(&path, b"two").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode()), (b"two".to_vec(), 0o600));
        let other = directory.join("other");
        fs::rename(&path, &other).unwrap();
        symlink(&other, &path).unwrap();
        replace_own(&path, b"three").unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"two");
        assert_eq!(fs::read(&path).unwrap(), b"three");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(replace_own(&path, b"four").is_err());
        // Nothing is left of what was not to be.
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_file_that_is_too_long_is_not_read() {
        let error = bounded(io::repeat(b'a')).unwrap_err().to_string();
        assert!(error.contains("no token is so long"), "{error}");
    }
}
