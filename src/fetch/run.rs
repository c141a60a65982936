//! All issuers, one after the other, as the timer and administrators have it.

use crate::clock::Deadline;
use crate::identity;
use crate::issuer::Outcome;
use crate::options::Options;
use crate::place::Place;
use crate::report::Report;
use crate::visit::Visit;
use cli::output::{Exit, Failure, Output};
use policy::config::{Config, Issuer};
use sandbox::Needs;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use system::fetched::State;
use system::{clock, key_store};

/// What one issuer may take in all: those behind it wait.
const TIME: Duration = Duration::from_secs(30);

/// Fetches what is due, or what the options say.
///
/// # Errors
/// Why nothing could be tried.
pub fn run(options: &Options, out: &Output) -> Result<Exit, Failure> {
    let place = Place::open().map_err(Failure::new)?;
    identity::become_owner(&place.fetched).map_err(Failure::new)?;
    for pid in place.end_stuck(now()?) {
        out.hint(&format!(
            "process {pid}, which has fetched for too long, was ended"
        ));
    }
    let config = configuration(&options.config)?;
    // Status lists are verified with the keys of files too, wherever these are.
    let keys = config.issuers.iter().flat_map(|issuer| &issuer.keys);
    let keys = keys.map(|file| Path::new(&file.file));
    let readable: Vec<&Path> = keys.chain([options.config.as_path()]).collect();
    let confined = sandbox::enter(Needs {
        readable: &readable,
        writable: &[&place.path],
        serves: false,
    })
    .map_err(Failure::new)?;
    if options.verbose {
        out.hint(&confined.to_string());
    }
    let unknown = |name: &&String| config.issuers.iter().all(|one| one.issuer != **name);
    if let Some(name) = options.issuers.iter().find(unknown) {
        return Err(Failure::new(format!(
            "no file in issuers.d names the issuer {name:?}; those that are there: {}",
            names(&config)
        )));
    }
    let is_meant =
        |issuer: &&Issuer| options.issuers.is_empty() || options.issuers.contains(&issuer.issuer);
    let mut reports = Vec::new();
    for issuer in config.issuers.iter().filter(is_meant) {
        let is_forced = options.now || !options.issuers.is_empty();
        if issuer.fetch.is_none() && issuer.status_lists.is_empty() {
            continue;
        }
        let report = Visit {
            place: &place,
            issuer,
            config: &options.config,
            is_forced,
            deadline: Deadline::after(TIME),
            now: now()?,
        };
        let report = report.make();
        if !(out.json || options.quiet && report.is_idle()) {
            out.raw(format!("{}\n", report.line(now()?, out)).as_bytes());
        }
        reports.push(report);
    }
    if out.json {
        let all: Vec<Value> = reports.iter().map(Report::json).collect();
        out.report(|| json!(all), String::new);
    } else if reports.is_empty() {
        out.hint(
            "no issuer has jwks_uri, discover or status_lists in its file, so there is nothing to \
             fetch",
        );
    }
    Ok(if reports.iter().any(Report::has_failed) {
        Exit::Refused
    } else {
        Exit::Done
    })
}

fn now() -> Result<u64, Failure> {
    clock::now().map_err(|_| Failure::new("the clock is earlier than this program; set it"))
}

fn configuration(dir: &Path) -> Result<Config, Failure> {
    key_store::config(dir).map_err(|faults| {
        let first = key_store::first(&faults);
        Failure::new(format!(
            "the configuration does not load, so nothing is fetched: {first}; see: pam-jwt check"
        ))
    })
}

fn names(config: &Config) -> String {
    let names: Vec<&str> = config
        .issuers
        .iter()
        .map(|one| one.issuer.as_str())
        .collect();
    names.join(", ")
}

/// The notes of before; what cannot be read is as good as none.
pub fn state_of(place: &Place, issuer: &str) -> State {
    let found = place.fetched.state(issuer).ok().flatten();
    found.unwrap_or_else(|| State {
        issuer: issuer.to_owned(),
        ..State::default()
    })
}

/// Stores the notes. Where that fails the next try knows nothing of this one, and somebody has
/// to be told.
pub fn noted(place: &Place, state: &State, outcome: Outcome) -> Outcome {
    match (place.put_state(state), outcome) {
        (Ok(()), outcome) => outcome,
        (Err(why), Outcome::Failed(first)) if first != why => {
            Outcome::Failed(format!("{first}; and {why}"))
        }
        (Err(why), _) => Outcome::Failed(why),
    }
}
