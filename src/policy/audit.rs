//! The audit line: one line of `key=value` in fixed order for every decision.
//! Never a token, a password or a part of one.

use crate::decision::{Decision, Facts, Note};
use crate::reason::Reason;
use std::fmt;

/// The longest value, in bytes as written.
const MAX_VALUE: usize = 256;

/// One line of the log.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// The outcome; `result=` follows from it.
    pub reason: Reason,
    /// The account; none if the system has none of this name, since people type
    /// passwords where a name is asked for.
    pub account: Option<&'a str>,
    /// The PAM service.
    pub service: &'a str,
    /// Where the login comes from, as the host program says.
    pub rhost: Option<&'a str>,
    /// What the token says.
    pub facts: Option<&'a Facts>,
    /// File name and line of the rule that decided.
    pub rule: Option<&'a str>,
    /// The detail of a refusal.
    pub note: &'a Note,
}

impl<'a> Record<'a> {
    /// A record without a token.
    pub const fn new(reason: Reason, account: Option<&'a str>, service: &'a str) -> Self {
        Self {
            reason,
            account,
            service,
            rhost: None,
            facts: None,
            rule: None,
            note: &Note::None,
        }
    }

    /// The record of `decision`.
    pub fn of(decision: &'a Decision, account: Option<&'a str>, service: &'a str) -> Self {
        Self {
            facts: Some(&decision.facts),
            rule: decision.rule(),
            note: decision.note(),
            ..Self::new(decision.reason(), account, service)
        }
    }
}

impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "result={} reason={}", self.reason.result(), self.reason)?;
        write!(f, " account={}", Value(self.account.unwrap_or("unknown")))?;
        write!(f, " service={}", Value(self.service))?;
        field(f, "", "rhost", self.rhost)?;
        if let Some(facts) = self.facts {
            let prefix = if facts.verified { "" } else { "unverified_" };
            field(f, prefix, "issuer", facts.issuer.as_deref())?;
            field(f, prefix, "sub", facts.subject.as_deref())?;
            field(f, prefix, "kid", facts.kid.as_deref())?;
            field(f, prefix, "jti", facts.id.as_deref())?;
            if let Some(exp) = facts.expires {
                write!(f, " {prefix}exp={exp}")?;
            }
        }
        field(f, "", "rule", self.rule)?;
        match self.note {
            Note::None => Ok(()),
            Note::OverBy(seconds) => write!(f, " over_by={seconds}s"),
            Note::EarlyBy(seconds) => write!(f, " early_by={seconds}s"),
            Note::Lacks(what) => field(f, "", "lacks", Some(what)),
            Note::Detail(text) => field(f, "", "detail", Some(text)),
        }
    }
}

fn field(f: &mut fmt::Formatter<'_>, prefix: &str, name: &str, value: Option<&str>) -> fmt::Result {
    match value {
        Some(value) => write!(f, " {prefix}{name}={}", Value(value)),
        None => Ok(()),
    }
}

/// A value that cannot end its line, its field or its quotes. One with a space,
/// or with nothing in it, is quoted; one that is too long ends in `...`.
pub struct Value<'a>(pub &'a str);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As nearly all are.
        if !self.0.is_empty() && self.0.len() <= MAX_VALUE && self.0.bytes().all(is_plain) {
            return f.write_str(self.0);
        }
        let mut out = String::new();
        let mut cut_at = 0;
        for byte in self.0.bytes() {
            match byte {
                b'"' | b'\\' | 0..0x20 | 0x7f.. => out.push_str(&format!("\\x{byte:02x}")),
                plain => out.push(char::from(plain)),
            }
            // What is written is ASCII, so any length is a character boundary.
            if out.len() <= MAX_VALUE.saturating_sub(3) {
                cut_at = out.len();
            }
            if out.len() > MAX_VALUE {
                out.truncate(cut_at);
                out.push_str("...");
                break;
            }
        }
        let quote = if out.is_empty() || out.contains(' ') {
            "\""
        } else {
            ""
        };
        write!(f, "{quote}{out}{quote}")
    }
}

/// Whether it is written as it is, and without quotes.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Admission, Refusal};

    fn facts(verified: bool) -> Facts {
        Facts {
            verified,
            issuer: Some("https://login.example.org".into()),
            subject: Some("8f2c".into()),
            kid: Some("2026-a".into()),
            id: Some("77b1".into()),
            expires: Some(1_794_000_000),
        }
    }

    #[test]
    fn the_line_has_its_fields_in_their_order() {
        let refusal = Refusal {
            reason: Reason::Expired,
            note: Note::OverBy(42),
        };
        let decision = Decision {
            outcome: Err(refusal),
            facts: facts(true),
        };
        let record = Record {
            rhost: Some("192.0.2.7"),
            ..Record::of(&decision, Some("alice"), "sshd")
        };
        assert_eq!(
            record.to_string(),
            "result=refused reason=expired account=alice service=sshd rhost=192.0.2.7 \
            issuer=https://login.example.org sub=8f2c kid=2026-a jti=77b1 exp=1794000000 over_by=42s"
        );

        let decision = Decision {
            outcome: Ok(Admission {
                rule: "i.toml:4".into(),
                token: crate::login_token::tests::any(),
            }),
            facts: facts(true),
        };
        assert_eq!(
            Record::of(&decision, Some("alice"), "sshd").to_string(),
            "result=accepted reason=allowed account=alice service=sshd \
            issuer=https://login.example.org sub=8f2c kid=2026-a jti=77b1 exp=1794000000 rule=i.toml:4"
        );
    }

    #[test]
    fn what_did_not_verify_is_named_so_and_an_unknown_account_is_not_named() {
        let refusal = Refusal {
            reason: Reason::SignatureInvalid,
            note: Note::None,
        };
        let decision = Decision {
            outcome: Err(refusal),
            facts: facts(false),
        };
        assert_eq!(
            Record::of(&decision, None, "sshd").to_string(),
            "result=refused reason=signature_invalid account=unknown service=sshd \
            unverified_issuer=https://login.example.org unverified_sub=8f2c unverified_kid=2026-a unverified_jti=77b1 unverified_exp=1794000000"
        );
    }

    #[test]
    fn a_value_cannot_leave_its_place() {
        for (value, written) in [
            ("a b=c", "\"a b=c\""),
            ("", "\"\""),
            ("a\nresult=accepted", "a\\x0aresult=accepted"),
            ("\" \\", "\"\\x22 \\x5c\""),
            ("é\u{7f}\u{2028}", "\\xc3\\xa9\\x7f\\xe2\\x80\\xa8"),
        ] {
            assert_eq!(Value(value).to_string(), written);
        }
    }

    #[test]
    fn a_value_is_bounded_and_no_escape_is_cut_in_two() {
        let exact = "x".repeat(MAX_VALUE);
        assert_eq!(Value(&exact).to_string(), exact);
        let cut = Value(&"x".repeat(MAX_VALUE + 1)).to_string();
        assert_eq!((cut.len(), cut.ends_with("xxx...")), (MAX_VALUE, true));
        let escapes = Value(&"\n".repeat(300)).to_string();
        assert!(
            escapes.len() <= MAX_VALUE && escapes.ends_with("\\x0a..."),
            "{escapes}"
        );
    }
}
