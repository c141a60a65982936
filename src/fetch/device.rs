//! A login with a browser, for somebody who waits at a prompt.

use crate::{TIMEOUT, USER_AGENT, link};
use oauth::device::{self, Progress};
use oauth::{Client, Http, Metadata, qr};
use policy::config::{Counts, Device};
use system::helper::{Answer, Code, Request, SecretText};
use system::key_store;

/// No answer of this kind is longer, in bytes.
const MOST: usize = 512 * 1024;

/// Begins the login, says the code, and asks until it is confirmed or nobody waits any more.
///
/// # Errors
/// Why there is no token, in words for the log.
pub fn login(
    request: &Request,
    secret: Option<&SecretText>,
    resource: Option<&str>,
) -> Result<Answer, String> {
    let settings = settings(request)?;
    let http = Http::new(USER_AGENT, TIMEOUT, MOST);
    let words = |error: oauth::Error| format!("{}: {error}", request.issuer);
    let (metadata, _) = Metadata::discover(&http, &request.issuer).map_err(words)?;
    let client = Client {
        id: settings.client_id,
        secret: secret.cloned(),
    };
    let scope = settings.scope.as_deref();
    let started =
        device::start(&http, &metadata, &client, scope, resource.as_slice()).map_err(words)?;
    let address = started.complete.as_ref();
    let code = Answer::Code(Code {
        user_code: started.user_code.clone(),
        verification_uri: started.verification_uri.clone(),
        complete: address.cloned(),
        expires_in: started.expires_in,
        qr: qr::modules(address.unwrap_or(&started.verification_uri)),
    });
    let gone = |_| "nobody waits any more".to_owned();
    link::answer(&code).map_err(gone)?;
    let mut interval = started.interval;
    let mut waited: u64 = 0;
    while let Some(pause) = started.pause(waited, interval) {
        if !link::wait(pause) {
            return Err("nobody waits any more".to_owned());
        }
        waited = waited.saturating_add(pause);
        match started
            .ask(&http, &metadata, &client, interval)
            .map_err(words)?
        {
            Progress::Pending(next) => interval = next,
            Progress::Denied => return Ok(Answer::Denied),
            Progress::Expired => return Ok(Answer::Expired),
            Progress::Done(tokens) => {
                let token = match settings.token {
                    Counts::Access => Some(tokens.access),
                    Counts::Id => tokens.id,
                };
                let none = || format!("{}: the answer has no id_token", request.issuer);
                return Ok(Answer::Token(token.ok_or_else(none)?));
            }
        }
    }
    Ok(Answer::Expired)
}

/// What the issuer's file says: the module's word for the issuer's name is enough, the rest is
/// read where root wrote it.
fn settings(request: &Request) -> Result<Device, String> {
    let config = key_store::config(&request.config);
    let config = config.map_err(|_| "the configuration does not load".to_owned())?;
    let mut issuers = config.issuers.into_iter();
    let issuer = issuers.find(|issuer| issuer.issuer == request.issuer);
    let device = issuer.and_then(|issuer| issuer.device);
    device.ok_or_else(|| format!("{}: its file has no [device]", request.issuer))
}
