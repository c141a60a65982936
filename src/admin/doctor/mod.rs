//! `pam-jwt doctor`: says in plain words why logins fail here. The files of this directory judge
//! what was found, each one topic; `look` functions find it, and `programs` runs what is asked.

mod accounts;
mod afterwards;
mod clock;
mod denials;
mod files;
mod finding;
mod journal;
mod keys;
mod log;
mod pam;
mod refusals;
mod shadow;
mod show;
mod sshd;

use crate::check::{self, Examined, PamServices};
use crate::moment::Moment;
use crate::status::reports;
use clap::Args;
use cli::output::{Exit, Failure, Output};
use finding::{Finding, Topic, Verdict};
use journal::Entry;
use log::Log;
use nix::unistd::geteuid;
use policy::config::Account;
use policy::trust::Trust;
use std::path::Path;
use system::{account_db, clock as time, key_store};

/// Say in plain words why logins fail here, and what to run to mend it.
///
/// Looks at the configuration, the owners and modes of files, the lines of pam.d, sshd's
/// settings, the clock, the keys' age, accounts and shells, what SELinux and AppArmor have
/// denied, and explains the last refusals that were logged. It changes nothing, and opens no
/// network connection. What is marked "look" is not wrong yet, or not for everybody.
#[derive(Args)]
#[command(after_long_help = "\
Exit status:
  0  nothing was found that makes logins fail
  1  something was
  2  not root, so not all could be looked at, and nothing was found in the rest

Examples:
  # why does nobody get in?
  pam-jwt doctor
  # why does alice not get in by ssh, and why was she refused in the last hour?
  pam-jwt doctor --user alice --service sshd --since 1h
  # for a script
  pam-jwt --json doctor")]
pub struct Doctor {
    /// The account that somebody cannot log in as.
    #[arg(long, value_name = "ACCOUNT")]
    user: Option<String>,
    /// The PAM service: the file's name in /etc/pam.d.
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// How many of the last refusals are explained.
    #[arg(long, value_name = "N", default_value_t = 5)]
    last: usize,
    /// Since when the log is read: so long ago (2d, 1h), or a time (RFC 3339).
    #[arg(long, value_name = "WHEN", default_value = "7d", value_parser = since)]
    since: Since,
}

/// No more accounts are looked at unasked.
const MOST_ACCOUNTS: usize = 20;

/// Since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    /// So many seconds ago.
    Ago(u64),
    /// A point in time.
    At(Moment),
}

fn since(text: &str) -> Result<Since, String> {
    match policy::duration::parse(text) {
        Some(seconds) => Ok(Since::Ago(seconds)),
        None => Moment::parse(text)
            .map(Since::At)
            .map_err(|forms| format!("so long ago, such as 2d or 1h; or {forms}")),
    }
}

impl Doctor {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let mut findings = self.look(config);
        let place = |finding: &Finding| {
            let mut topics = Topic::ALL.iter();
            topics.position(|topic| *topic == finding.topic)
        };
        findings.sort_by_key(place);
        out.report(
            || show::as_json(&findings),
            || show::as_text(out, &findings),
        );
        let has = |verdict| findings.iter().any(|finding| finding.verdict == verdict);
        Ok(if has(Verdict::Wrong) {
            Exit::Refused
        } else if has(Verdict::Unseen) && !geteuid().is_root() {
            Exit::Cannot
        } else {
            Exit::Done
        })
    }

    fn look(&self, config: &Path) -> Vec<Finding> {
        let now = time::now().ok();
        let mut log = log::read(self.since(now));
        log.lines.retain(|entry| self.concerns(entry));
        let Examined { pam, findings } = check::examine(config);
        let trust = key_store::load(config).ok().map(|loaded| loaded.trust);
        let trust = trust.as_ref();

        let mut all = configuration(config, &findings, trust);
        all.extend(self.pam(&pam, trust));
        all.extend(times(trust, now));
        all.extend(self.accounts(&pam, trust, &log, now));
        all.extend(denials::judge(&denials::look(), &log.denials, now));
        all.extend(refusals::explain(&log.lines, self.last));
        all.extend(afterwards::explain(
            &log.lines,
            self.user.as_deref(),
            self.service.as_deref(),
        ));
        let mend = "Run it as root: 'sudo pam-jwt doctor'.";
        all.extend(log.unseen.map(|why| Topic::Refusals.unseen(why, mend)));
        all
    }

    /// Whether the service is the one that somebody asks about, or none is.
    fn is_about(&self, service: &str) -> bool {
        self.service.as_deref().is_none_or(|asked| asked == service)
    }

    /// Of pam.d, and of sshd, which asks PAM.
    fn pam(&self, pam: &PamServices, trust: Option<&Trust>) -> Vec<Finding> {
        let asked = self.service.as_deref();
        let wanted = match trust {
            Some(trust) => services(trust),
            // Without a configuration nothing is known of rules.
            None => asked.map(str::to_owned).into_iter().collect(),
        };
        let mut findings = pam::judge(pam, &wanted, asked, &is_service);
        findings.extend(pam::modules(&pam.modules));
        if self.is_about("sshd") {
            findings.extend(sshd::look(&self.asked(trust, &pam.taking)));
        }
        findings
    }

    /// Since when the log is read, in seconds since the epoch.
    fn since(&self, now: Option<u64>) -> Option<u64> {
        match self.since {
            Since::Ago(seconds) => now.map(|now| now.saturating_sub(seconds)),
            Since::At(Moment::Now) => now,
            Since::At(Moment::At(at)) => Some(at),
        }
    }

    /// Whether a line of the log is none of somebody else's refusal.
    fn concerns(&self, entry: &Entry) -> bool {
        let Some(refusal) = refusals::refusal(&entry.message) else {
            return true;
        };
        let (user, service) = (self.user.as_deref(), self.service.as_deref());
        // An account that there is none of is not named: people type passwords where names belong.
        user.is_none_or(|user| refusal.account == user || refusal.account == "unknown")
            && service.is_none_or(|service| refusal.service == service)
    }

    fn asked<'a>(&'a self, trust: Option<&Trust>, taking: &'a [String]) -> sshd::Asked<'a> {
        let user = self.user.as_deref();
        let is_root = |name: &str| account_db::uid_of(name).is_ok_and(|uid| uid == Some(0));
        let leads_to_root = match user {
            Some(user) => is_root(user),
            None => trust.is_some_and(|trust| named(trust).iter().any(|name| is_root(name))),
        };
        sshd::Asked {
            user,
            groups: user.map_or_else(Vec::new, |user| {
                account_db::groups_of(user).unwrap_or_default()
            }),
            leads_to_root,
            taking,
        }
    }

    /// Of the account that is asked about, or else of those that rules name and those that were
    /// refused.
    fn accounts(
        &self,
        pam: &PamServices,
        trust: Option<&Trust>,
        log: &Log,
        now: Option<u64>,
    ) -> Vec<Finding> {
        let service = self.service.as_deref();
        let concerns = |other: &&[String; 3]| {
            let [of, _, _] = *other;
            service.map_or_else(|| pam.taking.contains(of), |service| of == service)
        };
        let machine = accounts::Machine {
            others: pam.others.iter().filter(concerns).collect(),
            nologin: accounts::nologin(),
            trust,
            service,
        };
        let names = match &self.user {
            Some(user) => vec![user.clone()],
            None => {
                let mut names = trust.map_or_else(Vec::new, named);
                for name in refusals::accounts(&log.lines) {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                names.truncate(MOST_ACCOUNTS);
                names
            }
        };
        let today = now.and_then(|now| i64::try_from(now.checked_div(86_400)?).ok());
        let mut findings = accounts::gates(&machine.others);
        for name in &names {
            let facts = accounts::look(name, today);
            findings.extend(accounts::judge(&facts, &machine, self.user.is_some()));
        }
        if names.is_empty() {
            let says = "no rule names an account, and nobody was refused of late; to have one looked \
                at: 'pam-jwt doctor --user ACCOUNT'";
            findings.push(Topic::Accounts.fine(says));
        }
        findings.extend(accounts::unseen());
        findings
    }
}

/// What `pam-jwt check` finds of the configuration and of keys, and what is found of files.
fn configuration(config: &Path, found: &[check::Finding], trust: Option<&Trust>) -> Vec<Finding> {
    let files = files::look(config);
    // What a file's owner or mode keeps from loading is told once, of the file.
    let is_told = |place: &str| files.refused.iter().any(|path| path == Path::new(place));
    let found = found.iter().filter(|found| !is_told(&found.place));
    let mut findings: Vec<Finding> = found.filter_map(keys::of_check).collect();
    let is_fine = |topic| !findings.iter().any(|found| found.topic == topic);
    if let Some(trust) = trust.filter(|_| is_fine(Topic::Configuration)) {
        let (dir, count) = (config.display(), trust.issuers.len());
        let says = format!("{dir} loads; issuers that are trusted: {count}");
        findings.push(Topic::Configuration.fine(says));
    }
    findings.extend(files.findings);
    findings
}

/// Of the clock, and of the age of keys.
fn times(trust: Option<&Trust>, now: Option<u64>) -> Vec<Finding> {
    let issuers = trust.map_or(&[][..], |trust| &trust.issuers);
    let leeway = trust.map_or(0, |trust| trust.global.leeway);
    let reports = now.map_or_else(Vec::new, |now| reports(issuers, now, leeway));
    let mut findings = clock::judge(now, &reports, &clock::Synchronised::look());
    let timer = keys::timer();
    let now = now.unwrap_or_default();
    findings.extend(keys::judge(issuers, &reports, timer.as_deref(), now));
    findings
}

/// The services that rules name, each once.
fn services(trust: &Trust) -> Vec<String> {
    let rules = trust.issuers.iter().flat_map(|issuer| &issuer.allow);
    let mut services: Vec<String> = Vec::new();
    for service in rules.flat_map(|rule| &rule.services) {
        if !services.contains(service) {
            services.push(service.clone());
        }
    }
    services
}

/// The accounts that rules name, each once.
fn named(trust: &Trust) -> Vec<String> {
    let rules = trust.issuers.iter().flat_map(|issuer| &issuer.allow);
    let mut names: Vec<String> = Vec::new();
    for rule in rules {
        if let Account::Named(name) = &rule.account
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    }
    names
}

/// Whether PAM has a file of this service.
fn is_service(name: &str) -> bool {
    let is_name = !name.is_empty() && !name.contains('/');
    let dirs = ["/etc/pam.d", "/usr/lib/pam.d"];
    is_name && dirs.iter().any(|dir| Path::new(dir).join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_when_is_a_time_or_so_long_ago() {
        assert_eq!(since("2d"), Ok(Since::Ago(172_800)));
        assert_eq!(since("now"), Ok(Since::At(Moment::Now)));
        let at = Moment::At(1_801_396_800);
        assert_eq!(since("2027-01-31T12:00:00Z"), Ok(Since::At(at)));
        assert!(since("yesterday").is_err_and(|why| why.contains("2d")));
    }
}
