//! Processes, by number and beginning, so that a number that came again is another one.

use nix::errno::Errno;
use policy::handoff::Process;
use std::io;
use std::str::SplitAsciiWhitespace;

/// This process.
///
/// # Errors
/// Where /proc does not say.
pub fn own() -> io::Result<Process> {
    of(nix::unistd::getpid().as_raw())
}

/// What ps(1) shows of this process, which sshd and others set themselves.
///
/// # Errors
/// Where /proc does not say.
pub fn own_title() -> io::Result<String> {
    let words = std::fs::read("/proc/self/cmdline")?;
    let end = words.iter().position(|byte| *byte == 0);
    let title = words.get(..end.unwrap_or(words.len())).unwrap_or_default();
    Ok(String::from_utf8_lossy(title).into_owned())
}

/// The process with this number.
///
/// # Errors
/// Where there is none, or /proc does not say.
pub fn with(pid: u32) -> io::Result<Process> {
    let (_, start) = stat(pid)?;
    Ok(Process { pid, start })
}

/// This moment on the kernel's clock of beginnings: what `start` is of a process that begins now.
/// No other source tells the time on that clock where /proc/uptime is a container's own.
///
/// # Errors
/// Where /proc does not say.
pub fn this_moment() -> io::Result<u64> {
    let start = || {
        let text = std::fs::read("/proc/thread-self/stat")?;
        let (_, start) =
            parse(&String::from_utf8_lossy(&text)).ok_or(io::ErrorKind::InvalidData)?;
        Ok(start)
    };
    let thread = std::thread::Builder::new().spawn(start)?;
    thread.join().map_err(|_| io::ErrorKind::Other)?
}

/// How many units of [`this_moment`] a second has: USER_HZ, 100 on every Linux there is.
pub const TICKS: u64 = 100;

/// The process that started this one.
///
/// # Errors
/// Where /proc does not say.
pub(crate) fn parent() -> io::Result<Process> {
    of(nix::unistd::getppid().as_raw())
}

/// Whether it still runs. One that has ended and was not waited for does not; one of which it
/// cannot be said, since this process may open no more files, may.
pub(crate) fn is_alive(process: Process) -> bool {
    match stat(process.pid) {
        Ok((state, start)) => start == process.start && !matches!(state, 'Z' | 'X'),
        Err(error) => !is_gone(&error),
    }
}

/// What /proc says of a process that there is none of: ESRCH where it ends in mid-read.
fn is_gone(error: &io::Error) -> bool {
    let errno = error.raw_os_error();
    [Errno::ENOENT, Errno::ESRCH]
        .iter()
        .any(|gone| errno == Some(*gone as i32))
}

/// The kernel's id of this boot.
///
/// # Errors
/// Where /proc does not say.
pub fn boot_id() -> io::Result<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(id.trim_end().to_owned())
}

fn of(pid: i32) -> io::Result<Process> {
    // Of a parent in another pid namespace nothing is known: its pid is 0.
    let pid = u32::try_from(pid).map_err(io::Error::other)?;
    if pid == 0 {
        return Ok(Process { pid, start: 0 });
    }
    let (_, start) = stat(pid)?;
    Ok(Process { pid, start })
}

fn stat(pid: u32) -> io::Result<(char, u64)> {
    let text = std::fs::read(format!("/proc/{pid}/stat"))?;
    parse(&String::from_utf8_lossy(&text)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The fields of /proc/PID/stat from the third on (proc(5)). The second is the program's name
/// in parentheses, which may itself hold some.
pub(crate) fn fields(stat: &str) -> Option<SplitAsciiWhitespace<'_>> {
    let (_, behind) = stat.rsplit_once(") ")?;
    Some(behind.split_ascii_whitespace())
}

/// State and `starttime`, the third and the 22nd field.
fn parse(stat: &str) -> Option<(char, u64)> {
    let mut fields = fields(stat)?;
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_its_number_and_its_beginning() {
        let own = own().unwrap();
        assert!(is_alive(own) && is_alive(parent().unwrap()));
        assert_eq!(own.pid, std::process::id());
        assert!(!is_alive(Process {
            start: own.start + 1,
            ..own
        }));
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let process = of(child.id().try_into().unwrap()).unwrap();
        assert!(is_alive(process));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_alive(process));
        assert_eq!(boot_id().unwrap().len(), 36);
    }

    #[test]
    fn a_moment_is_not_before_what_began_by_then() {
        let own = own().unwrap();
        let (first, then) = (this_moment().unwrap(), this_moment().unwrap());
        assert!(
            own.start <= first && first <= then,
            "{own:?} {first} {then}"
        );
        assert_eq!(with(own.pid).unwrap(), own);
    }

    #[test]
    fn what_cannot_be_said_is_no_end() {
        let error = |errno: Errno| io::Error::from(errno);
        assert!([Errno::ENOENT, Errno::ESRCH].map(error).iter().all(is_gone));
        let others = [Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM, Errno::EACCES];
        assert!(!others.map(error).iter().any(is_gone));
        assert!(!is_gone(&io::ErrorKind::InvalidData.into()));
    }

    #[test]
    fn a_name_of_a_program_is_no_field() {
        let fields: Vec<String> = (4..=30).map(|at| at.to_string()).collect();
        let line = format!("7 (a) S 1 (b) ) Z {}\n", fields.join(" "));
        assert_eq!(parse(&line), Some(('Z', 22)));
        for bad in ["", "7 (a)", "7 (a) S", "7 (a) S 1 2"] {
            assert_eq!(parse(bad), None);
        }
    }
}
