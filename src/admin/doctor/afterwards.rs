//! What sshd has logged of logins that it refused itself, or that the account lines of PAM did:
//! whoever was refused so may well have had a good token.

use super::finding::{Finding, Topic, Verdict};
use super::journal::Entry;

/// What sshd says, where nobody is named, and what that means.
struct Kind {
    /// What the line begins with.
    begins: &'static str,
    /// What is in it besides.
    has: &'static str,
    means: &'static str,
}

const KINDS: [Kind; 2] = [
    Kind {
        begins: "User ",
        has: " not allowed because ",
        means: "sshd refused the account itself, whatever the token was.",
    },
    Kind {
        begins: "fatal: Access denied for user ",
        has: " by PAM account configuration",
        means: "The token, key or password was good, and an account line of PAM refused: an account \
            that has expired, nologin, pam_access.",
    },
];

/// For what else than pam_jwt the log is searched.
pub const PATTERN: &str = " not allowed because | by PAM account configuration";

/// What sshd has said of its own refusals, the last of each kind, where root's processes have
/// logged it. `user` is the account that somebody asks about.
pub fn explain(entries: &[Entry], user: Option<&str>) -> Vec<Finding> {
    let is_sshd = |entry: &&Entry| {
        entry.writer.is_trusted() && matches!(&*entry.program, "sshd" | "sshd-session")
    };
    let finding = |kind: &Kind| {
        let is_it = |entry: &&Entry| {
            let rest = entry.message.strip_prefix(kind.begins);
            rest.is_some_and(|rest| {
                let name = rest.split(' ').next();
                rest.contains(kind.has) && (user.is_none() || name == user)
            })
        };
        let mut found = entries.iter().filter(is_sshd).filter(is_it);
        let last = found.next()?;
        let times = match found.count() {
            0 => "once".to_owned(),
            more => format!("{} times", more.saturating_add(1)),
        };
        let at = last.at.shown();
        let message = last.message.trim_start_matches("fatal: ");
        let says = format!("by sshd, {times}, last {at}: {message}\n{}", kind.means);
        let mend = "See what is wrong with it: 'pam-jwt doctor --user ACCOUNT'.";
        Some(Topic::Refusals.finding(Verdict::Told, says, mend))
    };
    KINDS.iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::journal::{Moment, Writer};
    use super::*;

    /// As OpenSSH 9.2 and 10.0 log it.
    const LINES: [&str; 3] = [
        "User alice from 127.0.0.1 not allowed because not listed in AllowUsers",
        "User alice not allowed because shell /bin/gone does not exist",
        "fatal: Access denied for user bob by PAM account configuration [preauth]",
    ];

    fn logged(writer: Writer, program: &str) -> Vec<Entry> {
        let entry = |message: &&str| Entry {
            at: Moment::At(1_795_392_000),
            writer,
            program: program.to_owned(),
            message: (*message).to_owned(),
        };
        LINES.iter().map(entry).collect()
    }

    #[test]
    fn refusals_of_sshd_itself_are_told_by_kind_and_by_account() {
        let entries = logged(Writer::Uid(0), "sshd-session");
        let said = explain(&entries, None);
        assert_eq!(said.len(), 2, "{said:#?}");
        assert!(said[0].says.starts_with("by sshd, 2 times, last 20"));
        assert!(said[0].says.contains("not listed in AllowUsers\n"));
        assert!(said[1].says.starts_with("by sshd, once, last 20"));
        assert_eq!(explain(&entries, Some("bob")).len(), 1);
        assert_eq!(explain(&entries, Some("ali")), []);
        for entries in [
            logged(Writer::Uid(1000), "sshd"),
            logged(Writer::Anybody, "sshd"),
            logged(Writer::Uid(0), "cron"),
        ] {
            assert_eq!(explain(&entries, None), []);
        }
        assert!(LINES.iter().all(|line| {
            let mut parts = PATTERN.split('|');
            parts.any(|part| line.contains(part))
        }));
    }
}
