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
    let (failures, next_at) = (state.failures, state.next_at);
    let (outcome, _) = issuer::fetch(place, asked, now, &mut state);
    if matches!(outcome, Outcome::Failed(_)) {
        // When the timer asks is not for strangers to put off: it has more time than this.
        (state.failures, state.next_at) = (failures, next_at);
    }
    match noted(place, &state, outcome) {
        Outcome::Failed(why) => Err(why),
        _ => Ok(Answer::Refreshed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::net::TcpListener;
    use std::path::PathBuf;
    use system::fetched::{Fetched, State};
    use system::helper::Errand;

    const ISSUER: &str = "https://issuer.example";

    struct Directory(PathBuf);

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_failure_for_a_login_does_not_put_the_timer_off() {
        let path = PathBuf::from(format!("/run/pam-jwt-refresh.{}", std::process::id()));
        let fetched = path.join("fetched");
        fs::create_dir_all(path.join("issuers.d")).unwrap();
        fs::create_dir(&fetched).unwrap();
        let directory = Directory(path);
        let config = &directory.0;
        // Nobody listens there any more.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("http://{}/keys", listener.local_addr().unwrap());
        drop(listener);
        let text = format!("issuer='{ISSUER}'\naudience=['x']\njwks_uri='{uri}'\n");
        fs::write(config.join("pam-jwt.toml"), "").unwrap();
        fs::write(config.join("issuers.d/a.toml"), text).unwrap();
        let place = Place {
            fetched: Fetched::open(&fetched).unwrap(),
            path: fetched,
        };
        let before = State {
            issuer: ISSUER.to_owned(),
            attempted_at: 1000,
            next_at: 2000,
            failures: 3,
            ..State::default()
        };
        place.put_state(&before).unwrap();
        let request = Request {
            config: config.clone(),
            issuer: ISSUER.to_owned(),
            errand: Errand::Refresh,
        };
        let why = refresh(&place, &request).unwrap_err();
        assert!(why.starts_with(&uri), "{why}");
        let after = state_of(&place, ISSUER);
        assert_eq!((after.next_at, after.failures), (2000, 3));
        assert_eq!(after.error, Some(why));
        assert!(after.ended_at.unwrap() >= after.attempted_at && after.attempted_at > 1000);
        // It has its end, so there is no other for a while.
        let why = refresh(&place, &request).unwrap_err();
        assert!(why.contains("just now"), "{why}");
    }
}
