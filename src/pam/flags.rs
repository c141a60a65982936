//! The flags that an application passes to a PAM function and libpam hands on to the module.

use std::ffi::{c_int, c_uint};
use std::ops::BitOr;

use pam_bindings::constants;

/// Flags of a PAM call. Bits that have no name here are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(c_uint);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// The module is to say nothing to the user.
    pub const SILENT: Self = Self(constants::PAM_SILENT);
    /// `pam_authenticate(3)`: an empty password does not do.
    pub const DISALLOW_NULL_AUTHTOK: Self = Self(constants::PAM_DISALLOW_NULL_AUTHTOK);
    /// `pam_setcred(3)`: set the user's credentials.
    pub const ESTABLISH_CRED: Self = Self(constants::PAM_ESTABLISH_CRED);
    /// `pam_setcred(3)`: delete the user's credentials.
    pub const DELETE_CRED: Self = Self(constants::PAM_DELETE_CRED);
    /// `pam_setcred(3)`: set them anew.
    pub const REINITIALIZE_CRED: Self = Self(constants::PAM_REINITIALIZE_CRED);
    /// `pam_setcred(3)`: extend their lifetime.
    pub const REFRESH_CRED: Self = Self(constants::PAM_REFRESH_CRED);
    /// `pam_chauthtok(3)`: only change what has expired.
    pub const CHANGE_EXPIRED_AUTHTOK: Self = Self(constants::PAM_CHANGE_EXPIRED_AUTHTOK);

    /// Whether every one of `flags` is set.
    #[must_use]
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// The flags as a module gets them.
    pub(crate) const fn from_raw(raw: c_uint) -> Self {
        Self(raw)
    }

    /// The flags as an application passes them, which C declares signed there.
    pub(crate) const fn raw(self) -> c_int {
        self.0.cast_signed()
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
