//! `pam_jwt.so`: the six entry points of a PAM module (pam(3)), one file for
//! each duty. `pam::export!` emits the symbols and contains panics; what each
//! entry point returns is one table in [`return_code`].
//!
//! A login never opens a socket, starts a thread, writes to fd 0-2 or reads its
//! configuration from the environment.

mod account;
mod auth;
mod log;
mod options;
mod pieces;
mod return_code;
mod session;
mod setcred;

use pam::{Code, Flags, Handle, Module, PamData};
use std::ffi::CStr;

struct PamJwt;

impl Module for PamJwt {
    fn authenticate(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code {
        auth::authenticate(handle, args, flags)
    }

    fn setcred(handle: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code {
        setcred::setcred(handle)
    }

    fn acct_mgmt(handle: &mut Handle<'_>, args: &[&CStr], _: Flags) -> Code {
        account::acct_mgmt(handle, args)
    }

    fn open_session(handle: &mut Handle<'_>, args: &[&CStr], _: Flags) -> Code {
        session::session(handle, args)
    }

    fn close_session(handle: &mut Handle<'_>, args: &[&CStr], _: Flags) -> Code {
        session::session(handle, args)
    }

    fn chauthtok(_: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code {
        Code::Ignore
    }
}

pam::export!(PamJwt);

/// What authenticate leaves for the other phases of the same transaction.
struct TokenLogin {
    account: String,
}

// SAFETY: the name begins with the module's own and is used for this type alone.
unsafe impl PamData for TokenLogin {
    const NAME: &'static CStr = c"pam_jwt.token_login";
}

impl TokenLogin {
    /// Whether a token opened this transaction, for the account that it is still
    /// about.
    fn is_known(handle: &mut Handle<'_>) -> bool {
        let Some(account) = handle.data::<Self>().map(|login| login.account.clone()) else {
            return false;
        };
        handle.user().is_ok_and(|user| user == account)
    }
}
