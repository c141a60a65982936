//! open_session and close_session: nothing to do yet.

use crate::log;
use crate::options::Options;
use pam::{Code, Handle};
use policy::reason::Reason;
use std::ffi::CStr;

/// pam_sm_open_session(3) and pam_sm_close_session(3): PAM_SESSION_ERR for an
/// argument that is not understood, since it may have asked for a limit.
pub(crate) fn session(handle: &mut Handle<'_>, args: &[&CStr]) -> Code {
    match Options::parse(args) {
        Ok(_) => Code::Ignore,
        Err(detail) => {
            log::refusal(handle, Reason::BadArgument, Some(&detail));
            Code::SessionErr
        }
    }
}
