//! What `check` finds of what is fetched, and of asking issuers.

use super::{Finding, warning};
use crate::pam_stack::Severity;
use crate::status::{Report, Standing, reports};
use nix::unistd::geteuid;
use policy::authenticate::makes_root;
use policy::config::{Account, Rule};
use policy::duration::for_people;
use policy::trust::{Trust, TrustedIssuer};
use std::path::Path;
use system::fetched::{self, Fetched};
use system::{account_db, client_secret};

/// The unit that has everything fetched, and what stands there where it is enabled.
const TIMER: &str = "pam-jwt-fetch.timer";
const ENABLED: &str = "/etc/systemd/system/timers.target.wants/pam-jwt-fetch.timer";

/// Where systemd runs (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

/// What keeps issuers from being asked, and keys from being used, at `now`, in seconds since
/// the epoch.
pub(super) fn fetched(trust: &Trust, now: Option<u64>) -> Vec<Finding> {
    let issuers = &trust.issuers;
    let mut findings: Vec<Finding> = issuers.iter().flat_map(of_issuer).collect();
    findings.extend(devices(issuers));
    if !issuers.iter().any(asks) {
        return findings;
    }
    findings.extend(directory());
    if issuers.iter().any(|issuer| issuer.fetched.is_some()) {
        findings.extend(timer(Path::new(BOOTED), Path::new(ENABLED)));
    }
    if let Some(now) = now {
        let reports = reports(issuers, now, trust.global.leeway);
        findings.extend(reports.iter().flat_map(of_report));
    }
    findings
}

/// Whether pam-jwt-fetch has anything to do with it.
const fn asks(issuer: &TrustedIssuer) -> bool {
    issuer.fetched.is_some() || issuer.device.is_some() || issuer.introspection.is_some()
}

fn directory() -> Option<Finding> {
    let place = fetched::DIR.to_owned();
    match Fetched::open(Path::new(fetched::DIR)) {
        Ok(dir) if dir.uid == 0 => {
            let text = "it belongs to root, but its owner is the user that fetches".to_owned();
            let advice = "give it to that user: chown pam-jwt-fetch: /var/lib/pam-jwt/fetched";
            Some(warning("fetched_dir", place, text, advice))
        }
        Ok(_) => None,
        Err(error) => {
            let advice = "install pam-jwt-fetch, whose user it is to belong to";
            Some(warning("fetched_dir", place, error.message(), advice))
        }
    }
}

fn timer(booted: &Path, enabled: &Path) -> Option<Finding> {
    let is_off = booted.is_dir() && enabled.symlink_metadata().is_err();
    is_off.then(|| {
        warning(
            "timer_off",
            TIMER.to_owned(),
            "it is not enabled, so nothing keeps the keys fresh".to_owned(),
            "run: systemctl enable --now pam-jwt-fetch.timer",
        )
    })
}

fn of_report(report: &Report) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |code, text: String, advice: &str| {
        findings.push(warning(code, report.file.clone(), text, advice));
    };
    let error = report.notes().and_then(|notes| notes.error.as_ref());
    let last = error.map_or(String::new(), |error| format!("; the last try: {error}"));
    let advice = "see 'pam-jwt status'; to try now: pam-jwt-fetch --now";
    match &report.standing {
        Standing::Files | Standing::Fresh(_) => {}
        Standing::Ageing(age) => found(
            "keys_ageing",
            format!(
                "its keys were last fetched {} ago, and are refused in {}{last}",
                for_people(age.age),
                for_people(age.left)
            ),
            advice,
        ),
        Standing::TooOld(why) => found(
            "keys_too_old",
            format!("its keys are too old, {why}, so its tokens are refused{last}"),
            advice,
        ),
        Standing::Missing(why) => found(
            "keys_not_fetched",
            format!("it has no keys to use, so its tokens are refused: {why}{last}"),
            advice,
        ),
    }
    if let Some(ahead) = report.clock_wrong {
        let side = if ahead > 0 { "ahead of" } else { "behind" };
        let apart = for_people(ahead.unsigned_abs());
        found(
            "clock_differs",
            format!("the issuer's clock is {apart} {side} this one, which is more than leeway"),
            "compare both with a third: its tokens may look expired here, or not yet valid",
        );
    }
    findings
}

/// What is wrong with a file that has an issuer asked.
fn of_issuer(issuer: &TrustedIssuer) -> Vec<Finding> {
    let mut findings = Vec::new();
    if issuer.device.is_some() && issuer.allow.is_empty() {
        findings.push(warning(
            "device_no_rule",
            issuer.file.clone(),
            "it has a [device], and no rule, so nobody is asked to log in with a browser"
                .to_owned(),
            "add an [[allow]] with account and services",
        ));
    }
    let device = issuer.device.as_ref();
    let secrets = [
        device.and_then(|device| device.client_secret_file.as_ref()),
        issuer
            .introspection
            .as_ref()
            .map(|introspection| &introspection.client_secret_file),
    ];
    for file in secrets.into_iter().flatten() {
        match client_secret::read(Path::new(file)) {
            Ok(_) => {}
            Err(why) if geteuid().is_root() => findings.push(Finding {
                severity: Severity::Error,
                ..warning("client_secret", issuer.file.clone(), why, "")
            }),
            Err(why) => {
                let advice = "run the check as root, who alone may read it";
                findings.push(warning("client_secret", issuer.file.clone(), why, advice));
            }
        }
    }
    if issuer.fetched.is_some() {
        findings.extend(issuer.allow.iter().filter_map(|rule| root(issuer, rule)));
    }
    findings
}

/// A rule that leads to root and so can never hold, or not at all of its services.
fn root(issuer: &TrustedIssuer, rule: &Rule) -> Option<Finding> {
    let is_root = match &rule.account {
        Account::Named(account) => account_db::uid_of(account).is_ok_and(|uid| uid == Some(0)),
        Account::Claim { .. } => false,
    };
    let services: Vec<&str> = rule.services.iter().map(String::as_str).collect();
    let raising = services.iter().filter(|service| makes_root(service));
    let raising: Vec<&str> = raising.copied().collect();
    let at = if is_root { services } else { raising };
    (!at.is_empty() && !rule.fetched_keys).then(|| {
        warning(
            "key_fetched",
            format!("{}:{}", issuer.file, rule.line),
            format!(
                "it lets nobody in at {}, which leads to root, since the issuer's keys are fetched",
                at.join(", ")
            ),
            "say fetched_keys = true in this rule, if whoever can change what is fetched may become root",
        )
    })
}

/// At a prompt one issuer's login with a browser can be begun.
fn devices(issuers: &[TrustedIssuer]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut begun: Vec<(&str, &TrustedIssuer)> = Vec::new();
    for issuer in issuers.iter().filter(|issuer| issuer.device.is_some()) {
        for service in issuer.allow.iter().flat_map(|rule| &rule.services) {
            match begun.iter().find(|(one, _)| one == service) {
                Some((_, first)) if first.issuer == issuer.issuer => {}
                Some((_, first)) => findings.push(warning(
                    "device_twice",
                    issuer.file.clone(),
                    format!(
                        "its [device] is not used at {service}, where that of {} is",
                        first.file
                    ),
                    "take the service out of the rules of one of them, or the [device]",
                )),
                None => begun.push((service, issuer)),
            }
        }
    }
    findings.dedup_by(|one, other| one.text == other.text);
    findings
}

#[cfg(test)]
#[path = "fetched_tests.rs"]
mod tests;
