//! The checks of a verified token that do not depend on a rule: its type, its
//! audience and its times (RFC 7519 §4.1, RFC 8725 §3.8-3.11, RFC 9068 §4).

use crate::config::TokenTypes;
use crate::decision::{Note, Refusal};
use crate::duration::for_people;
use crate::explain::Observer;
use crate::reason::Reason;
use jose::{Claims, Validity};

/// `typ` is one that the issuer's file accepts.
pub(crate) fn typ(
    typ: Option<&str>,
    accepted: &TokenTypes,
    observer: &mut dyn Observer,
) -> Result<(), Refusal> {
    let passed = accepted.accept(typ);
    observer.check(
        format_args!("type"),
        passed,
        format_args!("typ is {}; accepted are {accepted}", Quoted(typ)),
    );
    refuse_unless(passed, Reason::TypeNotAccepted)
}

/// `aud` names one of `wanted`.
pub(crate) fn audience(
    claims: &Claims,
    wanted: &[String],
    observer: &mut dyn Observer,
) -> Result<(), Refusal> {
    let Some(named) = &claims.audience else {
        observer.check(
            format_args!("audience"),
            false,
            format_args!("the token has no aud; wanted is one of {wanted:?}"),
        );
        return Err(Reason::AudienceMissing.into());
    };
    let passed = named.iter().any(|name| wanted.contains(name));
    observer.check(
        format_args!("audience"),
        passed,
        format_args!("aud is {named:?}; wanted is one of {wanted:?}"),
    );
    refuse_unless(passed, Reason::AudienceMismatch)
}

/// `exp`, which must be there, `nbf` and `iat` against `now`, all in seconds
/// since the epoch; `leeway` extends each.
pub(crate) fn times(
    claims: &Claims,
    now: u64,
    leeway: u64,
    observer: &mut dyn Observer,
) -> Result<(), Refusal> {
    let expiry = match claims.expires.map(|date| date.floor()) {
        None => {
            observer.check(
                format_args!("expiry"),
                false,
                format_args!("the token has no exp"),
            );
            Err(Reason::ExpiryMissing.into())
        }
        Some(exp) if now < exp.saturating_add(leeway) => {
            let side = if now < exp {
                "left"
            } else {
                "over, within the leeway"
            };
            observer.check(
                format_args!("expiry"),
                true,
                format_args!(
                    "exp {exp}, now {now}: {} {side}",
                    for_people(exp.abs_diff(now))
                ),
            );
            Ok(())
        }
        Some(exp) => {
            let over = now.saturating_sub(exp);
            observer.check(
                format_args!("expiry"),
                false,
                format_args!(
                    "exp {exp}, now {now}: expired {} ago, leeway {leeway} s",
                    for_people(over)
                ),
            );
            Err(Refusal {
                reason: Reason::Expired,
                note: Note::OverBy(over),
            })
        }
    };
    let begun =
        |name: &str, date: Option<jose::NumericDate>, reason, observer: &mut dyn Observer| {
            let Some(date) = date.map(|date| date.ceil()) else {
                return Ok(());
            };
            let early = date.saturating_sub(now);
            let passed = early <= leeway;
            let difference = for_people(date.abs_diff(now));
            let side = if date > now { "ahead" } else { "ago" };
            observer.check(
                format_args!("{name}"),
                passed,
                format_args!("{name} {date}, now {now}: {difference} {side}, leeway {leeway} s"),
            );
            if passed {
                Ok(())
            } else {
                Err(Refusal {
                    reason,
                    note: Note::EarlyBy(early),
                })
            }
        };
    let not_before = begun("nbf", claims.not_before, Reason::NotYetValid, observer);
    let issued = begun("iat", claims.issued_at, Reason::IssuedInFuture, observer);
    expiry.and(not_before).and(issued)
}

/// From `iat` to `exp` it is at most `max_lifetime`, in seconds. Both are by the issuer's
/// clock, so there is no leeway.
pub(crate) fn lifetime(
    claims: &Claims,
    max_lifetime: Option<u64>,
    observer: &mut dyn Observer,
) -> Result<(), Refusal> {
    // Without exp it is refused anyway.
    let (Some(most), Some(expires)) = (max_lifetime, claims.expires) else {
        return Ok(());
    };
    let Some(issued) = claims.issued_at else {
        observer.check(
            format_args!("lifetime"),
            false,
            format_args!("the token has no iat, so how long it lives is not known"),
        );
        return Err(Reason::IssuedAtMissing.into());
    };
    let lifetime = expires.ceil().saturating_sub(issued.floor());
    let passed = lifetime <= most;
    observer.check(
        format_args!("lifetime"),
        passed,
        format_args!(
            "from iat to exp {}, at most {}",
            for_people(lifetime),
            for_people(most)
        ),
    );
    if passed {
        Ok(())
    } else {
        Err(Refusal {
            reason: Reason::LifetimeTooLong,
            note: Note::OverBy(lifetime.saturating_sub(most)),
        })
    }
}

/// A certificate's dates (RFC 5280 §4.1.2.5), both included. They are by this machine's
/// clock and in days, so there is no leeway.
///
/// # Errors
/// [`Reason::CertificateNotYetValid`] or [`Reason::CertificateExpired`].
pub fn certificate(
    validity: Option<Validity>,
    now: u64,
    observer: &mut dyn Observer,
) -> Result<(), Refusal> {
    let Some(Validity {
        not_before,
        not_after,
    }) = validity
    else {
        return Ok(());
    };
    let (reason, note, words) = if now < not_before {
        let early = not_before.saturating_sub(now);
        (
            Some(Reason::CertificateNotYetValid),
            Note::EarlyBy(early),
            format!("begins in {}", for_people(early)),
        )
    } else if now > not_after {
        let over = now.saturating_sub(not_after);
        (
            Some(Reason::CertificateExpired),
            Note::OverBy(over),
            format!("ended {} ago", for_people(over)),
        )
    } else {
        let left = not_after.saturating_sub(now);
        (None, Note::None, format!("{} left", for_people(left)))
    };
    observer.check(
        format_args!("certificate"),
        reason.is_none(),
        format_args!("valid from {not_before} to {not_after}, now {now}: {words}"),
    );
    reason.map_or(Ok(()), |reason| Err(Refusal { reason, note }))
}

fn refuse_unless(passed: bool, reason: Reason) -> Result<(), Refusal> {
    if passed { Ok(()) } else { Err(reason.into()) }
}

/// `"text"`, or `absent`.
struct Quoted<'a>(Option<&'a str>);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(text) => write!(f, "{text:?}"),
            None => f.write_str("absent"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::Silent;

    fn claims(json: &str) -> Claims {
        Claims::parse(json.as_bytes()).unwrap()
    }

    fn at(json: &str, now: u64) -> Result<(), (Reason, Note)> {
        times(&claims(json), now, 30, &mut Silent).map_err(|refusal| (refusal.reason, refusal.note))
    }

    /// Checklist: A.22, B.9
    #[test]
    fn a_token_ends_when_now_reaches_exp_and_leeway() {
        assert_eq!(at(r#"{"exp":1000}"#, 1029), Ok(()));
        assert_eq!(
            at(r#"{"exp":1000}"#, 1030),
            Err((Reason::Expired, Note::OverBy(30)))
        );
        assert_eq!(
            at(r#"{"exp":1000.9}"#, 1030),
            Err((Reason::Expired, Note::OverBy(30)))
        );
        assert_eq!(
            at(r#"{"exp":0}"#, 1000),
            Err((Reason::Expired, Note::OverBy(1000)))
        );
        assert_eq!(at("{}", 0), Err((Reason::ExpiryMissing, Note::None)));
    }

    /// Checklist: A.22, A.23, B.11
    #[test]
    fn a_token_begins_at_nbf_and_iat_less_leeway() {
        assert_eq!(at(r#"{"exp":9999,"nbf":1030}"#, 1000), Ok(()));
        assert_eq!(
            at(r#"{"exp":9999,"nbf":1031}"#, 1000),
            Err((Reason::NotYetValid, Note::EarlyBy(31)))
        );
        assert_eq!(
            at(r#"{"exp":9999,"nbf":1030.5}"#, 1000),
            Err((Reason::NotYetValid, Note::EarlyBy(31)))
        );
        assert_eq!(
            at(r#"{"exp":9999,"iat":1031}"#, 1000),
            Err((Reason::IssuedInFuture, Note::EarlyBy(31)))
        );
        assert_eq!(at(r#"{"exp":9999,"iat":1030}"#, 1000), Ok(()));
    }

    /// Checklist: A.25, B.6
    #[test]
    fn types_are_compared_without_case_and_prefix() {
        for good in [
            None,
            Some("JWT"),
            Some("jwt"),
            Some("at+jwt"),
            Some("AT+JWT"),
            Some("application/at+jwt"),
        ] {
            assert!(typ(good, &TokenTypes::default(), &mut Silent).is_ok());
        }
        for bad in [
            "",
            "logout+jwt",
            "dpop+jwt",
            "statuslist+jwt",
            "JOSE",
            "text/at+jwt",
            "id+jwt",
        ] {
            assert_eq!(
                typ(Some(bad), &TokenTypes::default(), &mut Silent)
                    .unwrap_err()
                    .reason,
                Reason::TypeNotAccepted
            );
        }
    }

    #[test]
    fn a_lifetime_is_from_iat_to_exp() {
        let check = |json: &str| {
            lifetime(&claims(json), Some(100), &mut Silent)
                .map_err(|refusal| (refusal.reason, refusal.note))
        };
        assert_eq!(check(r#"{"iat":1000,"exp":1100}"#), Ok(()));
        // A token that ends before it begins is refused by its times.
        assert_eq!(check(r#"{"iat":1000,"exp":900}"#), Ok(()));
        for (json, over) in [
            (r#"{"iat":1000,"exp":1101}"#, 1),
            (r#"{"iat":1000,"exp":1100.1}"#, 1),
            (r#"{"iat":999.9,"exp":1100}"#, 1),
            (r#"{"iat":0,"exp":253402300799}"#, 253_402_300_699),
        ] {
            assert_eq!(
                check(json),
                Err((Reason::LifetimeTooLong, Note::OverBy(over)))
            );
        }
        assert_eq!(
            check(r#"{"exp":1100}"#),
            Err((Reason::IssuedAtMissing, Note::None))
        );
        assert!(lifetime(&claims(r#"{"exp":1}"#), None, &mut Silent).is_ok());
    }

    #[test]
    fn a_certificate_is_valid_on_its_dates_and_between_them() {
        let validity = Validity {
            not_before: 1000,
            not_after: 2000,
        };
        let at = |now| {
            certificate(Some(validity), now, &mut Silent)
                .map_err(|refusal| (refusal.reason, refusal.note))
        };
        assert_eq!((at(1000), at(2000)), (Ok(()), Ok(())));
        assert_eq!(
            at(999),
            Err((Reason::CertificateNotYetValid, Note::EarlyBy(1)))
        );
        assert_eq!(at(2001), Err((Reason::CertificateExpired, Note::OverBy(1))));
        assert!(certificate(None, 0, &mut Silent).is_ok());
    }

    /// Checklist: A.7, A.21
    #[test]
    fn the_audience_must_be_named_exactly() {
        let wanted = ["ssh://host1".to_owned()];
        let check =
            |json| audience(&claims(json), &wanted, &mut Silent).map_err(|refusal| refusal.reason);
        assert_eq!(check(r#"{"aud":"ssh://host1"}"#), Ok(()));
        assert_eq!(check(r#"{"aud":["x","ssh://host1"]}"#), Ok(()));
        assert_eq!(check("{}"), Err(Reason::AudienceMissing));
        for bad in [
            r#"{"aud":[]}"#,
            r#"{"aud":"SSH://host1"}"#,
            r#"{"aud":"ssh://host1/"}"#,
            r#"{"aud":"ssh://host"}"#,
        ] {
            assert_eq!(check(bad), Err(Reason::AudienceMismatch));
        }
    }
}
