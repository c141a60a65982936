//! The terminals of a session of logind's, and a line that its user is to see on them. They
//! are found by the session's processes: newer systems have no utmp, and logind does not know
//! of every terminal.

use crate::{logind::session_of, process};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstat, makedev};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A terminal, by the numbers of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Device {
    major: u64,
    minor: u64,
}

/// Writes `line` to each terminal of the session in which the process `pid` is, if it belongs
/// to `uid`; those that took it. None where the process is in no session of logind's, which
/// nothing ends.
///
/// # Errors
/// Where /proc does not say.
pub fn tell(pid: u32, uid: u32, line: &str) -> io::Result<Vec<PathBuf>> {
    let Some(session) = session_of(pid)? else {
        return Ok(Vec::new());
    };
    // Wherever the cursor is, and whether or not the terminal makes it of a newline.
    let line = format!("\r\n{line}\r\n");
    let told = terminals(&session)?.into_iter().filter_map(|device| {
        let path = device.path()?;
        write(&path, device, uid, line.as_bytes()).ok()?;
        Some(path)
    });
    Ok(told.collect())
}

/// The terminals of the processes in the session with this control group.
fn terminals(session: &str) -> io::Result<BTreeSet<Device>> {
    let entries = fs::read_dir("/proc")?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    // One that ends meanwhile has none.
    let is_in_it = |pid: &u32| matches!(session_of(*pid), Ok(Some(found)) if found == session);
    let device = |pid| {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        terminal(&String::from_utf8_lossy(&stat))
    };
    Ok(pids.filter(is_in_it).filter_map(device).collect())
}

/// `tty_nr`, the seventh field of /proc/PID/stat (proc(5)): the minor number is in bits 31 to
/// 20 and 7 to 0, the major one in bits 15 to 8. It is 0 where there is none.
fn terminal(stat: &str) -> Option<Device> {
    let number: i32 = process::fields(stat)?.nth(4)?.parse().ok()?;
    // Signed as it is printed, it is bits.
    let number = u64::from(number.cast_unsigned());
    (number != 0).then_some(Device {
        major: (number >> 8) & 0xff,
        minor: ((number >> 12) & 0xf_ff00) | (number & 0xff),
    })
}

impl Device {
    /// Where it is: a pseudo-terminal's other end, a virtual console or a serial line (the
    /// kernel's devices.txt).
    fn path(self) -> Option<PathBuf> {
        let Self { major, minor } = self;
        let path = match (major, minor) {
            (136..=143, _) => format!("/dev/pts/{}", (major - 136) * 256 + minor),
            (4, 1..=63) => format!("/dev/tty{minor}"),
            (4, 64..) => format!("/dev/ttyS{}", minor - 64),
            _ => return None,
        };
        Some(PathBuf::from(path))
    }
}

/// Writes what a terminal takes at once: one that is stopped, or that a program holds in
/// mid-write, must not hold us. Somebody else's is left alone, whatever a process that has
/// made devices of its own says of its number.
fn write(path: &Path, device: Device, uid: u32, line: &[u8]) -> io::Result<()> {
    let flags = OFlag::O_WRONLY | OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
    let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let terminal = open(path, flags, Mode::empty())?;
    let stat = fstat(&terminal)?;
    let kind = SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits());
    let is_it = kind == SFlag::S_IFCHR && stat.st_rdev == makedev(device.major, device.minor);
    if !is_it || stat.st_uid != uid {
        return Err(Errno::ENOTTY.into());
    }
    let _ = File::from(terminal).write(line)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminals_number_is_read_and_says_where_it_is() {
        for (number, path) in [
            ("34816", Some("/dev/pts/0")),
            ("34819", Some("/dev/pts/3")),
            ("1083401", Some("/dev/pts/265")),
            ("35071", Some("/dev/pts/255")),
            ("-1013505", Some("/dev/pts/1048575")),
            ("35073", Some("/dev/pts/257")),
            ("1025", Some("/dev/tty1")),
            ("1087", Some("/dev/tty63")),
            ("1088", Some("/dev/ttyS0")),
            ("0", None),
            // /dev/tty0, which is whichever is seen, /dev/tty, /dev/console, /dev/null
            ("1024", None),
            ("1280", None),
            ("1281", None),
            ("259", None),
            ("x", None),
            ("99999999999", None),
        ] {
            let stat = format!("7 (a) 9 9 (b) S 1 7 7 {number} -1 0\n");
            let found = terminal(&stat).and_then(Device::path);
            assert_eq!(found.as_deref(), path.map(Path::new), "{number}");
        }
        for bad in ["", "7 (a)", "7 (a) S 1 7 7"] {
            assert_eq!(terminal(bad), None);
        }
    }

    #[test]
    fn what_is_not_the_sessions_terminal_is_not_written_to() {
        let null = Device { major: 1, minor: 3 };
        let path = Path::new("/dev/null");
        let own = fs::metadata(path).unwrap();
        let owner = std::os::unix::fs::MetadataExt::uid(&own);
        assert!(write(path, null, owner, b"x").is_ok());
        assert!(write(path, null, owner + 1, b"x").is_err());
        assert!(write(path, Device { major: 1, minor: 5 }, owner, b"x").is_err());
        // A link, and a file.
        assert!(write(Path::new("/dev/stdout"), null, owner, b"x").is_err());
        let file = std::env::temp_dir().join(format!("terminal.{}", std::process::id()));
        fs::write(&file, "").unwrap();
        let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&file).unwrap());
        let written = write(&file, Device { major: 0, minor: 0 }, owner, b"x");
        let content = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert!(written.is_err() && content.is_empty());
    }
}
