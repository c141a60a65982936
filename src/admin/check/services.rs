//! What `check` finds in pam.d.

use super::Finding;
use crate::pam_stack;
use std::path::Path;

/// What pam.d says.
pub(super) struct PamServices {
    /// Those that use pam_jwt.so.
    pub(super) services: Vec<String>,
    /// The directories that their lines name with `config=`.
    pub(super) configs: Vec<String>,
    pub(super) findings: Vec<Finding>,
}

/// Examines every service.
pub(super) fn pam_services(etc: &Path, vendor: &Path) -> PamServices {
    let read = |name: &str| {
        let text = |path: &Path| {
            std::fs::read(path)
                .ok()
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        if name.starts_with('/') {
            return text(Path::new(name));
        }
        text(&etc.join(name)).or_else(|| text(&vendor.join(name)))
    };
    let mut names: Vec<String> = [etc, vendor]
        .iter()
        .flat_map(|dir| std::fs::read_dir(dir).into_iter().flatten().flatten())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    names.dedup();
    let (mut services, mut configs, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        let report = pam_stack::examine(&name, &read);
        if report.uses_pam_jwt {
            findings.extend(report.findings.into_iter().map(|finding| Finding {
                severity: finding.severity,
                code: finding.code,
                place: format!("{}:{}", etc.join(&finding.file).display(), finding.line),
                text: format!("service {name}: {}", finding.text),
                more: finding.advice,
            }));
            configs.extend(report.configs);
            services.push(name);
        }
    }
    PamServices {
        services,
        configs,
        findings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            _ => return None,
        })
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
            let read = |asked: &str| {
                if asked == name {
                    Some(text.to_owned())
                } else {
                    debian(asked).map(str::to_owned)
                }
            };
            let report = pam_stack::examine(name, &read);
            let found: Vec<&str> = report.findings.iter().map(|finding| finding.code).collect();
            assert!(
                report.uses_pam_jwt && found == expected,
                "{name}: {:#?}",
                report.findings
            );
        }
    }
}
