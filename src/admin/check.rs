//! `pam-jwt check`: loads everything as a login would, and reads pam.d.

use crate::output::{Exit, Failure, Output, Tone, visible};
use crate::pam_stack::{self, Severity};
use clap::Args;
use jose::PrivateKey;
use policy::config::{Account, Fault, Rule};
use policy::trust::TrustedIssuer;
use serde_json::{Value, json};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use system::key_store;
use zeroize::Zeroizing;

/// Check the configuration and /etc/pam.d, and say what mends each fault.
///
/// Besides DIR every directory is read that a line of pam.d names with config=.
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
        let PamServices {
            services,
            configs,
            findings: of_pam,
        } = pam_services(Path::new("/etc/pam.d"), Path::new("/usr/lib/pam.d"));
        let mut findings = Vec::new();
        for dir in directories(config, configs) {
            findings.extend(configuration(&dir));
            findings.extend(private_keys(&dir.join("private")));
        }
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

fn configuration(dir: &Path) -> Vec<Finding> {
    let loaded = match key_store::load(dir) {
        Ok(loaded) => loaded,
        Err(faults) => {
            let finding = |fault: Fault| Finding {
                severity: Severity::Error,
                code: "config_error",
                place: fault.location(),
                more: fault.excerpt().unwrap_or_default(),
                text: fault.message,
            };
            return faults.into_iter().map(finding).collect();
        }
    };
    let mut findings = Vec::new();
    if loaded.trust.issuers.is_empty() {
        findings.push(warning(
            "no_issuer",
            dir.join("issuers.d").display().to_string(),
            "no issuer is trusted, so every token is refused".to_owned(),
            "begin with: pam-jwt init --issuer URL",
        ));
    }
    findings.extend(loaded.trust.issuers.iter().flat_map(issuer));
    for (file, index, cause) in loaded.left_out {
        let text = format!("key {index} of the set is left out: {cause}");
        findings.push(warning("key_left_out", file, text, ""));
    }
    findings
}

/// What an issuer's file says that is perhaps not meant.
fn issuer(issuer: &TrustedIssuer) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(audience) = issuer.audience.iter().find(|audience| is_nobodys(audience)) {
        findings.push(warning(
            "hostname_unset",
            issuer.file.clone(),
            format!(
                "the audience {audience:?} names no machine in particular, so a token for any \
                 machine without a name opens this one"
            ),
            "give the machine a name of its own, or set audience_host in pam-jwt.toml",
        ));
    }
    if issuer.allow.is_empty() {
        findings.push(warning(
            "no_rule",
            issuer.file.clone(),
            "it has no [[allow]], so it lets nobody in".to_owned(),
            "add a rule with account and services",
        ));
    }
    findings.extend(
        issuer
            .allow
            .iter()
            .filter_map(|rule| any_token(issuer, rule)),
    );
    findings
}

/// Whether `{hostname}` in an audience has become no name, or the one that every machine has.
fn is_nobodys(audience: &str) -> bool {
    matches!(audience, "" | "localhost")
        || audience.ends_with("://")
        || audience.ends_with("://localhost")
}

/// A rule for one account that asks nothing of the token but who issued it.
fn any_token(issuer: &TrustedIssuer, rule: &Rule) -> Option<Finding> {
    let Account::Named(account) = &rule.account else {
        return None;
    };
    rule.claims.is_empty().then(|| {
        warning(
            "any_token",
            format!("{}:{}", issuer.file, rule.line),
            format!(
                "every token of {} opens the account {account}",
                issuer.issuer
            ),
            "say whose token it must be, for example: claims = { sub = \"SUBJECT\" }",
        )
    })
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

/// Private keys are root's alone; a directory that is absent holds none.
fn private_keys(dir: &Path) -> Vec<Finding> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    std::iter::once(dir.to_owned())
        .chain(entries.map(|entry| entry.path()))
        .filter_map(|path| private_key(&path))
        .collect()
}

/// The fault of private/ or of a file in it.
fn private_key(path: &Path) -> Option<Finding> {
    let metadata = path.symlink_metadata().ok()?;
    let mode = metadata.permissions().mode() & 0o777;
    let shown = path.display();
    let (code, text, more) = if metadata.is_symlink() {
        (
            "private_key_link",
            "is a symbolic link, and what it points to is not checked".to_owned(),
            "put there what it points to".to_owned(),
        )
    } else if metadata.uid() != 0 {
        (
            "private_key_exposed",
            format!("belongs to uid {}, not to root", metadata.uid()),
            format!("run: chown root {shown}"),
        )
    } else if mode & 0o077 != 0 {
        let wanted = if metadata.is_dir() { "700" } else { "600" };
        (
            "private_key_exposed",
            format!("has mode {mode:04o}, so others can reach the private key"),
            format!("run: chmod {wanted} {shown}"),
        )
    } else if metadata.is_file() && path.extension().is_some_and(|extension| extension == "jwk") {
        let cause = unusable(path)?;
        ("private_key_unusable", cause, String::new())
    } else {
        return None;
    };
    Some(Finding {
        severity: Severity::Error,
        code,
        place: shown.to_string(),
        text,
        more,
    })
}

/// Why nothing can be signed with the key in `path`.
fn unusable(path: &Path) -> Option<String> {
    match std::fs::read(path).map(Zeroizing::new) {
        Ok(text) => PrivateKey::parse(&text)
            .err()
            .map(|error| error.to_string()),
        Err(error) => Some(format!("cannot be read: {error}")),
    }
}

/// What pam.d says.
struct PamServices {
    /// Those that use pam_jwt.so.
    services: Vec<String>,
    /// The directories that their lines name with `config=`.
    configs: Vec<String>,
    findings: Vec<Finding>,
}

/// Examines every service.
fn pam_services(etc: &Path, vendor: &Path) -> PamServices {
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

    /// The codes of what is found in an issuer's file, on a machine of this name.
    fn codes(text: &str, host: &str) -> Vec<(&'static str, String)> {
        let [global, issuers] = [("pam-jwt.toml", ""), ("i.toml", text)]
            .map(|(file, text)| policy::config::Source { file, text });
        let config = policy::config::Config::parse(global, &[issuers]).whole();
        let trust =
            policy::trust::Trust::new(config.unwrap(), vec![Default::default()], host).unwrap();
        let findings = issuer(&trust.issuers[0]).into_iter();
        findings.map(|found| (found.code, found.place)).collect()
    }

    #[test]
    fn a_rule_that_any_token_of_an_issuer_fits_is_told() {
        let head = "issuer='i'\naudience=['ssh://{hostname}']\nkeys=['/k']\n";
        let rule = |rest: &str| format!("{head}[[allow]]\nservices=['sshd']\n{rest}\n");
        assert_eq!(codes(head, "h"), [("no_rule", "i.toml".to_owned())]);
        let named = codes(&rule("account='deploy'"), "h");
        assert_eq!(named, [("any_token", "i.toml:4".to_owned())]);
        for fine in ["account='{sub}'", "account='deploy'\nclaims={sub='x'}"] {
            assert_eq!(codes(&rule(fine), "h"), []);
        }
    }

    #[test]
    fn an_audience_that_other_machines_have_too_is_told() {
        let text = |audience: &str| {
            format!(
                "issuer='i'\naudience=['a','{audience}']\nkeys=['/k']\n\
                 [[allow]]\naccount='{{sub}}'\nservices=['sshd']\n"
            )
        };
        for audience in ["ssh://{hostname}", "{hostname}"] {
            for host in ["", "localhost"] {
                let found = codes(&text(audience), host);
                assert_eq!(found, [("hostname_unset", "i.toml".to_owned())], "{host}");
            }
            assert_eq!(codes(&text(audience), "notlocalhost"), []);
        }
        assert_eq!(codes(&text("ssh://fixed"), "localhost"), []);
    }

    #[test]
    fn a_directory_is_read_once_however_it_is_written() {
        let named = ["/b", "/etc/pam-jwt/", "/b/", "/a"]
            .map(str::to_owned)
            .to_vec();
        let found = directories(Path::new("/etc/pam-jwt"), named);
        assert_eq!(found, ["/etc/pam-jwt", "/b", "/a"].map(PathBuf::from));
    }

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
            ("su", include_str!("../../conf/pam.d/su"), &[]),
            (
                "postgresql",
                include_str!("../../conf/pam.d/postgresql"),
                &["require_token", "token_only"],
            ),
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
