//! Throwaway machines: a [`Machine`] has its own `/etc`, accounts, `pam.d`,
//! network, log and clock, in which the host's real `sshd`, `ssh`, `su` and
//! `sudo` run. It takes root and Linux namespaces, no container engine, and
//! leaves nothing behind, however the test ends.
//!
//! ```no_run
//! use machine::Machine;
//!
//! let machine = Machine::boot();
//! machine.account("alice");
//! machine.password("alice", "secret");
//! let _sshd = machine.sshd(&["PasswordAuthentication no"]);
//! let login = machine.ssh("alice").answers(["secret"]).command("id -un");
//! assert_eq!(login.stdout, "alice\n", "{login}");
//! ```
//!
//! Machines have names and are alone, unless they are linked ([`Machine::link`]).
//! [`Machine::boot_debian`] is one that is a Debian of its own, under its own systemd.
//!
//! What a program in the machine does is waited for, never slept for, and a
//! failure shows everything that was seen.
#![forbid(unsafe_code)]

mod authserver;
mod booted;
mod certificate;
mod client;
mod clock;
mod command;
mod holder;
mod http;
mod issuer;
mod lengths;
mod link;
mod log;
mod machine;
mod namespaces;
mod node;
mod person;
mod picture;
mod postgresql;
mod provider;
mod ready;
mod requests;
mod ssh;
mod sshd;
mod terminal;
mod visitor;
mod wait;
mod watched;

use std::io::Write as _;

pub use authserver::{AuthServer, CLIENT_SECRET, CLIENTS, SCOPES, Setup};
pub use booted::{RELEASES, debian, other_release, packages};
pub use command::{Command, Output};
pub use http::Answer;
pub use issuer::Issuer;
pub use lengths::{LENGTHS, PIECE, in_pieces, prompts};
pub use log::{LogLine, Mark};
pub use machine::{DISK, Machine};
pub use postgresql::Postgresql;
pub use provider::{PROVIDER, Provider, SECRET};
pub use ready::ISSUER;
pub use ssh::{Login, Ssh};
pub use sshd::Sshd;
pub use terminal::Terminal;
pub use visitor::Visitor;
pub use wait::wait_until;

/// Prints a line of a test's that is for whoever reads the report of the whole suite: a
/// count, or what could not be tried. What `println!` prints is kept from them where the
/// test succeeds.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
