//! `pam_jwt.so`: the six entry points of a PAM module (pam(3)), one file for
//! each duty. `pam::export!` emits the symbols and contains panics; what each
//! entry point returns is one table in [`return_code`].
//!
//! A login never opens a socket, starts a thread, writes to fd 0-2 or reads its
//! configuration from the environment. What has to be asked of somebody on the network another
//! process asks ([`helper`]).

mod account;
mod auth;
mod device;
mod helper;
mod issue;
mod log;
mod options;
mod origin;
mod pieces;
mod qr;
mod return_code;
mod session;
mod setcred;
mod transaction;

use pam::{Code, Flags, Handle, Module};
use std::ffi::CStr;

struct PamJwt;

impl Module for PamJwt {
    fn authenticate(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code {
        auth::authenticate(handle, args, flags)
    }

    fn setcred(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code {
        setcred::setcred(handle, args, flags)
    }

    fn acct_mgmt(handle: &mut Handle<'_>, args: &[&CStr], _: Flags) -> Code {
        account::acct_mgmt(handle, args)
    }

    fn open_session(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code {
        session::open(handle, args, flags)
    }

    fn close_session(handle: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code {
        session::close(handle)
    }

    fn chauthtok(_: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code {
        Code::Ignore
    }
}

pam::export!(PamJwt);
