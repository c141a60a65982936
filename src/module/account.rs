//! acct_mgmt: says whether this login was by token, and with `require_token`
//! refuses one that was not.

use crate::options::Options;
use crate::transaction::TokenLogin;
use crate::{log, return_code};
use pam::{Code, Handle};
use policy::reason::Reason;
use std::ffi::CStr;

/// pam_sm_acct_mgmt(3)
pub(crate) fn acct_mgmt(handle: &mut Handle<'_>, args: &[&CStr]) -> Code {
    let token_required = match Options::parse(args) {
        Ok(options) => options.require_token,
        Err(detail) => {
            // A misspelt require_token must not let everybody in.
            log::refusal(handle, Reason::BadArgument, Some(&detail));
            return Code::PermDenied;
        }
    };
    let code = return_code::acct_mgmt(TokenLogin::is_known(handle), token_required);
    if code == Code::PermDenied {
        log::refusal(handle, Reason::TokenRequired, None);
    }
    code
}
