//! What `check` finds of the tokens that sessions get, and of their end.

use super::services::PamServices;
use super::{Finding, warning};
use crate::pam_stack::Severity;
use jose::PrivateKey;
use policy::config::Issue;
use policy::trust::Trust;
use std::path::Path;
use system::issue::{key_path, signing_key};
use system::{run_dir, sessions, trusted_file};

/// What keeps the `[issue]` and the `end_with_token` of the configuration in `dir` from doing
/// what they say.
pub(super) fn issuing(dir: &Path, trust: &Trust, pam: &PamServices) -> Vec<Finding> {
    let place = dir.join("pam-jwt.toml").display().to_string();
    let global = &trust.global;
    let mut findings = Vec::new();
    let is_taken = |service: &&String| !pam.taking.contains(service);
    for service in global.end_with_token.iter().filter(is_taken) {
        findings.push(warning(
            "session_end_unused",
            place.clone(),
            format!("end_with_token names {service}, where no token opens a session"),
            "put \"auth sufficient pam_jwt.so\" into its file in /etc/pam.d, or take the name out",
        ));
    }
    let Some(issue) = &global.issue else {
        return findings;
    };
    let has_none = |service: &&String| !pam.issuing.contains(service);
    for service in issue.services.iter().filter(has_none) {
        findings.push(warning(
            "issue_no_line",
            place.clone(),
            format!("[issue] names {service}, and no session line there has \"issue\""),
            "put \"session optional pam_jwt.so issue\" into its file in /etc/pam.d, above \
             pam_systemd.so, or take the name out",
        ));
    }
    let key = key_path(dir, issue);
    match signing_key(&key) {
        Ok(key) => findings.extend(not_trusted(issue, &key, trust)),
        Err(_) if is_out_of_reach(&key) => findings.push(warning(
            "key_out_of_reach",
            key.display().to_string(),
            "only root may read it, so it was not looked at".to_owned(),
            "run the check as root",
        )),
        Err(why) => findings.push(error(
            "issue_key",
            place,
            format!("[issue] has no key, so no session gets a token: {why}"),
            "",
        )),
    }
    findings.extend(storage());
    findings
}

fn is_out_of_reach(key: &Path) -> bool {
    matches!(trusted_file::read(key), Err(error) if error.is_out_of_reach())
}

/// This machine says that it is an issuer that it trusts by other keys.
fn not_trusted(issue: &Issue, key: &PrivateKey, trust: &Trust) -> Option<Finding> {
    let same = |issuer: &str| issuer == issue.issuer;
    let issuer = trust.issuers.iter().find(|one| same(&one.issuer))?;
    let is_it = |kid: &str| kid == key.kid;
    let mut keys = issuer.keys.iter();
    let is_trusted = keys.any(|one| is_it(&one.kid) && *one.key.material() == key.verifier);
    (!is_trusted).then(|| {
        warning(
            "issue_key_not_trusted",
            issuer.file.clone(),
            format!(
                "it is the file of the issuer of [issue], and has no key by which the tokens of \
                 this machine's sessions are accepted (kid {:?})",
                key.kid
            ),
            "add the public half of the key to its keys, or give [issue] an issuer of its own",
        )
    })
}

/// Where tokens are kept is no place for them.
fn storage() -> Option<Finding> {
    let place = run_dir::DIR.to_owned();
    match sessions::are_in_memory() {
        Ok(true) => None,
        Ok(false) => Some(error(
            "not_tmpfs",
            place,
            "it is not in a tmpfs, and a token is not written to a disk, so no session gets one"
                .to_owned(),
            "run: systemctl enable --now 'run-pam\\x2djwt.mount'",
        )),
        Err(why) => Some(error("run_dir_unusable", place, why, "")),
    }
}

fn error(code: &'static str, place: String, text: String, advice: &str) -> Finding {
    Finding {
        severity: Severity::Error,
        ..warning(code, place, text, advice)
    }
}
