//! Files that a trust decision reads: regular, owned by root, writable by root
//! alone, in directories for which the same holds. The path is walked from `/`
//! one component at a time without following a symbolic link, and what is
//! checked is the open descriptor, so that nothing can be put in its place
//! between the check and the reading.

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, Permissions};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use zeroize::Zeroizing;

/// No trusted file is longer. 1 MiB holds some thousand keys.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// What a trusted file holds.
#[derive(Debug)]
pub struct Content {
    /// Its bytes, wiped when dropped: it may be a key.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Whether its mode lets nobody but its owner read it.
    pub is_private: bool,
}

/// Why a file is not trusted: the component at fault and its fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untrusted {
    /// The file, or the directory on the way to it.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: FileFault,
}

/// What is wrong with a file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileFault {
    /// The path is not absolute or has `..` in it.
    Path,
    /// There is none.
    Missing,
    /// A symbolic link.
    Link,
    /// Not of the kind that is wanted here.
    Kind(&'static str),
    /// A directory that belongs to somebody, or that all may write to (sticky, as
    /// /tmp): not one to be mended, but to keep away from.
    DirectoryOfOthers,
    /// It belongs to this uid.
    Owner(u32),
    /// Its mode lets group or others write.
    Writable(u32),
    /// Longer than [`MAX_BYTES`].
    TooLong,
    /// The system's error.
    System(Errno),
}

/// To whom files and directories have to belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// To root.
    Root,
    /// To root or to this uid.
    RootOr(u32),
    /// To anybody to whom root has given it.
    Anyone,
}

impl Owner {
    const fn is(self, uid: u32) -> bool {
        match self {
            Self::Root => uid == 0,
            Self::RootOr(other) => uid == 0 || uid == other,
            Self::Anyone => true,
        }
    }
}

impl Untrusted {
    /// Whether the file is as it should be and this process is one that may not read it: as
    /// a symmetric key, where the host program does not run as root.
    pub fn is_out_of_reach(&self) -> bool {
        self.fault == FileFault::System(Errno::EACCES) && !nix::unistd::geteuid().is_root()
    }

    /// What is wrong and what mends it; the path stands before it in a message.
    pub fn message(&self) -> String {
        let path = self.path.display();
        match &self.fault {
            FileFault::Path => "is not an absolute path without \"..\"".to_owned(),
            FileFault::Missing => "does not exist".to_owned(),
            FileFault::Link => {
                "is a symbolic link; name the place that it points to, or put the file there"
                    .to_owned()
            }
            FileFault::Kind(wanted) => format!("is not a {wanted}"),
            FileFault::DirectoryOfOthers => "is a directory that others than root own or share; \
                 keep trusted files below /etc/pam-jwt"
                .to_owned(),
            FileFault::Owner(uid) => {
                format!("belongs to uid {uid}, not to root; run: chown root {path}")
            }
            FileFault::Writable(mode) => format!(
                "has mode {mode:04o}, so others than root can write to it; run: chmod go-w {path}"
            ),
            FileFault::TooLong => format!("is longer than {} KiB", MAX_BYTES / 1024),
            FileFault::System(errno) => format!("cannot be read: {}", errno.desc()),
        }
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path.display(), self.message())
    }
}

impl std::error::Error for Untrusted {}

/// Reads a trusted file.
///
/// # Errors
/// [`Untrusted`], naming the component at fault.
pub fn read(path: &Path) -> Result<Content, Untrusted> {
    let (file, stat) = open_file(path)?;
    content(file, &stat, path)
}

/// Reads the trusted file `name` in a directory that was walked to; `path` is its whole name,
/// for messages.
///
/// # Errors
/// [`Untrusted`], for the file itself.
pub(crate) fn read_in(dir: &OwnedFd, name: &OsStr, path: &Path) -> Result<Content, Untrusted> {
    read_in_of(dir, name, path, Owner::Root)
}

/// As [`read_in`], of a file that may belong to somebody else.
pub(crate) fn read_in_of(
    dir: &OwnedFd,
    name: &OsStr,
    path: &Path,
    owner: Owner,
) -> Result<Content, Untrusted> {
    let (file, stat) = open_file_in(dir, name, path, owner)?;
    content(file, &stat, path)
}

fn content(file: OwnedFd, stat: &FileStat, path: &Path) -> Result<Content, Untrusted> {
    // As long as it will get, since a buffer that grows leaves copies behind.
    let size = u64::try_from(stat.st_size).unwrap_or(0).min(MAX_BYTES);
    let capacity = usize::try_from(size).unwrap_or(0).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    File::from(file)
        .take(MAX_BYTES.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| {
            untrusted(
                path,
                Errno::from_raw(error.raw_os_error().unwrap_or(0)).into(),
            )
        })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(untrusted(path, FileFault::TooLong));
    }
    Ok(Content {
        bytes,
        is_private: stat.st_mode & 0o077 == 0,
    })
}

/// Whether a file is trusted, for what is executed and not read.
///
/// # Errors
/// [`Untrusted`], naming the component at fault.
pub fn verify(path: &Path) -> Result<(), Untrusted> {
    open_file(path).map(drop)
}

/// A trusted file, open for reading, and its size in bytes.
///
/// # Errors
/// [`Untrusted`], naming the component at fault.
pub(crate) fn open(path: &Path) -> Result<(OwnedFd, u64), Untrusted> {
    let (file, stat) = open_file(path)?;
    Ok((file, u64::try_from(stat.st_size).unwrap_or(0)))
}

/// As [`open`], a file in a directory of a directory that root has given to somebody: it may
/// be theirs.
///
/// # Errors
/// [`Untrusted`], naming the component at fault.
pub(crate) fn open_given(path: &Path) -> Result<(OwnedFd, u64), Untrusted> {
    let whole = || untrusted(path, FileFault::Path);
    let dir = path.parent().ok_or_else(whole)?;
    let given = dir.parent().ok_or_else(whole)?;
    let (Some(name), Some(in_given)) = (path.file_name(), dir.file_name()) else {
        return Err(whole());
    };
    let (given, stat) = directory_of_anyone(given)?;
    let owner = Owner::RootOr(stat.st_uid);
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
    let (dir, _) = open_checked(&given, in_given, dir, flags, Kind::Directory, owner)?;
    let (file, stat) = open_file_in(&dir, name, path, owner)?;
    Ok((file, u64::try_from(stat.st_size).unwrap_or(0)))
}

fn open_file(path: &Path) -> Result<(OwnedFd, FileStat), Untrusted> {
    let (dir, name) = parent(path)?;
    open_file_in(&dir, name, path, Owner::Root)
}

/// The file `name` in a directory that was walked to, open for reading, and what it is.
pub(crate) fn open_file_in(
    dir: &OwnedFd,
    name: &OsStr,
    path: &Path,
    owner: Owner,
) -> Result<(OwnedFd, FileStat), Untrusted> {
    // O_NONBLOCK: a FIFO in its place must not hold the login up.
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    open_checked(dir, name, path, flags, Kind::File, owner)
}

/// A trusted directory, open for reading.
///
/// # Errors
/// [`Untrusted`], naming the component at fault.
pub(crate) fn directory(path: &Path) -> Result<OwnedFd, Untrusted> {
    let (parent, name) = parent(path)?;
    directory_in(&parent, name, path)
}

/// The directory `name` in one that was walked to; `path` is its whole name, for messages.
pub(crate) fn directory_in(dir: &OwnedFd, name: &OsStr, path: &Path) -> Result<OwnedFd, Untrusted> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
    let (dir, _) = open_checked(dir, name, path, flags, Kind::Directory, Owner::Root)?;
    Ok(dir)
}

/// A directory that root has given to somebody, open for reading, and what it is: its owner is
/// who root has made it for, since nobody else could.
pub(crate) fn directory_of_anyone(path: &Path) -> Result<(OwnedFd, FileStat), Untrusted> {
    let (parent, name) = parent(path)?;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
    open_checked(&parent, name, path, flags, Kind::Directory, Owner::Anyone)
}

/// Makes a directory in one that is there and trusted, on the disk too, with exactly this
/// mode; another process may be faster, to make it or to take it away again.
///
/// # Errors
/// What is in the way, with its path.
pub(crate) fn make_directory(path: &Path, mode: u32) -> Result<(), String> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(failed(Errno::EINVAL.into()));
    };
    let parent = directory(parent).map_err(|error| error.to_string())?;
    match mkdirat(&parent, name, Mode::from_bits_truncate(mode)) {
        Ok(()) => {
            // Whatever the umask of the host program.
            match directory_in(&parent, name, path) {
                Ok(made) => File::from(made)
                    .set_permissions(Permissions::from_mode(mode))
                    .map_err(failed)?,
                Err(error) if error.fault == FileFault::Missing => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(Errno::EEXIST) => {}
        Err(errno) => return Err(failed(errno.into())),
    }
    File::from(parent).sync_all().map_err(failed)
}

/// Whether this process may write to a file as far as `size`: if not, the kernel would kill
/// it in mid-write (SIGXFSZ), and su and sudo run under the limit of whoever starts them.
pub(crate) fn may_write(size: u64) -> io::Result<()> {
    let (most, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
    if most < size {
        let words = format!("the limit on the size of files is {most} bytes (ulimit -f)");
        return Err(io::Error::other(words));
    }
    Ok(())
}

/// The files in a trusted directory whose names end in `suffix` and do not begin
/// with a dot, in the order of their names.
///
/// # Errors
/// [`Untrusted`], naming the component at fault.
pub fn list(path: &Path, suffix: &str) -> Result<Vec<PathBuf>, Untrusted> {
    let dir = directory(path)?;
    let system = |errno: Errno| untrusted(path, errno.into());
    let mut names = Vec::new();
    for entry in Dir::from_fd(dir).map_err(system)?.iter() {
        let entry = entry.map_err(system)?;
        let name = entry.file_name().to_bytes();
        if !name.starts_with(b".") && name.ends_with(suffix.as_bytes()) {
            names.push(path.join(OsStr::from_bytes(name)));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The directory that holds `path`, walked to and open, and the name in it.
fn parent(path: &Path) -> Result<(OwnedFd, &OsStr), Untrusted> {
    let mut components = path.components();
    let (Some(Component::RootDir), Some(Component::Normal(name))) =
        (components.next(), components.next_back())
    else {
        return Err(untrusted(path, FileFault::Path));
    };
    let mut walked = PathBuf::from("/");
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
    let start = nix::fcntl::open("/", flags | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(|errno| untrusted(&walked, errno.into()))?;
    check(&start, &walked, Kind::Directory, Owner::Root)?;
    let mut dir = start;
    for component in components {
        let Component::Normal(part) = component else {
            return Err(untrusted(path, FileFault::Path));
        };
        walked.push(part);
        (dir, _) = open_checked(&dir, part, &walked, flags, Kind::Directory, Owner::Root)?;
    }
    Ok((dir, name))
}

fn open_checked(
    dir: &OwnedFd,
    name: &OsStr,
    path: &Path,
    flags: OFlag,
    kind: Kind,
    owner: Owner,
) -> Result<(OwnedFd, FileStat), Untrusted> {
    let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = openat(dir, name, flags, Mode::empty()).map_err(|errno| {
        // What the open says of a link depends on the flags; lstat is clear.
        let found = fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW);
        let fault = match (errno, found) {
            (Errno::ENOENT, _) => FileFault::Missing,
            (_, Ok(stat)) if kind_of(&stat) == SFlag::S_IFLNK => FileFault::Link,
            (Errno::ENOTDIR | Errno::ENXIO, Ok(_)) => FileFault::Kind(kind.name()),
            // What root would refuse is not just out of reach for others.
            (Errno::EACCES, Ok(stat)) => {
                fault_of(&stat, kind, owner).unwrap_or(FileFault::System(errno))
            }
            (errno, _) => errno.into(),
        };
        untrusted(path, fault)
    })?;
    let stat = check(&file, path, kind, owner)?;
    Ok((file, stat))
}

fn check(file: &OwnedFd, path: &Path, kind: Kind, owner: Owner) -> Result<FileStat, Untrusted> {
    let stat = fstat(file).map_err(|errno| untrusted(path, errno.into()))?;
    match fault_of(&stat, kind, owner) {
        Some(fault) => Err(untrusted(path, fault)),
        None => Ok(stat),
    }
}

fn fault_of(stat: &FileStat, kind: Kind, owner: Owner) -> Option<FileFault> {
    if kind_of(stat) != kind.flag() {
        return Some(FileFault::Kind(kind.name()));
    }
    let mode = stat.st_mode & 0o7777;
    let writable = mode & 0o022 != 0;
    let is_shared = writable && mode & 0o1000 != 0;
    let is_others = !owner.is(stat.st_uid);
    if kind == Kind::Directory && (is_others || is_shared) {
        return Some(FileFault::DirectoryOfOthers);
    }
    if is_others {
        return Some(FileFault::Owner(stat.st_uid));
    }
    writable.then_some(FileFault::Writable(mode))
}

/// What something in the file system is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Directory,
}

impl Kind {
    const fn flag(self) -> SFlag {
        match self {
            Self::File => SFlag::S_IFREG,
            Self::Directory => SFlag::S_IFDIR,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::File => "regular file",
            Self::Directory => "directory",
        }
    }
}

fn kind_of(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits())
}

impl From<Errno> for FileFault {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

fn untrusted(path: &Path, fault: FileFault) -> Untrusted {
    Untrusted {
        path: path.to_owned(),
        fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(path: &str) -> (String, FileFault) {
        let untrusted = read(Path::new(path)).expect_err("untrusted");
        (untrusted.path.display().to_string(), untrusted.fault)
    }

    #[test]
    fn the_systems_own_files_are_trusted() {
        assert!(
            read(Path::new("/etc/passwd"))
                .unwrap()
                .bytes
                .starts_with(b"root:")
        );
        let services = list(Path::new("/etc/pam.d"), "").unwrap();
        assert!(services.is_sorted() && services.contains(&"/etc/pam.d/other".into()));
    }

    #[test]
    fn what_is_no_path_no_file_or_no_directory_is_refused() {
        for path in ["etc/passwd", "", "/", "/etc/../etc/passwd", ".."] {
            assert_eq!(fault(path), (path.to_owned(), FileFault::Path));
        }
        assert_eq!(
            fault("/etc/no/such"),
            ("/etc/no".to_owned(), FileFault::Missing)
        );
        assert_eq!(
            fault("/etc/passwd/x"),
            ("/etc/passwd".to_owned(), FileFault::Kind("directory"))
        );
        assert_eq!(
            fault("/etc"),
            ("/etc".to_owned(), FileFault::Kind("regular file"))
        );
        assert_eq!(
            fault("/dev/null"),
            ("/dev/null".to_owned(), FileFault::Kind("regular file"))
        );
        assert_eq!(
            fault("/proc/self/exe"),
            ("/proc/self".to_owned(), FileFault::Link)
        );
    }

    #[test]
    fn nobody_is_told_to_change_a_directory_that_is_not_for_trusted_files() {
        assert_eq!(
            fault("/tmp/x"),
            ("/tmp".to_owned(), FileFault::DirectoryOfOthers)
        );
        let message = read(Path::new("/tmp/x")).unwrap_err().message();
        assert!(!message.contains("run:"), "{message}");
    }
}
