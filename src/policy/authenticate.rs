//! The one decision: token, request, trust and moment in, [`Decision`] out. The
//! module and `pam-jwt verify` both call [`authenticate`], so what the command
//! explains is what a login does.

use crate::decision::{Admission, Decision, Facts, Note, Refusal};
use crate::explain::Observer;
use crate::login_token::LoginToken;
use crate::reason::Reason;
use crate::standing::{Lists, OneTime, Standing, UseFault};
use crate::trust::{NoIssuer, Trust, TrustedIssuer};
use crate::{binding, cut, fetched, revocation, rules, status, validate};
use jose::error::Part;
use jose::{Claims, Compact, Header, PublicKey};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The account, as the host program named it.
    pub account: &'a str,
    /// The PAM service.
    pub service: &'a str,
    /// The account's uid; none if the system has no account of exactly this name.
    pub uid: Option<u32>,
    /// Whether the token came in several answers.
    pub in_pieces: bool,
    /// Keys whose possession the host program has just had proved, as sshd's publickey does.
    pub proved: &'a [PublicKey],
}

impl Request<'_> {
    /// Whether who is let in is root then, or as good as root.
    pub(crate) fn leads_to_root(&self) -> bool {
        self.uid == Some(0) || makes_root(self.service)
    }
}

/// Whether this PAM service asks for the caller and makes them root, or whom they choose.
pub fn makes_root(service: &str) -> bool {
    matches!(service, "sudo" | "sudo-i" | "polkit-1" | "doas" | "run0")
}

/// What a decision rests on besides the token and the request.
#[derive(Clone, Copy)]
pub struct Grounds<'a> {
    /// Whom the machine trusts.
    pub trust: &'a Trust,
    /// What it knows of single tokens.
    pub standing: &'a dyn Standing,
    /// The time, in seconds since the epoch.
    pub now: u64,
}

/// Decides whether `token` opens `request`. A one-time token that does is used up by that.
pub fn authenticate(
    token: &[u8],
    request: &Request<'_>,
    grounds: Grounds<'_>,
    observer: &mut dyn Observer,
) -> Decision {
    let mut facts = Facts::default();
    let outcome = verified(token, request.in_pieces, grounds, &mut facts, observer)
        .and_then(|verified| judge(&verified, request, grounds, observer));
    Decision { outcome, facts }
}

/// However the token came: some programs pass on an answer of any length.
pub(crate) fn within(limit: usize, token: &[u8]) -> Result<(), jose::Error> {
    let bytes = token.len();
    if bytes > limit {
        return Err(jose::Error::TooLong { bytes, limit });
    }
    Ok(())
}

/// A token that is by a trusted issuer.
pub(crate) struct Verified<'a> {
    pub(crate) issuer: &'a TrustedIssuer,
    /// What has shown that; none where the issuer was asked and has said so itself.
    pub(crate) signed: Option<Signed<'a>>,
    pub(crate) claims: Claims,
}

/// A signature by a key of the issuer.
pub(crate) struct Signed<'a> {
    /// The kid under which the key is trusted; the token need not name it.
    kid: &'a str,
    header: Header,
}

fn verified<'a>(
    token: &[u8],
    in_pieces: bool,
    Grounds { trust, now, .. }: Grounds<'a>,
    facts: &mut Facts,
    observer: &mut dyn Observer,
) -> Result<Verified<'a>, Refusal> {
    let limit = trust.global.max_token_bytes;
    read("format", observer, within(limit, token), Refusal::from)?;
    let compact = read("format", observer, Compact::parse(token), |error| {
        // The end of the header, the payload or the signature is missing.
        let is_whole = !matches!(
            error,
            jose::Error::Parts(1 | 2) | jose::Error::Base64Url(Part::Signature)
        );
        cut::refusal_of(error, token, in_pieces, is_whole)
    })?;
    let header = read("header", observer, Header::parse(&compact), Refusal::from)?;
    facts.kid.clone_from(&header.kid);
    let claims = read(
        "claims",
        observer,
        Claims::parse(compact.payload()),
        Refusal::from,
    )?;
    facts.issuer.clone_from(&claims.issuer);
    facts.subject.clone_from(&claims.subject);
    facts.id.clone_from(&claims.id);
    facts.expires = claims.expires.map(|date| date.floor());
    observer.check(
        format_args!("format"),
        true,
        format_args!("compact JWS of {} bytes", token.len()),
    );

    let issuer = issuer_of(&claims, trust, observer)?;
    facts.issuer = Some(issuer.issuer.clone());

    fetched::check(issuer.fetched.as_ref(), now, observer)?;
    let Some(key) = issuer.key_for(&header, now) else {
        return Err(no_key(issuer, &header, observer));
    };
    observer.check(
        format_args!("key"),
        true,
        format_args!(
            "kid {:?} for {} from {}",
            key.kid,
            key.key.algorithm(),
            key.source
        ),
    );
    validate::certificate(key.validity, now, observer)?;
    let signature = key.key.verify(&compact, &header);
    read("signature", observer, signature, |error| {
        let is_whole = compact.signature_bytes() >= key.key.signature_bytes();
        cut::refusal_of(error, token, in_pieces, is_whole)
    })?;
    observer.check(
        format_args!("signature"),
        true,
        format_args!("{} by kid {:?}", header.alg, key.kid),
    );
    facts.verified = true;
    let signed = Signed {
        kid: &key.kid,
        header,
    };
    Ok(Verified {
        issuer,
        signed: Some(signed),
        claims,
    })
}

/// By whose keys it has to be signed.
fn issuer_of<'a>(
    claims: &Claims,
    trust: &'a Trust,
    observer: &mut dyn Observer,
) -> Result<&'a TrustedIssuer, Refusal> {
    let name = format_args!("issuer");
    match trust.issuer_of(claims) {
        Ok(issuer) => {
            let words = format_args!("{:?} is trusted by {}", issuer.issuer, issuer.file);
            observer.check(name, true, words);
            Ok(issuer)
        }
        Err(NoIssuer::Unnamed) => {
            let words = "the token has no iss, and its sub is no SPIFFE ID of a workload";
            observer.check(name, false, format_args!("{words}"));
            Err(Reason::IssuerMissing.into())
        }
        Err(NoIssuer::Unknown(iss)) => {
            let words = format_args!("no file in issuers.d names {iss:?}");
            observer.check(name, false, words);
            Err(Reason::IssuerUnknown.into())
        }
    }
}

/// Says why no key is meant.
fn no_key(issuer: &TrustedIssuer, header: &Header, observer: &mut dyn Observer) -> Refusal {
    let count = issuer.keys.len();
    match &header.kid {
        Some(kid) => observer.check(
            format_args!("key"),
            false,
            format_args!("none of its {count} keys has the kid {kid:?}"),
        ),
        None => observer.check(
            format_args!("key"),
            false,
            format_args!(
                "no kid, and not exactly one of its {count} keys is for {}",
                header.alg
            ),
        ),
    }
    if issuer.out_of_reach.is_empty() {
        return Reason::KeyUnknown.into();
    }
    let files = issuer.out_of_reach.join(", ");
    Refusal {
        reason: Reason::KeyOutOfReach,
        note: Note::Detail(format!("this process may not read {files}")),
    }
}

/// Every check is made, so that an explanation is complete; the first that
/// failed is the reason. Times come last ([`Decision::message_for_user`]), but for two that
/// are only looked at where all else holds: the issuer's status list
/// (draft-ietf-oauth-status-list § Validation Rules) and the use of a one-time token. Of a
/// token about which the issuer was asked there is no header, and no list is needed.
pub(crate) fn judge(
    token: &Verified<'_>,
    request: &Request<'_>,
    grounds: Grounds<'_>,
    observer: &mut dyn Observer,
) -> Result<Admission, Refusal> {
    let Verified {
        issuer,
        signed,
        claims,
    } = token;
    let Grounds {
        trust,
        standing,
        now,
    } = grounds;
    let file = issuer.file_name();
    let typ = signed.as_ref().map_or(Ok(()), |signed| {
        validate::typ(signed.header.typ.as_deref(), &issuer.types, observer)
    });
    let binding = binding::check(claims, request.proved, observer);
    let audience = validate::audience(claims, &issuer.audience, observer);
    let kid = signed.as_ref().map(|signed| signed.kid);
    let revocation = revocation::check(&issuer.issuer, kid, claims, standing, observer);
    let case = rules::Case {
        claims,
        request,
        global: &trust.global,
        is_fetched: issuer.fetched.is_some() || signed.is_none(),
        now,
    };
    let held = rules::decide(&issuer.allow, file, case, observer);
    let times = validate::times(claims, now, trust.global.leeway, observer);
    let lifetime = validate::lifetime(claims, issuer.max_lifetime, observer);
    typ.and(binding).and(audience).and(revocation)?;
    let held = held?;
    times.and(lifetime)?;
    if signed.is_some() {
        let takes_fetched = !request.leads_to_root() || held.rule.fetched_keys;
        let lists = if takes_fetched {
            Lists::All
        } else {
            Lists::Loaded
        };
        status::check(issuer, claims, lists, standing, now, observer)?;
    }
    if held.use_up {
        use_up(&issuer.issuer, claims, standing, observer)?;
    }
    Ok(Admission {
        rule: format!("{file}:{}", held.rule.line),
        token: LoginToken::of(&issuer.issuer, claims, held.may_issue),
    })
}

/// Last of all: what is refused for another reason is not used up.
fn use_up(
    issuer: &str,
    claims: &Claims,
    standing: &dyn Standing,
    observer: &mut dyn Observer,
) -> Result<(), Refusal> {
    // A rule that held has seen that both are there.
    let (Some(id), Some(expires)) = (claims.id.as_deref(), claims.expires) else {
        return Err(Reason::JtiMissing.into());
    };
    let once = OneTime {
        issuer,
        id,
        expires: expires.floor(),
    };
    let (reason, note, words) = match standing.use_up(once) {
        Ok(()) => {
            let words = format_args!("jti {id:?} has opened no login here yet");
            observer.check(format_args!("one time"), true, words);
            return Ok(());
        }
        Err(UseFault::Used(words)) => {
            let note = Note::Detail(words.clone());
            (Reason::AlreadyUsed, note, words)
        }
        Err(UseFault::Dropped) => {
            let words = "the records of that time are dropped".to_owned();
            (Reason::RecordsDropped, Note::None, words)
        }
        Err(UseFault::Unrecorded(words)) => {
            let note = Note::Detail(words.clone());
            (Reason::UseUnrecorded, note, words)
        }
    };
    observer.check(format_args!("one time"), false, format_args!("{words}"));
    Err(Refusal { reason, note })
}

fn read<T>(
    name: &str,
    observer: &mut dyn Observer,
    result: Result<T, jose::Error>,
    refusal: impl FnOnce(jose::Error) -> Refusal,
) -> Result<T, Refusal> {
    result.map_err(|error| {
        observer.check(format_args!("{name}"), false, format_args!("{error}"));
        refusal(error)
    })
}

#[cfg(test)]
#[path = "authenticate_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "standing_tests.rs"]
mod standing_tests;

#[cfg(test)]
#[path = "introspection_tests.rs"]
mod introspection_tests;

#[cfg(test)]
#[path = "spiffe_tests.rs"]
mod spiffe_tests;

#[cfg(test)]
#[path = "status_tests.rs"]
mod status_tests;
