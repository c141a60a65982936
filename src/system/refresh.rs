//! Keys that an issuer has changed since they were fetched: a login whose token opens nothing
//! may have them fetched anew, once a minute and no more.
//!
//! It takes a while that can be measured, and for an account that does not exist sshd passes
//! on junk of the length of what was typed. So who does not get in may have caused it by that
//! length and by nothing else: what looked at the token would tell which accounts exist.

use crate::fetched::Fetched;
use crate::helper::{Answer, Errand, Request};
use crate::remote::Remote;
use policy::decision::Decision;
use policy::explain::Observer;
use policy::reason::Reason;
use policy::trust::Trust;
use std::path::Path;
use std::time::Duration;

/// For how long somebody waits, in all.
const PATIENCE: Duration = Duration::from_secs(3);

/// For how many seconds after a try, by whomever, there is no other.
const PAUSE: u64 = 60;

/// No token whose signature is by a public key has fewer bytes: the shortest signature has 86
/// and both other parts say something. No password has as many.
const LEAST_BYTES: usize = 128;

/// Whether a secret is so long that it may have keys fetched.
pub(crate) const fn is_long_enough(secret: &[u8]) -> bool {
    secret.len() >= LEAST_BYTES
}

/// Whether other keys might let in whom `decision` does not.
pub(crate) fn would_help(decision: &Decision, trust: &Trust) -> bool {
    let iss = decision.facts.issuer.as_deref();
    let issuer = iss.and_then(|iss| trust.issuer(iss));
    matches!(
        decision.reason(),
        Reason::KeyUnknown | Reason::KeysNotFetched
    ) && issuer
        .and_then(|issuer| issuer.fetched.as_ref())
        .is_some_and(|fetched| fetched.on_unknown_kid)
}

/// Has the keys in `fetched` fetched anew of all issuers whose files allow it and of whom that
/// was not tried just now, and says whether there are new ones. `config` is the
/// configuration's directory, `now` in seconds since the epoch.
pub(crate) fn refresh(
    trust: &Trust,
    fetched: &Path,
    config: &Path,
    now: u64,
    remote: &dyn Remote,
    observer: &mut dyn Observer,
) -> bool {
    let mut said = |passed, words: &str| {
        observer.check(format_args!("refresh"), passed, format_args!("{words}"));
    };
    let fetched = match Fetched::open(fetched) {
        Ok(fetched) => fetched,
        Err(error) => {
            said(false, &error.to_string());
            return false;
        }
    };
    let names = trust.issuers.iter().filter(|issuer| {
        let fetched = issuer.fetched.as_ref();
        fetched.is_some_and(|fetched| fetched.on_unknown_kid)
    });
    let mut due = Vec::new();
    for issuer in names.map(|issuer| issuer.issuer.as_str()) {
        // Before any process is started, which strangers could have by the thousand.
        match fetched.state(issuer) {
            Ok(Some(state)) if state.attempted_at.abs_diff(now) < PAUSE => {
                said(
                    false,
                    &format!("{issuer}: its keys were asked for just now"),
                );
            }
            Ok(_) => due.push(issuer),
            Err(why) => said(false, &why),
        }
    }
    let count = u32::try_from(due.len()).unwrap_or(u32::MAX).max(1);
    let mut refreshed = false;
    for issuer in due {
        let request = Request {
            config: config.to_owned(),
            issuer: issuer.to_owned(),
            errand: Errand::Refresh,
        };
        let failure = match remote.ask(&request, PATIENCE / count) {
            Ok(Answer::Refreshed) => {
                said(true, &format!("the keys of {issuer} were fetched"));
                refreshed = true;
                continue;
            }
            Ok(Answer::Failed(why)) | Err(why) => why,
            Ok(_) => "the helper gave another answer than that".to_owned(),
        };
        said(false, &format!("{issuer}: {failure}"));
    }
    refreshed
}
