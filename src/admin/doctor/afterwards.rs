//! What was logged of logins that sshd refused itself, or that the account lines of PAM did: whoever
//! was refused so may well have had a good token.

use super::finding::{Finding, Topic, Verdict};
use super::journal::Entry;

/// A line of the log that tells of such a refusal.
struct Kind {
    /// What it begins with.
    begins: &'static str,
    /// What is in it besides.
    has: &'static str,
    /// And one of these.
    ends: &'static [&'static str],
    means: &'static str,
}

/// As sshd and modules of Linux-PAM write them.
const KINDS: [Kind; 3] = [
    Kind {
        begins: "User ",
        has: " not allowed because ",
        ends: &[""],
        means: "sshd refused the account itself, whatever the token was.",
    },
    Kind {
        begins: "fatal: Access denied for user ",
        has: " by PAM account configuration",
        ends: &[""],
        means: BEHIND,
    },
    Kind {
        begins: "pam_",
        has: ":account): ",
        ends: &["expired", "denied", " not met by user "],
        means: BEHIND,
    },
];

const BEHIND: &str = "The token, key or password was good, and an account line of PAM refused the \
    account.";

/// For what else than pam_jwt the log is searched.
pub const PATTERN: &str = " not allowed because | by PAM account configuration|:account\\): ";

/// What was said of such refusals, the last of each kind, where root's processes have logged it.
/// `user` and `service` are those that somebody asks about.
pub fn explain(entries: &[Entry], user: Option<&str>, service: Option<&str>) -> Vec<Finding> {
    let is_asked = |message: &str| {
        service.is_none_or(|service| match message.starts_with("pam_") {
            true => message.contains(&format!("({service}:account)")),
            false => service == "sshd",
        })
    };
    let finding = |kind: &Kind| {
        let mut found = entries
            .iter()
            .filter(|entry| entry.writer.is_trusted() && is_asked(&entry.message))
            .filter(|entry| kind.is_of(&entry.message, user));
        let last = found.next()?;
        let times = match found.count() {
            0 => "once".to_owned(),
            more => format!("{} times", more.saturating_add(1)),
        };
        let (program, at) = (&last.program, last.at.shown());
        let says = format!(
            "by others, {times}, last {at}: {program}: {}\n{}",
            last.message, kind.means
        );
        let mend = "See what is wrong with it: 'pam-jwt doctor --user ACCOUNT'.";
        Some(Topic::Refusals.finding(Verdict::Told, says, mend))
    };
    KINDS.iter().filter_map(finding).collect()
}

impl Kind {
    fn is_of(&self, message: &str, user: Option<&str>) -> bool {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
        let Some(rest) = message.strip_prefix(self.begins) else {
            return false;
        };
        let mut words = rest.split(|c| !is_name(c));
        rest.contains(self.has)
            && !rest.starts_with("jwt(")
            && self.ends.iter().any(|end| rest.contains(end))
            && user.is_none_or(|user| words.any(|word| word == user))
    }
}

#[cfg(test)]
mod tests {
    use super::super::journal::{Moment, Writer};
    use super::*;

    /// As OpenSSH 9.2 and 10.0 log it.
    const LINES: [&str; 6] = [
        "User alice from 127.0.0.1 not allowed because not listed in AllowUsers",
        "User alice not allowed because shell /bin/gone does not exist",
        "fatal: Access denied for user bob by PAM account configuration [preauth]",
        "pam_unix(sshd:account): account alice has expired (account expired)",
        "pam_access(sshd:account): access denied for user `alice' from `192.0.2.7'",
        "pam_unix(sshd:account): expired password for user carol (password aged)",
    ];

    fn logged(writer: Writer, messages: &[&str]) -> Vec<Entry> {
        let entry = |message: &&str| Entry {
            at: Moment::At(1_795_392_000),
            writer,
            program: "sshd-session".to_owned(),
            message: (*message).to_owned(),
        };
        messages.iter().map(entry).collect()
    }

    #[test]
    fn refusals_by_others_are_told_by_kind_and_by_account() {
        let entries = logged(Writer::Uid(0), &LINES);
        let said = explain(&entries, None, None);
        assert_eq!(said.len(), 3, "{said:#?}");
        assert!(said[0].says.starts_with("by others, 2 times, last 20"));
        assert!(said[0].says.contains("not listed in AllowUsers\n"));
        assert!(said[1].says.starts_with("by others, once, last 20"));
        assert!(said[2].says.contains(": account alice has expired"));
        for (user, count) in [("alice", 2), ("bob", 1), ("carol", 1), ("ali", 0)] {
            assert_eq!(
                explain(&entries, Some(user), Some("sshd")).len(),
                count,
                "{user}"
            );
        }
        assert_eq!(explain(&entries, None, Some("login")), []);
        for writer in [Writer::Uid(1000), Writer::Raised(1000), Writer::Anybody] {
            assert_eq!(explain(&logged(writer, &LINES), None, None), []);
        }
        assert!(LINES.iter().all(|line| {
            let mut parts = PATTERN.split('|');
            parts.any(|part| line.contains(&part.replace('\\', "")))
        }));
    }

    #[test]
    fn what_refuses_nobody_is_left_alone() {
        let lines = [
            "pam_unix(sshd:account): password for user root will expire in 6 days",
            "pam_jwt(sshd:account): result=refused reason=token_required account=a detail=denied",
            "pam_unix(sshd:auth): authentication failure; user=alice",
            "Accepted publickey for alice",
        ];
        assert_eq!(explain(&logged(Writer::Uid(0), &lines), None, None), []);
    }
}
