//! Judges the stacks as they will be: who is locked out, and who gets in for nothing. Pure.

use super::plan::{Read, Remark};
use crate::pam_stack::{self, Finding, Settings, Severity};

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Why nothing may be changed.
    pub refusals: Vec<Remark>,
    /// What the administrator should know.
    pub notes: Vec<Remark>,
}

/// Findings that are warnings where somebody wrote the line who means it, and that `enable` takes
/// for a lock-out: whoever has no token stays out, and nobody has had one here yet.
const LOCKS_OUT: [&str; 2] = ["token_only", "require_token"];

/// Judges the services that are `asked` for, and of `all` those that change with them.
pub fn judge(
    asked: &[String],
    all: &[String],
    before: Read<'_>,
    after: Read<'_>,
    settings: Settings<'_>,
) -> Judgement {
    let mut judgement = Judgement::default();
    for service in all {
        let findings = pam_stack::examine(service, after, settings).findings;
        let known = if asked.contains(service) {
            // What is wrong already does not get better by a token.
            Vec::new()
        } else {
            pam_stack::examine(service, before, settings).findings
        };
        for finding in findings {
            // Its line may stand one line further down now.
            let same = |old: &Finding| (old.code, &old.text) == (finding.code, &finding.text);
            if known.iter().any(same) {
                continue;
            }
            let locks_out = LOCKS_OUT.contains(&finding.code);
            let remark = remark(service, &finding, locks_out);
            if locks_out || finding.severity == Severity::Error {
                judgement.refusals.push(remark);
            } else if asked.contains(service) {
                judgement.notes.push(remark);
            }
        }
    }
    judgement
}

fn remark(service: &str, finding: &Finding, locks_out: bool) -> Remark {
    let place = if finding.file.starts_with('/') {
        format!("{}:{}", finding.file, finding.line)
    } else {
        format!("/etc/pam.d/{}:{}", finding.file, finding.line)
    };
    let why = if locks_out {
        " No other way in would be left."
    } else {
        ""
    };
    Remark {
        code: finding.code,
        place,
        text: format!("service {service}: {}{why}", finding.text),
        advice: finding.advice.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "auth sufficient pam_jwt.so\n";

    /// The codes of what is refused and of what is noted where a line is put before this text.
    fn judged(text: &str) -> (Vec<&'static str>, Vec<&'static str>) {
        let of = |first: &'static str| {
            move |name: &str| match name {
                "sshd" => Some(format!("{first}{text}")),
                "su-l" => Some("@include sshd\n".to_owned()),
                _ => None,
            }
        };
        let (before, after) = (of(""), of(TOKEN));
        let all = ["sshd", "su-l"].map(str::to_owned);
        let found = judge(&all[..1], &all, &before, &after, &|_| None);
        let codes = |remarks: &[Remark]| remarks.iter().map(|remark| remark.code).collect();
        (codes(&found.refusals), codes(&found.notes))
    }

    #[test]
    fn a_stack_with_another_way_in_is_good() {
        for text in [
            "auth required pam_unix.so\n",
            "auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
            "auth required pam_faildelay.so\nauth required pam_sss.so\n",
        ] {
            assert_eq!(judged(text), (vec![], vec![]), "{text}");
        }
    }

    #[test]
    fn who_would_be_locked_out_or_let_in_is_found_in_every_service_it_concerns() {
        for (text, code) in [
            ("auth required pam_deny.so\n", "token_only"),
            (
                "auth required pam_unix.so\naccount required pam_jwt.so require_token\n",
                "require_token",
            ),
            (
                "auth optional pam_unix.so\nauth required pam_permit.so\n",
                "lets_anyone_in",
            ),
            (
                "auth [success=1 default=ignore] pam_unix.so\nauth required pam_permit.so\n",
                "lets_anyone_in",
            ),
            ("auth require pam_unix.so\n", "syntax"),
        ] {
            let (refused, _) = judged(text);
            assert!(refused.contains(&code), "{text}: {refused:?}");
            // What was wrong before is not the neighbour's fault now.
            let times = refused.iter().filter(|one| **one == code).count();
            assert!((1..=2).contains(&times), "{text}: {refused:?}");
        }
    }

    #[test]
    fn what_a_neighbour_had_wrong_before_is_its_own() {
        let before = |name: &str| match name {
            "sshd" => Some("auth required pam_unix.so\n".to_owned()),
            "odd" => Some("auth optional pam_jwt.so\nauth required pam_permit.so\n".to_owned()),
            _ => None,
        };
        let after = |name: &str| match name {
            "sshd" => Some(format!("{TOKEN}auth required pam_unix.so\n")),
            name => before(name),
        };
        let all = ["odd", "sshd"].map(str::to_owned);
        let found = judge(&all[1..], &all, &before, &after, &|_| None);
        assert_eq!(found, Judgement::default());
    }
}
