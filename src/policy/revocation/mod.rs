//! The local list of revocations: `pam-jwt revoke` writes its entries, every login heeds them.

mod record;

pub use record::{Life, Record};

use crate::decision::{Note, Refusal};
use crate::explain::Observer;
use crate::reason::Reason;
use crate::standing::Standing;
use jose::Claims;
use std::fmt;

/// What of a token an entry names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its `jti`.
    Id,
    /// Its `sub`.
    Subject,
    /// The kid under which its key is trusted.
    Key,
    /// Its `iss` alone.
    Issuer,
}

/// One thing that an entry can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark<'a> {
    /// The token's issuer: what others issue has nothing to do with it.
    pub issuer: &'a str,
    /// What is named.
    pub kind: Kind,
    /// Its value; for [`Kind::Issuer`] the issuer again.
    pub value: &'a str,
}

/// Which of the tokens that it names an entry is about: those within any of its limits, and
/// all where it has none. Times are in seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Those with an `iat` before this, and those without one.
    pub issued_before: Option<u64>,
    /// Those with an `exp` no later than this, and those without one.
    pub expired_by: Option<u64>,
}

impl Entry {
    /// All of them.
    pub const ALL: Self = Self {
        issued_before: None,
        expired_by: None,
    };

    /// Whether it is about a token with these claims.
    pub fn covers(&self, claims: &Claims) -> bool {
        self.covers_times(
            claims.issued_at.map(|date| date.floor()),
            claims.expires.map(|date| date.floor()),
        )
    }

    /// Whether it is about what was issued and ends at these times.
    pub fn covers_times(&self, issued_at: Option<u64>, expires: Option<u64>) -> bool {
        let is_early = |limit| issued_at.is_none_or(|issued| issued < limit);
        let has_ended = |limit| expires.is_none_or(|end| end <= limit);
        *self == Self::ALL
            || self.issued_before.is_some_and(is_early)
            || self.expired_by.is_some_and(has_ended)
    }

    /// About what either is about.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        if self == Self::ALL || other == Self::ALL {
            return Self::ALL;
        }
        Self {
            issued_before: self.issued_before.max(other.issued_before),
            expired_by: self.expired_by.max(other.expired_by),
        }
    }
}

/// The limits, in words that stand behind "revoked".
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut joint = " for tokens with";
        if let Some(limit) = self.issued_before {
            write!(f, "{joint} iat before {limit}")?;
            joint = " or";
        }
        if let Some(limit) = self.expired_by {
            write!(f, "{joint} exp up to {limit}")?;
        }
        Ok(())
    }
}

/// No entry is about the token.
pub(crate) fn check(
    issuer: &str,
    kid: Option<&str>,
    claims: &Claims,
    standing: &dyn Standing,
    observer: &mut dyn Observer,
) -> Result<(), Refusal> {
    let marks = [
        (Kind::Id, claims.id.as_deref()),
        (Kind::Subject, claims.subject.as_deref()),
        (Kind::Key, kid),
        (Kind::Issuer, Some(issuer)),
    ];
    let name = "revocation";
    for (kind, value) in marks {
        let Some(value) = value else { continue };
        let mark = Mark {
            issuer,
            kind,
            value,
        };
        let refusal = match standing.revocation(mark) {
            Ok(Some(entry)) if entry.covers(claims) => Refusal {
                reason: Reason::Revoked,
                note: Note::Detail(format!("{} {value:?} is revoked{entry}", kind.claim())),
            },
            Ok(_) => continue,
            Err(why) => Refusal {
                reason: Reason::RevocationsUnreadable,
                note: Note::Detail(why),
            },
        };
        if let Note::Detail(words) = &refusal.note {
            observer.check(format_args!("{name}"), false, format_args!("{words}"));
        }
        return Err(refusal);
    }
    observer.check(
        format_args!("{name}"),
        true,
        format_args!("no entry of this machine's list is about it"),
    );
    Ok(())
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Id, Self::Subject, Self::Key, Self::Issuer];

    /// The claim or header parameter.
    pub const fn claim(self) -> &'static str {
        match self {
            Self::Id => "jti",
            Self::Subject => "sub",
            Self::Key => "kid",
            Self::Issuer => "iss",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(text: &str) -> Claims {
        Claims::parse(text.as_bytes()).unwrap()
    }

    fn limits(issued_before: Option<u64>, expired_by: Option<u64>) -> Entry {
        Entry {
            issued_before,
            expired_by,
        }
    }

    #[test]
    fn a_limit_has_two_sides_and_what_says_nothing_is_within() {
        for (entry, within, beyond) in [
            (
                limits(Some(1000), None),
                &[
                    r#"{"iat":999}"#,
                    r#"{"iat":999.9}"#,
                    "{}",
                    r#"{"exp":5000}"#,
                ][..],
                &[
                    r#"{"iat":1000}"#,
                    r#"{"iat":1000.5}"#,
                    r#"{"iat":1001,"exp":1}"#,
                ][..],
            ),
            (
                limits(None, Some(1000)),
                &[
                    r#"{"exp":1000}"#,
                    r#"{"exp":1000.9}"#,
                    "{}",
                    r#"{"iat":5000}"#,
                ],
                &[r#"{"exp":1001}"#, r#"{"exp":1001,"iat":1}"#],
            ),
            (
                limits(Some(1000), Some(1000)),
                &[r#"{"iat":999,"exp":5000}"#, r#"{"iat":5000,"exp":1000}"#],
                &[r#"{"iat":1000,"exp":1001}"#],
            ),
            (Entry::ALL, &["{}", r#"{"iat":5000,"exp":5000}"#], &[]),
        ] {
            for text in within {
                assert!(entry.covers(&claims(text)), "{entry:?} {text}");
            }
            for text in beyond {
                assert!(!entry.covers(&claims(text)), "{entry:?} {text}");
            }
        }
    }

    #[test]
    fn two_entries_together_are_about_what_either_is_about() {
        let [early, late] = [limits(Some(1), None), limits(Some(2), None)];
        for (one, other, both) in [
            (early, late, late),
            (early, limits(None, Some(5)), limits(Some(1), Some(5))),
            (late, Entry::ALL, Entry::ALL),
        ] {
            assert_eq!((one.joined(other), other.joined(one)), (both, both));
        }
    }

    #[test]
    fn its_limits_are_told() {
        for (entry, words) in [
            (Entry::ALL, ""),
            (limits(Some(7), None), " for tokens with iat before 7"),
            (limits(None, Some(7)), " for tokens with exp up to 7"),
            (
                limits(Some(7), Some(8)),
                " for tokens with iat before 7 or exp up to 8",
            ),
        ] {
            assert_eq!(entry.to_string(), words);
        }
    }
}
