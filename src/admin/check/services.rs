//! What `check` finds in pam.d.

use super::Finding;
use crate::pam_d::PamD;
use crate::pam_stack::{self, Settings};
use std::path::Path;

/// What pam.d says.
#[derive(Default)]
pub struct PamServices {
    /// Those that use pam_jwt.so.
    pub services: Vec<String>,
    /// The directories that their lines name with `config=`.
    pub configs: Vec<String>,
    /// Those of whose lines one gives sessions a token.
    pub issuing: Vec<String>,
    /// Those of whose lines one takes tokens.
    pub taking: Vec<String>,
    /// What was found of their lines.
    pub findings: Vec<Finding>,
    /// Where a token opens nothing by itself, although a line says that it suffices.
    pub shut: Vec<Finding>,
    /// Each as its lines name pam_jwt.so, once.
    pub modules: Vec<String>,
    /// The other modules of their auth and account lines: the service, the module, the place.
    pub others: Vec<[String; 3]>,
}

/// Examines every service; `settings` gives what a configuration directory says.
pub(super) fn pam_services(etc: &Path, vendor: &Path, settings: Settings<'_>) -> PamServices {
    let pam_d = PamD {
        etc: etc.to_owned(),
        vendor: vendor.to_owned(),
    };
    let mut found = PamServices::default();
    for name in pam_d.services() {
        let report = pam_stack::examine(&name, &|name| pam_d.read(name), settings);
        if !report.uses_pam_jwt {
            continue;
        }
        let finding = |finding: pam_stack::Finding| Finding {
            severity: finding.severity,
            code: finding.code,
            place: format!("{}:{}", etc.join(&finding.file).display(), finding.line),
            text: format!("service {name}: {}", finding.text),
            more: finding.advice,
        };
        found
            .findings
            .extend(report.findings.into_iter().map(finding));
        found.shut.extend(report.shut.into_iter().map(finding));
        for module in report.modules {
            if !found.modules.contains(&module) {
                found.modules.push(module);
            }
        }
        let others = report.others.into_iter();
        found
            .others
            .extend(others.map(|(module, place)| [name.clone(), module, place]));
        found.configs.extend(report.configs);
        if report.issues {
            found.issuing.push(name.clone());
        }
        if report.takes_tokens {
            found.taking.push(name.clone());
        }
        found.services.push(name);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::config::{Global, Source};

    /// Debian's common files, less their comments.
    fn debian(name: &str) -> Option<&'static str> {
        Some(match name {
            "common-auth" => {
                "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n\
                 auth required pam_permit.so\n"
            }
            "common-account" => {
                "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n\
                 account requisite pam_deny.so\naccount required pam_permit.so\n"
            }
            "common-session" | "common-session-noninteractive" => {
                "session [default=1] pam_permit.so\nsession requisite pam_deny.so\n\
                 session required pam_permit.so\nsession optional pam_systemd.so\n"
            }
            _ => return None,
        })
    }

    fn examined(name: &str, text: &str, settings: &str) -> pam_stack::Report {
        let read = |asked: &str| {
            let text = if asked == name {
                Some(text)
            } else {
                debian(asked)
            };
            text.map(str::to_owned)
        };
        let source = Source {
            file: "pam-jwt.toml",
            text: settings,
        };
        let global = Global::parse(source).unwrap();
        pam_stack::examine(name, &read, &|_| Some(global.clone()))
    }

    #[test]
    fn the_examples_of_lines_that_issue_are_complete() {
        let settings = "end_with_token = ['sshd', 'login']\n[issue]\nissuer = 'i'\n\
            audience = ['a']\nservices = ['sshd', 'login', 'su', 'sudo']\n";
        for (name, text) in [
            ("sshd", include_str!("../../../conf/pam.d/sshd-issue")),
            ("login", include_str!("../../../conf/pam.d/login-issue")),
            ("su", include_str!("../../../conf/pam.d/su-issue")),
            ("sudo", include_str!("../../../conf/pam.d/sudo-issue")),
        ] {
            // As the comment in that file says.
            let text = match name {
                "login" => text.replace("session  optional", "session  required"),
                _ => text.to_owned(),
            };
            let report = examined(name, &text, settings);
            assert_eq!(report.findings, [], "{name}");
            assert!(report.issues && report.takes_tokens, "{name}");
            // Without a word of [issue] nothing but that is amiss.
            let bare = examined(name, &text, "").findings;
            assert!(
                bare.iter().all(|found| found.code == "issue_not_named"),
                "{bare:#?}"
            );
            assert_eq!(bare.len(), 2, "{bare:#?}");
        }
    }

    #[test]
    fn the_examples_of_pam_lines_let_nobody_in_by_accident() {
        let examples = [
            ("sshd", include_str!("../../../conf/pam.d/sshd"), &[][..]),
            ("sudo", include_str!("../../../conf/pam.d/sudo"), &[]),
            ("login", include_str!("../../../conf/pam.d/login"), &[]),
            ("su", include_str!("../../../conf/pam.d/su"), &[]),
            (
                "postgresql",
                include_str!("../../../conf/pam.d/postgresql"),
                &["require_token", "token_only"],
            ),
            (
                "faillock",
                include_str!("../../../conf/pam.d/faillock"),
                &[],
            ),
            (
                "sshd-token-only",
                include_str!("../../../conf/pam.d/sshd-token-only"),
                &["require_token", "token_only"],
            ),
        ];
        for (name, text, expected) in examples {
            let report = examined(name, text, "");
            let found: Vec<&str> = report.findings.iter().map(|finding| finding.code).collect();
            assert_eq!(report.shut, None, "{name}");
            assert!(
                report.uses_pam_jwt && found == expected,
                "{name}: {:#?}",
                report.findings
            );
        }
    }

    #[test]
    fn a_line_below_the_password_is_told_unless_both_are_asked_for() {
        let shut = |auth: &str| {
            let text = format!("{auth}account required pam_unix.so\n");
            let found = examined("sshd", &text, "").shut;
            found.map(|finding| (finding.code, finding.line))
        };
        let told = Some(("token_alone_refused", 2));
        let below = "@include common-auth\nauth sufficient pam_jwt.so\n";
        assert_eq!(shut(below), told);
        let required = "auth required pam_unix.so\nauth sufficient pam_jwt.so\n";
        assert_eq!(shut(required), told);
        for fine in [
            "auth sufficient pam_jwt.so\n@include common-auth\n",
            "@include common-auth\nauth required pam_jwt.so\n",
            "auth sufficient pam_unix.so\nauth sufficient pam_jwt.so\nauth required pam_deny.so\n",
            "@include common-auth\n",
        ] {
            assert_eq!(shut(fine), None, "{fine}");
        }
    }
}
