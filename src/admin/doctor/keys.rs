//! Keys, their age, and what `pam-jwt check` finds of the configuration, each under its topic.

use super::finding::{Finding, Topic, Verdict};
use crate::check;
use crate::pam_stack::Severity;
use crate::programs::run;
use crate::status::{Report, Standing};
use policy::duration::for_people;
use policy::trust::TrustedIssuer;
use std::path::Path;

const TIMER: &str = "pam-jwt-fetch.timer";

/// Where systemd runs (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

/// The timer is late by so many seconds before anybody is told.
const LATE: u64 = 900;

/// A finding of `pam-jwt check`, where it has to do with logins that fail.
pub fn of_check(found: &check::Finding) -> Option<Finding> {
    let topic = match found.code {
        // What the clock is told from, and whether the timer runs, is asked in another way.
        "clock_differs" | "timer_off" => return None,
        // They concern who gets in too easily.
        "any_token" | "device_twice" => return None,
        "private_key_link" | "private_key_exposed" => Topic::Files,
        code if code.starts_with("key")
            || code.starts_with("certificate")
            || code.starts_with("status_list")
            || matches!(
                code,
                "fetched_dir" | "client_secret" | "issue_key" | "private_key_unusable"
            ) =>
        {
            Topic::Keys
        }
        "revocations_unreadable" => Topic::Files,
        _ => Topic::Configuration,
    };
    let verdict = match (found.severity, found.code) {
        (Severity::Note, _) => return None,
        (_, "key_out_of_reach") => Verdict::Unseen,
        // Who signs with these keys is not who logs in.
        (_, code) if code.starts_with("private_key") => Verdict::Doubtful,
        (
            _,
            "no_issuer"
            | "no_rule"
            | "keys_too_old"
            | "keys_not_fetched"
            | "certificate_not_yet_valid"
            | "certificate_expired"
            | "status_list_missing"
            | "status_list_stale",
        ) => Verdict::Wrong,
        (Severity::Error, _) => Verdict::Wrong,
        (Severity::Warning, _) => Verdict::Doubtful,
    };
    let says = format!("{}: {}", found.place, found.text);
    // A line of a file with its caret is for the check to show.
    let mend = match found.code {
        "config_error" => "See the place in the file: 'pam-jwt check'.",
        _ => &*found.more,
    };
    Some(topic.finding(verdict, says, mend))
}

/// How old the keys of each issuer are, and whether anything keeps them young.
pub fn judge(
    issuers: &[TrustedIssuer],
    reports: &[Report],
    timer: Option<&str>,
    now: u64,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let files = issuers.iter().filter(|issuer| issuer.fetched.is_none());
    for issuer in files.filter(|issuer| !issuer.keys.is_empty()) {
        let count = match issuer.keys.len() {
            1 => "1 key".to_owned(),
            many => format!("{many} keys"),
        };
        findings.push(Topic::Keys.fine(format!("{}: {count} in files", issuer.issuer)));
    }
    findings.extend(reports.iter().filter_map(|report| of_report(report, now)));
    let fetches = issuers.iter().any(|issuer| issuer.fetched.is_some());
    if let Some(state) = timer.filter(|state| fetches && *state != "active") {
        let says = format!("{TIMER} is {state}, so nothing keeps the keys from getting too old.");
        let mend = format!("'systemctl enable --now {TIMER}'");
        findings.push(Topic::Keys.doubtful(says, &mend));
    }
    findings
}

/// What `check` has not said of it.
fn of_report(report: &Report, now: u64) -> Option<Finding> {
    let (Standing::Fresh(age) | Standing::Ageing(age)) = &report.standing else {
        return None;
    };
    let issuer = &report.issuer;
    let (old, left) = (for_people(age.age), for_people(age.left));
    let late = report
        .notes()
        .map_or(0, |notes| now.saturating_sub(notes.next_at));
    if late > LATE {
        let says = format!(
            "{issuer}: keys were fetched {old} ago, and the next try is overdue by {}; they are \
             good for {left} more.",
            for_people(late)
        );
        let mend = format!("'pam-jwt-fetch --now', and see 'systemctl status {TIMER}'.");
        return Some(Topic::Keys.doubtful(says, &mend));
    }
    let is_fresh = matches!(report.standing, Standing::Fresh(_));
    is_fresh.then(|| {
        Topic::Keys.fine(format!(
            "{issuer}: keys fetched {old} ago, good for {left} more"
        ))
    })
}

/// What systemd says of the timer; none where there is no systemd.
pub fn timer() -> Option<String> {
    if !Path::new(BOOTED).is_dir() {
        return None;
    }
    let ran = run("systemctl", &["is-active", TIMER]).ok()?;
    let state = ran.stdout.trim();
    Some(if state.is_empty() { "not there" } else { state }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Age;
    use policy::config::{Config, Source};
    use policy::trust::{KeysOfIssuer, Trust};
    use system::fetched::State;

    const NOW: u64 = 2_000_000_000;

    fn report(next_at: u64, ageing: bool) -> Report {
        let age = Age {
            age: 60,
            left: 3_600,
        };
        Report {
            issuer: "https://i".to_owned(),
            file: "i.toml".to_owned(),
            keys: Vec::new(),
            standing: match ageing {
                true => Standing::Ageing(age),
                false => Standing::Fresh(age),
            },
            max_key_age: None,
            state: Ok(Some(State {
                next_at,
                ..State::default()
            })),
            clock_wrong: None,
            now: NOW,
        }
    }

    fn fetching() -> Vec<TrustedIssuer> {
        let text = "issuer='https://i'\naudience=['x']\ndiscover=true\n";
        let source = |file, text| Source { file, text };
        let config = Config::parse(source("pam-jwt.toml", ""), &[source("i.toml", text)]);
        let keys = KeysOfIssuer {
            checked_at: Some(Ok(NOW)),
            ..KeysOfIssuer::default()
        };
        let trust = Trust::new(config.whole().unwrap(), vec![keys], "h");
        trust.unwrap().issuers
    }

    fn verdicts(report: Report, timer: Option<&str>) -> Vec<Verdict> {
        let found = judge(&fetching(), &[report], timer, NOW);
        found.iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn a_fetcher_that_rests_is_told_before_keys_are_too_old() {
        use Verdict::{Doubtful, Fine};
        let soon = NOW + 60;
        assert_eq!(verdicts(report(soon, false), Some("active")), [Fine]);
        assert_eq!(verdicts(report(soon, false), None), [Fine]);
        // What check has said of it already.
        assert_eq!(verdicts(report(soon, true), Some("active")), []);
        for state in ["inactive", "failed", ""] {
            assert_eq!(verdicts(report(soon, false), Some(state)), [Fine, Doubtful]);
        }
        let overdue = report(NOW - LATE - 1, false);
        assert_eq!(verdicts(overdue, Some("active")), [Doubtful]);
        assert_eq!(verdicts(report(NOW - LATE, false), None), [Fine]);
    }

    #[test]
    fn what_check_finds_is_weighed_by_whether_logins_fail() {
        let found = |severity, code| check::Finding {
            severity,
            code,
            place: "p".to_owned(),
            text: "t".to_owned(),
            more: "m".to_owned(),
        };
        for (severity, code, topic, verdict) in [
            (
                Severity::Error,
                "config_error",
                Topic::Configuration,
                Verdict::Wrong,
            ),
            (
                Severity::Warning,
                "no_issuer",
                Topic::Configuration,
                Verdict::Wrong,
            ),
            (
                Severity::Warning,
                "hostname_unset",
                Topic::Configuration,
                Verdict::Doubtful,
            ),
            (
                Severity::Warning,
                "keys_ageing",
                Topic::Keys,
                Verdict::Doubtful,
            ),
            (
                Severity::Warning,
                "keys_too_old",
                Topic::Keys,
                Verdict::Wrong,
            ),
            (
                Severity::Warning,
                "certificate_expired",
                Topic::Keys,
                Verdict::Wrong,
            ),
            (
                Severity::Warning,
                "certificate_ends",
                Topic::Keys,
                Verdict::Doubtful,
            ),
            (
                Severity::Error,
                "private_key_exposed",
                Topic::Files,
                Verdict::Doubtful,
            ),
            (
                Severity::Error,
                "revocations_unreadable",
                Topic::Files,
                Verdict::Wrong,
            ),
        ] {
            let finding = of_check(&found(severity, code)).unwrap();
            assert_eq!((finding.topic, finding.verdict), (topic, verdict), "{code}");
        }
        assert_eq!(of_check(&found(Severity::Warning, "any_token")), None);
        assert_eq!(of_check(&found(Severity::Note, "key_left_out")), None);
    }
}
