//! What sshd_config says of logins by token, in the words of `sshd -T`: every option with the
//! value that holds, those of Match blocks too where a user is named.

use super::finding::{Finding, Topic, Verdict};
use crate::programs::{NotRun, run};
use nix::unistd::geteuid;
use std::path::{Path, PathBuf};

const TOPIC: Topic = Topic::Sshd;

/// An address that no Match block is about (RFC 5737).
const ELSEWHERE: &str = "192.0.2.1";

/// How a change of sshd_config takes effect.
const RELOAD: &str = "'sshd -t && systemctl reload ssh' (sshd on other distributions)";

/// Whose login it is about.
#[derive(Debug, Clone, Default)]
pub struct Asked<'a> {
    /// The account, where one is named.
    pub user: Option<&'a str>,
    /// The groups that it is a member of.
    pub groups: Vec<String>,
    /// Whether it is root's, or rules lead to root.
    pub leads_to_root: bool,
    /// The services of PAM that take tokens.
    pub taking: &'a [String],
}

/// The options that hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings(Vec<(String, String)>);

impl Settings {
    /// Reads what `sshd -T` prints: a line for each option, in small letters, or several of it.
    pub fn parse(text: &str) -> Self {
        let option = |line: &str| {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self(text.lines().map(option).collect())
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let of_name = self.0.iter().filter(move |(one, _)| one == name);
        of_name.map(|(_, value)| value.as_str())
    }

    fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Whether it says yes; where it says nothing, what is so then.
    fn is_yes(&self, name: &str, or: bool) -> bool {
        self.first(name).map_or(or, |value| value == "yes")
    }

    /// The words of a list that may be in several lines.
    fn words(&self, name: &str) -> Vec<&str> {
        let lines = self.all(name);
        lines.flat_map(str::split_ascii_whitespace).collect()
    }

    /// Whether a method is asked for at all.
    fn offers(&self, method: &str) -> bool {
        match method.split(':').next().unwrap_or_default() {
            // The older name is the only one that OpenSSH before 8.7 prints.
            "keyboard-interactive" => match self.first("kbdinteractiveauthentication") {
                Some(value) => value == "yes",
                None => self.is_yes("challengeresponseauthentication", true),
            },
            "password" => self.is_yes("passwordauthentication", true),
            "publickey" => self.is_yes("pubkeyauthentication", true),
            _ => true,
        }
    }

    /// The ways in that there are: each a list of methods, all of which are asked for.
    fn ways(&self) -> Vec<Vec<&str>> {
        let ways = self.words("authenticationmethods");
        let each = ["keyboard-interactive", "password"].map(|method| vec![method]);
        let ways: Vec<Vec<&str>> = match ways.as_slice() {
            [] | ["any"] => each.to_vec(),
            _ => ways.iter().map(|way| way.split(',').collect()).collect(),
        };
        let is_open = |way: &Vec<&str>| way.iter().all(|method| self.offers(method));
        ways.into_iter().filter(is_open).collect()
    }
}

/// What these settings make of a login by token.
pub fn judge(settings: &Settings, asked: &Asked<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(pam(settings, asked));
    findings.extend(methods(settings));
    if asked.leads_to_root {
        findings.extend(root(settings, asked.user == Some("root")));
    }
    if let Some(user) = asked.user {
        findings.extend(shut_out(settings, user, &asked.groups));
    }
    if settings.is_yes("permitemptypasswords", false) {
        findings.push(TOPIC.doubtful(
            "PermitEmptyPasswords is yes: sshd tries an empty password first, which counts as a \
             failed login where pam_faillock counts.",
            &format!("Set PermitEmptyPasswords no in sshd_config, then: {RELOAD}."),
        ));
    }
    let tries = settings.first("maxauthtries");
    if tries.is_some_and(|tries| matches!(tries, "0" | "1" | "2")) {
        findings.push(TOPIC.doubtful(
            "MaxAuthTries is so low that the keys which ssh offers first use it up, before a token \
             is asked for.",
            &format!("Set MaxAuthTries 6 in sshd_config, then: {RELOAD}."),
        ));
    }
    findings
}

/// Whether sshd asks PAM, and by which name.
fn pam(settings: &Settings, asked: &Asked<'_>) -> Option<Finding> {
    if !settings.is_yes("usepam", false) {
        return Some(TOPIC.wrong(
            "UsePAM is no, so sshd never asks pam_jwt.so.",
            &format!("Set UsePAM yes in sshd_config, then: {RELOAD}."),
        ));
    }
    let service = settings.first("pamservicename").unwrap_or("sshd");
    let is_taking = asked.taking.iter().any(|one| one == service);
    (service != "sshd" && !is_taking).then(|| {
        TOPIC.wrong(
            format!(
                "PAMServiceName is {service}: sshd asks PAM by that name, and its lines do not take \
                 tokens."
            ),
            &format!("Put `auth sufficient pam_jwt.so` into /etc/pam.d/{service}, above the lines that ask for a password."),
        )
    })
}

/// Whether anything is asked for that a token can answer.
fn methods(settings: &Settings) -> Vec<Finding> {
    let ways = settings.ways();
    let asks = |name: &str| {
        let mut methods = ways.iter().flatten();
        methods.any(|method| method.split(':').next() == Some(name))
    };
    if asks("keyboard-interactive") {
        return vec![TOPIC.fine("sshd asks for a token by keyboard-interactive")];
    }
    let demanded = settings.words("authenticationmethods").join(" ");
    let is_any = matches!(&*demanded, "" | "any");
    let mend = if is_any || !settings.offers("keyboard-interactive") {
        format!("Set KbdInteractiveAuthentication yes in sshd_config, then: {RELOAD}.")
    } else {
        format!(
            "Name keyboard-interactive in it, such as AuthenticationMethods \
             publickey,keyboard-interactive keyboard-interactive, then: {RELOAD}."
        )
    };
    if asks("password") {
        let says = "sshd asks for passwords only (KbdInteractiveAuthentication is no, or \
            AuthenticationMethods leaves it out): a token of more than 1023 bytes fails, and \
            jwt-ssh cannot send it in pieces.";
        return vec![TOPIC.doubtful(says, &mend)];
    }
    let says = if is_any {
        "KbdInteractiveAuthentication and PasswordAuthentication are both no, so sshd asks for \
         nothing that a token can answer."
            .to_owned()
    } else {
        format!(
            "AuthenticationMethods is {demanded}, and that leaves no way on which a token is asked \
             for: of what it names, keyboard-interactive and password are off or left out."
        )
    };
    let mut findings = vec![TOPIC.wrong(says, &mend)];
    if !is_any && !settings.offers("keyboard-interactive") {
        let says = "KbdInteractiveAuthentication is no.";
        let mend = "Mend both: AuthenticationMethods has to name keyboard-interactive, too.";
        findings.push(TOPIC.doubtful(says, mend));
    }
    findings
}

/// Whether root may come by what is not a key.
fn root(settings: &Settings, is_asked: bool) -> Option<Finding> {
    let value = settings.first("permitrootlogin")?;
    if value == "yes" {
        return None;
    }
    let says = format!("PermitRootLogin is {value}: root does not get in by a token.");
    let mend = format!(
        "If root is to log in by token, set PermitRootLogin yes in sshd_config, then: {RELOAD}. \
         Better log in as somebody else, and use sudo."
    );
    let verdict = if is_asked {
        Verdict::Wrong
    } else {
        Verdict::Doubtful
    };
    Some(TOPIC.finding(verdict, says, &mend))
}

/// Whether the lists of sshd shut an account out (sshd_config(5): DenyUsers, AllowUsers,
/// DenyGroups, AllowGroups).
fn shut_out(settings: &Settings, user: &str, groups: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |option: &str, says: String| {
        let mend = format!("Change {option} in sshd_config, then: {RELOAD}.");
        findings.push(TOPIC.wrong(says, &mend));
    };
    let of_user = |pattern: &&str| matches_name(pattern.split('@').next().unwrap_or(""), user);
    let denied = settings.words("denyusers");
    if denied.iter().any(of_user) {
        let says = format!("DenyUsers names {user}: sshd refuses the account, whatever PAM says.");
        wrong("DenyUsers", says);
    }
    let allowed = settings.words("allowusers");
    if !allowed.is_empty() && !allowed.iter().any(of_user) {
        let says = format!("AllowUsers does not name {user}: sshd refuses every other account.");
        wrong("AllowUsers", says);
    }
    let of_groups = |pattern: &&str| groups.iter().any(|group| matches_name(pattern, group));
    let denied = settings.words("denygroups");
    if denied.iter().any(of_groups) {
        let says = format!("DenyGroups names a group that {user} is in.");
        wrong("DenyGroups", says);
    }
    let allowed = settings.words("allowgroups");
    if !allowed.is_empty() && !allowed.iter().any(of_groups) {
        let says = format!("AllowGroups names no group that {user} is in.");
        wrong("AllowGroups", says);
    }
    findings
}

/// Whether a pattern with `*` and `?` is one of `name` (ssh_config(5), PATTERNS).
fn matches_name(pattern: &str, name: &str) -> bool {
    let mut rest = pattern.chars();
    match (rest.next(), name.chars().next()) {
        (None, first) => first.is_none(),
        (Some('*'), first) => {
            // Several say no more than one.
            let rest = rest.as_str().trim_start_matches('*');
            rest.is_empty()
                || first.is_some()
                    && name
                        .char_indices()
                        .any(|(at, _)| matches_name(rest, name.split_at(at).1))
        }
        (Some(_), None) => false,
        (Some(one), Some(first)) => {
            (one == '?' || one == first)
                && matches_name(rest.as_str(), name.split_at(first.len_utf8()).1)
        }
    }
}

/// Looks at the sshd of this machine.
pub fn look(asked: &Asked<'_>) -> Vec<Finding> {
    let connection;
    let mut args = vec!["-T"];
    // What sshd could not tell from the next word of it.
    let can_be_said = |user: &&str| user.chars().all(|c| c.is_ascii_graphic() && c != ',');
    if let Some(user) = asked.user.filter(can_be_said) {
        connection = format!("user={user},host={ELSEWHERE},addr={ELSEWHERE}");
        args.extend(["-C", &connection]);
    }
    let ran = match run("sshd", &args) {
        Ok(ran) => ran,
        Err(NotRun::Missing) => return vec![TOPIC.fine("there is no sshd here")],
        Err(why) => return vec![TOPIC.unseen(format!("sshd {why}"), "")],
    };
    if !ran.is_done {
        let why = ran.stderr.trim();
        if !geteuid().is_root() {
            let says = "only root can ask sshd what its settings are";
            return vec![TOPIC.unseen(says, "Run it as root: 'sudo pam-jwt doctor'.")];
        }
        // As where systemd listens, and makes it once somebody comes.
        if why.contains("privilege separation directory") {
            let says = format!("sshd does not say what its settings are: {why}");
            let mend = "'install -d -m 0755 /run/sshd && pam-jwt doctor'";
            return vec![TOPIC.unseen(says, mend)];
        }
        let says = format!("sshd does not take its own settings, and would not start: {why}");
        return vec![TOPIC.wrong(says, "Mend what it names, and see 'sshd -t'.")];
    }
    let mut findings = judge(&Settings::parse(&ran.stdout), asked);
    findings.extend(matches(&config_files(), asked.user.is_some()));
    findings
}

/// What Match blocks leave open.
fn matches(files: &[(PathBuf, String)], is_for_user: bool) -> Option<Finding> {
    let criteria = |line: &str| {
        let (word, rest) = line.trim().split_once([' ', '\t', '='])?;
        word.eq_ignore_ascii_case("match")
            .then(|| rest.to_ascii_lowercase())
    };
    let depends = |line: &str| {
        let criteria = criteria(line);
        criteria.is_some_and(|criteria| {
            let words = ["address", "host", "localaddress", "localport", "rdomain"];
            let mut found = criteria.split_ascii_whitespace();
            !is_for_user && !criteria.trim().starts_with("all")
                || found.any(|word| words.contains(&word))
        })
    };
    let (file, line) = files.iter().find_map(|(file, text)| {
        let at = text.lines().position(depends)?;
        Some((file, at.saturating_add(1)))
    })?;
    let place = format!("{}:{line}", file.display());
    Some(if is_for_user {
        TOPIC.doubtful(
            format!("{place}: a Match block goes by where a login comes from, which was left out."),
            "See what holds from there: 'sshd -T -C user=ACCOUNT,host=NAME,addr=ADDRESS'.",
        )
    } else {
        TOPIC.doubtful(
            format!("{place}: a Match block may say otherwise for some accounts."),
            "Name the account: 'pam-jwt doctor --user ACCOUNT'.",
        )
    })
}

/// Where distributions have them.
fn config_files() -> Vec<(PathBuf, String)> {
    let dir = std::fs::read_dir("/etc/ssh/sshd_config.d");
    let mut files: Vec<PathBuf> = dir
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "conf"))
        .collect();
    files.sort_unstable();
    files.push(Path::new("/etc/ssh/sshd_config").to_owned());
    let texts = files.into_iter().filter_map(|path| {
        let text = std::fs::read_to_string(&path).ok()?;
        Some((path, text))
    });
    texts.collect()
}

#[cfg(test)]
#[path = "sshd_tests.rs"]
mod tests;
