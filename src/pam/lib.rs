//! The FFI fence around Linux-PAM: everything unsafe that a module or an application needs to talk
//! to libpam, behind an interface that is safe to call.
//!
//! A **module** implements [`Module`], one function for each of its six duties, and exports it:
//!
//! ```
//! use pam::{Code, Flags, Handle, Module};
//! use std::ffi::CStr;
//!
//! struct Doorman;
//!
//! impl Module for Doorman {
//!     fn authenticate(handle: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code {
//!         match handle.prompt("Password: ") {
//!             Ok(secret) if secret.as_bytes() == b"open sesame" => Code::Success,
//!             Ok(_) => Code::AuthErr,
//!             Err(code) => code,
//!         }
//!     }
//! #   fn setcred(_: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code { Code::Ignore }
//! #   fn acct_mgmt(_: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code { Code::Ignore }
//! #   fn open_session(_: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code { Code::Ignore }
//! #   fn close_session(_: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code { Code::Ignore }
//! #   fn chauthtok(_: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code { Code::Ignore }
//!     // … and the other five.
//! }
//!
//! pam::export!(Doorman);
//! # fn main() {}
//! ```
//!
//! It speaks to libpam and to the user through [`Handle`], and whatever it does, no panic of it
//! reaches the host (see [`Module`]).
//!
//! An **application** starts a [`Transaction`] and answers the modules' questions in a
//! [`Conversation`].

mod application;
mod code;
mod contain;
mod conversation;
mod flags;
mod handle;
mod secret;
mod sys;

pub use application::{Answer, Conversation, Style, Transaction};
pub use code::Code;
pub use contain::Module;
pub use flags::Flags;
pub use handle::{Handle, PamData, Priority};
pub use secret::Secret;

// What `export!` expands to.
#[doc(hidden)]
pub use {contain::Contained, pam_bindings};
