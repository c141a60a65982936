//! A login that is confirmed on any device: the device authorization grant (RFC 8628).

use super::{Asked, Stop, shown};
use oauth::device::{self, Progress};
use oauth::token::Tokens;
use oauth::{Error, Http, Metadata};
use std::thread;
use std::time::Duration;

/// Says which page to open and which code to confirm there, and asks until that is done.
///
/// # Errors
/// Why there are no tokens.
pub fn tokens(http: &Http, metadata: &Metadata, asked: &Asked) -> Result<Tokens, Stop> {
    let stop = |error: Error| match error {
        Error::Unsupported("device_authorization_endpoint") => Stop::Cannot(format!(
            "{} knows no login on another device (RFC 8628); on a machine with a browser, \
             --no-browser says which page to open there",
            asked.issuer
        )),
        error => Stop::of(&asked.issuer, &error),
    };
    let resources: Vec<&str> = asked.resources.iter().map(String::as_str).collect();
    let client = &asked.client;
    let scope = asked.scope.as_deref();
    let started = device::start(http, metadata, client, scope, &resources).map_err(stop)?;
    shown::code(&started);
    let mut interval = started.interval;
    let mut waited: u64 = 0;
    while let Some(pause) = started.pause(waited, interval) {
        thread::sleep(Duration::from_secs(pause));
        waited = waited.saturating_add(pause);
        match started
            .ask(http, metadata, client, interval)
            .map_err(stop)?
        {
            Progress::Pending(next) => interval = next,
            Progress::Done(tokens) => return Ok(tokens),
            Progress::Denied => {
                return Err(Stop::Refused(format!("{}: it was refused", asked.issuer)));
            }
            Progress::Expired => break,
        }
    }
    Err(Stop::Refused(format!(
        "{}: nobody confirmed the code in time; once more: jwt-ssh login",
        asked.issuer
    )))
}
