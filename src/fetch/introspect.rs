//! Asking an issuer what an opaque token is good for, for somebody who waits at a prompt.

use crate::clock::Deadline;
use crate::http;
use oauth::introspect::{self, Said};
use oauth::{Client, Metadata};
use std::time::Duration;
use system::helper::{Answer, Request, SecretText};
use system::{helper, key_store};

/// For all of it.
const TIME: Duration = Duration::from_secs(5);

/// Asks the issuer that `request` names about `token`.
///
/// # Errors
/// Why nothing is known of it, in words for the log.
pub fn ask(
    request: &Request,
    token: &SecretText,
    client_secret: &SecretText,
) -> Result<Answer, String> {
    let deadline = Deadline::after(TIME);
    let name = request.issuer.as_str();
    let loaded = key_store::config(&request.config);
    let config = loaded.map_err(|_| "the configuration does not load".to_owned())?;
    let issuer = config.issuers.into_iter().find(|one| one.issuer == name);
    let settings = issuer.and_then(|issuer| issuer.introspection);
    let settings = settings.ok_or_else(|| format!("{name}: its file has no [introspection]"))?;
    // The module looks first; what looks otherwise may be a password.
    if !settings.is_meant(token.as_bytes()) {
        return Err(format!("{name}: that is none of its tokens"));
    }
    let words = |error: oauth::Error| format!("{name}: {error}");
    let http = || http(deadline, helper::MOST);
    let (metadata, _) = Metadata::discover(&http()?, name).map_err(words)?;
    let client = Client {
        id: settings.client_id,
        secret: Some(client_secret.clone()),
    };
    let said = introspect::ask(&http()?, &metadata, &client, token).map_err(words)?;
    Ok(match said {
        Said::Active(claims) => Answer::Claims(claims),
        Said::Inactive => Answer::Inactive,
    })
}
