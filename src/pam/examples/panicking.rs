//! A module with a bug in each of its six duties, for `tests/modules.rs`.

#![expect(clippy::panic, reason = "it is what this module is for")]

use std::ffi::CStr;
use std::panic;

use pam::{Code, Flags, Handle, Module};

struct Panicking;

pam::export!(Panicking);

/// What is thrown here panics as it is dropped, and throws another like itself.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic::panic_any(Self);
    }
}

impl Module for Panicking {
    fn authenticate(handle: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code {
        panic!("this message holds a secret: {:?}", handle.user());
    }

    fn setcred(_: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code {
        panic!("this message holds a secret");
    }

    fn acct_mgmt(_: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code {
        panic!("this message holds a secret");
    }

    fn open_session(_: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code {
        panic::panic_any(Bomb);
    }

    fn close_session(_: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code {
        panic!("this message holds a secret");
    }

    fn chauthtok(_: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code {
        panic!("this message holds a secret");
    }
}
