//! A token's whole way to a decision on this machine: clock, configuration,
//! account, then [`policy::authenticate`]. The module calls this, and so does
//! `pam-jwt verify`.

use crate::records::{Purpose, Records};
use crate::{account_db, clock, key_store};
use jose::PublicKey;
use policy::authenticate::{Grounds, Request, authenticate};
use policy::config::Fault;
use policy::decision::{Decision, Facts, Note, Refusal};
use policy::explain::Observer;
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
            let note = faults.first().map_or(Note::None, |fault| {
                Note::Detail(format!("{}: {}", fault.location(), fault.message))
            });
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
    Verdict {
        decision,
        account_exists,
        faults: Vec::new(),
    }
}
