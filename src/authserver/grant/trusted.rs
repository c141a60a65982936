//! Tokens of other issuers, by the trust that a login has: the rules of `issuers.d` that name
//! this server's PAM service say which token is which account, and nothing else does.

use crate::error::{Failure, Fault};
use crate::log;
use crate::settings::Settings;
use jose::{Claims, Compact};
use policy::Trust;
use policy::audit::Record;
use policy::config::Account;
use policy::decision::Decision;
use policy::explain::Silent;
use serde_json::Value;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use system::key_store;
use system::login::{Attempt, decide};
use system::records::Purpose;
use system::remote::Offline;

/// A token that was accepted.
pub struct Accepted {
    /// Whose it is.
    pub account: String,
    /// What it says.
    pub claims: Claims,
    /// When it expires, in seconds since the epoch.
    pub expires: u64,
}

/// Who presents a token.
#[derive(Clone)]
struct Presented {
    token: String,
    service: String,
    rhost: String,
    dir: PathBuf,
}

/// The account that the token opens; none where it opens none. The log has the reason.
///
/// # Errors
/// The server's.
pub async fn account_of(
    settings: &Settings,
    token: &str,
    peer: IpAddr,
) -> Result<Option<Accepted>, Failure> {
    let presented = Presented {
        token: token.to_owned(),
        service: settings.config.accounts.service.clone(),
        rhost: peer.to_string(),
        dir: settings.dir.clone(),
    };
    // Files, and accounts that LDAP may have.
    let decided = tokio::task::spawn_blocking(move || presented.decided()).await;
    Ok(decided.map_err(Fault::lasting)?)
}

impl Presented {
    fn decided(&self) -> Option<Accepted> {
        let claims = Compact::parse(self.token.as_bytes())
            .ok()
            .and_then(|compact| Claims::parse(compact.payload()).ok());
        let candidates = match (&claims, key_store::load(&self.dir)) {
            (Some(claims), Ok(loaded)) => candidates(&loaded.trust, claims, &self.service),
            _ => Vec::new(),
        };
        for account in &candidates {
            let (decision, exists) = self.decide(account);
            if let Ok(admission) = &decision.outcome {
                // A token that opens one login, or none without its key, is not to become one
                // that opens many.
                let is_passed_on = admission.token.may_issue;
                self.log(&decision, account, exists);
                if !is_passed_on {
                    let why = "it becomes none of this server: its rule is one_time, or binds it \
                               to a key, and does not say may_issue = true";
                    log::line(5, &format!("token: {why}"));
                }
                return claims.filter(|_| is_passed_on).map(|claims| Accepted {
                    account: account.clone(),
                    claims,
                    expires: admission.token.expires,
                });
            }
        }
        let account = candidates.first().map_or("", String::as_str);
        let (decision, exists) = self.decide(account);
        self.log(&decision, account, exists);
        None
    }

    fn decide(&self, account: &str) -> (Decision, bool) {
        let attempt = Attempt {
            secret: self.token.as_bytes(),
            in_pieces: false,
            account,
            service: &self.service,
            auth_info: "",
            proved: &[],
            purpose: Purpose::Login {
                rhost: Some(&self.rhost),
            },
        };
        let nobody = Offline("pam-jwt-authserver asks no other issuer");
        let verdict = decide(attempt, Path::new(&self.dir), &nobody, &mut Silent);
        (verdict.decision, verdict.account_exists)
    }

    fn log(&self, decision: &Decision, account: &str, exists: bool) {
        let record = Record {
            rhost: Some(&self.rhost),
            ..Record::of(decision, exists.then_some(account), &self.service)
        };
        log::line(6, &format!("token: {record}"));
    }
}

/// The accounts that the token may be for, by the rules of its issuer for this service, in their
/// order. Which of them it opens, if any, is decided with the account given, as at a login.
fn candidates(trust: &Trust, claims: &Claims, service: &str) -> Vec<String> {
    let Ok(issuer) = trust.issuer_of(claims) else {
        return Vec::new();
    };
    let mut accounts: Vec<String> = Vec::new();
    let rules = issuer.allow.iter();
    for rule in rules.filter(|rule| rule.services.iter().any(|one| one == service)) {
        let account = match &rule.account {
            Account::Named(name) => Some(name.as_str()),
            Account::Claim { path, strip } => {
                let name = path.of(claims).and_then(Value::as_str);
                match strip {
                    None => name,
                    Some(strip) => name.and_then(|name| strip.off(name)),
                }
            }
        };
        if let Some(account) = account.filter(|account| !accounts.iter().any(|one| one == account))
        {
            accounts.push(account.to_owned());
        }
    }
    accounts
}
