//! Owners and modes: everything below our directories that a login would refuse to read.

use super::finding::{Finding, Topic, Verdict};
use nix::unistd::geteuid;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use system::trusted_file::{self, FileFault, Untrusted};
use system::{fetched, run_dir};

const TOPIC: Topic = Topic::Files;

/// What all machines have below /var/lib.
const STATE: &str = "/var/lib/pam-jwt";

/// Nobody has more files.
const MOST: usize = 10_000;

/// Looks at the files of the configuration in `config`, and at those below /var/lib/pam-jwt and
/// /run/pam-jwt.
pub fn look(config: &Path) -> Vec<Finding> {
    let mut faults: Vec<Untrusted> = Vec::new();
    let mut note = |found: Result<(), Untrusted>| {
        if let Err(fault) = found
            && !faults.contains(&fault)
        {
            faults.push(fault);
        }
    };
    let given = Path::new(fetched::DIR);
    for path in below(&[config, Path::new(STATE)], given) {
        note(trusted(&path));
    }
    let run = Path::new(run_dir::DIR);
    for dir in [run.to_owned(), run.join("handoff"), run.join("sessions")] {
        if dir.symlink_metadata().is_ok() {
            note(trusted(&dir));
        }
    }
    let mut findings: Vec<Finding> = faults
        .iter()
        .filter(|fault| fault.fault != FileFault::Missing)
        .map(|fault| of_fault(config, fault))
        .collect();
    findings.extend(
        below(&[given], Path::new(""))
            .iter()
            .filter_map(|path| of_given(path)),
    );
    if findings.is_empty() {
        let config = config.display();
        findings.push(TOPIC.fine(format!(
            "what is below {config}, {STATE} and {} is root's alone to write",
            run_dir::DIR
        )));
    }
    findings
}

/// These directories and everything in them, but for what is in `left_out`; links are not
/// followed.
fn below(tops: &[&Path], left_out: &Path) -> Vec<PathBuf> {
    let there = tops.iter().filter(|top| top.symlink_metadata().is_ok());
    let mut found: Vec<PathBuf> = there.map(|top| (*top).to_owned()).collect();
    let mut at = 0;
    while let Some(path) = found.get(at).cloned() {
        at = at.saturating_add(1);
        let is_dir = path.symlink_metadata().is_ok_and(|found| found.is_dir());
        if is_dir && path != left_out && found.len() < MOST {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            found.extend(entries.map(|entry| entry.path()));
        }
    }
    found.retain(|path| path != left_out);
    found
}

fn trusted(path: &Path) -> Result<(), Untrusted> {
    if path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        trusted_file::list(path, "").map(drop)
    } else {
        trusted_file::verify(path)
    }
}

fn of_fault(config: &Path, fault: &Untrusted) -> Finding {
    let path = fault.path.display();
    if fault.fault == FileFault::System(nix::errno::Errno::EACCES) && !geteuid().is_root() {
        let says = format!("{path} is for root to read");
        return TOPIC.unseen(says, "Run it as root: 'sudo pam-jwt doctor'.");
    }
    let (says, mend) = match fault.fault {
        FileFault::Owner(uid) => (
            format!("{path} belongs to uid {uid}, not to root, so it is not trusted."),
            format!("Look into it, then: 'chown root {path}'."),
        ),
        FileFault::Writable(mode) => (
            format!(
                "{path} has mode {mode:04o}: others than root can write to it, so it is not trusted."
            ),
            format!("Look into it, then: 'chmod go-w {path}'."),
        ),
        FileFault::DirectoryOfOthers => (
            format!(
                "The directory {path} belongs to another than root, or all may write to it, so nothing in it is trusted."
            ),
            format!("Look into it, then: 'chown root {path} && chmod go-w {path}'."),
        ),
        _ => (fault.to_string(), String::new()),
    };
    let verdict = if is_read(config, &fault.path) {
        Verdict::Wrong
    } else {
        Verdict::Doubtful
    };
    TOPIC.finding(verdict, says, &mend)
}

/// Whether a login reads it: all but what is for commands and servers alone.
fn is_read(config: &Path, path: &Path) -> bool {
    match path.strip_prefix(config) {
        Ok(rest) => {
            let read = ["", "pam-jwt.toml", "issuers.d", "keys"];
            read.iter().any(|name| match *name {
                "" => rest.as_os_str().is_empty(),
                name => rest.starts_with(name),
            })
        }
        Err(_) => true,
    }
}

/// What was fetched belongs to the user that fetches, whom root has given the directory.
fn of_given(path: &Path) -> Option<Finding> {
    let owner = Path::new(fetched::DIR).symlink_metadata().ok()?.uid();
    let found = path.symlink_metadata().ok()?;
    let shown = path.display();
    let (says, mend) = if found.uid() != 0 && found.uid() != owner {
        (
            format!(
                "{shown} belongs to uid {}, not to who fetches (uid {owner}), so it is not trusted.",
                found.uid()
            ),
            format!("Have it fetched anew: 'rm {shown} && pam-jwt-fetch --now'."),
        )
    } else if found.mode() & 0o022 != 0 && !found.is_symlink() {
        (
            format!(
                "{shown} has mode {:04o}: others than who fetches can write to it, so it is not trusted.",
                found.mode() & 0o7777
            ),
            format!("Look into it, then: 'chmod go-w {shown}'."),
        )
    } else {
        return None;
    };
    Some(TOPIC.wrong(says, &mend))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_login_reads_is_told_from_what_it_does_not() {
        let config = Path::new("/etc/pam-jwt");
        for (path, reads) in [
            ("/etc", true),
            ("/etc/pam-jwt", true),
            ("/etc/pam-jwt/issuers.d/a.toml", true),
            ("/etc/pam-jwt/keys/a.jwk", true),
            ("/etc/pam-jwt/clients.d/a.toml", false),
            ("/etc/pam-jwt/private", false),
            ("/var/lib/pam-jwt/used", true),
        ] {
            assert_eq!(is_read(config, Path::new(path)), reads, "{path}");
        }
    }

    #[test]
    fn each_fault_says_what_mends_it() {
        let found = |fault| {
            let path = PathBuf::from("/etc/pam-jwt/keys/a");
            of_fault(Path::new("/etc/pam-jwt"), &Untrusted { path, fault })
        };
        for (fault, mend) in [
            (FileFault::Owner(1000), "chown root /etc/pam-jwt/keys/a"),
            (FileFault::Writable(0o666), "chmod go-w /etc/pam-jwt/keys/a"),
            (FileFault::DirectoryOfOthers, "chown root /etc/"),
        ] {
            let found = found(fault);
            assert!(found.mend.contains(mend), "{found:?}");
            assert_eq!(found.verdict, Verdict::Wrong);
        }
    }

    #[test]
    fn what_is_left_out_is_not_walked() {
        let all = below(&[Path::new("/etc/pam.d")], Path::new(""));
        assert!(all.contains(&PathBuf::from("/etc/pam.d/other")));
        let none = below(&[Path::new("/etc/pam.d")], Path::new("/etc/pam.d"));
        assert!(none.is_empty());
    }
}
