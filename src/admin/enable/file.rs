//! A service's file on the disk: found, and replaced whole.

use crate::programs;
use cli::output::Failure;
use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a file is besides its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub modified: SystemTime,
}

/// A file as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it really is, if the service's name is a link.
    pub path: PathBuf,
    pub bytes: Vec<u8>,
    pub attributes: Attributes,
}

/// Reads the name of a service, which is that of a file.
pub fn service(text: &str) -> Result<String, String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._+@-".contains(c);
    if text.starts_with(['.', '-']) || text.is_empty() || !text.chars().all(is_name) {
        return Err("a service is the name of a file in /etc/pam.d, such as sshd".to_owned());
    }
    Ok(text.to_owned())
}

/// Finds the file of a service in `etc`; `vendor` is where distributions have theirs.
pub fn find(etc: &Path, vendor: &Path, service: &str) -> Result<Found, Failure> {
    let named = etc.join(service);
    let shown = named.display();
    let path = match fs::canonicalize(&named) {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let own = vendor.join(service);
            return Err(Failure::new(if own.exists() {
                format!(
                    "{} is the distribution's; to have one that may be changed: cp {} {shown}",
                    own.display(),
                    own.display(),
                )
            } else {
                format!(
                    "{shown} is not there, so that libpam takes `other` for {service}; the \
                     services are listed by: ls {}",
                    etc.display()
                )
            }));
        }
        Err(error) => return Err(Failure::new(format!("{shown}: {error}"))),
    };
    // A link into /usr, or to what authselect generates, is another's to write.
    let home = etc.parent().unwrap_or(etc);
    if !path.starts_with(home) || path.starts_with(home.join("authselect")) {
        return Err(Failure::new(format!(
            "{shown} is a link to {}, which is not written by hand; a copy in its place is: \
             cp --remove-destination {} {shown}",
            path.display(),
            path.display()
        )));
    }
    read(&path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// Reads a file as it is.
pub fn read(path: &Path) -> io::Result<Found> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    Ok(Found {
        path: path.to_owned(),
        bytes: fs::read(path)?,
        attributes: Attributes {
            mode: about.permissions().mode() & 0o7777,
            uid: about.uid(),
            gid: about.gid(),
            modified: about.modified()?,
        },
    })
}

/// Whether a file of this name is what `replace` left that was killed. No service is called so.
pub fn is_half_written(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(HALF_WRITTEN)
}

const HALF_WRITTEN: &str = ".pam-jwt";

/// Puts these bytes in the place of the file's: whoever reads finds the one or the other, whole,
/// and afterwards it is on the disk. The mode, the owner, ACLs and the label of SELinux stay, or
/// the mode, the owner and the time are these.
pub fn replace(path: &Path, bytes: &[u8], attributes: Option<&Attributes>) -> io::Result<()> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(HALF_WRITTEN);
    let new = path.with_file_name(name);
    let written = write(path, &new, bytes, attributes);
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

fn write(path: &Path, new: &Path, bytes: &[u8], wanted: Option<&Attributes>) -> io::Result<()> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let old = read(path)?.attributes;
    // cp(1) knows the kernel's extended attributes. Where it is another that does not, mode and
    // owner are set below all the same.
    let names = path.to_str().zip(new.to_str());
    let copy = names.map(|(path, new)| programs::run("cp", &["--preserve=all", "--", path, new]));
    if !copy.is_some_and(|copy| copy.is_ok_and(|copy| copy.is_done)) {
        fs::copy(path, new)?;
    }
    let mut file = OpenOptions::new().write(true).truncate(true).open(new)?;
    file.write_all(bytes)?;
    let attributes = wanted.unwrap_or(&old);
    chown(new, Some(attributes.uid), Some(attributes.gid))?;
    file.set_permissions(Permissions::from_mode(attributes.mode))?;
    if let Some(wanted) = wanted {
        file.set_times(FileTimes::new().set_modified(wanted.modified))?;
    }
    file.sync_all()?;
    fs::rename(new, path)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_the_name_of_a_file() {
        for name in ["sshd", "su-l", "systemd-user", "polkit-1", "a.b_c"] {
            assert_eq!(service(name).as_deref(), Ok(name));
        }
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "/etc/pam.d/sshd",
            "-x",
            ".hidden",
            "a b",
            "a\n",
            "é",
        ] {
            assert!(service(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_file_keeps_what_it_is_besides_its_bytes() {
        let dir = std::env::temp_dir().join(format!("pam-jwt-file-{}", std::process::id()));
        let etc = dir.join("etc/pam.d");
        fs::create_dir_all(&etc).unwrap();
        let path = etc.join("sshd");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let then = SystemTime::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 7);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(then)
            .unwrap();
        let found = find(&etc, &dir.join("usr"), "sshd").unwrap();
        assert_eq!(
            (found.attributes.mode, found.attributes.modified),
            (0o640, then)
        );

        replace(&path, b"new", None).unwrap();
        let new = read(&path).unwrap();
        assert_eq!((&*new.bytes, new.attributes.mode), (&b"new"[..], 0o640));
        assert_ne!(new.attributes.modified, then);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        replace(&path, &found.bytes, Some(&found.attributes)).unwrap();
        assert_eq!(read(&path).unwrap(), found);
        assert_eq!(fs::read_dir(&etc).unwrap().count(), 1);

        // A link stays one, and one that leads elsewhere is not followed.
        std::os::unix::fs::symlink("sshd", etc.join("linked")).unwrap();
        assert_eq!(
            find(&etc, &dir.join("usr"), "linked").unwrap().path,
            found.path
        );
        fs::create_dir_all(dir.join("usr")).unwrap();
        fs::write(dir.join("usr/vendor"), "").unwrap();
        std::os::unix::fs::symlink(dir.join("usr/vendor"), etc.join("outside")).unwrap();
        for name in ["absent", "outside", "vendor"] {
            assert!(find(&etc, &dir.join("usr"), name).is_err(), "{name}");
        }
        fs::remove_dir_all(&dir).unwrap();
    }
}
