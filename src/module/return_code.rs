//! What the entry points return for a decision. Never PAM_USER_UNKNOWN, which
//! would tell which accounts exist, and never PAM_IGNORE from authenticate:
//! before a pam_permit it would let any password in.

use pam::Code;
use policy::reason::Reason;

/// pam_sm_authenticate(3)
pub(crate) const fn authenticate(reason: Reason) -> Code {
    match reason {
        Reason::Allowed => Code::Success,
        Reason::ConfigError => Code::AuthinfoUnavail,
        _ => Code::AuthErr,
    }
}

/// pam_sm_setcred(3): after sshd's keyboard-interactive the chain is not frozen,
/// so a success without a token would drive `sufficient`.
pub(crate) const fn setcred(token_known: bool) -> Code {
    if token_known {
        Code::Success
    } else {
        Code::Ignore
    }
}

/// pam_sm_acct_mgmt(3)
pub(crate) const fn acct_mgmt(token_known: bool, token_required: bool) -> Code {
    match (token_known, token_required) {
        (true, _) => Code::Success,
        (false, true) => Code::PermDenied,
        (false, false) => Code::Ignore,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_allowed_token_succeeds_and_no_refusal_is_ignored() {
        for reason in Reason::ALL {
            let code = authenticate(*reason);
            assert_eq!(
                code == Code::Success,
                *reason == Reason::Allowed,
                "{reason}"
            );
            assert!(matches!(
                code,
                Code::Success | Code::AuthErr | Code::AuthinfoUnavail
            ));
        }
    }
}
