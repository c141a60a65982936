//! What is done for one issuer when it is its turn: keys, then status lists, which are verified
//! with these keys.

use crate::clock::Deadline;
use crate::issuer::{self, Asked, Outcome};
use crate::place::Place;
use crate::report::Report;
use crate::run::{noted, state_of};
use crate::{lists, schedule};
use policy::config::Issuer;
use std::path::Path;
use system::fetched::State;
use system::key_store;

/// An issuer whose turn it is.
pub struct Visit<'a> {
    /// Where things are stored.
    pub place: &'a Place,
    /// Its file.
    pub issuer: &'a Issuer,
    /// The configuration directory.
    pub config: &'a Path,
    /// Whether it is asked though it is not time.
    pub is_forced: bool,
    /// Until when.
    pub deadline: Deadline,
    /// The time, in seconds since the epoch.
    pub now: u64,
}

impl Visit<'_> {
    /// Does it.
    pub fn make(&self) -> Report {
        let name = self.issuer.issuer.as_str();
        let mut report = Report {
            issuer: name.to_owned(),
            keys: None,
            count: 0,
            fetched_lists: 0,
            list_faults: Vec::new(),
            state: State::default(),
        };
        match self.place.lock(name, self.deadline) {
            Ok(_lock) => {
                // Whoever held the lock has changed them.
                report.state = state_of(self.place, name);
                let aggregation = self.keys(&mut report);
                self.lists(&mut report, aggregation.as_deref());
            }
            Err(why) => {
                report.state = state_of(self.place, name);
                // What the other notes when it is done takes its place.
                report.state.error = Some(why.clone());
                report.keys = Some(noted(self.place, &report.state, Outcome::Failed(why)));
            }
        }
        let keys = self.place.fetched.keys(name, self.issuer.key_use());
        report.count = keys.map_or(0, |found| found.keys.keys.len());
        report
    }

    /// Fetches the keys, if it is time. Returns where the issuer names its lists.
    fn keys(&self, report: &mut Report) -> Option<String> {
        let fetch = self.issuer.fetch.as_ref()?;
        let state = &mut report.state;
        if !self.is_forced && !schedule::is_due(self.now, state.attempted_at, state.next_at) {
            report.keys = Some(Outcome::NotDue);
            return None;
        }
        let asked = Asked {
            issuer: &self.issuer.issuer,
            fetch,
            key_use: self.issuer.key_use(),
            deadline: self.deadline,
        };
        let (outcome, aggregation) = issuer::fetch(self.place, asked, self.now, state);
        report.keys = Some(noted(self.place, state, outcome));
        aggregation
    }

    fn lists(&self, report: &mut Report, aggregation: Option<&str>) {
        let name = self.issuer.issuer.as_str();
        let named = aggregation.map(|uri| lists::aggregated(uri, name, self.deadline));
        let is_discovered = self
            .issuer
            .fetch
            .as_ref()
            .is_some_and(|fetch| fetch.jwks_uri.is_none());
        let named = match named {
            Some(Ok(named)) => named,
            not_now => {
                report.list_faults.extend(not_now.and_then(Result::err));
                // As it has named them before.
                let before = report.state.lists.iter().map(|list| list.uri.clone());
                before.filter(|_| is_discovered).collect()
            }
        };
        let uris = self.issuer.status_lists.iter().cloned().chain(named);
        let mut all = lists::noted(uris, &report.state.lists);
        if all.is_empty() && report.state.lists.is_empty() {
            return;
        }
        // With the keys that are here now.
        let trust = match key_store::load(self.config) {
            Ok(loaded) => loaded.trust,
            Err(faults) => {
                report.list_faults.push(key_store::first(&faults));
                return;
            }
        };
        let Some(trusted) = trust.issuer(name) else {
            return;
        };
        for list in &mut all {
            let is_time = self.is_forced || lists::is_due(list, trusted, self.now);
            if !is_time || self.deadline.left().is_zero() {
                continue;
            }
            match lists::fetch(list, name, &trust, self.deadline, self.now) {
                Ok(()) => report.fetched_lists = report.fetched_lists.saturating_add(1),
                Err(why) => report.list_faults.push(format!("{}: {why}", list.uri)),
            }
        }
        if all != report.state.lists {
            report.state.lists = all;
            report
                .list_faults
                .extend(self.place.put_state(&report.state).err());
        }
    }
}
