//! What `check` finds of the status lists that logins look into.

use super::{Finding, warning};
use policy::status::StatusMode;
use policy::trust::TrustedIssuer;
use std::path::Path;
use system::status_store::{self, Head};

const ADVICE: &str = "have the list fetched, and load it: pam-jwt status-list load FILE";

/// Lists that are broken, and those that are missing or stale where an issuer's file says
/// that they are required.
pub(super) fn status_lists(issuers: &[TrustedIssuer], now: Option<u64>) -> Vec<Finding> {
    let found = match status_store::all(Path::new(status_store::DIR)) {
        Ok(found) => found,
        Err(error) => {
            let place = error.path.display().to_string();
            return vec![warning("status_list_broken", place, error.message(), "")];
        }
    };
    let mut findings = Vec::new();
    let mut heads: Vec<Head> = Vec::new();
    for one in found {
        match one {
            Ok(head) => heads.push(head),
            Err(why) => {
                let place = status_store::DIR.to_owned();
                findings.push(warning("status_list_broken", place, why, ADVICE));
            }
        }
    }
    for issuer in issuers {
        if issuer.status != StatusMode::Require {
            continue;
        }
        let of_issuer = heads.iter().filter(|head| head.issuer == issuer.issuer);
        if of_issuer.clone().next().is_none() {
            findings.push(warning(
                "status_list_missing",
                issuer.file.clone(),
                "it says status = \"require\", and no status list of the issuer is loaded, so all its \
                 tokens are refused"
                    .to_owned(),
                ADVICE,
            ));
        }
        let is_stale = |head: &&Head| {
            let end = head.stale_at.unwrap_or(u64::MAX);
            now.is_some_and(|now| now >= end)
        };
        for head in of_issuer.filter(is_stale) {
            findings.push(warning(
                "status_list_stale",
                issuer.file.clone(),
                format!(
                    "it says status = \"require\", and the list {:?} is stale, so tokens that name it \
                     are refused",
                    head.uri
                ),
                ADVICE,
            ));
        }
    }
    findings
}
