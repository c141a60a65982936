//! The checks of a verified token that do not depend on a rule: its type, its
//! audience and its times (RFC 7519 §4.1, RFC 8725 §3.8-3.11, RFC 9068 §4).

use crate::authenticate::{Note, Refusal};
use crate::duration::for_people;
use crate::explain::Observer;
use crate::reason::Reason;
use jose::Claims;

/// Media types of access tokens and of plain JWTs, compared without case, the
/// prefix `application/` left out (RFC 7515 §4.1.9). What has another type was
/// made for another purpose.
const TYPES: [&str; 2] = ["at+jwt", "jwt"];

/// `typ` is that of an access token, or absent.
pub(crate) fn typ(typ: Option<&str>, observer: &mut dyn Observer) -> Result<(), Refusal> {
    let passed = typ.is_none_or(|typ| {
        let typ = typ.to_ascii_lowercase();
        TYPES.contains(&typ.strip_prefix("application/").unwrap_or(&typ))
    });
    observer.check(
        format_args!("type"),
        passed,
        format_args!("typ is {}; accepted are at+jwt, JWT or none", Quoted(typ)),
    );
    refuse_unless(passed, Reason::TypeNotAccepted)
}

/// The token is a bearer token: a prompt cannot prove possession (RFC 7800 §3).
pub(crate) fn unbound(claims: &Claims, observer: &mut dyn Observer) -> Result<(), Refusal> {
    let passed = claims.get("cnf").is_none();
    if !passed {
        observer.check(
            format_args!("binding"),
            false,
            format_args!("the token is bound to a key by its cnf claim"),
        );
    }
    refuse_unless(passed, Reason::KeyBound)
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
            assert!(typ(good, &mut Silent).is_ok());
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
                typ(Some(bad), &mut Silent).unwrap_err().reason,
                Reason::TypeNotAccepted
            );
        }
    }

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

    #[test]
    fn a_key_bound_token_is_refused() {
        assert!(unbound(&claims("{}"), &mut Silent).is_ok());
        assert_eq!(
            unbound(&claims(r#"{"cnf":{}}"#), &mut Silent)
                .unwrap_err()
                .reason,
            Reason::KeyBound
        );
    }
}
