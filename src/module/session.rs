//! open_session and close_session: the session's end, and its token.

use crate::options::{Issue, Options};
use crate::transaction::Origin;
use crate::{issue, log, origin};
use pam::{Code, Flags, Handle};
use policy::duration::for_people;
use policy::handoff::{Proof, Record};
use policy::reason::Reason;
use policy::session::{WARNED_BEFORE, seconds_left};
use std::ffi::{CStr, CString};
use system::{clock, handoff, logind, sessions};

/// What pam_systemd(8) reads: how many seconds the session has, in text.
const RUNTIME: &CStr = c"systemd.runtime_max_sec";

/// What pam_systemd(8) sets when it has opened its session.
const OPENED_BY_SYSTEMD: &CStr = c"XDG_SESSION_ID";

/// What pam_systemd(8) takes a session's kind and place from. sshd sets none of them, and a
/// user may (pam_env's user_readenv): of a kind that there is none of, or at a seat that has no
/// such terminal, logind makes no session, and ends none.
const OF_SYSTEMD: [&CStr; 6] = [
    c"XDG_SEAT",
    c"XDG_VTNR",
    c"XDG_SESSION_TYPE",
    c"XDG_SESSION_CLASS",
    c"XDG_SESSION_DESKTOP",
    c"XDG_SESSION_INCOMPLETE",
];

/// Why there is no session.
type Refused = (Reason, String);

/// pam_sm_open_session(3): an argument that is not understood refuses the session, since it may
/// have asked for a limit. Whatever refuses it is PAM_PERM_DENIED: sudo opens the session all the
/// same where it gets PAM_SESSION_ERR.
pub(crate) fn open(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code {
    let opened = Options::parse(args)
        .map_err(|detail| (Reason::BadArgument, detail))
        .and_then(|options| opened(handle, &options, flags));
    opened.unwrap_or_else(|(reason, detail)| {
        log::refusal(handle, reason, Some(&detail));
        // The host program closes nothing that was not opened.
        issue::end(handle);
        Code::PermDenied
    })
}

/// pam_sm_close_session(3)
pub(crate) fn close(handle: &mut Handle<'_>) -> Code {
    if issue::end(handle) {
        Code::Success
    } else {
        Code::Ignore
    }
}

fn opened(handle: &mut Handle<'_>, options: &Options, flags: Flags) -> Result<Code, Refused> {
    let origin = origin::of_session(handle);
    if let Origin::Unusable(why) = &origin {
        return Err((Reason::HandoffUnusable, why.clone()));
    }
    let ends = origin.record().filter(|record| record.ends);
    if let Some(record) = ends {
        cap(handle, record, flags)?;
    }
    let has_token = match options.issue {
        Issue::No => false,
        issue => match issue::ensure(handle, &options.config, &origin) {
            Ok(has_token) => has_token,
            Err(issue::Failed) if issue == Issue::Required => {
                let words = "the line says issue=required, and there is no token".to_owned();
                return Err((Reason::IssueFailed, words));
            }
            Err(issue::Failed) => false,
        },
    };
    if !has_token && matches!(origin.proof(), Some(Proof::Token(_))) {
        record(handle, &origin);
    }
    Ok(if has_token || ends.is_some() {
        Code::Success
    } else {
        Code::Ignore
    })
}

/// Has logind end the session with its token.
fn cap(handle: &mut Handle<'_>, record: &Record, flags: Flags) -> Result<(), Refused> {
    let Proof::Token(token) = &record.proof else {
        return Err((Reason::HandoffUnusable, "no token opened it".to_owned()));
    };
    let since = handoff::uptime().map_err(|error| (Reason::NoTimeLeft, error))?;
    let since = since.saturating_sub(record.here.uptime);
    let now = clock::now();
    let now = now.map_err(|_| (Reason::ClockUnset, "the clock was set back".to_owned()))?;
    let Some(left) = seconds_left(token.expires, now, record.left, since) else {
        let over = format!("exp={}", token.expires);
        return Err((Reason::NoTimeLeft, over));
    };
    if handle.has_variable(OPENED_BY_SYSTEMD) {
        // It would not be looked at any more, and nothing would say so.
        let words = "the session line of pam_systemd.so stands above this one".to_owned();
        return Err((Reason::SessionOrder, words));
    }
    let internal = |code: Code| (Reason::InternalError, code.name().to_owned());
    if issue::has_tty_of_sshd(handle) {
        for name in OF_SYSTEMD {
            handle.remove_variable(name).map_err(internal)?;
        }
    }
    let text = CString::new(left.to_string()).unwrap_or_default();
    let set = handle.set_text_for_others(RUNTIME, text);
    set.map_err(internal)?;
    if let Some(words) = logind::ends_nothing() {
        log::refusal(handle, Reason::NotCapped, Some(&words));
        return Ok(());
    }
    // Whoever has more is warned by `pam-jwt sessions --warn`.
    if left < WARNED_BEFORE && !flags.contains(Flags::SILENT) {
        let left = for_people(left);
        handle.info(&format!(
            "This session ends in {left}, with the token that opened it."
        ));
    }
    Ok(())
}

/// Records a session that has no token of its own. It is open whether that works or not.
fn record(handle: &mut Handle<'_>, origin: &Origin) {
    let service = handle.service().unwrap_or_default();
    let recorded = issue::opened(handle, origin).and_then(|open| {
        sessions::sweep(sessions::MOST_SWEPT);
        sessions::record(&open.key, &issue::session(&open, &service, origin))?;
        issue::keep(handle, &open)
    });
    if let Err(error) = recorded {
        handle.log(
            pam::Priority::Warning,
            &format!("the session is not recorded: {error}"),
        );
    }
}
