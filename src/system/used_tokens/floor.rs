//! The day before which every token is refused, since its record may have been dropped. It
//! only ever rises, whatever raises it at the same time, and needs no lock for that: it is
//! the size of a file. To write a byte at an offset makes a file as long as that or leaves it
//! longer, in one step of the kernel. The file is sparse and some 20 KB long.

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstatat};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

const NAME: &str = "floor";

/// The first day, in days since the epoch, whose tokens are not refused.
pub(super) fn read(dir: &OwnedFd) -> io::Result<u64> {
    match fstatat(dir, NAME, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) if stat.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFREG.bits() => {
            u64::try_from(stat.st_size).map_err(io::Error::other)
        }
        Ok(_) => Err(io::Error::other("it is no regular file")),
        Err(Errno::ENOENT) => Ok(0),
        Err(errno) => Err(errno.into()),
    }
}

/// Makes the floor `day` at least. It is so on the disk when this returns, also where
/// another process has raised it and is not so far yet.
pub(super) fn raise(dir: &OwnedFd, day: u64) -> io::Result<()> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    let file = File::from(openat(dir, NAME, flags | OFlag::O_CLOEXEC, mode)?);
    // Even where it is that high: what another process failed to bring onto the disk is
    // written anew, which to sync it again would not do.
    crate::trusted_file::may_write(day)?;
    file.write_all_at(&[0], day.saturating_sub(1))?;
    file.sync_all()?;
    nix::unistd::fsync(dir)?;
    Ok(())
}
