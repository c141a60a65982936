//! The return codes of PAM, for both sides of it: what a module returns and what an application
//! gets.

use std::error::Error;
use std::ffi::c_int;
use std::fmt;

use pam_bindings::constants::PamResultCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $raw:literal, $name:literal;)*) => {
        /// A return code of PAM (`pam(3)`, `_pam_types.h`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[must_use]
        pub enum Code {
            $($(#[$doc])* $variant,)*
            /// A number that Linux-PAM does not define. Not constructible elsewhere, so that every
            /// number has one `Code`.
            #[non_exhaustive]
            Unknown(i32),
        }

        impl Code {
            /// The code with this number; every number has one.
            pub const fn from_raw(raw: c_int) -> Self {
                match raw {
                    $($raw => Self::$variant,)*
                    other => Self::Unknown(other),
                }
            }

            /// The number that goes over the C interface.
            #[must_use]
            pub const fn raw(self) -> c_int {
                match self {
                    $(Self::$variant => $raw,)*
                    Self::Unknown(other) => other,
                }
            }

            /// The name in Linux-PAM's header and manual, or `unknown`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Unknown(_) => "unknown",
                }
            }
        }
    };
}

codes! {
    /// It worked.
    Success = 0, "PAM_SUCCESS";
    /// A module could not be loaded.
    OpenErr = 1, "PAM_OPEN_ERR";
    /// A module lacks the entry point.
    SymbolErr = 2, "PAM_SYMBOL_ERR";
    /// Error in a module.
    ServiceErr = 3, "PAM_SERVICE_ERR";
    /// System error.
    SystemErr = 4, "PAM_SYSTEM_ERR";
    /// Memory could not be had.
    BufErr = 5, "PAM_BUF_ERR";
    /// Permission denied.
    PermDenied = 6, "PAM_PERM_DENIED";
    /// Authentication failed.
    AuthErr = 7, "PAM_AUTH_ERR";
    /// The application may not see the authentication data.
    CredInsufficient = 8, "PAM_CRED_INSUFFICIENT";
    /// Authentication data cannot be had.
    AuthinfoUnavail = 9, "PAM_AUTHINFO_UNAVAIL";
    /// The module does not know the user.
    UserUnknown = 10, "PAM_USER_UNKNOWN";
    /// Too many tries.
    Maxtries = 11, "PAM_MAXTRIES";
    /// The authentication token must be changed.
    NewAuthtokReqd = 12, "PAM_NEW_AUTHTOK_REQD";
    /// The account has expired.
    AcctExpired = 13, "PAM_ACCT_EXPIRED";
    /// A session could not be opened or closed.
    SessionErr = 14, "PAM_SESSION_ERR";
    /// Credentials cannot be had.
    CredUnavail = 15, "PAM_CRED_UNAVAIL";
    /// Credentials have expired.
    CredExpired = 16, "PAM_CRED_EXPIRED";
    /// Credentials could not be set.
    CredErr = 17, "PAM_CRED_ERR";
    /// No data of that name.
    NoModuleData = 18, "PAM_NO_MODULE_DATA";
    /// The conversation failed.
    ConvErr = 19, "PAM_CONV_ERR";
    /// The authentication token could not be handled.
    AuthtokErr = 20, "PAM_AUTHTOK_ERR";
    /// The old authentication token could not be recovered.
    AuthtokRecoveryErr = 21, "PAM_AUTHTOK_RECOVERY_ERR";
    /// The authentication tokens are locked.
    AuthtokLockBusy = 22, "PAM_AUTHTOK_LOCK_BUSY";
    /// Authentication tokens do not age.
    AuthtokDisableAging = 23, "PAM_AUTHTOK_DISABLE_AGING";
    /// The preliminary check failed.
    TryAgain = 24, "PAM_TRY_AGAIN";
    /// As if the module's line were not there.
    Ignore = 25, "PAM_IGNORE";
    /// Critical error.
    Abort = 26, "PAM_ABORT";
    /// The authentication token has expired.
    AuthtokExpired = 27, "PAM_AUTHTOK_EXPIRED";
    /// There is no such module.
    ModuleUnknown = 28, "PAM_MODULE_UNKNOWN";
    /// No such item, or it is not the caller's to touch.
    BadItem = 29, "PAM_BAD_ITEM";
    /// The conversation is event driven and waits for data.
    ConvAgain = 30, "PAM_CONV_AGAIN";
    /// To be called again when the conversation is complete.
    Incomplete = 31, "PAM_INCOMPLETE";
}

impl Code {
    /// What libpam returned, as a `Result`.
    pub(crate) fn check(raw: c_int) -> Result<(), Self> {
        match Self::from_raw(raw) {
            Self::Success => Ok(()),
            code => Err(code),
        }
    }
}

impl From<PamResultCode> for Code {
    fn from(code: PamResultCode) -> Self {
        Self::from_raw(code as c_int)
    }
}

/// A number that `PamResultCode` cannot hold becomes `PAM_SYSTEM_ERR`, as it does inside
/// pam-bindings; libpam, too, takes an unknown number from a module for a failure.
impl From<Code> for PamResultCode {
    fn from(code: Code) -> Self {
        Self::try_from(code.raw()).unwrap_or(Self::PAM_SYSTEM_ERR)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(raw) => write!(f, "PAM return code {raw}"),
            known => f.write_str(known.name()),
        }
    }
}

impl Error for Code {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives() {
        for raw in (-2..100).chain([c_int::MIN, c_int::MAX]) {
            assert_eq!(Code::from_raw(raw).raw(), raw);
        }
    }

    #[test]
    fn names_are_those_of_pam_bindings() {
        for raw in 0..=31 {
            let theirs = PamResultCode::try_from(raw).unwrap();
            assert_eq!(Code::from_raw(raw).name(), format!("{theirs:?}"));
            assert_eq!(Code::from(theirs), Code::from_raw(raw));
        }
        assert!(PamResultCode::try_from(32).is_err());
        assert_eq!(Code::from_raw(32), Code::Unknown(32));
    }

    #[test]
    fn an_unknown_code_leaves_a_module_as_a_failure() {
        assert_eq!(
            PamResultCode::from(Code::Unknown(77)),
            PamResultCode::PAM_SYSTEM_ERR
        );
    }

    #[test]
    fn reads_as_in_the_manual() {
        assert_eq!(Code::Success.name(), "PAM_SUCCESS");
        assert_eq!(Code::AuthErr.to_string(), "PAM_AUTH_ERR");
        assert_eq!(Code::Unknown(77).to_string(), "PAM return code 77");
    }
}
