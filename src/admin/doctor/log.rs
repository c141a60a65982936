//! The log of this machine: of the journal what root's processes and the kernel have written,
//! and where there is none the files that stand for it.

use super::afterwards;
use super::journal::{Entry, Moment, Writer, of_file, of_journal};
use crate::programs::{NotRun, run};
use nix::unistd::geteuid;
use std::cmp::Reverse;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// As much of a file is read, from its end.
const TAIL: u64 = 4 * 1024 * 1024;

/// What was logged, each the last first.
#[derive(Debug, Default)]
pub struct Log {
    /// Lines that speak of pam_jwt, and of logins that were refused by others.
    pub lines: Vec<Entry>,
    /// Denials of SELinux and AppArmor, ours among them.
    pub denials: Vec<Entry>,
    /// Why it is not all that there is, where it is not.
    pub unseen: Option<String>,
}

/// Reads what was logged since then, in seconds since the epoch.
pub fn read(since: Option<u64>) -> Log {
    let mut log = Log::default();
    // Others could write so many lines that those of root are not among the last.
    let pattern = format!("pam_jwt|{}", afterwards::PATTERN);
    match journal(since, "500", &pattern, &["_UID=0"]) {
        Ok(entries) => log.lines = entries,
        Err(NotRun::Missing) => {}
        Err(why) => log.unseen = Some(format!("journalctl {why}")),
    }
    let others = journal(since, "200", "^pam_jwt", &[]).unwrap_or_default();
    let of_others = |entry: &Entry| !entry.writer.is_trusted();
    log.lines.extend(others.into_iter().filter(of_others));
    log.lines.sort_by_key(|entry| match entry.at {
        Moment::At(at) => Reverse(at),
        Moment::Words(_) => Reverse(0),
    });
    if log.lines.is_empty() {
        log.lines = files(&["/var/log/auth.log", "/var/log/secure"], |line| {
            of_file(line).filter(|entry| entry.message.starts_with("pam_jwt("))
        });
    }
    let kernel = ["_TRANSPORT=kernel", "_TRANSPORT=audit"];
    log.denials = journal(since, "500", "avc:|apparmor=", &kernel).unwrap_or_default();
    log.denials
        .extend(files(&["/var/log/audit/audit.log"], |line| {
            of_audit(line).filter(|entry| {
                let since = since.map_or(Moment::At(0), Moment::At);
                matches!((&entry.at, since), (Moment::At(at), Moment::At(since)) if *at >= since)
            })
        }));
    if !geteuid().is_root() {
        log.unseen = Some("the system's log is for root to read".to_owned());
    }
    log
}

fn journal(
    since: Option<u64>,
    most: &str,
    pattern: &str,
    matches: &[&str],
) -> Result<Vec<Entry>, NotRun> {
    let since = since.map(|since| format!("--since=@{since}"));
    let common = ["--no-pager", "--quiet", "--output=json", "--reverse"];
    let mut args: Vec<&str> = common.to_vec();
    args.extend(since.as_deref());
    let searching = [&args[..], &["-n", most, "-g", pattern], matches].concat();
    let mut ran = run("journalctl", &searching)?;
    if !ran.is_done && ran.stderr.contains("pattern matching") {
        // It was built without, so the last lines of all are looked through.
        let all = [&args[..], &["-n", "5000"], matches].concat();
        ran = run("journalctl", &all)?;
    }
    // Where it finds nothing it has failed, and has nothing to say.
    if !ran.is_done && !ran.stderr.trim().is_empty() {
        return Err(NotRun::Failed(format!("says: {}", ran.stderr.trim())));
    }
    Ok(ran.stdout.lines().filter_map(of_journal).collect())
}

/// A line of audit.log, which auditd has from the kernel and which root alone can write:
/// `type=AVC msg=audit(1795392000.123:45): avc:  denied …`.
fn of_audit(line: &str) -> Option<Entry> {
    let (_, rest) = line.split_once("audit(")?;
    let seconds = rest.split(['.', ':']).next()?;
    Some(Entry {
        at: Moment::At(seconds.parse().ok()?),
        writer: Writer::Kernel,
        program: "auditd".to_owned(),
        message: line.to_owned(),
    })
}

/// The lines at the end of files that are there, the last first.
fn files(paths: &[&str], entry: impl Fn(&str) -> Option<Entry>) -> Vec<Entry> {
    let mut found = Vec::new();
    for path in paths {
        let text = tail(path).unwrap_or_default();
        found.extend(text.lines().rev().filter_map(&entry));
    }
    found
}

fn tail(path: &str) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_audit_has_its_time() {
        let line = "type=AVC msg=audit(1795392000.123:45): avc:  denied  { read } for  pid=1";
        let entry = of_audit(line).unwrap();
        assert_eq!(entry.at, Moment::At(1_795_392_000));
        assert!(entry.writer.is_trusted() && entry.message == line);
        assert_eq!(of_audit("type=AVC"), None);
    }
}
