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

/// What was found of files.
pub struct Looked {
    /// What is to be said.
    pub findings: Vec<Finding>,
    /// What a login would refuse to read, or a directory on the way to it.
    pub refused: Vec<PathBuf>,
}

/// Looks at the files of the configuration in `config`, and at those below /var/lib/pam-jwt and
/// /run/pam-jwt.
pub fn look(config: &Path) -> Looked {
    let given = Path::new(fetched::DIR);
    let run = Path::new(run_dir::DIR);
    let mut paths = below(&[config, Path::new(STATE)], given);
    let run_dirs = [run.to_owned(), run.join("handoff"), run.join("sessions")];
    paths.extend(
        run_dirs
            .into_iter()
            .filter(|dir| dir.symlink_metadata().is_ok()),
    );
    let mut faults: Vec<Untrusted> = Vec::new();
    for fault in paths.iter().filter_map(|path| trusted(path).err()) {
        if fault.fault != FileFault::Missing && !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    let mut findings: Vec<Finding> = faults.iter().map(|fault| of_fault(config, fault)).collect();
    let of_given = below(&[given], Path::new("")).into_iter();
    findings.extend(of_given.filter_map(|path| of_given_file(&path)));
    if findings.is_empty() {
        findings.push(TOPIC.fine(format!(
            "what is below {}, {STATE} and {} is root's alone to write",
            config.display(),
            run_dir::DIR
        )));
    }
    let refused = faults.into_iter().map(|fault| fault.path);
    Looked {
        findings,
        refused: refused.collect(),
    }
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

/// A command with this path in it, unless somebody could have named the file so that a shell does
/// something else.
fn command(path: &Path, command: impl Fn(&str) -> String) -> String {
    let shown = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if shown.chars().all(is_plain) {
        command(&shown)
    } else {
        "Its name is none to type in a shell: look into its directory with 'ls -lb'.".to_owned()
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
            command(&fault.path, |path| {
                format!("Look into it, then: 'chown root {path}'.")
            }),
        ),
        FileFault::Writable(mode) => (
            format!(
                "{path} has mode {mode:04o}: others than root can write to it, so it is not trusted."
            ),
            command(&fault.path, |path| {
                format!("Look into it, then: 'chmod go-w {path}'.")
            }),
        ),
        FileFault::DirectoryOfOthers => (
            format!(
                "The directory {path} belongs to another than root, or all may write to it, so nothing in it is trusted."
            ),
            command(&fault.path, |path| {
                format!("Look into it, then: 'chown root {path} && chmod go-w {path}'.")
            }),
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
fn of_given_file(path: &Path) -> Option<Finding> {
    let owner = Path::new(fetched::DIR).symlink_metadata().ok()?.uid();
    let found = path.symlink_metadata().ok()?;
    let shown = path.display();
    let (says, mend) = if found.uid() != 0 && found.uid() != owner {
        (
            format!(
                "{shown} belongs to uid {}, not to who fetches (uid {owner}), so it is not trusted.",
                found.uid()
            ),
            command(path, |path| {
                format!("Have it fetched anew: 'rm {path} && pam-jwt-fetch --now'.")
            }),
        )
    } else if found.mode() & 0o022 != 0 && !found.is_symlink() {
        (
            format!(
                "{shown} has mode {:04o}: others than who fetches can write to it, so it is not trusted.",
                found.mode() & 0o7777
            ),
            command(path, |path| {
                format!("Look into it, then: 'chmod go-w {path}'.")
            }),
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
    fn a_name_that_a_shell_would_obey_is_in_no_command() {
        let echo = |path: &str| format!("'rm {path}'");
        assert_eq!(
            command(Path::new("/a/B_1-2.toml"), echo),
            "'rm /a/B_1-2.toml'"
        );
        for name in ["/a/$(reboot)", "/a/b c", "/a/;b", "/a/'", "/a/\n", "/a/é"] {
            assert!(!command(Path::new(name), echo).contains("rm"), "{name}");
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
