//! This clock against those of issuers, and whether anything keeps it right.

use super::finding::{Finding, Topic};
use crate::programs::{NotRun, run};
use crate::status::Report;
use policy::duration::for_people;

const TOPIC: Topic = Topic::Clock;

const SET: &str = "Have it set: 'timedatectl set-ntp true', and see 'timedatectl'.";

/// What is to be said of the clock; `now` is none where it cannot be true.
pub fn judge(now: Option<u64>, reports: &[Report], synchronised: &Synchronised) -> Vec<Finding> {
    if now.is_none() {
        let says = "The clock is earlier than the day this program was built: no time can be \
            trusted, and every token is refused.";
        return vec![TOPIC.wrong(says, SET)];
    }
    let mut findings: Vec<Finding> = reports.iter().filter_map(against).collect();
    findings.push(match synchronised {
        Synchronised::Yes => TOPIC.fine("the clock is kept by a time server"),
        Synchronised::No { is_tried: true } => TOPIC.doubtful(
            "The clock is to be kept by a time server, and none has answered yet.",
            "See which it asks: 'timedatectl timesync-status', or 'chronyc tracking'.",
        ),
        Synchronised::No { is_tried: false } => {
            TOPIC.doubtful("Nothing keeps this clock right (NTP is off).", SET)
        }
        Synchronised::Unknown(why) => {
            TOPIC.unseen(format!("whether anything keeps the clock right: {why}"), "")
        }
    });
    findings
}

/// This clock and that of one issuer, when something was last fetched from there.
fn against(report: &Report) -> Option<Finding> {
    let ahead = report.notes()?.clock_ahead?;
    let issuer = &report.issuer;
    let apart = for_people(ahead.unsigned_abs());
    if report.clock_wrong.is_none() {
        return Some(TOPIC.fine(format!("within {apart} of the clock of {issuer}")));
    }
    let (side, effect) = if ahead > 0 {
        (
            "behind",
            "its tokens look as if they were issued in the future",
        )
    } else {
        ("ahead of", "its tokens look expired before they are")
    };
    let says = format!("This clock is {apart} {side} that of {issuer}: {effect}.");
    let mend = "Compare both with a third. If this one is wrong: 'timedatectl set-ntp true'. Then \
        measure again: 'pam-jwt-fetch --now'.";
    Some(TOPIC.wrong(says, mend))
}

/// Whether a time server keeps the clock right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Synchronised {
    /// It does.
    Yes,
    /// It does not.
    No {
        /// Whether it is to.
        is_tried: bool,
    },
    /// Why it cannot be said.
    Unknown(String),
}

impl Synchronised {
    /// Reads what `timedatectl show` prints.
    pub fn parse(text: &str) -> Self {
        let is_yes = |name: &str| {
            let mut pairs = text.lines().filter_map(|line| line.split_once('='));
            let value = pairs.find_map(|(one, value)| (one == name).then_some(value));
            value.map(|value| value == "yes")
        };
        match (is_yes("NTPSynchronized"), is_yes("NTP")) {
            (Some(true), _) => Self::Yes,
            (Some(false), is_tried) => Self::No {
                is_tried: is_tried.unwrap_or(false),
            },
            (None, _) => Self::Unknown("timedatectl does not say".to_owned()),
        }
    }

    /// Asks systemd.
    pub fn look() -> Self {
        match run("timedatectl", &["show"]) {
            Ok(ran) if ran.is_done => Self::parse(&ran.stdout),
            Ok(ran) => Self::Unknown(ran.stderr.trim().to_owned()),
            Err(NotRun::Missing) => Self::Unknown("there is no timedatectl here".to_owned()),
            Err(why) => Self::Unknown(format!("timedatectl {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;
    use crate::status::Standing;
    use system::fetched::State;

    fn report(clock_ahead: Option<i64>, clock_wrong: Option<i64>) -> Report {
        Report {
            issuer: "https://i".to_owned(),
            file: "i.toml".to_owned(),
            keys: Vec::new(),
            standing: Standing::Files,
            max_key_age: None,
            state: Ok(Some(State {
                clock_ahead,
                ..State::default()
            })),
            clock_wrong,
            now: 2_000_000_000,
        }
    }

    #[test]
    fn a_clock_is_told_by_which_side_it_is_wrong() {
        for (ahead, wrong, verdict, says) in [
            (3, None, Verdict::Fine, "within 3 s of "),
            (-3, None, Verdict::Fine, "within 3 s of "),
            (
                125,
                Some(125),
                Verdict::Wrong,
                "This clock is 2 min 5 s behind ",
            ),
            (
                -90,
                Some(-90),
                Verdict::Wrong,
                "This clock is 1 min 30 s ahead of ",
            ),
        ] {
            let found = judge(Some(1), &[report(Some(ahead), wrong)], &Synchronised::Yes);
            assert_eq!(found.len(), 2);
            assert_eq!(found[0].verdict, verdict);
            assert!(found[0].says.starts_with(says), "{}", found[0].says);
        }
        let unknown = judge(Some(1), &[report(None, None)], &Synchronised::Yes);
        assert_eq!(unknown.len(), 1);
        let unset = judge(None, &[], &Synchronised::Yes);
        assert!(unset[0].verdict == Verdict::Wrong && unset.len() == 1);
    }

    #[test]
    fn what_timedatectl_shows_is_read() {
        let shown = |ntp: &str, synchronised: &str| {
            Synchronised::parse(&format!(
                "Timezone=Etc/UTC\nLocalRTC=no\nCanNTP=yes\nNTP={ntp}\nNTPSynchronized={synchronised}\n\
                 TimeUSec=Sat 2026-11-28 17:00:00 UTC\n"
            ))
        };
        assert_eq!(shown("yes", "yes"), Synchronised::Yes);
        assert_eq!(shown("no", "yes"), Synchronised::Yes);
        for is_tried in [true, false] {
            let ntp = if is_tried { "yes" } else { "no" };
            assert_eq!(shown(ntp, "no"), Synchronised::No { is_tried });
        }
        assert!(matches!(Synchronised::parse(""), Synchronised::Unknown(_)));
    }
}
