//! The socket's place in the file system.

use crate::config::Local;
use crate::error::Fault;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

/// Who may connect: everybody, since the kernel says who that is.
const MODE: u32 = 0o666;

/// Makes the socket that the settings name, in a directory that is there already; none where
/// they want none. It takes the place of what another server left behind there, at once and
/// whole; so this comes after what only one server can have, its addresses.
///
/// # Errors
/// It cannot be made, and what mends that.
pub fn bind(settings: &Local) -> Result<Option<UnixListener>, Fault> {
    if !settings.enabled {
        return Ok(None);
    }
    let path = &settings.socket;
    match made(path) {
        Ok(listener) => Ok(Some(listener)),
        Err(error) => {
            let advice = match error.kind() {
                ErrorKind::NotFound | ErrorKind::PermissionDenied => {
                    "; its directory is this server's user's: systemd-tmpfiles --create"
                }
                _ => "",
            };
            let path = path.display();
            Err(Fault::lasting(format!("{path}: {error}{advice}")))
        }
    }
}

fn made(path: &Path) -> io::Result<UnixListener> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.file_type().is_socket()) {
        let why = "it is no socket, and stays; [local] socket names another place";
        return Err(io::Error::other(why));
    }
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&new)?;
    fs::set_permissions(&new, Permissions::from_mode(MODE))?;
    listener.set_nonblocking(true)?;
    fs::rename(&new, path)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;
    use std::path::PathBuf;

    struct Directory(PathBuf);

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn directory(name: &str) -> Directory {
        let name = format!("pam-jwt-local-{name}.{}", std::process::id());
        let directory = Directory(std::env::temp_dir().join(name));
        fs::create_dir(&directory.0).unwrap();
        directory
    }

    fn at(directory: &Directory) -> Local {
        Local {
            socket: directory.0.join("local"),
            ..Local::default()
        }
    }

    #[test]
    fn everybody_may_connect_and_the_server_that_came_last_is_there() {
        let directory = directory("bind");
        let settings = at(&directory);
        let first = bind(&settings).unwrap().unwrap();
        let second = bind(&settings).unwrap().unwrap();
        let mode = fs::metadata(&settings.socket).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o666);
        let _client = UnixStream::connect(&settings.socket).unwrap();
        assert_eq!(first.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(second.accept().is_ok());
        assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 1);
        let off = Local {
            enabled: false,
            ..settings
        };
        assert!(bind(&off).unwrap().is_none());
    }

    #[test]
    fn what_is_in_the_way_is_told_and_left_alone() {
        let directory = directory("way");
        let settings = at(&directory);
        fs::write(&settings.socket, "kept").unwrap();
        let why = bind(&settings).unwrap_err().message;
        assert!(why.contains("it is no socket"), "{why}");
        assert_eq!(fs::read_to_string(&settings.socket).unwrap(), "kept");
        let nowhere = Local {
            socket: directory.0.join("none/local"),
            ..Local::default()
        };
        let why = bind(&nowhere).unwrap_err().message;
        assert!(why.contains("systemd-tmpfiles --create"), "{why}");
    }
}
