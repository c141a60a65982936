//! Reports, for people and as JSON.

use super::{Report, Standing};
use crate::moment::shown;
use crate::table::table;
use cli::output::{Output, Tone, visible};
use policy::duration::for_people;
use serde_json::{Value, json};
use system::fetched::ListState;

pub(super) fn as_json(reports: &[Report]) -> Value {
    reports.iter().map(one_as_json).collect()
}

fn one_as_json(report: &Report) -> Value {
    let (standing, age, why) = match &report.standing {
        Standing::Files => ("files", None, None),
        Standing::Fresh(age) => ("fresh", Some(age), None),
        Standing::Ageing(age) => ("ageing", Some(age), None),
        Standing::TooOld(why) => ("too_old", None, Some(why)),
        Standing::Missing(why) => ("missing", None, Some(why)),
    };
    let keys: Vec<Value> = report
        .keys
        .iter()
        .map(|key| {
            json!({ "kid": key.kid, "alg": key.alg, "seen_at": key.seen_at,
                "withdrawn": key.is_withdrawn })
        })
        .collect();
    let notes = report.notes();
    let lists: Vec<Value> = notes
        .into_iter()
        .flat_map(|notes| &notes.lists)
        .map(|list| {
            json!({ "uri": list.uri, "checked_at": list.checked_at, "next_at": list.next_at,
                "failures": list.failures, "error": list.error })
        })
        .collect();
    json!({
        "issuer": report.issuer, "file": report.file, "standing": standing, "why": why,
        "age": age.map(|age| age.age), "left": age.map(|age| age.left),
        "max_key_age": report.max_key_age, "keys": keys, "status_lists": lists,
        "jwks_uri": notes.and_then(|notes| notes.jwks_uri.as_ref()),
        "checked_at": notes.and_then(|notes| notes.checked_at),
        "attempted_at": notes.map(|notes| notes.attempted_at),
        "next_at": notes.map(|notes| notes.next_at),
        "failures": notes.map(|notes| notes.failures),
        "error": notes.and_then(|notes| notes.error.as_ref()),
        "clock_ahead": notes.and_then(|notes| notes.clock_ahead),
        "notes_broken": report.state.as_ref().err(),
    })
}

pub(super) fn as_text(out: &Output, reports: &[Report]) -> String {
    if reports.is_empty() {
        return "nothing is fetched: no file in issuers.d says jwks_uri or discover".to_owned();
    }
    let blocks: Vec<String> = reports.iter().map(|report| block(out, report)).collect();
    blocks.join("\n\n")
}

fn block(out: &Output, report: &Report) -> String {
    let (tone, word, more) = match &report.standing {
        Standing::Files => (Tone::Good, "files", "see 'pam-jwt keys'".to_owned()),
        Standing::Fresh(age) => (Tone::Good, "fresh", left(age.age, age.left)),
        Standing::Ageing(age) => (Tone::Doubtful, "ageing", left(age.age, age.left)),
        Standing::TooOld(why) => (Tone::Bad, "TOO OLD", why.clone()),
        Standing::Missing(why) => (Tone::Bad, "MISSING", why.clone()),
    };
    let word = out.painted(tone, word);
    let head = visible(&report.issuer);
    let mut lines = vec![head, format!("  keys     {word}: {}", visible(&more))];
    let mut line = |name: &str, text: String| {
        lines.push(visible(&format!("  {name:<7}  {text}")));
    };
    match &report.state {
        Err(why) => line("notes", why.clone()),
        Ok(None) => line("fetched", "never tried".to_owned()),
        Ok(Some(notes)) => {
            if let Some(uri) = &notes.jwks_uri {
                line("from", uri.clone());
            }
            let checked_at = notes.checked_at.map_or("never".to_owned(), shown);
            line("success", checked_at);
            line("next", next(notes.next_at, report.now));
            if let Some(error) = &notes.error {
                let times = match notes.failures {
                    0 | 1 => String::new(),
                    many => format!(", the last of {many} failures"),
                };
                let at = shown(notes.attempted_at);
                line("error", format!("{error} (at {at}{times})"));
            }
            if let Some(ahead) = notes.clock_ahead {
                line("clock", clock(ahead));
            }
            for list in &notes.lists {
                line(
                    "list",
                    format!("{}: {}", list.uri, of_list(list, report.now)),
                );
            }
        }
    }
    if !report.keys.is_empty() {
        let rows: Vec<[String; 3]> = report.keys.iter().map(row).collect();
        let keys = table(["KID", "ALG", "LAST SEEN"], &rows);
        lines.extend(keys.lines().map(|line| format!("  {line}")));
    }
    if report.clock_wrong.is_some() {
        let doubt = out.painted(Tone::Doubtful, "the clocks differ");
        lines.push(format!(
            "  {doubt} by more than leeway: what it issues may look expired here, or not yet valid"
        ));
    }
    lines.join("\n")
}

fn left(age: u64, left: u64) -> String {
    format!(
        "{} old, good for {} more",
        for_people(age),
        for_people(left)
    )
}

fn next(next_at: u64, now: u64) -> String {
    match next_at.checked_sub(now) {
        Some(0) | None => format!("due since {}", shown(next_at)),
        Some(seconds) => format!("in {}", for_people(seconds)),
    }
}

fn of_list(list: &ListState, now: u64) -> String {
    let age = list.checked_at.map(|at| now.saturating_sub(at));
    let age = age.map_or("never fetched".to_owned(), |age| {
        format!("fetched {} ago", for_people(age))
    });
    let error = list.error.as_ref();
    let error = error.map_or(String::new(), |error| format!("; the last try: {error}"));
    format!("{age}, next {}{error}", next(list.next_at, now))
}

fn clock(ahead: i64) -> String {
    let seconds = for_people(ahead.unsigned_abs());
    match ahead {
        0 => "the issuer's is as this one".to_owned(),
        1.. => format!("the issuer's is {seconds} ahead of this one"),
        _ => format!("the issuer's is {seconds} behind this one"),
    }
}

fn row(key: &super::report::Key) -> [String; 3] {
    let seen = match (key.seen_at, key.is_withdrawn) {
        (None, _) => "-".to_owned(),
        (Some(at), false) => shown(at),
        (Some(at), true) => format!("{}, withdrawn since, and kept for a while", shown(at)),
    };
    [key.kid.clone(), key.alg.to_owned(), seen]
}

#[cfg(test)]
mod tests {
    use super::super::{Age, report::Key};
    use super::*;
    use system::fetched::State;

    #[test]
    fn an_administrator_reads_what_is_wrong_and_until_when_it_does_no_harm() {
        let key = |kid: &str, is_withdrawn| Key {
            kid: kid.to_owned(),
            alg: "ES256",
            seen_at: Some(1_801_396_800),
            is_withdrawn,
        };
        let report = Report {
            issuer: "https://i".into(),
            file: "i.toml".into(),
            keys: vec![key("new", false), key("old\u{1b}[2J", true)],
            standing: Standing::Ageing(Age { age: 90, left: 10 }),
            max_key_age: Some(100),
            state: Ok(Some(State {
                jwks_uri: Some("https://i/jwks".into()),
                attempted_at: 1_801_396_860,
                checked_at: Some(1_801_396_800),
                next_at: 1_801_396_900,
                failures: 2,
                error: Some("it is\u{7}down".into()),
                clock_ahead: Some(-90),
                lists: vec![ListState {
                    uri: "https://i/1".into(),
                    next_at: 1_801_396_900,
                    ..ListState::default()
                }],
                ..State::default()
            })),
            clock_wrong: Some(-90),
            now: 1_801_396_890,
        };
        let expected = r"https://i
  keys     ageing: 1 min 30 s old, good for 10 s more
  from     https://i/jwks
  success  2027-01-31T12:00:00Z
  next     in 10 s
  error    it is\u{7}down (at 2027-01-31T12:01:00Z, the last of 2 failures)
  clock    the issuer's is 1 min 30 s behind this one
  list     https://i/1: never fetched, next in 10 s
  KID           ALG    LAST SEEN
  new           ES256  2027-01-31T12:00:00Z
  old\u{1b}[2J  ES256  2027-01-31T12:00:00Z, withdrawn since, and kept for a while
  the clocks differ by more than leeway: what it issues may look expired here, or not yet valid";
        assert_eq!(as_text(&Output::new("pam-jwt", false), &[report]), expected);
    }
}
