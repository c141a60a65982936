//! One errand for one login.

use crate::{device, link};
use std::process::ExitCode;
use system::helper::{Answer, Errand};

/// Does what the module asks for.
pub fn run() -> ExitCode {
    let Some(request) = link::request() else {
        let _ = link::answer(&Answer::Failed("the request is none".to_owned()));
        return ExitCode::from(2);
    };
    let outcome = match &request.errand {
        Errand::Device {
            client_secret,
            resource,
        } => device::login(&request, client_secret.as_ref(), resource.as_deref()),
        Errand::Refresh | Errand::Introspect { .. } => {
            Err("pam-jwt-fetch does not do that".to_owned())
        }
    };
    let answer = outcome.unwrap_or_else(Answer::Failed);
    match link::answer(&answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
