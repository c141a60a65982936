//! What is counted, as Prometheus reads it (its text format 0.0.4). Nothing that is counted has
//! a name that strangers choose, so there are never more lines than endpoints allow.

use crate::endpoint::path;
use crate::log;
use crate::log::audit::Event;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of how long requests took, in seconds.
const BOUNDS: [f64; 10] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0,
];

/// The endpoints that are told apart; what is none of them is "other".
const ENDPOINTS: [&str; 16] = [
    path::AUTHORIZE,
    path::LOGIN,
    path::CONSENT,
    path::TOKEN,
    path::REVOKE,
    path::INTROSPECT,
    path::DEVICE_AUTHORIZATION,
    path::DEVICE,
    path::REGISTER,
    path::PAR,
    path::USERINFO,
    path::JWKS,
    path::STATUS,
    path::OAUTH_METADATA,
    path::OPENID_METADATA,
    path::HEALTH,
];

/// The numbers.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    requests: BTreeMap<(&'static str, u16), u64>,
    events: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    took: [u64; BOUNDS.len()],
    took_sum: Duration,
    took_count: u64,
    turned_away: u64,
}

impl Metrics {
    /// A request was answered: its path below the issuer's, the status, and how long it took.
    pub fn request(&self, path: &str, status: u16, took: Duration) {
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = numbers.requests.entry((endpoint(path), status));
        *count.or_default() += 1;
        let seconds = took.as_secs_f64();
        for (count, _) in numbers
            .took
            .iter_mut()
            .zip(BOUNDS)
            .filter(|(_, bound)| seconds <= *bound)
        {
            *count += 1;
        }
        numbers.took_sum += took;
        numbers.took_count += 1;
    }

    /// Tells the audit log of an event, and counts it.
    pub fn tell(&self, event: &Event<'_>) {
        let counted = (
            event.kind.name(),
            event.result(),
            event.grant.unwrap_or_default(),
        );
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *numbers.events.entry(counted).or_default() += 1;
        drop(numbers);
        event.tell();
    }

    /// A connection or a request was turned away by a limit.
    pub fn turned_away(&self) {
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.turned_away += 1;
    }

    /// All of it; `connections` are those that are open, `conversations` those with PAM that are
    /// held.
    #[must_use]
    pub fn text(&self, connections: usize, conversations: usize) -> String {
        let numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        head(
            &mut text,
            "requests_total",
            "counter",
            "Requests that were answered.",
        );
        for ((endpoint, status), count) in &numbers.requests {
            let _ = writeln!(
                text,
                "pam_jwt_authserver_requests_total{{endpoint=\"{endpoint}\",status=\"{status}\"}} {count}"
            );
        }
        head(
            &mut text,
            "events_total",
            "counter",
            "What the audit log was told.",
        );
        for ((event, result, grant), count) in &numbers.events {
            let _ = writeln!(
                text,
                "pam_jwt_authserver_events_total{{event=\"{event}\",result=\"{result}\",grant=\"{grant}\"}} {count}"
            );
        }
        head(
            &mut text,
            "request_seconds",
            "histogram",
            "How long requests took.",
        );
        for (bound, count) in BOUNDS.iter().zip(numbers.took) {
            let _ = writeln!(
                text,
                "pam_jwt_authserver_request_seconds_bucket{{le=\"{bound}\"}} {count}"
            );
        }
        let count = numbers.took_count;
        let _ = writeln!(
            text,
            "pam_jwt_authserver_request_seconds_bucket{{le=\"+Inf\"}} {count}\n\
             pam_jwt_authserver_request_seconds_sum {}\n\
             pam_jwt_authserver_request_seconds_count {count}",
            numbers.took_sum.as_secs_f64()
        );
        for (name, kind, help, value) in [
            (
                "turned_away_total",
                "counter",
                "Connections and requests over a limit.",
                numbers.turned_away,
            ),
            (
                "faults_total",
                "counter",
                "Faults of the server and its store.",
                log::faults(),
            ),
            (
                "connections",
                "gauge",
                "Connections that are open.",
                connections as u64,
            ),
            (
                "conversations",
                "gauge",
                "Conversations with PAM that are held.",
                conversations as u64,
            ),
        ] {
            head(&mut text, name, kind, help);
            let _ = writeln!(text, "pam_jwt_authserver_{name} {value}");
        }
        text
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(
        text,
        "# HELP pam_jwt_authserver_{name} {help}\n# TYPE pam_jwt_authserver_{name} {kind}"
    );
}

/// The endpoint of a path.
fn endpoint(path: &str) -> &'static str {
    let is_it = |endpoint: &&str| {
        let rest = path.strip_prefix(*endpoint);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    ENDPOINTS
        .into_iter()
        .find(|one| is_it(one))
        .unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::audit::Kind;

    #[test]
    fn what_is_counted_has_names_that_nobody_else_chooses() {
        let metrics = Metrics::default();
        metrics.request("/token", 200, Duration::from_millis(2));
        metrics.request("/token", 200, Duration::from_secs(60));
        metrics.request("/status/7", 404, Duration::ZERO);
        metrics.request("/\"} 1\n/tokens", 404, Duration::ZERO);
        metrics.tell(&Event {
            grant: Some("client_credentials"),
            ..Event::new(Kind::Token)
        });
        metrics.turned_away();
        let text = metrics.text(3, 2);
        for line in [
            "pam_jwt_authserver_requests_total{endpoint=\"/token\",status=\"200\"} 2",
            "pam_jwt_authserver_requests_total{endpoint=\"/status\",status=\"404\"} 1",
            "pam_jwt_authserver_requests_total{endpoint=\"other\",status=\"404\"} 1",
            "pam_jwt_authserver_events_total{event=\"token\",result=\"done\",grant=\"client_credentials\"} 1",
            "pam_jwt_authserver_request_seconds_bucket{le=\"0.001\"} 2",
            "pam_jwt_authserver_request_seconds_bucket{le=\"0.0025\"} 3",
            "pam_jwt_authserver_request_seconds_bucket{le=\"+Inf\"} 4",
            "pam_jwt_authserver_request_seconds_count 4",
            "pam_jwt_authserver_turned_away_total 1",
            "pam_jwt_authserver_connections 3",
            "pam_jwt_authserver_conversations 2",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        let is_sample =
            |line: &str| line.starts_with("pam_jwt_authserver_") || line.starts_with('#');
        assert!(text.lines().all(is_sample), "{text}");
    }
}
