//! What SELinux and AppArmor have denied of what is ours, as the kernel and its audit log it.

use super::finding::{Finding, Topic, Verdict};
use super::journal::{Entry, Moment, Writer};
use crate::moment::shown;
use crate::programs::run;
use std::path::Path;

const TOPIC: Topic = Topic::Denials;

/// What is denied now is told apart from what was before it was mended, by this many seconds.
const RECENT: u64 = 3_600;

/// One denial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Which of the two.
    pub by: By,
    /// What was kept from it: the program, and its domain or profile.
    pub who: String,
    /// What it wanted.
    pub wanted: String,
    /// Of what.
    pub what: String,
    /// Whether it was denied in fact, and not just noted (permissive, complain).
    pub is_enforced: bool,
}

/// Who denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// SELinux.
    SeLinux,
    /// AppArmor.
    AppArmor,
}

/// The denial that a line tells of, such as `avc:  denied  { read } for  pid=1 comm="sshd"
/// name="pam-jwt.toml" … permissive=0`, or `apparmor="DENIED" operation="open"
/// profile="pam-jwt-fetch" name="/etc/x" … comm="pam-jwt-fetch" requested_mask="r"`.
pub fn denial(message: &str) -> Option<Denial> {
    let value = |name: &str| {
        let words = message.split_ascii_whitespace();
        let mut values = words.filter_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        values.next().map(|value| value.trim_matches('"'))
    };
    let text = |name: &str| value(name).unwrap_or("?").to_owned();
    let denial = if let Some((_, rest)) = message.split_once("avc:  denied  {") {
        let (wanted, _) = rest.split_once('}')?;
        Denial {
            by: By::SeLinux,
            who: format!("{} ({})", text("comm"), text("scontext")),
            wanted: wanted.trim().to_owned(),
            what: format!(
                "{} ({})",
                value("path").or_else(|| value("name")).unwrap_or("?"),
                text("tcontext")
            ),
            is_enforced: value("permissive") != Some("1"),
        }
    } else if let Some(verb) = value("apparmor") {
        let is_enforced = match verb {
            "DENIED" => true,
            "ALLOWED" => false,
            _ => return None,
        };
        Denial {
            by: By::AppArmor,
            who: format!("{} (profile {})", text("comm"), text("profile")),
            wanted: value("denied_mask").unwrap_or("?").to_owned() + " " + &text("operation"),
            what: value("name").unwrap_or("?").to_owned(),
            is_enforced,
        }
    } else {
        return None;
    };
    let ours = ["pam-jwt", "pam_jwt", "jwt-ssh"];
    let is_ours = |text: &str| ours.iter().any(|name| text.contains(name));
    (is_ours(&denial.who) || is_ours(&denial.what)).then_some(denial)
}

/// What the kernel says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kernel {
    /// Whether SELinux enforces, where it is in use.
    pub selinux: Option<bool>,
    /// Whether AppArmor is in use.
    pub apparmor: bool,
    /// The profiles of ours that are loaded, as the kernel lists them: `pam-jwt-fetch (enforce)`.
    pub profiles: Vec<String>,
    /// What `restorecon -n` would label anew.
    pub mislabelled: Vec<String>,
}

/// What is to be said of both, and of denials that were logged, the last first.
pub fn judge(kernel: &Kernel, entries: &[Entry], now: Option<u64>) -> Vec<Finding> {
    let mut findings = Vec::new();
    match kernel.selinux {
        Some(true) => findings.push(TOPIC.fine("SELinux enforces its policy")),
        Some(false) => findings.push(TOPIC.fine("SELinux is permissive: it denies nothing")),
        None => {}
    }
    if kernel.apparmor {
        findings.push(TOPIC.fine(match kernel.profiles.as_slice() {
            [] => "AppArmor is in use, with no profile for pam-jwt's programs".to_owned(),
            profiles => format!("AppArmor is in use: {}", profiles.join(", ")),
        }));
    }
    if kernel.selinux.is_none() && !kernel.apparmor {
        findings.push(TOPIC.fine("neither SELinux nor AppArmor is in use"));
    }
    if !kernel.mislabelled.is_empty() && kernel.selinux == Some(true) {
        let says = format!(
            "Labels are not the policy's: {}",
            kernel.mislabelled.join("; ")
        );
        let mend = "'restorecon -Rv /etc/pam-jwt /var/lib/pam-jwt /run/pam-jwt', and the module.";
        findings.push(TOPIC.doubtful(says, mend));
    }
    let mut told: Vec<Denial> = Vec::new();
    for entry in entries
        .iter()
        .filter(|entry| entry.writer == Writer::Kernel)
    {
        let Some(denial) = denial(&entry.message) else {
            continue;
        };
        if told.contains(&denial) {
            continue;
        }
        findings.push(finding(&denial, &entry.at, now));
        told.push(denial);
    }
    findings
}

fn finding(denial: &Denial, at: &Moment, now: Option<u64>) -> Finding {
    let (name, mend) = match denial.by {
        By::SeLinux => (
            "SELinux",
            "'restorecon -Rv /etc/pam-jwt /var/lib/pam-jwt', and see what is missing: \
             'ausearch -m avc -ts recent | audit2why'.",
        ),
        By::AppArmor => (
            "AppArmor",
            "Allow it in /etc/apparmor.d/local, then load the profile again: \
             'systemctl reload apparmor'.",
        ),
    };
    let (at, is_recent) = match (at, now) {
        (Moment::At(at), Some(now)) => (shown(*at), now.saturating_sub(*at) <= RECENT),
        (Moment::At(at), None) => (shown(*at), true),
        (Moment::Words(words), _) => (words.clone(), false),
    };
    let verb = if denial.is_enforced {
        "denied"
    } else {
        "would deny"
    };
    let says = format!(
        "{name} {verb} {} to {} on {}, last {at}.",
        denial.wanted, denial.who, denial.what
    );
    let verdict = if denial.is_enforced && is_recent {
        Verdict::Wrong
    } else {
        Verdict::Doubtful
    };
    TOPIC.finding(verdict, says, mend)
}

/// Asks the kernel, and looks at labels where SELinux enforces.
pub fn look() -> Kernel {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let selinux = read("/sys/fs/selinux/enforce").map(|text| text.trim() == "1");
    let apparmor = read("/sys/module/apparmor/parameters/enabled");
    let profiles = read("/sys/kernel/security/apparmor/profiles").unwrap_or_default();
    let ours = profiles.lines().filter(|line| line.contains("pam-jwt"));
    Kernel {
        selinux,
        apparmor: apparmor.is_some_and(|text| text.trim() == "Y"),
        profiles: ours.map(str::to_owned).collect(),
        mislabelled: if selinux == Some(true) {
            mislabelled()
        } else {
            Vec::new()
        },
    }
}

fn mislabelled() -> Vec<String> {
    let dirs = ["/etc/pam-jwt", "/var/lib/pam-jwt", "/run/pam-jwt"];
    let there = dirs.into_iter().filter(|dir| Path::new(dir).exists());
    let args: Vec<&str> = ["-R", "-n", "-v"].into_iter().chain(there).collect();
    let printed = run("restorecon", &args).map(|ran| ran.stdout);
    let printed = printed.unwrap_or_default();
    printed.lines().take(5).map(str::to_owned).collect()
}

#[cfg(test)]
#[path = "denials_tests.rs"]
mod tests;
