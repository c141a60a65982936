//! All issuers, one after the other, as the timer and administrators have it.

use crate::clock::Deadline;
use crate::identity;
use crate::issuer::{self, Asked, Outcome};
use crate::options::Options;
use crate::place::Place;
use crate::{sandbox, schedule};
use cli::output::{Exit, Failure, Output, Tone, visible};
use policy::config::{Config, Issuer};
use policy::duration::for_people;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use system::fetched::State;
use system::{clock, key_store};

/// What one issuer may take in all: those behind it wait.
const TIME: Duration = Duration::from_secs(30);

/// What came of one issuer.
struct Report {
    issuer: String,
    outcome: Outcome,
    state: State,
    /// How many keys there are for logins.
    keys: usize,
}

/// Fetches what is due, or what the options say.
///
/// # Errors
/// Why nothing could be tried.
pub fn run(options: &Options, out: &Output) -> Result<Exit, Failure> {
    let place = Place::open().map_err(Failure::new)?;
    identity::become_owner(&place.fetched).map_err(Failure::new)?;
    let confined = sandbox::enter(&options.config, &place.path).map_err(Failure::new)?;
    if options.verbose {
        out.hint(&confined.to_string());
    }
    let config = configuration(&options.config)?;
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
        let Some(report) = visit(&place, issuer, is_forced)? else {
            continue;
        };
        let is_said = !(options.quiet && report.outcome == Outcome::NotDue);
        if is_said && !out.json {
            out.raw(format!("{}\n", visible(&line(&report, out))).as_bytes());
        }
        reports.push(report);
    }
    if out.json {
        let all: Vec<Value> = reports.iter().map(as_json).collect();
        out.report(|| json!(all), String::new);
    } else if reports.is_empty() {
        out.hint("no issuer has jwks_uri or discover in its file, so there is nothing to fetch");
    }
    let failed = |report: &Report| matches!(report.outcome, Outcome::Failed(_));
    Ok(if reports.iter().any(failed) {
        Exit::Refused
    } else {
        Exit::Done
    })
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

/// What concerns one issuer; nothing where nothing is fetched for it.
fn visit(place: &Place, issuer: &Issuer, is_forced: bool) -> Result<Option<Report>, Failure> {
    let Some(fetch) = &issuer.fetch else {
        return Ok(None);
    };
    let name = issuer.issuer.as_str();
    let deadline = Deadline::after(TIME);
    let now = clock::now();
    let now = now.map_err(|_| Failure::new("the clock is earlier than this program; set it"))?;
    let mut state = state_of(place, name);
    let outcome = match place.lock(name, deadline) {
        Err(why) => Outcome::Failed(why),
        Ok(_lock) => {
            // Whoever held the lock has changed them.
            state = state_of(place, name);
            if is_forced || schedule::is_due(now, state.attempted_at, state.next_at) {
                let asked = Asked {
                    issuer: name,
                    fetch,
                    key_use: issuer.key_use(),
                    deadline,
                };
                let outcome = issuer::fetch(place, asked, now, &mut state);
                noted(place, &state, outcome)
            } else {
                Outcome::NotDue
            }
        }
    };
    let keys = place
        .fetched
        .keys(name, issuer.key_use())
        .map_or(0, |found| found.keys.keys.len());
    Ok(Some(Report {
        issuer: name.to_owned(),
        outcome,
        state,
        keys,
    }))
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

fn line(report: &Report, out: &Output) -> String {
    let Report {
        issuer,
        outcome,
        state,
        keys,
    } = report;
    let now = clock::now().unwrap_or(0);
    let next = for_people(state.next_at.saturating_sub(now));
    let keys = format!("{keys} {}", if *keys == 1 { "key" } else { "keys" });
    let words = match outcome {
        Outcome::NotDue => format!("not due, {keys}, next in {next}"),
        Outcome::Unchanged => format!("{keys}, unchanged, next in {next}"),
        Outcome::Fetched { new } => format!("{keys}, {new} of them new, next in {next}"),
        Outcome::Failed(why) => {
            let stay = state.checked_at.map(|at| {
                let age = for_people(now.saturating_sub(at));
                format!("; {keys}, fetched {age} ago, stay")
            });
            let stay = stay.unwrap_or_default();
            let failed = out.painted(Tone::Bad, "failed");
            return format!("{issuer}: {failed}: {}{stay}, next in {next}", visible(why));
        }
    };
    format!("{issuer}: {words}")
}

fn as_json(report: &Report) -> Value {
    let (outcome, new, error) = match &report.outcome {
        Outcome::NotDue => ("not_due", 0, None),
        Outcome::Unchanged => ("unchanged", 0, None),
        Outcome::Fetched { new } => ("fetched", *new, None),
        Outcome::Failed(why) => ("failed", 0, Some(why)),
    };
    json!({
        "issuer": report.issuer,
        "outcome": outcome,
        "error": error,
        "keys": report.keys,
        "new": new,
        "checked_at": report.state.checked_at,
        "next_at": report.state.next_at,
        "clock_ahead": report.state.clock_ahead,
    })
}
