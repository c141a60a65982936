//! `pam-jwt-authserver`: an OAuth 2.0 authorization server (RFC 6749) whose users are the
//! accounts that PAM knows, and whose access tokens are JWTs (RFC 9068).
#![forbid(unsafe_code)]

mod authorization;
mod check;
mod client_auth;
mod clock;
mod config;
mod endpoint;
mod error;
mod grant;
mod issue;
mod keys;
mod limits;
mod local;
mod log;
mod manual;
mod metrics;
mod options;
mod pages;
mod parameters;
mod pending;
mod registration;
mod resource_owner;
mod scopes;
mod serve;
mod session;
mod settings;
mod state;
mod store;
#[cfg(test)]
mod testing;
mod token;

use clap::Parser;
use cli::output::{Exit, Failure, Output};
use listenfd::ListenFd;
use options::{Options, Other};
use resource_owner::conversation;
use serve::process::Role;
use serve::tls::Tls;
use serve::{monitor, network, process};
use settings::Bundle;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;

const NAME: &str = "pam-jwt-authserver";

fn main() -> ExitCode {
    match Role::of(std::env::args_os().skip(1)) {
        Some(Role::Conversation { rules }) => return conversation::run(&rules),
        Some(Role::Network) => {
            let channel = || process::socket().map_err(|error| error.to_string());
            let ended = network_process(channel).map_err(Failure::new);
            return exit(&Output::new(NAME, false), ended);
        }
        None => {}
    }
    let options = Options::parse();
    let out = Output::new(NAME, options.json);
    let result = match (&options.other, &options.monitor) {
        (Some(Other::Check(check)), _) => check.run(&options.config, &out),
        (Some(Other::Completions(command)), _) => command.run(&out),
        (Some(Other::Manual(command)), _) => command.run(&out),
        (None, Some(monitor)) => {
            network_process(|| process::connect(monitor)).map_err(Failure::new)
        }
        (None, None) if options.monitor_only => return monitor::run_alone(|| settings(&options)),
        (None, None) => return monitor::run(|| settings(&options)),
    };
    exit(&out, result)
}

fn exit(out: &Output, result: Result<Exit, Failure>) -> ExitCode {
    match result.and_then(|exit| out.finish().map(|()| exit)) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            out.failure(&failure);
            Exit::Cannot.into()
        }
    }
}

/// What root reads for the others.
fn settings(options: &Options) -> Result<monitor::Settings, String> {
    let now = system::clock::now().map_err(|_| "the clock is earlier than this program")?;
    let bundle = Bundle::read(&options.config)?;
    let settings = bundle.settings(now)?;
    // What the network process would not take, nobody does.
    Tls::of(&settings)?;
    let config = settings.config;
    Ok(monitor::Settings {
        bundle: process::answer(&bundle)?,
        directories: settings::directories(&options.config, &config),
        config,
    })
}

/// What speaks to strangers; `channel` leads to the monitor.
fn network_process(channel: impl FnOnce() -> Result<UnixStream, String>) -> Result<Exit, String> {
    let handed = ListenFd::from_env();
    process::close_others(handed.len()).map_err(|error| error.to_string())?;
    process::begin().map_err(|errno| errno.desc().to_owned())?;
    // It is asked to take other settings once it has some, and heard when that is possible.
    process::hold_reloads().map_err(|errno| errno.desc().to_owned())?;
    let channel = channel()?;
    match process::settings(&channel)? {
        Ok(bundle) => {
            let served = network::serve(&bundle, Arc::new(channel), handed);
            served.map_err(|fault| fault.to_string())?;
            Ok(Exit::Done)
        }
        Err(error) => {
            log::line(3, &error);
            Ok(Exit::Refused)
        }
    }
}
