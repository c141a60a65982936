//! `pam-jwt-fetch`: the only program of a host that opens a network connection. It runs from a
//! timer and fetches what logins need, and as the module's helper it does one errand for one
//! login. In both cases it is a lesser user, so that what strangers send meets no privilege.
#![forbid(unsafe_code)]

mod clock;
mod device;
mod helper;
mod identity;
mod introspect;
mod issuer;
mod keys;
mod link;
mod lists;
mod options;
mod place;
mod refresh;
mod report;
mod run;
mod schedule;
mod visit;

use clap::Parser;
use cli::output::{Exit, Output};
use clock::Deadline;
use oauth::Http;
use options::{Command, Options};
use std::process::ExitCode;
use std::time::Duration;
use system::helper::ARGUMENT;

/// What servers are told who asks.
const USER_AGENT: &str = concat!("pam-jwt-fetch/", env!("CARGO_PKG_VERSION"));

/// For one answer of a server.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What asks a server that answers with no more than `most` bytes, by the deadline.
///
/// # Errors
/// It has passed.
fn http(deadline: Deadline, most: usize) -> Result<Http, String> {
    if deadline.left().is_zero() {
        return Err("there is no time left for it".to_owned());
    }
    // Each redirect and each place where metadata may be is an answer of its own.
    let left = move || deadline.left().min(TIMEOUT);
    Ok(Http::within(USER_AGENT, left, most))
}

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    if words.len() == 1 && words.iter().all(|word| word == ARGUMENT) {
        return helper::run();
    }
    let options = Options::parse();
    let out = Output::new("pam-jwt-fetch", options.json);
    let result = match &options.command {
        None => run::run(&options, &out),
        Some(Command::Completions(command)) => command.run(&out),
        Some(Command::Manual(command)) => command.run(&out),
    };
    match result.and_then(|exit| out.finish().map(|()| exit)) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            out.failure(&failure);
            Exit::Cannot.into()
        }
    }
}
