//! One issuer: its keys are asked for, checked, and stored, and how that went is noted.

use crate::clock::Deadline;
use crate::place::Place;
use crate::{http, keys, schedule};
use jose::KeyUse;
use jose::sign::random_number;
use oauth::{Error, Metadata};
use policy::config::{Fetch, is_address};
use policy::fetched::GRACE;
use system::clock;
use system::fetched::{State, StoredKey};

/// No answer has more bytes: Entra ID's keys with their certificates have 20 KiB.
const MOST: usize = 512 * 1024;

/// An issuer whose keys are fetched.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Its name.
    pub issuer: &'a str,
    /// How they are.
    pub fetch: &'a Fetch,
    /// What they have to be for.
    pub key_use: KeyUse,
    /// Until when.
    pub deadline: Deadline,
}

/// What has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was not yet time.
    NotDue,
    /// The issuer says that nothing has changed.
    Unchanged,
    /// There are keys, of which so many were not there before.
    Fetched {
        /// How many.
        new: usize,
    },
    /// Why there are none; those that were there stay.
    Failed(String),
}

/// What an issuer has answered.
struct Answer {
    /// Where.
    uri: String,
    /// The keys that it publishes; none where they are those of before.
    keys: Option<Vec<StoredKey>>,
    etag: Option<String>,
    cache_control: Option<String>,
    /// Where the issuer names its status lists.
    aggregation: Option<String>,
}

/// Asks `asked` at `now`, which is in seconds since the epoch, and stores what comes of it; how
/// it went is noted in `state`. It is the caller who has locked the issuer and stores the notes.
/// Returns too where the issuer names its status lists, if it was asked and says so.
pub fn fetch(
    place: &Place,
    asked: Asked<'_>,
    now: u64,
    state: &mut State,
) -> (Outcome, Option<String>) {
    // Keys that cannot be read are as good as none.
    let stored = place
        .fetched
        .stored(asked.issuer, asked.key_use)
        .ok()
        .flatten();
    state.attempted_at = now;
    let answer = ask(&asked, stored.as_ref(), now, state);
    let fetched = answer.and_then(|answer| {
        let stored = stored.unwrap_or_default();
        let outcome = store(place, &asked, answer.keys.as_deref(), stored, now, state)?;
        Ok((outcome, answer))
    });
    state.ended_at = Some(clock::now().unwrap_or(now));
    match fetched {
        Ok((outcome, answer)) => {
            let good_for = asked.fetch.max_key_age;
            let cache_control = answer.cache_control.as_deref();
            state.next_at = schedule::after_success(now, cache_control, good_for);
            state.checked_at = Some(now);
            state.failures = 0;
            state.error = None;
            state.etag = answer.etag;
            state.jwks_uri = Some(answer.uri);
            (outcome, answer.aggregation)
        }
        Err(why) => {
            state.failures = state.failures.saturating_add(1);
            state.next_at =
                schedule::after_failure(now, state.failures, random_number().unwrap_or(0));
            state.error = Some(why.clone());
            (Outcome::Failed(why), None)
        }
    }
}

/// Asks the issuer, where its file or its metadata say so.
fn ask(
    asked: &Asked<'_>,
    stored: Option<&(Vec<StoredKey>, u64)>,
    now: u64,
    state: &mut State,
) -> Result<Answer, String> {
    let (uri, aggregation) = match &asked.fetch.jwks_uri {
        Some(uri) => (uri.clone(), None),
        None => discovered(asked, state)?,
    };
    // What an ETag was given for is what is stored.
    let is_of_stored = stored.is_some_and(|(_, at)| state.checked_at == Some(*at))
        && state.jwks_uri.as_ref() == Some(&uri);
    let etag = state.etag.take().filter(|_| is_of_stored);
    let failed = |error: Error| format!("{uri}: {error}");
    let answer = http(asked.deadline, MOST)?
        .get(&uri, etag.as_deref())
        .map_err(failed)?;
    note_clock(answer.date, state);
    let keys = match answer.status {
        200 => {
            let keys = keys::published(&answer.body, asked.key_use, now);
            Some(keys.map_err(|why| format!("{uri}: {why}"))?)
        }
        304 if etag.is_some() => None,
        status => return Err(failed(Error::Status(status))),
    };
    Ok(Answer {
        uri,
        keys,
        etag: answer.etag.or(etag),
        cache_control: answer.cache_control,
        aggregation,
    })
}

/// Where the keys are, and where the issuer names its status lists.
fn discovered(asked: &Asked<'_>, state: &mut State) -> Result<(String, Option<String>), String> {
    let issuer = asked.issuer;
    let found = Metadata::discover(&http(asked.deadline, MOST)?, issuer);
    let (metadata, answer) = found.map_err(|error| format!("{issuer}: {error}"))?;
    note_clock(answer.date, state);
    let uri = metadata.jwks_uri.ok_or(Error::Unsupported("jwks_uri"));
    let uri = uri.map_err(|error| format!("{issuer}: {error}"))?;
    // What comes over https does not name a place that does not, be it of this machine.
    if !is_address(&uri) || (issuer.starts_with("https://") && !uri.starts_with("https://")) {
        return Err(format!("{issuer}: its jwks_uri {uri:?} is no https URL"));
    }
    Ok((uri, metadata.status_list_aggregation_endpoint))
}

fn note_clock(date: Option<u64>, state: &mut State) {
    let (Some(date), Ok(now)) = (date, clock::now()) else {
        return;
    };
    let (Ok(date), Ok(now)) = (i64::try_from(date), i64::try_from(now)) else {
        return;
    };
    state.clock_ahead = Some(date.saturating_sub(now));
}

/// Stores the keys that are `published`, or those of before where there are none.
fn store(
    place: &Place,
    asked: &Asked<'_>,
    published: Option<&[StoredKey]>,
    (stored, checked_at): (Vec<StoredKey>, u64),
    now: u64,
    state: &mut State,
) -> Result<Outcome, String> {
    let (published, outcome) = match published {
        None => {
            let published = keys::unchanged(&stored, checked_at, now);
            (published, Outcome::Unchanged)
        }
        Some(published) => {
            let is_new = |key: &&StoredKey| stored.iter().all(|old| old.jwk != key.jwk);
            let new = published.iter().filter(is_new).count();
            (published.to_vec(), Outcome::Fetched { new })
        }
    };
    let grace = GRACE.min(asked.fetch.max_key_age);
    let all = keys::merged(published, stored, now, grace);
    place.put_keys(asked.issuer, &all, now)?;
    let seen = all.into_iter().map(|key| (key.kid, key.seen_at));
    state.seen_at = seen.collect();
    Ok(outcome)
}
