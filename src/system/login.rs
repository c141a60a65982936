//! A token's whole way to a decision on this machine: clock, configuration,
//! account, then [`policy::authenticate`]. The module calls this, and so does
//! `pam-jwt verify`.

use crate::key_store::{self, first};
use crate::records::{Purpose, Records};
use crate::remote::Remote;
use crate::{account_db, clock, fetched, handoff, introspect, refresh};
use jose::PublicKey;
use policy::authenticate::{Grounds, Request, authenticate};
use policy::config::{Fault, Global, Introspection, Issue, LEAST_TOKEN};
use policy::decision::{Decision, Facts, Note, Refusal};
use policy::explain::{Observer, Silent};
use policy::handoff::{Proof, Record};
use policy::introspection::{self, introspected};
use policy::reason::Reason;
use std::path::Path;

/// The decision and what else is known after it.
#[must_use]
#[derive(Debug)]
pub struct Verdict {
    /// Let in or refused.
    pub decision: Decision,
    /// Whether the system has the account; its name is logged only then.
    pub account_exists: bool,
    /// Whether the secret is a token, good or bad, and not a password.
    pub is_token: bool,
    /// The issuer that was asked about it.
    asked: Option<String>,
    /// Why the configuration does not load, where it does not.
    pub faults: Vec<Fault>,
    /// What the session is to know, where the settings concern it.
    pub for_session: Option<ForSession>,
}

/// What a login has to tell its session.
#[derive(Debug)]
pub struct ForSession {
    /// The record, or why there can be none.
    pub record: Result<Record, String>,
    /// Whether the session ends with the token, and without the record nobody is let in.
    pub ends: bool,
}

/// A secret, and what it is to open.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// The secret.
    pub secret: &'a [u8],
    /// Whether it came in several answers.
    pub in_pieces: bool,
    /// The account, as the host program named it.
    pub account: &'a str,
    /// The PAM service.
    pub service: &'a str,
    /// The methods that have succeeded, where sshd names them.
    pub auth_info: &'a str,
    /// Keys whose possession the host program has just had proved.
    pub proved: &'a [PublicKey],
    /// Whether somebody logs in.
    pub purpose: Purpose<'a>,
}

/// Decides whether `attempt` is let in, with the configuration in `dir`, now. Who is not may
/// be decided upon once more, after `remote` was asked for keys that the issuer has changed.
pub fn decide(
    attempt: Attempt<'_>,
    dir: &Path,
    remote: &dyn Remote,
    observer: &mut dyn Observer,
) -> Verdict {
    let verdict = once(attempt, dir, remote, observer);
    let is_refused = verdict.decision.rule().is_none();
    let bytes = attempt.secret.len();
    if !is_refused || bytes < LEAST_TOKEN {
        return verdict;
    }
    let (Ok(now), Ok(loaded)) = (clock::now(), key_store::load(dir)) else {
        return verdict;
    };
    let trust = &loaded.trust;
    let is_login = matches!(attempt.purpose, Purpose::Login { .. });
    let would_help = refresh::would_help(&verdict.decision, trust);
    let mut refreshed = false;
    if bytes >= refresh::LEAST_BYTES && (would_help || is_login) {
        let fetched = Path::new(fetched::DIR);
        let observer: &mut dyn Observer = if would_help { observer } else { &mut Silent };
        refreshed = refresh::refresh(trust, fetched, dir, now, remote, observer);
    }
    if is_login {
        introspect::pretend(trust, bytes, verdict.asked.as_deref(), dir, remote);
    }
    if would_help && refreshed {
        once(attempt, dir, remote, observer)
    } else {
        verdict
    }
}

impl Verdict {
    fn refused(refusal: Refusal, account_exists: bool) -> Self {
        Self {
            decision: Decision {
                outcome: Err(refusal),
                facts: Facts::default(),
            },
            account_exists,
            is_token: true,
            asked: None,
            faults: Vec::new(),
            for_session: None,
        }
    }

    /// Of what is no token, as far as is known here. Whether the account exists was not asked:
    /// databases are slow.
    fn password(secret: &[u8]) -> Self {
        let blemish = jose::compact::blemish(secret);
        let refusal = Refusal {
            reason: Reason::NotAToken,
            note: blemish.map_or(Note::None, |words| Note::Detail(words.to_owned())),
        };
        Self {
            is_token: false,
            ..Self::refused(refusal, false)
        }
    }
}

fn once(
    attempt: Attempt<'_>,
    dir: &Path,
    remote: &dyn Remote,
    observer: &mut dyn Observer,
) -> Verdict {
    let secret = attempt.secret;
    let is_jwt = jose::compact::is_token_shaped(secret);
    if !is_jwt && !Introspection::may_be_meant(secret) {
        return Verdict::password(secret);
    }
    let uid = || account_db::uid_of(attempt.account);
    let exists = || matches!(uid(), Ok(Some(_)));
    let Ok(now) = clock::now() else {
        return if is_jwt {
            Verdict::refused(Reason::ClockUnset.into(), exists())
        } else {
            Verdict::password(secret)
        };
    };
    let trust = match key_store::load(dir) {
        Ok(loaded) => loaded.trust,
        Err(_) if !is_jwt => return Verdict::password(secret),
        Err(faults) => {
            let refusal = Refusal {
                reason: Reason::ConfigError,
                note: Note::Detail(first(&faults)),
            };
            return Verdict {
                faults,
                ..Verdict::refused(refusal, exists())
            };
        }
    };
    let opaque = introspection::issuer_of(&trust, secret);
    if opaque.is_none() && !is_jwt {
        return Verdict::password(secret);
    }
    let uid = match uid() {
        Ok(uid) => uid,
        Err(error) => {
            let refusal = Refusal {
                reason: Reason::AccountLookupFailed,
                note: Note::Detail(error.to_string()),
            };
            return Verdict::refused(refusal, false);
        }
    };
    let request = Request {
        account: attempt.account,
        service: attempt.service,
        uid,
        in_pieces: attempt.in_pieces,
        proved: attempt.proved,
    };
    let grounds = Grounds {
        trust: &trust,
        standing: &Records::new(attempt.purpose, now),
        now,
    };
    let asked = match &opaque {
        Some(Ok(issuer)) => Some(issuer.issuer.clone()),
        _ => None,
    };
    let decision = match opaque {
        None => authenticate(secret, &request, grounds, observer),
        Some(Err(refusal)) => return Verdict::refused(refusal, uid.is_some()),
        Some(Ok(issuer)) => {
            let outcome = introspect::introspect(issuer, secret, dir, remote);
            introspected(secret, issuer, outcome.said(), &request, grounds, observer)
        }
    };
    Verdict {
        for_session: for_session(&decision, attempt, uid, &trust.global, now),
        decision,
        account_exists: uid.is_some(),
        is_token: true,
        asked,
        faults: Vec::new(),
    }
}

fn for_session(
    decision: &Decision,
    attempt: Attempt<'_>,
    uid: Option<u32>,
    global: &Global,
    now: u64,
) -> Option<ForSession> {
    let Attempt {
        account,
        service,
        auth_info,
        ..
    } = attempt;
    let (Ok(admission), Some(uid)) = (&decision.outcome, uid) else {
        return None;
    };
    global.concerns_session(service).then(|| {
        let ends = global.ends_with_token(service);
        let record = handoff::here(account, uid, service).map(|here| Record {
            here,
            left: admission.token.expires.saturating_sub(now),
            proof: Proof::Token(admission.token.clone()),
            ends,
            ssh_methods: auth_info.to_owned(),
        });
        ForSession { record, ends }
    })
}

/// What a login by something else than a token has to tell its session, where the settings
/// in `dir` concern it.
///
/// # Errors
/// Why there is nothing, for the log.
pub fn asked(
    dir: &Path,
    account: &str,
    service: &str,
    auth_info: &str,
) -> Result<Option<Record>, String> {
    let global = key_store::global(dir).map_err(|faults| first(&faults))?;
    let is_issued_to = |issue: &Issue| issue.services.iter().any(|one| one == service);
    if !global.issue.as_ref().is_some_and(is_issued_to) {
        return Ok(None);
    }
    let now = clock::now().map_err(|_| "the clock is earlier than this program")?;
    let uid = account_db::uid_of(account).map_err(|error| error.to_string())?;
    let uid = uid.ok_or("the system has no such account")?;
    Ok(Some(Record {
        here: handoff::here(account, uid, service)?,
        proof: Proof::Asked(now),
        left: 0,
        ends: false,
        ssh_methods: auth_info.to_owned(),
    }))
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
