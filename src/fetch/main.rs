//! `pam-jwt-fetch`: the only program of a host that opens a network connection. It runs from a
//! timer and fetches what logins need, and as the module's helper it does one errand for one
//! login. In both cases it is a lesser user, so that what strangers send meets no privilege.
#![forbid(unsafe_code)]

mod device;
mod helper;
mod link;

use std::process::ExitCode;
use std::time::Duration;
use system::helper::ARGUMENT;

/// What servers are told who asks.
const USER_AGENT: &str = concat!("pam-jwt-fetch/", env!("CARGO_PKG_VERSION"));

/// For one answer of a server.
const TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    if words.len() == 1 && words.iter().all(|word| word == ARGUMENT) {
        return helper::run();
    }
    eprintln!("pam-jwt-fetch: {ARGUMENT} is for pam_jwt.so");
    ExitCode::from(2)
}
