//! What pam_jwt.so has logged of logins that it refused, and what that means. Its lines are read
//! as strictly as they are written (`policy::audit`): what is not one in every word is none.

use super::finding::{Finding, Topic, Verdict};
use super::journal::{Entry, Writer};
use policy::Reason;

/// A line of the log that tells why there was no login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// The account, as far as there is one.
    pub account: String,
    /// The PAM service.
    pub service: String,
    /// From where, as the host program says.
    pub rhost: Option<String>,
    /// What else is known of why, as the line has it.
    pub more: Option<String>,
}

/// The refusal that a message tells of, such as
/// `pam_jwt(sshd:auth): result=refused reason=expired account=alice service=sshd over_by=42s`.
pub fn refusal(message: &str) -> Option<Refusal> {
    let (_, text) = message.strip_prefix("pam_jwt(")?.split_once("): ")?;
    let mut fields = fields(text)?.into_iter();
    let mut next = |name: &str| {
        let (found, value) = fields.next()?;
        (found == name).then_some(value)
    };
    let result = next("result")?;
    let code = next("reason")?;
    let reason = Reason::ALL.iter().find(|reason| reason.code() == code)?;
    if reason.result() != result || !matches!(result, "refused" | "failed" | "uncapped") {
        return None;
    }
    let (account, service) = (next("account")?.to_owned(), next("service")?.to_owned());
    let rest: Vec<(&str, &str)> = fields.collect();
    let value = |name: &str| rest.iter().find(|(one, _)| *one == name);
    let more = ["over_by", "early_by", "lacks", "detail"]
        .iter()
        .find_map(|name| value(name));
    Some(Refusal {
        reason: *reason,
        account,
        service,
        rhost: value("rhost").map(|(_, rhost)| (*rhost).to_owned()),
        more: more.map(|(name, value)| format!("{name}={value}")),
    })
}

/// `name=value` with one space between them; a value that has a space is quoted, and none has a
/// quote or anything that does not print.
fn fields(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut fields = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (name, value) = text.split_once('=')?;
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            return None;
        }
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"')?;
                let after = match after {
                    "" => None,
                    after => Some(after.strip_prefix(' ')?),
                };
                (value, after)
            }
            None => value
                .split_once(' ')
                .map_or((value, None), |(value, after)| (value, Some(after))),
        };
        if !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return None;
        }
        fields.push((name, value));
        rest = after;
    }
    Some(fields)
}

/// A refusal and the line that tells of it.
type Told<'a> = (Refusal, &'a Entry);

/// The refusals of one reason.
struct Group<'a> {
    reason: Reason,
    /// The last first.
    of: Vec<&'a Told<'a>>,
}

/// The last `most` refusals of what was logged, the last line first, by reason.
pub fn explain(entries: &[Entry], most: usize) -> Vec<Finding> {
    let told = entries
        .iter()
        .filter(|entry| !matches!(entry.writer, Writer::Uid(1..)));
    let refusals: Vec<Told<'_>> = told
        .filter_map(|entry| Some((refusal(&entry.message)?, entry)))
        .take(most)
        .collect();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for one in &refusals {
        match groups.iter_mut().find(|group| group.reason == one.0.reason) {
            Some(group) => group.of.push(one),
            None => groups.push(Group {
                reason: one.0.reason,
                of: vec![one],
            }),
        }
    }
    let mut findings: Vec<Finding> = groups.iter().map(Group::finding).collect();
    findings.extend(unloaded(entries));
    findings.extend(unproven(entries));
    if entries.iter().any(|entry| entry.writer == Writer::Anybody) && !refusals.is_empty() {
        let says = "These are lines of a file, and any user can have such a line written there: \
            they are hints, no proof. Where there is a journal, it says who wrote a line.";
        findings.push(Topic::Refusals.doubtful(says, ""));
    }
    if findings.is_empty() {
        findings.push(Topic::Refusals.fine("the log tells of nobody whom pam_jwt refused"));
    }
    findings
}

impl Group<'_> {
    fn finding(&self) -> Finding {
        let reason = self.reason;
        let times = match self.of.len() {
            1 => "once".to_owned(),
            many => format!("{many} times"),
        };
        let last = self.of.first().map(|(last, entry)| {
            let at = entry.at.shown();
            let proof = match entry.writer {
                Writer::Raised(uid) => {
                    format!(" (by {}, which uid {uid} ran: no proof)", entry.program)
                }
                _ => String::new(),
            };
            let from = last.rhost.as_ref();
            let from = from.map_or(String::new(), |rhost| format!(" from {rhost}"));
            let more = last.more.as_ref();
            let more = more.map_or(String::new(), |more| format!(", {more}"));
            let (account, service) = (&last.account, &last.service);
            format!("last {at}: {account} at {service}{from}{more}{proof}")
        });
        let says = format!(
            "{reason}, {times}, {}\n{}",
            last.unwrap_or_default(),
            reason.text()
        );
        Topic::Refusals.finding(Verdict::Told, says, reason.advice())
    }
}

/// What libpam says where it cannot load the module.
fn unloaded(entries: &[Entry]) -> Option<Finding> {
    let is_it = |entry: &&Entry| {
        let message = &entry.message;
        entry.writer.is_trusted()
            && message.starts_with("PAM unable to dlopen(")
            && message.contains("pam_jwt.so")
    };
    let entry = entries.iter().find(is_it)?;
    let at = entry.at.shown();
    let says = format!(
        "libpam could not load the module, last {at}: {}",
        entry.message
    );
    let mend = "Install the package again; it has to be built for this release.";
    Some(Topic::Refusals.doubtful(says, mend))
}

/// Lines in our form that processes of ordinary users have written.
fn unproven(entries: &[Entry]) -> Option<Finding> {
    let mut uids: Vec<u32> = Vec::new();
    let mut count = 0_usize;
    for entry in entries {
        match entry.writer {
            Writer::Uid(uid) if uid != 0 && refusal(&entry.message).is_some() => {
                count = count.saturating_add(1);
                if !uids.contains(&uid) {
                    uids.push(uid);
                }
            }
            _ => {}
        }
    }
    let uids: Vec<String> = uids.iter().map(u32::to_string).collect();
    (count > 0).then(|| {
        let lines = match count {
            1 => "1 line".to_owned(),
            many => format!("{many} lines"),
        };
        let says = format!(
            "Not believed: {lines} in the form of pam_jwt's, written by a process of uid {}, which \
             is not root. Any user can write such.",
            uids.join(", ")
        );
        let mend = "To see who wrote them: 'journalctl -g \"^pam_jwt\" -o verbose'.";
        Topic::Refusals.doubtful(says, mend)
    })
}

/// The accounts that were refused, as far as root's processes have said so, each once; none that
/// is not to be typed in a shell, as commands that mend something have it.
pub fn accounts(entries: &[Entry]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let trusted = entries.iter().filter(|entry| entry.writer.is_trusted());
    for refusal in trusted.filter_map(|entry| refusal(&entry.message)) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
        let is_account = refusal.account != "unknown" && refusal.account.chars().all(is_plain);
        if is_account && !names.contains(&refusal.account) {
            names.push(refusal.account);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::journal::Moment;
    use super::*;
    use policy::audit::Record;
    use policy::decision::Note;

    fn logged(uid: u32, message: &str) -> Entry {
        Entry {
            at: Moment::At(1_795_392_000),
            writer: Writer::Uid(uid),
            program: "sshd".to_owned(),
            message: message.to_owned(),
        }
    }

    /// Each reason as the module itself writes it, and as the doctor reads it.
    #[test]
    fn every_line_that_refuses_is_understood_and_explained() {
        let note = Note::Detail("a \"b\" c=d\n".to_owned());
        for reason in Reason::ALL {
            let record = Record {
                rhost: Some("192.0.2.7"),
                note: &note,
                ..Record::new(*reason, Some("alice"), "sshd")
            };
            let message = format!("pam_jwt(sshd:auth): {record}");
            let Some(read) = refusal(&message) else {
                assert!(
                    ["accepted", "issued", "withheld"].contains(&reason.result()),
                    "{message}"
                );
                continue;
            };
            assert_eq!((read.reason, &*read.account), (*reason, "alice"));
            assert_eq!(read.rhost.as_deref(), Some("192.0.2.7"));
            let more = r"detail=a \x22b\x22 c=d\x0a";
            assert_eq!(read.more.as_deref(), Some(more));
            let [finding] = &explain(&[logged(0, &message)], 5)[..] else {
                panic!("{reason}");
            };
            assert!(finding.says.contains(reason.text()));
            assert_eq!(finding.mend, reason.advice());
        }
    }

    #[test]
    fn what_is_no_line_of_the_modules_is_none() {
        let line = "pam_jwt(sshd:auth): result=refused reason=expired account=alice service=sshd over_by=4s";
        assert!(refusal(line).is_some());
        for (from, to) in [
            ("pam_jwt(", "alice: pam_jwt("),
            ("pam_jwt(", "pam_jwt2("),
            ("refused", "accepted"),
            ("expired", "Expired"),
            ("expired", "invented"),
            ("account", "user"),
            ("over_by=4s", "over_by"),
            ("over_by=4s", "=4s"),
            ("over_by=4s", "detail=\"a"),
            ("over_by=4s", "detail=\"a\"b"),
            ("over_by=4s", "detail=\u{1b}[2J"),
            (" over_by", "  over_by"),
        ] {
            assert_eq!(refusal(&line.replacen(from, to, 1)), None, "{from} {to}");
        }
        // What somebody chose is in quotes, and ends nowhere else.
        let quoted = line.replace("alice", "\"x reason=allowed account=root\"");
        let quoted = refusal(&quoted).unwrap();
        assert_eq!(quoted.account, "x reason=allowed account=root");
    }

    #[test]
    fn refusals_are_counted_by_reason_and_those_of_users_are_not_believed() {
        let of = |reason: &str, account: &str| {
            format!(
                "pam_jwt(sshd:auth): result=refused reason={reason} account={account} service=sshd"
            )
        };
        let entries = [
            logged(0, &of("expired", "alice")),
            logged(1000, &of("config_error", "mallory")),
            logged(0, &of("no_rule", "bob")),
            logged(0, &of("expired", "carol")),
            logged(0, &of("revoked", "dave")),
        ];
        let said: Vec<String> = explain(&entries, 3)
            .into_iter()
            .map(|finding| finding.says)
            .collect();
        assert_eq!(said.len(), 3, "{said:#?}");
        assert!(said[0].starts_with("expired, 2 times, last 2026-11-2"));
        assert!(said[0].contains(": alice at sshd\n"), "{}", said[0]);
        assert!(said[1].starts_with("no_rule, once, "));
        assert!(said[2].starts_with("Not believed: 1 line ") && said[2].contains("uid 1000,"));
        assert_eq!(accounts(&entries), ["alice", "bob", "carol", "dave"]);
        let none = explain(&[], 5);
        assert_eq!(none.len(), 1);
        assert_eq!(none[0].verdict, Verdict::Fine);
    }

    #[test]
    fn what_sudo_says_is_told_with_the_uid_of_who_ran_it() {
        let message = "pam_jwt(sudo:auth): result=refused reason=expired account=a service=sudo";
        let entry = Entry {
            writer: Writer::Raised(1000),
            program: "sudo".to_owned(),
            ..logged(0, message)
        };
        let said = explain(std::slice::from_ref(&entry), 5);
        let proof = "a at sudo (by sudo, which uid 1000 ran: no proof)\n";
        assert!(said.len() == 1 && said[0].says.contains(proof), "{said:#?}");
        assert!(accounts(&[entry]).is_empty());
    }

    #[test]
    fn of_a_file_it_is_said_that_it_proves_nothing() {
        let entry = Entry {
            writer: Writer::Anybody,
            ..logged(
                0,
                "pam_jwt(sshd:auth): result=refused reason=expired account=a service=sshd",
            )
        };
        let said = explain(std::slice::from_ref(&entry), 5);
        assert!(said.len() == 2 && said[1].says.contains("no proof"));
        assert!(accounts(&[entry]).is_empty());
    }
}
