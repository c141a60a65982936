//! `pam-jwt-authserver`: an OAuth 2.0 authorization server (RFC 6749) whose users are the
//! accounts that PAM knows, and whose access tokens are JWTs (RFC 9068).
#![forbid(unsafe_code)]

mod client_auth;
mod clock;
mod config;
mod endpoint;
mod error;
mod grant;
mod keys;
mod limits;
mod log;
mod options;
mod parameters;
mod resource_owner;
mod scopes;
mod serve;
mod settings;
mod state;
mod store;
mod token;

use clap::Parser;
use cli::output::{Exit, Failure, Output};
use options::Options;
use settings::Bundle;
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = Options::parse();
    let out = Output::new("pam-jwt-authserver", options.json);
    let served = Bundle::read(&options.config)
        .and_then(|bundle| serve::network::serve(&bundle).map_err(|fault| fault.to_string()));
    match served {
        Ok(()) => Exit::Done.into(),
        Err(reason) => {
            out.failure(&Failure::new(reason));
            Exit::Cannot.into()
        }
    }
}
