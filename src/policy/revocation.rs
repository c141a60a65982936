//! The local list of revocations: `pam-jwt revoke` writes its entries, every login heeds them.

use crate::authenticate::{Note, Refusal};
use crate::explain::Observer;
use crate::reason::Reason;
use crate::standing::Standing;
use jose::Claims;

/// What of a token an entry names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its `jti`.
    Id,
    /// Its `sub`.
    Subject,
    /// Its `kid`.
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

/// An entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Only tokens with an `iat` before this are meant (seconds since the epoch), and those
    /// without one; none means all.
    pub issued_before: Option<u64>,
}

impl Entry {
    /// Whether it is about a token with these claims.
    pub fn covers(&self, claims: &Claims) -> bool {
        match (self.issued_before, claims.issued_at) {
            (Some(limit), Some(issued)) => issued.floor() < limit,
            _ => true,
        }
    }
}

/// No entry is about the token.
pub(crate) fn check(
    issuer: &str,
    kid: &str,
    claims: &Claims,
    standing: &dyn Standing,
    observer: &mut dyn Observer,
) -> Result<(), Refusal> {
    let marks = [
        (Kind::Id, claims.id.as_deref()),
        (Kind::Subject, claims.subject.as_deref()),
        (Kind::Key, Some(kid)),
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
                note: Note::Detail(format!("{} {value:?} is revoked", kind.claim())),
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
