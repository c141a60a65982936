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
    use std::collections::BTreeSet;

    /// What is above, and what else the module returns: an auth line with `issue`, a session that
    /// is refused, and what stands for a panic (pam::contain).
    #[test]
    fn the_manual_has_every_code_and_no_other() {
        let page = include_str!("../admin/manual/pam_jwt.md");
        let values = page.split_once("\n# RETURN VALUES\n").unwrap().1;
        let values = values.split_once("\n# ").unwrap().0;
        let terms = values.lines().filter(|line| line.starts_with("PAM_"));
        let told: BTreeSet<&str> = terms.flat_map(|line| line.split(", ")).collect();
        let both = [true, false];
        let accounts = both.map(|known| both.map(|required| acct_mgmt(known, required)));
        let others = [
            Code::CredUnavail,
            Code::PermDenied,
            Code::Abort,
            Code::SessionErr,
        ];
        let codes = Reason::ALL.iter().map(|reason| authenticate(*reason));
        let codes = codes.chain(both.map(setcred)).chain(others);
        let codes = codes.chain(accounts.into_iter().flatten());
        assert_eq!(told, codes.map(Code::name).collect::<BTreeSet<&str>>());
    }

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
