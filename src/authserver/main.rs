//! `pam-jwt-authserver`: an OAuth 2.0 authorization server (RFC 6749) whose users are the
//! accounts that PAM knows, and whose access tokens are JWTs (RFC 9068).
#![forbid(unsafe_code)]

mod authorization;
mod client_auth;
mod clock;
mod config;
mod endpoint;
mod error;
mod grant;
mod keys;
mod limits;
mod local;
mod log;
mod options;
mod parameters;
mod pending;
mod registration;
mod resource_owner;
mod scopes;
mod serve;
mod settings;
mod state;
mod store;
#[cfg(test)]
mod testing;
mod token;

use clap::Parser;
use cli::output::{Exit, Failure, Output};
use options::{Options, Process};
use resource_owner::{conversation, rules::Rules};
use serve::{monitor, network, process};
use settings::Bundle;
use std::process::ExitCode;
use zeroize::Zeroizing;

fn main() -> ExitCode {
    let options = Options::parse();
    match &options.process {
        None => monitor::run(|| settings(&options)),
        Some(Process::Conversation { rules }) => conversation::run(rules),
        Some(Process::NetworkProcess) => match network_process() {
            Ok(()) => Exit::Done.into(),
            Err(reason) => {
                let out = Output::new("pam-jwt-authserver", options.json);
                out.failure(&Failure::new(reason));
                Exit::Cannot.into()
            }
        },
    }
}

/// What root reads for the others.
fn settings(options: &Options) -> Result<monitor::Settings, String> {
    let now = system::clock::now().map_err(|_| "the clock is earlier than this program")?;
    let bundle = Bundle::read(&options.config)?;
    let rules = Rules::from(&bundle.settings(now)?.config.accounts);
    let mut text = Zeroizing::new(Vec::with_capacity(process::ROOM));
    serde_json::to_writer(&mut *text, &bundle).map_err(|error| error.to_string())?;
    Ok(monitor::Settings {
        bundle: text,
        rules,
    })
}

fn network_process() -> Result<(), String> {
    process::begin().map_err(|errno| errno.desc().to_owned())?;
    let channel = process::socket().map_err(|error| error.to_string())?;
    let bundle = process::settings(&channel)?;
    let bundle: Bundle = serde_json::from_slice(&bundle).map_err(|error| error.to_string())?;
    std::thread::spawn(move || {
        serve::channel::wait_for_end(&channel);
        log::line(3, "the monitor is gone");
        std::process::exit(1);
    });
    network::serve(&bundle).map_err(|fault| fault.to_string())
}
