//! Opaque tokens: they say nothing themselves, so their issuer is asked (RFC 7662). What it
//! answers is judged as the claims of a token that it has signed would be.

use crate::authenticate::{Grounds, Request, Verified, judge, within};
use crate::decision::{Admission, Decision, Facts, Note, Refusal};
use crate::explain::Observer;
use crate::reason::Reason;
use crate::trust::{Trust, TrustedIssuer};
use jose::{Claims, compact};
use serde_json::Value;

/// What came of asking an issuer about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said<'a> {
    /// Its answer, JSON (§2.2).
    Claims(&'a str),
    /// That the token is not active, and by that nothing else.
    Inactive,
    /// Nothing that is to be believed; why, in words for the log.
    Nothing(&'a str),
}

/// The issuer whose opaque token `secret` looks like; none for what is a password or a JWT.
///
/// # Errors
/// Where that could be several: none of them is to be shown what may be another's.
pub fn issuer_of<'a>(
    trust: &'a Trust,
    secret: &[u8],
) -> Option<Result<&'a TrustedIssuer, Refusal>> {
    // Random characters can begin as a JWT does, but have no dot where it has one.
    if compact::is_token_shaped(secret) && secret.contains(&b'.') {
        return None;
    }
    let is_meant = |issuer: &&TrustedIssuer| {
        let introspection = issuer.introspection.as_ref();
        introspection.is_some_and(|introspection| introspection.is_meant(secret))
    };
    let mut meant = trust.issuers.iter().filter(is_meant);
    let first = meant.next()?;
    Some(match meant.next() {
        None => within(trust.global.max_token_bytes, secret)
            .map(|()| first)
            .map_err(Refusal::from),
        Some(second) => Err(failed(format!(
            "{} and {} both say that such tokens are theirs, so nobody was asked",
            first.file, second.file
        ))),
    })
}

/// Decides whether `token` opens `request` of which `issuer`, who was asked, has `said` this.
pub fn introspected(
    token: &[u8],
    issuer: &TrustedIssuer,
    said: Said<'_>,
    request: &Request<'_>,
    grounds: Grounds<'_>,
    observer: &mut dyn Observer,
) -> Decision {
    let mut facts = Facts {
        issuer: Some(issuer.issuer.clone()),
        ..Facts::default()
    };
    let outcome = answered(token, issuer, said, &mut facts)
        .inspect_err(|refusal| {
            let words = match &refusal.note {
                Note::Detail(words) => words,
                _ => refusal.reason.text(),
            };
            observer.check(
                format_args!("introspection"),
                false,
                format_args!("{words}"),
            );
        })
        .and_then(|claims| admitted(issuer, claims, request, grounds, observer));
    Decision { outcome, facts }
}

fn admitted(
    issuer: &TrustedIssuer,
    claims: Claims,
    request: &Request<'_>,
    grounds: Grounds<'_>,
    observer: &mut dyn Observer,
) -> Result<Admission, Refusal> {
    observer.check(
        format_args!("introspection"),
        true,
        format_args!("{} says that it is active", issuer.issuer),
    );
    let verified = Verified {
        issuer,
        signed: None,
        claims,
    };
    judge(&verified, request, grounds, observer)
}

/// The claims of a token that is active.
fn answered(
    token: &[u8],
    issuer: &TrustedIssuer,
    said: Said<'_>,
    facts: &mut Facts,
) -> Result<Claims, Refusal> {
    let text = match said {
        Said::Claims(text) => text,
        Said::Inactive => return Err(Reason::TokenInactive.into()),
        Said::Nothing(why) => return Err(failed(why.to_owned())),
    };
    let mut claims = Claims::parse(text.as_bytes())
        .map_err(|error| failed(format!("the issuer's answer is unusable: {error}")))?;
    match claims.get("active") {
        Some(Value::Bool(true)) => {}
        Some(Value::Bool(false)) => return Err(Reason::TokenInactive.into()),
        _ => return Err(failed("the issuer's answer lacks active".to_owned())),
    }
    if let Some(other) = claims.issuer.as_ref().filter(|iss| **iss != issuer.issuer) {
        let why = format!("the issuer's answer is about a token of another issuer, {other:?}");
        return Err(failed(why));
    }
    claims.issuer = Some(issuer.issuer.clone());
    // Some servers call a token by itself, and what it is called by is logged.
    claims.id = claims.id.filter(|id| id.as_bytes() != token);
    facts.verified = true;
    facts.subject.clone_from(&claims.subject);
    facts.id.clone_from(&claims.id);
    facts.expires = claims.expires.map(|date| date.floor());
    Ok(claims)
}

fn failed(why: String) -> Refusal {
    Refusal {
        reason: Reason::IntrospectionFailed,
        note: Note::Detail(why),
    }
}
