//! Fetching an issuer's keys for a login whose token names one that is not here: once in a
//! while, and quickly.

use crate::clock::Deadline;
use crate::issuer::{self, Asked, Outcome};
use crate::place::Place;
use crate::run::{noted, state_of};
use std::time::Duration;
use system::helper::{Answer, Request};
use system::{clock, key_store};

/// For all of it: somebody waits.
const TIME: Duration = Duration::from_millis(2500);

/// Fetches the keys of the issuer that `request` names.
///
/// # Errors
/// Why there are no fresh ones, in words for the log.
pub fn refresh(place: &Place, request: &Request) -> Result<Answer, String> {
    let deadline = Deadline::after(TIME);
    let name = request.issuer.as_str();
    let config = key_store::config(&request.config);
    let config = config.map_err(|_| "the configuration does not load".to_owned())?;
    let issuer = config.issuers.iter().find(|one| one.issuer == name);
    let found = issuer.and_then(|issuer| Some((issuer.fetch.as_ref()?, issuer.key_use())));
    let none = || format!("{name}: its file has neither jwks_uri nor discover");
    let (fetch, key_use) = found.ok_or_else(none)?;
    let before = state_of(place, name).checked_at;
    let _lock = place.lock(name, deadline)?;
    let now = clock::now().map_err(|_| "the clock is not set".to_owned())?;
    let mut state = state_of(place, name);
    // Who held the lock has just done it.
    if state.checked_at != before {
        return Ok(Answer::Refreshed);
    }
    // Whoever shows tokens that no key fits.
    if let Some(pause) = state.pause(now) {
        return Err(format!(
            "{name}: it was asked just now, and not again within {pause} s"
        ));
    }
    // Before it is asked, or a helper that is ended in the middle would leave no trace of it.
    state.attempted_at = now;
    state.ended_at = None;
    place.put_state(&state)?;
    let asked = Asked {
        issuer: name,
        fetch,
        key_use,
        deadline,
    };
    let (outcome, _) = issuer::fetch(place, asked, now, &mut state);
    match noted(place, &state, outcome) {
        Outcome::Failed(why) => Err(why),
        _ => Ok(Answer::Refreshed),
    }
}
