//! How what authenticate knows comes to the session: in the transaction, or from a process of
//! sshd's that is gone, by a record (system::handoff).

use crate::transaction::{Origin, TokenLogin};
use pam::{Code, Handle};
use policy::handoff::{Proof, Record};
use std::path::Path;
use system::{account_db, handoff, login, process, ssh_auth_info};

/// Forgets what an earlier try in this transaction has told.
pub(crate) fn forget(handle: &mut Handle<'_>) -> Result<(), Code> {
    if let Some(Origin::Told {
        name: Some(name), ..
    }) = handle.data::<Origin>()
    {
        handoff::discard(name);
    }
    handle.clear_data::<Origin>()?;
    handle.remove_variable(handoff::VARIABLE)
}

/// Tells the session of this login, in whichever process it is.
///
/// # Errors
/// Why no other process can be told, for the log.
pub(crate) fn tell(handle: &mut Handle<'_>, record: Record) -> Result<(), String> {
    let written = handoff::write(&record);
    let set = |code: Code| code.name().to_owned();
    if let Ok(name) = &written {
        handle.set_variable(handoff::VARIABLE, name).map_err(set)?;
    }
    let name = written.as_ref().ok().cloned();
    let record = Box::new(record);
    handle
        .set_data(Origin::Told { record, name })
        .map_err(set)?;
    written.map(drop)
}

/// `auth optional pam_jwt.so issue`, below the modules that ask: tells the session that they
/// did. Where a token has opened the login, that is told already.
pub(crate) fn note_asked(handle: &mut Handle<'_>, config: &Path) -> Result<(), String> {
    let is_known = matches!(handle.data::<Origin>(), Some(origin) if origin.record().is_some());
    // Root's su asks nobody, wherever in the stack the line is.
    let is_roots = handle
        .ruser()
        .is_some_and(|caller| matches!(account_db::uid_of(&caller), Ok(Some(0))));
    if is_known || is_roots {
        return Ok(());
    }
    let account = handle.user().map_err(|code| code.name().to_owned())?;
    let service = handle.service().unwrap_or_default();
    let methods = handle.variable(ssh_auth_info::VARIABLE).unwrap_or_default();
    match login::asked(config, &account, &service, &methods)? {
        Some(record) => tell(handle, record),
        None => Ok(()),
    }
}

/// What the session knows of its login. The first of setcred and open_session finds it out,
/// and takes the record.
pub(crate) fn of_session(handle: &mut Handle<'_>) -> Origin {
    let kept = handle.data::<Origin>().cloned();
    let told = match kept {
        Some(Origin::Told {
            record,
            name: Some(name),
        }) => {
            // The same process has written it, so nobody else needs it.
            handoff::discard(&name);
            let named = handle.variable(handoff::VARIABLE);
            if named.is_some_and(|other| other != name) {
                // sshd has gone on to another method since, in another process.
                taken(handle)
            } else {
                Ok(Origin::Told { record, name: None })
            }
        }
        Some(other) => return other,
        None => taken(handle),
    };
    let origin = told.and_then(|origin| match origin.proof() {
        Some(Proof::Token(_)) => Ok(origin),
        _ => unnamed(handle).map(|()| origin),
    });
    let origin = origin.unwrap_or_else(Origin::Unusable);
    if let Some(Proof::Token(_)) = origin.proof() {
        let account = origin.record().map(|record| record.here.account.clone());
        let known = account.map(|account| handle.set_data(TokenLogin { account }));
        if matches!(known, Some(Err(_))) {
            return Origin::Unusable("out of memory".to_owned());
        }
    }
    let kept = handle.remove_variable(handoff::VARIABLE);
    match kept.and_then(|()| handle.set_data(origin.clone())) {
        Ok(()) => origin,
        Err(code) => Origin::Unusable(code.name().to_owned()),
    }
}

/// From another process, if it has told anything.
fn taken(handle: &mut Handle<'_>) -> Result<Origin, String> {
    if !handle.has_variable(handoff::VARIABLE) {
        return Ok(Origin::Unknown);
    }
    let name = handle.variable(handoff::VARIABLE).unwrap_or_default();
    let account = handle.user().map_err(|code| code.name().to_owned())?;
    let service = handle.service().unwrap_or_default();
    let uid = account_db::uid_of(&account).map_err(|error| error.to_string())?;
    let uid = uid.ok_or("the system has no such account")?;
    let here = handoff::here(&account, uid, &service)?;
    let record = Box::new(handoff::take(&name, &here)?);
    Ok(Origin::Told { record, name: None })
}

/// Where a token is not what opened this session, by all that is told, nothing else may say
/// that one has.
fn unnamed(handle: &mut Handle<'_>) -> Result<(), String> {
    let account = handle.user().unwrap_or_default();
    let service = handle.service().unwrap_or_default();
    let own = process::own().map_err(|error| format!("/proc: {error}"))?;
    if handoff::take_unnamed(&account, &service, own)? {
        return Err(
            "a token has opened it, and PAM_JWT_HANDOFF, which named its record, is \
             gone: somebody has taken it away, or sshd has asked for a password after the token \
             (AuthenticationMethods)"
                .to_owned(),
        );
    }
    Ok(())
}
