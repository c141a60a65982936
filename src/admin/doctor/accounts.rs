//! Accounts: whether the system has them by exactly the name that rules give, and what keeps
//! somebody out whose token is good.

use super::finding::{Finding, Topic};
use super::shadow::{self, Standing};
use nix::unistd::{AccessFlags, User, access, geteuid};
use policy::config::Account as RuleAccount;
use policy::trust::Trust;
use std::path::Path;

const TOPIC: Topic = Topic::Accounts;

/// Whom a rule with a placeholder never lets in, besides those below min_uid.
const NOBODY: u32 = 65_534;

/// The services' other lines that decide by themselves, and where they have what they go by.
const GATES: [(&str, &str); 5] = [
    ("pam_access.so", "/etc/security/access.conf"),
    ("pam_listfile.so", "the file that its line names"),
    ("pam_time.so", "/etc/security/time.conf"),
    ("pam_succeed_if.so", "what its line asks"),
    ("pam_faillock.so", "'faillock --user ACCOUNT'"),
];

/// What the system knows of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// As somebody has written it.
    pub name: String,
    /// As the system's database has it.
    pub entry: Entry,
    /// How it stands in /etc/shadow, as far as that can be read and names it.
    pub standing: Option<Standing>,
}

/// An entry of the database of accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The database does not answer, for this reason.
    Failed(String),
    /// There is none.
    Missing,
    /// There is one, and this is its name.
    Other(String),
    /// There is one.
    Found {
        /// Its uid.
        uid: u32,
        /// Its shell.
        shell: Shell,
        /// Its home directory, and whether that is there.
        home: (String, bool),
    },
}

/// A shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell {
    /// Where it is.
    pub path: String,
    /// Whether it is a file that can be executed.
    pub runs: bool,
    /// Whether /etc/shells names it.
    pub is_listed: bool,
}

/// What the machine says of all accounts.
#[derive(Debug, Clone, Default)]
pub struct Machine<'a> {
    /// The service, the module and the place of auth and account lines that are not ours.
    pub others: Vec<&'a [String; 3]>,
    /// The file that keeps everybody out but root (nologin(5)).
    pub nologin: Option<&'a str>,
    /// Whom rules let in.
    pub trust: Option<&'a Trust>,
    /// The service that somebody asks about.
    pub service: Option<&'a str>,
}

impl Machine<'_> {
    fn has(&self, module: &str) -> Option<&str> {
        let mut others = self.others.iter();
        others.find_map(|[_, name, place]| (name == module).then_some(place.as_str()))
    }
}

/// What is to be said of an account; `is_asked` where somebody asks about it, and it is not just
/// one that a rule names or that was refused.
pub fn judge(facts: &Facts, machine: &Machine<'_>, is_asked: bool) -> Vec<Finding> {
    let name = &facts.name;
    let (uid, shell, home) = match &facts.entry {
        Entry::Found { uid, shell, home } => (*uid, shell, home),
        Entry::Failed(why) => {
            let says = format!("{name}: the system's accounts cannot be looked up: {why}");
            let mend = format!("See 'getent passwd {name}', and whether SSSD or LDAP runs.");
            return vec![TOPIC.wrong(says, &mend)];
        }
        Entry::Missing => {
            let says = format!("{name}: the system has no such account.");
            let mend = format!("Make it, 'useradd -m {name}', or correct the rule.");
            return vec![TOPIC.wrong(says, &mend)];
        }
        Entry::Other(other) => {
            let says = format!(
                "{name}: the system writes it {other}, and names are compared byte for byte."
            );
            let mend = format!("Log in as {other}, and let rules name it so.");
            return vec![TOPIC.wrong(says, &mend)];
        }
    };
    let mut findings = Vec::new();
    if let Some(trust) = machine.trust {
        findings.extend(rules(name, uid, trust, machine.service, is_asked));
    }
    if let Some(file) = machine.nologin.filter(|_| uid != 0) {
        let says = format!("{name}: {file} is there, so nobody but root logs in.");
        findings.push(TOPIC.wrong(
            says,
            &format!("See 'cat {file}'; when it is over: 'rm {file}'."),
        ));
    }
    findings.extend(of_shell(name, shell, machine));
    findings.extend(
        facts
            .standing
            .and_then(|standing| of_shadow(name, standing)),
    );
    if !home.1 && machine.has("pam_mkhomedir.so").is_none() {
        let says = format!("{name}: the home directory {} is not there.", home.0);
        findings.push(TOPIC.doubtful(says, &format!("Make it: 'mkhomedir_helper {name}'.")));
    }
    if findings.is_empty() {
        let says = format!(
            "{name}: there is such an account, uid {uid}, shell {}",
            shell.path
        );
        findings.push(TOPIC.fine(says));
    }
    findings
}

/// Whether a rule can lead to it.
fn rules(
    name: &str,
    uid: u32,
    trust: &Trust,
    service: Option<&str>,
    is_asked: bool,
) -> Option<Finding> {
    let of_service = |services: &[String]| {
        service.is_none_or(|service| services.iter().any(|one| one == service))
    };
    let all = trust.issuers.iter().flat_map(|issuer| &issuer.allow);
    let mut all = all.filter(|rule| of_service(&rule.services)).peekable();
    let is_any = all.peek().is_some();
    let (mut is_named, mut by_claim) = (false, false);
    for rule in all {
        match &rule.account {
            RuleAccount::Named(one) => is_named |= one == name,
            RuleAccount::Claim { .. } => by_claim = true,
        }
    }
    let at = service.map_or(String::new(), |service| format!(" at {service}"));
    if is_named || !is_any || !is_asked {
        return None;
    }
    if !by_claim {
        let says = format!("{name}: no rule leads to this account{at}.");
        let mend = "Add an [[allow]] with account and services to the issuer's file.";
        return Some(TOPIC.wrong(says, mend));
    }
    let least = trust.global.min_uid;
    (uid == 0 || uid == NOBODY || u64::from(uid) < u64::from(least)).then(|| {
        let says = format!(
            "{name}: uid {uid} is a system account's (min_uid is {least}), and rules with a \
             placeholder never lead there."
        );
        let mend = format!("If it is meant, write a rule of its own: account = \"{name}\".");
        TOPIC.wrong(says, &mend)
    })
}

/// Whether the shell lets anybody stay.
fn of_shell(name: &str, shell: &Shell, machine: &Machine<'_>) -> Option<Finding> {
    let path = &shell.path;
    let change = format!("Give it one: 'chsh -s /bin/sh {name}'.");
    if !shell.runs {
        let says = format!(
            "{name}: the shell {path} is not there or cannot be executed, so sshd refuses the \
             account."
        );
        return Some(TOPIC.wrong(says, &change));
    }
    let file = path.rsplit('/').next();
    if matches!(file, Some("nologin" | "false")) {
        let says = format!("{name}: the shell is {path}, which ends every login at once.");
        return Some(TOPIC.wrong(says, &change));
    }
    let place = machine.has("pam_shells.so")?;
    (!shell.is_listed).then(|| {
        let says = format!(
            "{name}: the shell {path} is not in /etc/shells, and pam_shells.so ({place}) refuses \
             such accounts."
        );
        let mend = format!("Add it: 'echo {path} >> /etc/shells'.");
        TOPIC.wrong(says, &mend)
    })
}

fn of_shadow(name: &str, standing: Standing) -> Option<Finding> {
    let (says, mend) = match standing {
        Standing::Fine | Standing::Locked => return None,
        Standing::Ended => (
            format!("{name}: the account has expired, so it is refused after the token, too."),
            format!("If it is to be used: 'chage -E -1 {name}'."),
        ),
        Standing::MustChange => (
            format!(
                "{name}: the password has expired, and is to be changed before anything else, also \
                 after a login by token."
            ),
            format!("Where tokens alone let in: 'chage -M -1 -d $(date +%F) {name}'."),
        ),
        Standing::TooOld => (
            format!("{name}: the password expired so long ago that the account is refused."),
            format!("'chage -M -1 -I -1 -d $(date +%F) {name}'"),
        ),
    };
    Some(TOPIC.wrong(says, &mend))
}

/// Modules of the services that decide by themselves.
pub fn gates(others: &[&[String; 3]]) -> Vec<Finding> {
    let gate = |(module, by): (&str, &str)| {
        let of_module = others.iter().filter(|[_, name, _]| name == module);
        let mut services: Vec<&str> = of_module.map(|[service, _, _]| service.as_str()).collect();
        services.dedup();
        (!services.is_empty()).then(|| {
            let says = format!("{module} decides too at {}.", services.join(", "));
            TOPIC.doubtful(says, &format!("See {by}."))
        })
    };
    GATES.into_iter().filter_map(gate).collect()
}

/// What the system knows of the account that is called so, on a day counted since the epoch.
pub fn look(name: &str, today: Option<i64>) -> Facts {
    let entry = match User::from_name(name) {
        Err(errno) => Entry::Failed(errno.desc().to_owned()),
        Ok(None) => Entry::Missing,
        Ok(Some(user)) if user.name != name => Entry::Other(user.name),
        Ok(Some(user)) => Entry::Found {
            uid: user.uid.as_raw(),
            shell: shell(&user.shell),
            home: (user.dir.display().to_string(), user.dir.is_dir()),
        },
    };
    let text = std::fs::read("/etc/shadow").unwrap_or_default();
    let text = zeroize::Zeroizing::new(String::from_utf8_lossy(&text).into_owned());
    let standing = today.and_then(|today| shadow::standing(&text, name, today));
    Facts {
        name: name.to_owned(),
        entry,
        standing,
    }
}

fn shell(path: &Path) -> Shell {
    // An empty field is this one (passwd(5)).
    let path = match path.as_os_str().is_empty() {
        true => Path::new("/bin/sh"),
        false => path,
    };
    let shown = path.display().to_string();
    let shells = std::fs::read_to_string("/etc/shells").unwrap_or_default();
    Shell {
        runs: path.is_file() && access(path, AccessFlags::X_OK).is_ok(),
        is_listed: shells.lines().any(|line| line.trim() == shown),
        path: shown,
    }
}

/// The file that keeps everybody out but root, where there is one.
pub fn nologin() -> Option<&'static str> {
    let files = ["/etc/nologin", "/run/nologin"];
    files.into_iter().find(|file| Path::new(file).exists())
}

/// What of accounts this process may not look at.
pub fn unseen() -> Option<Finding> {
    (!geteuid().is_root()).then(|| {
        let says = "whether accounts have expired: /etc/shadow is for root to read";
        TOPIC.unseen(says, "Run it as root: 'sudo pam-jwt doctor'.")
    })
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
