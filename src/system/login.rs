//! A token's whole way to a decision on this machine: clock, configuration,
//! account, then [`policy::authenticate`]. The module calls this, and so does
//! `pam-jwt verify`.

use crate::key_store::{self, first};
use crate::records::{Purpose, Records};
use crate::{account_db, clock, handoff};
use jose::PublicKey;
use policy::authenticate::{Grounds, Request, authenticate};
use policy::config::{Fault, Issue};
use policy::decision::{Decision, Facts, Note, Refusal};
use policy::explain::Observer;
use policy::handoff::{Proof, Record};
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

/// Decides whether `attempt` is let in, with the configuration in `dir`, now.
pub fn decide(attempt: Attempt<'_>, dir: &Path, observer: &mut dyn Observer) -> Verdict {
    let Attempt {
        secret: token,
        in_pieces,
        account,
        service,
        auth_info,
        proved,
        purpose,
    } = attempt;
    let is_token = jose::compact::is_token_shaped(token);
    // Whether a password's account exists is not asked here: databases are slow.
    let lookup = if is_token {
        account_db::uid_of(account)
    } else {
        Ok(None)
    };
    let account_exists = matches!(lookup, Ok(Some(_)));
    let refused = |refusal: Refusal, faults| Verdict {
        decision: Decision {
            outcome: Err(refusal),
            facts: Facts::default(),
        },
        account_exists,
        faults,
        for_session: None,
    };
    if !is_token {
        let blemish = jose::compact::blemish(token);
        let refusal = Refusal {
            reason: Reason::NotAToken,
            note: blemish.map_or(Note::None, |words| Note::Detail(words.to_owned())),
        };
        return refused(refusal, Vec::new());
    }
    let Ok(now) = clock::now() else {
        return refused(Reason::ClockUnset.into(), Vec::new());
    };
    let trust = match key_store::load(dir) {
        Ok(loaded) => loaded.trust,
        Err(faults) => {
            let note = Note::Detail(first(&faults));
            return refused(
                Refusal {
                    reason: Reason::ConfigError,
                    note,
                },
                faults,
            );
        }
    };
    let uid = match lookup {
        Ok(uid) => uid,
        Err(error) => {
            let note = Note::Detail(error.to_string());
            return refused(
                Refusal {
                    reason: Reason::AccountLookupFailed,
                    note,
                },
                Vec::new(),
            );
        }
    };
    let request = Request {
        account,
        service,
        uid,
        in_pieces,
        proved,
    };
    let grounds = Grounds {
        trust: &trust,
        standing: &Records::new(purpose, now),
        now,
    };
    let decision = authenticate(token, &request, grounds, observer);
    let for_session = match (&decision.outcome, uid) {
        (Ok(admission), Some(uid)) if trust.global.concerns_session(service) => {
            let ends = trust.global.ends_with_token(service);
            let record = handoff::here(account, uid, service).map(|here| Record {
                here,
                left: admission.token.expires.saturating_sub(now),
                proof: Proof::Token(admission.token.clone()),
                ends,
                ssh_methods: auth_info.to_owned(),
            });
            Some(ForSession { record, ends })
        }
        _ => None,
    };
    Verdict {
        decision,
        account_exists,
        faults: Vec::new(),
        for_session,
    }
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
