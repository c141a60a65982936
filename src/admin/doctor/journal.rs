//! Lines of the log: of the journal, whose fields journald fills in itself, and of the files
//! that rsyslog writes, in which anybody may have written anything.

use crate::moment;
use serde_json::Value;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, in seconds since the epoch, or as the file has it.
    pub at: Moment,
    /// Who wrote it.
    pub writer: Writer,
    /// The program, as it calls itself.
    pub program: String,
    /// What it says.
    pub message: String,
}

/// When a line was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// In seconds since the epoch.
    At(u64),
    /// In the words of a file.
    Words(String),
}

impl Moment {
    /// For people.
    pub fn shown(&self) -> String {
        match self {
            Self::At(at) => moment::shown(*at),
            Self::Words(words) => words.clone(),
        }
    }
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// A process of this uid, as the kernel told journald (SCM_CREDENTIALS).
    Uid(u32),
    /// As far as journald could see, a program that is root's whoever runs it, of which the kernel
    /// tells the uid of who does. It looked after the line was written, so that is no proof.
    Raised(u32),
    /// The kernel itself, or its audit.
    Kernel,
    /// Nobody can tell.
    Anybody,
}

impl Writer {
    /// Whether it can have been written by root's processes and the kernel alone.
    pub const fn is_trusted(self) -> bool {
        matches!(self, Self::Uid(0) | Self::Kernel)
    }
}

/// Programs whose own uid is that of who runs them while they ask PAM.
const RAISED: [&str; 5] = ["su", "sudo", "doas", "pkexec", "polkit-agent-helper-1"];

/// Where those of the system are.
const SYSTEM: [&str; 3] = ["/usr/bin/", "/bin/", "/usr/lib/polkit-1/"];

fn is_raised(program: &str) -> bool {
    let mut names = SYSTEM.iter().filter_map(|dir| program.strip_prefix(dir));
    names.any(|name| RAISED.contains(&name))
}

/// A line of `journalctl -o json`. Fields whose names begin with `_` are journald's own; whoever
/// logs cannot set them (systemd.journal-fields(7)).
pub fn of_journal(line: &str) -> Option<Entry> {
    let fields: Value = serde_json::from_str(line).ok()?;
    // A value that occurs twice is a list, and one that is no text a list of bytes.
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let at = text("__REALTIME_TIMESTAMP")?.parse::<u64>().ok()?;
    let writer = match (text("_TRANSPORT"), text("_UID")) {
        (Some("kernel" | "audit"), _) => Writer::Kernel,
        (_, Some(uid)) => match uid.parse() {
            Ok(uid @ 1..) if text("_EXE").is_some_and(is_raised) => Writer::Raised(uid),
            Ok(uid) => Writer::Uid(uid),
            Err(_) => Writer::Anybody,
        },
        _ => Writer::Anybody,
    };
    let program = text("SYSLOG_IDENTIFIER").or_else(|| text("_COMM"));
    Some(Entry {
        at: Moment::At(at.checked_div(1_000_000)?),
        writer,
        program: program.unwrap_or_default().to_owned(),
        message: text("MESSAGE")?.to_owned(),
    })
}

/// A line of /var/log/auth.log or /var/log/secure, `TIME HOST PROGRAM[PID]: MESSAGE`, where the
/// time is one of RFC 3339 or the traditional `Nov 28 17:00:00`.
pub fn of_file(line: &str) -> Option<Entry> {
    let (head, message) = line.split_once(": ")?;
    let words: Vec<&str> = head.split_ascii_whitespace().collect();
    let (time, program) = match words.as_slice() {
        [time, _host, program] => ((*time).to_owned(), program),
        [month, day, time, _host, program] => (format!("{month} {day} {time}"), program),
        _ => return None,
    };
    let program = program.split('[').next().unwrap_or_default();
    Some(Entry {
        at: Moment::Words(time),
        writer: Writer::Anybody,
        program: program.to_owned(),
        message: message.trim_end().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wrote_it_is_what_journald_says() {
        let line = |more: &str| {
            format!(
                r#"{{"__REALTIME_TIMESTAMP":"1795392000123456","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"m"{more}}}"#
            )
        };
        for (more, writer) in [
            (r#","_UID":"0","_TRANSPORT":"syslog""#, Writer::Uid(0)),
            (r#","_UID":"1000","UID":"0""#, Writer::Uid(1000)),
            (r#","_UID":"0","_EXE":"/usr/bin/sudo""#, Writer::Uid(0)),
            (r#","_UID":"7","_EXE":"/usr/bin/sudo""#, Writer::Raised(7)),
            (r#","_UID":"7","_EXE":"/home/a/sudo""#, Writer::Uid(7)),
            (r#","_UID":"7","EXE":"/usr/bin/su""#, Writer::Uid(7)),
            (r#","_UID":["0","1000"]"#, Writer::Anybody),
            (r#","_UID":"root""#, Writer::Anybody),
            (r#","_TRANSPORT":"kernel""#, Writer::Kernel),
            (r#","TRANSPORT":"kernel""#, Writer::Anybody),
        ] {
            let entry = of_journal(&line(more)).unwrap();
            assert_eq!((entry.writer, &*entry.program), (writer, "sshd"), "{more}");
            assert_eq!(entry.at, Moment::At(1_795_392_000));
        }
        assert_eq!(of_journal(&line("").replace("\"m\"", "[109]")), None);
        for none in ["", "{}", "[]", "-- No entries --", r#"{"MESSAGE":"m"}"#] {
            assert_eq!(of_journal(none), None, "{none}");
        }
    }

    #[test]
    fn a_line_of_a_file_proves_nothing() {
        for (line, at) in [
            (
                "2026-11-28T17:00:00.123456+00:00 web1 sshd[12]: pam_jwt(sshd:auth): a: b",
                "2026-11-28T17:00:00.123456+00:00",
            ),
            (
                "Nov  8 17:00:00 web1 sshd[12]: pam_jwt(sshd:auth): a: b\n",
                "Nov 8 17:00:00",
            ),
        ] {
            let entry = of_file(line).unwrap();
            assert_eq!(entry.at, Moment::Words(at.to_owned()));
            assert_eq!(entry.message, "pam_jwt(sshd:auth): a: b");
            assert!(entry.program == "sshd" && !entry.writer.is_trusted());
        }
        for none in ["", "no colon", "two words: x"] {
            assert_eq!(of_file(none), None);
        }
    }
}
