//! One errand for one login.

use crate::place::Place;
use crate::{device, identity, introspect, link, refresh};
use sandbox::Needs;
use std::process::ExitCode;
use system::helper::{Answer, Errand, Request};

/// Does what the module asks for.
pub fn run() -> ExitCode {
    let Some(request) = link::request() else {
        let _ = link::answer(&Answer::Failed(NO_REQUEST.to_owned()));
        return ExitCode::from(2);
    };
    let outcome = confined(&request).and_then(|place| match &request.errand {
        Errand::Device {
            client_secret,
            resource,
        } => device::login(&request, client_secret.as_ref(), resource.as_deref()),
        Errand::Refresh => refresh::refresh(&place, &request),
        Errand::Introspect {
            token,
            client_secret,
        } => introspect::ask(&request, token, client_secret),
    });
    let answer = outcome.unwrap_or_else(Answer::Failed);
    match link::answer(&answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

const NO_REQUEST: &str = "this is started by pam_jwt.so alone; see pam-jwt-fetch --help";

/// The module has made this process what it is; who starts it otherwise gains nothing.
fn confined(request: &Request) -> Result<Place, String> {
    let place = Place::open()?;
    identity::become_owner(&place.fetched)?;
    sandbox::enter(Needs {
        readable: &[&request.config],
        writable: &[&place.path],
        serves: false,
    })?;
    Ok(place)
}
