//! The session's token: made once, found by BEARER_TOKEN_FILE (WLCG Bearer Token Discovery),
//! gone with the session.

use crate::log;
use crate::transaction::{Open, Origin};
use pam::{Handle, Priority};
use policy::handoff::Proof;
use policy::issue::{Refusal, SshSession};
use policy::reason::Reason;
use policy::session::{Session, Token};
use std::ffi::CStr;
use std::path::Path;
use system::issue::{Opening, issue};
use system::sessions::{self, Key};
use system::{account_db, clock, logind, process, ssh_auth_info};

/// What names the file with the token.
const VARIABLE: &CStr = c"BEARER_TOKEN_FILE";

/// Whether sshd may be the host program.
pub(crate) fn is_sshd(handle: &mut Handle<'_>) -> bool {
    has_tty_of_sshd(handle) || handle.has_variable(ssh_auth_info::VARIABLE)
}

/// What sshd says until it has opened the session, and no user sets.
pub(crate) fn has_tty_of_sshd(handle: &Handle<'_>) -> bool {
    handle.tty().as_deref() == Some("ssh")
}

/// Sees to it that the session has a token, if the settings give it one; whether it has.
/// Everything else is logged.
///
/// # Errors
/// That it should have one and could not get it.
pub(crate) fn ensure(
    handle: &mut Handle<'_>,
    config: &Path,
    origin: &Origin,
) -> Result<bool, Failed> {
    let outcome = attempt(handle, config, origin);
    let (reason, detail) = match outcome {
        Ok(()) => return Ok(true),
        Err(Refusal::Withheld(detail)) => (Reason::IssueWithheld, detail),
        Err(Refusal::Failed(detail)) => (Reason::IssueFailed, detail),
    };
    log::refusal(handle, reason, Some(&detail));
    match reason {
        Reason::IssueWithheld => Ok(false),
        _ => Err(Failed),
    }
}

/// The session has no token, and should.
pub(crate) struct Failed;

fn attempt(handle: &mut Handle<'_>, config: &Path, origin: &Origin) -> Result<(), Refusal> {
    let failed = |what: &dyn std::fmt::Display| Refusal::Failed(what.to_string());
    if let Origin::Unusable(why) = origin {
        return Err(failed(why));
    }
    let mut open = opened(handle, origin).map_err(Refusal::Failed)?;
    if open.issued.is_none() {
        let is_sshd = has_tty_of_sshd(handle);
        let now = handle.variable(ssh_auth_info::VARIABLE);
        // Of its own methods sshd alone tells, and nobody who sets the variable elsewhere.
        if now.is_some() && origin.record().is_none() && !is_sshd {
            let words = "SSH_AUTH_INFO_0 is set, and the host program is not sshd";
            return Err(Refusal::Withheld(words.to_owned()));
        }
        let before = origin.record().map(|record| record.ssh_methods.as_str());
        let ssh = is_sshd.then_some(SshSession {
            before,
            now: now.as_deref(),
        });
        let service = handle.service().unwrap_or_default();
        let opening = Opening {
            account: &open.account,
            uid: open.key.uid,
            service: &service,
            proof: origin.proof(),
            ssh,
            id: &open.key.id,
        };
        let issued = issue(config, opening)?;
        sessions::sweep(sessions::MOST_SWEPT);
        open.issued = Some(issued.token.clone());
        let session = session(&open, &service, origin);
        let written = sessions::record(&open.key, &session)
            .and_then(|()| sessions::write_token(&open.key, &issued.text));
        // From here on close_session takes it away.
        let kept = written.and_then(|_| keep(handle, &open));
        if let Err(error) = kept {
            sessions::end(&open.key);
            return Err(Refusal::Failed(error));
        }
        log::issued(handle, &open.account, &issued.token, &open.key.id, origin);
    }
    let path = open.key.token_path().display().to_string();
    let set = handle.set_variable(VARIABLE, &path);
    set.map_err(|code| failed(&code.name()))
}

/// The session of this transaction, which is begun where there is none.
///
/// # Errors
/// Why there is none, for the log.
pub(crate) fn opened(handle: &mut Handle<'_>, origin: &Origin) -> Result<Open, String> {
    let account = handle.user().map_err(|code| code.name().to_owned())?;
    if let Some(open) = handle.data::<Open>() {
        if open.account == account {
            return Ok(open.clone());
        }
        // The host program has gone over to another account.
        end(handle);
    }
    let uid = account_db::uid_of(&account).map_err(|error| error.to_string())?;
    let uid = uid.ok_or("the system has no such account")?;
    let process = process::own().map_err(|error| format!("/proc: {error}"))?;
    let id = jose::sign::random_name().map_err(|error| error.to_string())?;
    let key = Key { uid, process, id };
    // Before pam_systemd has opened its session: inside that it could not be told any more.
    let ends =
        origin.record().is_some_and(|record| record.ends) && logind::ends_nothing().is_none();
    Ok(Open {
        key,
        account,
        issued: None,
        ends,
    })
}

/// Keeps what is to be taken away when the session ends.
pub(crate) fn keep(handle: &mut Handle<'_>, open: &Open) -> Result<(), String> {
    let kept = handle.set_data(open.clone());
    kept.map_err(|code| code.name().to_owned())
}

/// What is recorded of a session.
pub(crate) fn session(open: &Open, service: &str, origin: &Origin) -> Session {
    let opened_by = match origin.proof() {
        Some(Proof::Token(token)) => Some(Token {
            issuer: token.issuer.clone(),
            id: token.id.clone(),
            expires: token.expires,
        }),
        _ => None,
    };
    Session {
        account: open.account.clone(),
        service: service.to_owned(),
        since: clock::now().unwrap_or_default(),
        opened_by,
        issued: open.issued.clone(),
        ends: open.ends,
    }
}

/// Takes away what this transaction has made for its session; whether it had made anything.
pub(crate) fn end(handle: &mut Handle<'_>) -> bool {
    let Some(open) = handle.data::<Open>() else {
        return false;
    };
    sessions::end(&open.key);
    if handle.clear_data::<Open>().is_err() {
        handle.log(Priority::Error, "out of memory");
    }
    true
}
