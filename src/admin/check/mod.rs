//! `pam-jwt check`: loads everything as a login would, and reads pam.d.

mod configuration;
mod fetched;
mod issuing;
mod private_keys;
mod revocations;
mod services;
mod status_lists;

use crate::pam_stack::Severity;
use clap::Args;
use cli::output::{Exit, Failure, Output, Tone, visible};
use configuration::configuration;
use private_keys::private_keys;
use revocations::revocations;
use serde_json::{Value, json};
pub use services::PamServices;
use services::pam_services;
use std::path::{Path, PathBuf};
use system::key_store;

/// Check the configuration and /etc/pam.d, and say what mends each fault.
///
/// Besides DIR every directory is read that a line of pam.d names with config=.
/// Exit status 1 if anything is wrong; warnings alone are 0.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # after every change of the configuration or of /etc/pam.d
  pam-jwt check")]
pub struct Check {}

/// One thing to know.
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A fixed name, for scripts and tests.
    pub code: &'static str,
    /// `FILE`, `FILE:LINE` or `FILE:LINE:COLUMN`.
    pub place: String,
    /// What is so.
    pub text: String,
    /// The source line with its caret, or what to do; perhaps nothing.
    pub more: String,
}

/// What there is to know.
pub struct Examined {
    /// What pam.d says, with what was found of it.
    pub pam: PamServices,
    /// What was found of the configuration, of keys, and of what is fetched and revoked.
    pub findings: Vec<Finding>,
}

/// Looks at everything: the configuration in `config` and in each directory that a line of
/// pam.d names.
pub fn examine(config: &Path) -> Examined {
    let settings = |dir: &str| key_store::global(Path::new(dir)).ok();
    let [etc, vendor] = ["/etc/pam.d", "/usr/lib/pam.d"].map(Path::new);
    let mut pam = pam_services(etc, vendor, &settings);
    let mut findings = Vec::new();
    for dir in directories(config, std::mem::take(&mut pam.configs)) {
        findings.extend(configuration(&dir, &pam));
        findings.extend(private_keys(&dir.join("private")));
    }
    findings.extend(revocations());
    Examined { pam, findings }
}

/// What is to be known of a configuration, whatever pam.d says.
pub fn of_configuration(config: &Path) -> Vec<Finding> {
    let mut findings = configuration(config, &PamServices::default());
    findings.extend(private_keys(&config.join("private")));
    findings
}

impl Check {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let Examined { pam, mut findings } = examine(config);
        findings.extend(pam.findings);
        let services = pam.services;
        if services.is_empty() {
            findings.push(Finding {
                severity: Severity::Note,
                code: "not_used",
                place: "/etc/pam.d".to_owned(),
                text: "no service has a line with pam_jwt.so, so no login takes tokens".to_owned(),
                more: "for ssh: pam-jwt enable sshd".to_owned(),
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

/// The configuration that is asked for, and those that lines in pam.d name.
fn directories(config: &Path, named: Vec<String>) -> Vec<PathBuf> {
    let mut directories = vec![config.to_owned()];
    for dir in named.into_iter().map(PathBuf::from) {
        if !directories.contains(&dir) {
            directories.push(dir);
        }
    }
    directories
}

fn warning(code: &'static str, place: String, text: String, advice: &str) -> Finding {
    Finding {
        severity: Severity::Warning,
        code,
        place,
        text,
        more: advice.to_owned(),
    }
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
        let said = visible(&format!("{}: {}", finding.place, finding.text));
        text.push_str(&format!("{word}: {said}\n"));
        for line in visible(&finding.more).lines() {
            text.push_str(&format!("    {line}\n"));
        }
    }
    let services = if services.is_empty() {
        "no PAM service".to_owned()
    } else {
        visible(&services.join(", "))
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

    #[test]
    fn a_directory_is_read_once_however_it_is_written() {
        let named = ["/b", "/etc/pam-jwt/", "/b/", "/a"]
            .map(str::to_owned)
            .to_vec();
        let found = directories(Path::new("/etc/pam-jwt"), named);
        assert_eq!(found, ["/etc/pam-jwt", "/b", "/a"].map(PathBuf::from));
    }
}
