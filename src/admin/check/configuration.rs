//! What `check` finds in a configuration directory.

use super::fetched::fetched;
use super::issuing::issuing;
use super::services::PamServices;
use super::status_lists::status_lists;
use super::{Finding, warning};
use crate::pam_stack::Severity;
use jose::KeyError;
use policy::config::{Account, Fault, Rule};
use policy::decision::Refusal;
use policy::duration::for_people;
use policy::explain::Silent;
use policy::trust::{TrustedIssuer, TrustedKey};
use policy::validate;
use std::path::Path;
use system::{clock, key_store};

/// What is wrong with the configuration in `dir`, and what is perhaps not meant, where the
/// services have these lines.
pub(super) fn configuration(dir: &Path, pam: &PamServices) -> Vec<Finding> {
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
    if let Ok(now) = clock::now() {
        let keys = loaded.trust.issuers.iter().flat_map(|issuer| &issuer.keys);
        findings.extend(keys.filter_map(|key| certificate(key, now)));
    }
    findings.extend(status_lists(&loaded.trust.issuers, clock::now().ok()));
    findings.extend(fetched(&loaded.trust, clock::now().ok()));
    findings.extend(issuing(dir, &loaded.trust, pam));
    let out_of_reach = loaded
        .trust
        .issuers
        .iter()
        .flat_map(|issuer| &issuer.out_of_reach);
    findings.extend(out_of_reach.map(|file| {
        let text = "only root may read it, so it was not looked at".to_owned();
        warning(
            "key_out_of_reach",
            file.clone(),
            text,
            "run the check as root",
        )
    }));
    for (file, index, cause) in loaded.left_out {
        let text = format!("key {index} of the set is left out: {cause}");
        let severity = match cause {
            // Ordinary neighbours of the keys that are wanted.
            KeyError::Use(..) | KeyError::KeyType(_) | KeyError::Curve(_) => Severity::Note,
            _ => Severity::Warning,
        };
        findings.push(Finding {
            severity,
            ..warning("key_left_out", file, text, "")
        });
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

/// How long before its end a certificate is named.
const SOON: u64 = 30 * 86_400;

/// A key whose certificate has ended, has not begun, or ends soon.
fn certificate(key: &TrustedKey, now: u64) -> Option<Finding> {
    let validity = key.validity?;
    let left = validity.not_after.saturating_sub(now);
    let (code, text) = match validate::certificate(Some(validity), now, &mut Silent) {
        Err(Refusal { reason, .. }) => (reason.code(), reason.text().to_owned()),
        Ok(()) if left <= SOON => (
            "certificate_ends",
            format!("the certificate ends in {}", for_people(left)),
        ),
        Ok(()) => return None,
    };
    let text = format!("{text} (kid {:?})", key.kid);
    let advice = "until then put the issuer's new certificate beside it, with a kid of its own";
    let advice = if code == "certificate_ends" {
        advice
    } else {
        ""
    };
    Some(warning(code, key.source.clone(), text, advice))
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
}
