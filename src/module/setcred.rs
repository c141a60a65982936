//! setcred: the session's token where the host program opens no session first, and what the
//! phase returns, which takes part in the stack.

use crate::options::{Issue, Options};
use crate::transaction::{Origin, TokenLogin};
use crate::{issue, log, origin, return_code};
use pam::{Code, Flags, Handle};
use policy::reason::Reason;
use std::ffi::CStr;

/// pam_sm_setcred(3). What is wrong with arguments authenticate has said, and open_session
/// says again.
pub(crate) fn setcred(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code {
    if flags.contains(Flags::DELETE_CRED) {
        issue::end(handle);
        return return_code::setcred(TokenLogin::is_known(handle));
    }
    let origin = origin::of_session(handle);
    // Who unlocks a screen has a session already, and no other begins.
    let is_new = !flags.contains(Flags::REFRESH_CRED);
    match Options::parse(args) {
        // open_session refuses what is unusable, and knows more of sshd's methods.
        Ok(options) if options.issue != Issue::No && is_new && !issue::is_sshd(handle) => {
            // Whether the session can do without is for its own line to say.
            let _ = issue::ensure(handle, &options.config, &origin);
        }
        _ => {
            if let Origin::Unusable(why) = &origin {
                log::refusal(handle, Reason::HandoffUnusable, Some(why));
            }
        }
    }
    return_code::setcred(TokenLogin::is_known(handle))
}
