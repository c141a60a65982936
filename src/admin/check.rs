//! `pam-jwt check`: loads everything as a login would, and reads pam.d.

use crate::output::{Exit, Failure, Output, Tone};
use crate::pam_stack::{self, Severity};
use clap::Args;
use serde_json::{Value, json};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use system::key_store;

/// Check the configuration and /etc/pam.d, and say what mends each fault.
///
/// Exit status 1 if anything is wrong; warnings alone are 0.
#[derive(Args)]
pub struct Check {}

/// One thing to know.
struct Finding {
    severity: Severity,
    code: &'static str,
    /// `FILE`, `FILE:LINE` or `FILE:LINE:COLUMN`.
    place: String,
    text: String,
    /// The source line with its caret, or what to do; perhaps nothing.
    more: String,
}

impl Check {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let mut findings = configuration(config);
        findings.extend(private_keys(&config.join("private")));
        let (services, of_pam) = pam_services(Path::new("/etc/pam.d"), Path::new("/usr/lib/pam.d"));
        findings.extend(of_pam);
        if services.is_empty() {
            findings.push(Finding {
                severity: Severity::Note,
                code: "not_used",
                place: "/etc/pam.d".to_owned(),
                text: "no service has a line with pam_jwt.so, so no login takes tokens".to_owned(),
                more: "for ssh put \"auth sufficient pam_jwt.so\" above \"@include common-auth\" in /etc/pam.d/sshd".to_owned(),
            });
        }
        let wrong = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .count();
        out.report(
            || json!({ "ok": wrong == 0, "services": services, "findings": findings.iter().map(as_json).collect::<Value>() }),
            || as_text(out, &services, &findings, wrong),
        );
        Ok(if wrong == 0 {
            Exit::Done
        } else {
            Exit::Refused
        })
    }
}

fn configuration(dir: &Path) -> Vec<Finding> {
    let loaded = match key_store::load(dir) {
        Ok(loaded) => loaded,
        Err(faults) => {
            let finding = |fault: policy::config::Fault| Finding {
                severity: Severity::Error,
                code: "config_error",
                place: fault.location(),
                more: fault.excerpt().unwrap_or_default(),
                text: fault.message,
            };
            return faults.into_iter().map(finding).collect();
        }
    };
    let warning = |code, place: &str, text: String, more: &str| Finding {
        severity: Severity::Warning,
        code,
        place: place.to_owned(),
        text,
        more: more.to_owned(),
    };
    let mut findings = Vec::new();
    if loaded.trust.issuers.is_empty() {
        let text = "no issuer is trusted, so every token is refused".to_owned();
        findings.push(warning(
            "no_issuer",
            &dir.join("issuers.d").display().to_string(),
            text,
            "begin with: pam-jwt init --issuer URL",
        ));
    }
    for issuer in &loaded.trust.issuers {
        if issuer.allow.is_empty() {
            let text = "it has no [[allow]], so it lets nobody in".to_owned();
            findings.push(warning(
                "no_rule",
                &issuer.file,
                text,
                "add a rule with account and services",
            ));
        }
    }
    for (file, index, cause) in loaded.left_out {
        findings.push(warning(
            "key_left_out",
            &file,
            format!("key {index} of the set is left out: {cause}"),
            "",
        ));
    }
    findings
}

/// Private keys are root's alone; a directory that is absent holds none.
fn private_keys(dir: &Path) -> Vec<Finding> {
    let mut paths = vec![dir.to_owned()];
    paths.extend(
        std::fs::read_dir(dir)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path()),
    );
    let mut findings = Vec::new();
    for path in paths {
        let Ok(metadata) = path.symlink_metadata() else {
            continue;
        };
        let mode = metadata.permissions().mode() & 0o777;
        let shown = path.display();
        let wanted = if metadata.is_dir() { "700" } else { "600" };
        let (text, more) = if metadata.uid() != 0 {
            (
                format!("belongs to uid {}, not to root", metadata.uid()),
                format!("run: chown root {shown}"),
            )
        } else if mode & 0o077 != 0 {
            (
                format!("has mode {mode:04o}, so others can reach the private key"),
                format!("run: chmod {wanted} {shown}"),
            )
        } else {
            continue;
        };
        findings.push(Finding {
            severity: Severity::Error,
            code: "private_key_exposed",
            place: shown.to_string(),
            text,
            more,
        });
    }
    findings
}

/// The services that use pam_jwt.so, and what is to be said of them.
fn pam_services(etc: &Path, vendor: &Path) -> (Vec<String>, Vec<Finding>) {
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
    let (mut services, mut findings) = (Vec::new(), Vec::new());
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
            services.push(name);
        }
    }
    (services, findings)
}

fn as_json(finding: &Finding) -> Value {
    json!({ "severity": word(finding.severity), "code": finding.code, "place": finding.place,
        "text": finding.text, "advice": finding.more })
}

fn as_text(out: &Output, services: &[String], findings: &[Finding], wrong: usize) -> String {
    let mut text = String::new();
    for finding in findings {
        let tone = match finding.severity {
            Severity::Error => Tone::Bad,
            Severity::Warning | Severity::Note => Tone::Doubtful,
        };
        let word = out.painted(tone, word(finding.severity));
        text.push_str(&format!("{word}: {}: {}\n", finding.place, finding.text));
        for line in finding.more.lines() {
            text.push_str(&format!("    {line}\n"));
        }
    }
    let services = if services.is_empty() {
        "no PAM service".to_owned()
    } else {
        services.join(", ")
    };
    let verdict = match wrong {
        0 => out.painted(Tone::Good, "nothing is wrong"),
        1 => out.painted(Tone::Bad, "1 thing is wrong"),
        several => out.painted(Tone::Bad, &format!("{several} things are wrong")),
    };
    text.push_str(&format!("{verdict}; tokens are taken by {services}\n"));
    text
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
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
            ("sshd", include_str!("../../conf/pam.d/sshd"), &[][..]),
            ("sudo", include_str!("../../conf/pam.d/sudo"), &[]),
            ("login", include_str!("../../conf/pam.d/login"), &[]),
            ("faillock", include_str!("../../conf/pam.d/faillock"), &[]),
            (
                "sshd-token-only",
                include_str!("../../conf/pam.d/sshd-token-only"),
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
