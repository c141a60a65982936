//! Tells whoever is in a session that ends with its token, before it does.

use super::list::Open;
use cli::output::{Exit, Output, visible};
use policy::duration::for_people;
use serde_json::{Value, json};
use std::path::PathBuf;
use system::sessions::note_warned;
use system::terminals;

/// A session whose user was warned.
struct Warned<'a> {
    session: &'a Open,
    /// Seconds.
    left: u64,
    terminals: Vec<PathBuf>,
}

/// Warns each session that ends soon, at the time `now` in seconds since the epoch, and that
/// was not warned before.
pub fn warn(open: &[Open], now: u64, out: &Output) -> Exit {
    let mut warned = Vec::new();
    let mut exit = Exit::Done;
    for session in open {
        match warn_one(session, now) {
            Ok(told) => warned.extend(told),
            // The others are to know all the same.
            Err(why) => {
                out.hint(&format!("{} is not warned: {why}", session.1.account));
                exit = Exit::Cannot;
            }
        }
    }
    // It runs all the time, and mostly has nothing to say.
    if out.json || !warned.is_empty() {
        out.report(
            || json!({ "warned": warned.iter().map(as_json).collect::<Value>() }),
            || warned.iter().map(as_text).collect::<Vec<_>>().join("\n"),
        );
    }
    exit
}

fn warn_one(open: &Open, now: u64) -> Result<Option<Warned<'_>>, String> {
    let (key, session) = open;
    let Some(left) = session.ends_soon(now) else {
        return Ok(None);
    };
    if !note_warned(key)? {
        return Ok(None);
    }
    let told = terminals::tell(key.process.pid, key.uid, &words(left));
    let terminals = told.map_err(|error| format!("/proc: {error}"))?;
    Ok(Some(Warned {
        session: open,
        left,
        terminals,
    }))
}

/// Nothing in it comes from anybody.
fn words(left: u64) -> String {
    let left = for_people(left);
    format!("This session ends in {left}, with the token that opened it. Save your work.")
}

fn as_json(warned: &Warned<'_>) -> Value {
    let (key, session) = warned.session;
    let paths = warned.terminals.iter();
    json!({
        "account": session.account,
        "service": session.service,
        "pid": key.process.pid,
        "sid": key.id,
        "left": warned.left,
        "terminals": paths.map(|path| path.display().to_string()).collect::<Value>(),
    })
}

fn as_text(warned: &Warned<'_>) -> String {
    let (key, session) = warned.session;
    let paths = warned.terminals.iter();
    let mut paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    if paths.is_empty() {
        paths.push("no terminal".to_owned());
    }
    visible(&format!(
        "{} ({}, process {}) has {} left: told on {}",
        session.account,
        session.service,
        key.process.pid,
        for_people(warned.left),
        paths.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_says_when_and_why() {
        assert_eq!(
            words(118),
            "This session ends in 1 min 58 s, with the token that opened it. Save your work."
        );
    }
}
