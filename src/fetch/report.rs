//! What is said of an issuer: a line, or JSON.

use crate::issuer::Outcome;
use cli::output::{Output, Tone, visible};
use policy::duration::for_people;
use serde_json::{Value, json};
use system::fetched::State;

/// What came of one issuer.
pub struct Report {
    /// Its name.
    pub issuer: String,
    /// Of its keys, if they are fetched.
    pub keys: Option<Outcome>,
    /// How many of them there are for logins.
    pub count: usize,
    /// How many status lists were fetched.
    pub fetched_lists: usize,
    /// What went wrong with its lists.
    pub list_faults: Vec<String>,
    /// The notes.
    pub state: State,
}

impl Report {
    /// Whether anything was done.
    pub fn is_idle(&self) -> bool {
        matches!(self.keys, None | Some(Outcome::NotDue))
            && self.fetched_lists == 0
            && self.list_faults.is_empty()
    }

    /// Whether something could not be done.
    pub fn has_failed(&self) -> bool {
        matches!(self.keys, Some(Outcome::Failed(_))) || !self.list_faults.is_empty()
    }

    /// As a line, at `now` in seconds since the epoch.
    pub fn line(&self, now: u64, out: &Output) -> String {
        let keys = self.keys.as_ref().map(|keys| self.of_keys(keys, now, out));
        let lists = self.of_lists(out);
        let words: Vec<String> = keys.into_iter().chain(lists).collect();
        format!("{}: {}", visible(&self.issuer), words.join("; "))
    }

    fn of_keys(&self, outcome: &Outcome, now: u64, out: &Output) -> String {
        let next = for_people(self.state.next_at.saturating_sub(now));
        let keys = counted(self.count, "key", "keys");
        match outcome {
            Outcome::NotDue => format!("not due, {keys}, next in {next}"),
            Outcome::Unchanged => format!("{keys}, unchanged, next in {next}"),
            Outcome::Fetched { new } => format!("{keys}, {new} of them new, next in {next}"),
            Outcome::Failed(why) => {
                let stay = self.state.checked_at.map(|at| {
                    let age = for_people(now.saturating_sub(at));
                    format!("; {keys}, fetched {age} ago, stay")
                });
                let failed = out.painted(Tone::Bad, "failed");
                let stay = stay.unwrap_or_default();
                format!("{failed}: {}{stay}, next in {next}", visible(why))
            }
        }
    }

    fn of_lists(&self, out: &Output) -> Vec<String> {
        let all = self.state.lists.len();
        let mut words = Vec::new();
        if all > 0 {
            let lists = counted(all, "status list", "status lists");
            words.push(format!("{lists}, {} of them fetched", self.fetched_lists));
        }
        let failed = out.painted(Tone::Bad, "failed");
        let faults = self.list_faults.iter();
        words.extend(faults.map(|why| format!("{failed}: {}", visible(why))));
        words
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let (outcome, new, error) = match &self.keys {
            None => ("none", 0, None),
            Some(Outcome::NotDue) => ("not_due", 0, None),
            Some(Outcome::Unchanged) => ("unchanged", 0, None),
            Some(Outcome::Fetched { new }) => ("fetched", *new, None),
            Some(Outcome::Failed(why)) => ("failed", 0, Some(why)),
        };
        let lists = self.state.lists.iter().map(|list| {
            json!({ "uri": list.uri, "checked_at": list.checked_at, "next_at": list.next_at,
                "error": list.error })
        });
        json!({
            "issuer": self.issuer,
            "outcome": outcome,
            "error": error,
            "keys": self.count,
            "new": new,
            "checked_at": self.state.checked_at,
            "next_at": self.state.next_at,
            "clock_ahead": self.state.clock_ahead,
            "lists": lists.collect::<Vec<Value>>(),
            "fetched_lists": self.fetched_lists,
            "list_faults": self.list_faults,
        })
    }
}

fn counted(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}
