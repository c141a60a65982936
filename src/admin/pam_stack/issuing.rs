//! Whether the lines with `issue` give sessions a token: those that say that a login was asked
//! for something, and those that make the token.

use super::control::{Action, ReturnCode};
use super::findings::config;
use super::line::Line;
use super::modules::{Role, is_pam_jwt, issues, role};
use super::session_end::{can_refuse, passing_by};
use super::stack::{Module, Step};
use super::{Finding, Settings, Severity};
use policy::config::{Global, Method};

/// Services whose programs ask nobody, whatever their auth lines are.
const UNASKED: [&str; 3] = ["cron", "crond", "atd"];

/// What the configuration says that a line names.
pub(super) fn settings_of(module: &Module, settings: Settings<'_>) -> Option<Global> {
    let dir = config(module);
    settings(dir.as_deref().unwrap_or(system::CONFIG_DIR))
}

/// Examines the stacks of the service `name`.
pub(super) fn examine(
    name: &str,
    auth: &[Step],
    session: &[Step],
    settings: Settings<'_>,
) -> Vec<Finding> {
    let noting: Vec<Line<'_>> = own(auth);
    let making: Vec<Line<'_>> = own(session);
    let mut findings = Vec::new();
    for line in noting.iter().chain(&making) {
        findings.extend(not_named(name, line, settings));
    }
    for line in &noting {
        findings.extend(takes_part(line));
        findings.extend(too_early(auth, line));
        findings.extend(not_reached(auth, line));
    }
    match (noting.first(), making.first()) {
        (Some(line), None) => findings.push(nothing_made(name, line)),
        (None, Some(line)) => findings.extend(nothing_noted(name, line, auth, settings)),
        _ => {}
    }
    findings.extend(making.iter().filter_map(demand_ignored));
    if let Some(line) = making.first() {
        findings.extend(user_readenv(auth, session, line));
    }
    findings
}

fn own(stack: &[Step]) -> Vec<Line<'_>> {
    let is_own = |line: &Line<'_>| is_pam_jwt(line.module) && issues(line.module);
    Line::all(stack).filter(is_own).collect()
}

/// The settings give this service's sessions nothing.
fn not_named(name: &str, line: &Line<'_>, settings: Settings<'_>) -> Option<Finding> {
    let issue = settings_of(line.module, settings)?.issue;
    let (text, advice) = match issue {
        None => (
            "pam-jwt.toml has no [issue], so no session gets a token.".to_owned(),
            "Add [issue] with issuer, audience and services, or take `issue` off the line.",
        ),
        Some(issue) if !issue.services.iter().any(|service| service == name) => (
            format!("The services of [issue] do not name {name}, whose sessions get no token."),
            "Name the service in pam-jwt.toml, or take `issue` off the line.",
        ),
        Some(_) => return None,
    };
    Some(line.finding(Severity::Warning, "issue_not_named", text, advice))
}

/// The auth line decides who gets in, which it is not there for.
fn takes_part(line: &Line<'_>) -> Option<Finding> {
    let action = |code| line.step.control.action(code);
    let text = if action(ReturnCode::CredUnavail) != Action::Ignore {
        "This line takes no token and never succeeds, so its control refuses everybody."
    } else if matches!(
        action(ReturnCode::Success),
        Action::Done | Action::Die | Action::Jump(_)
    ) {
        "This line takes no token. It only notes that the lines above it have asked, and its \
         control has the lines below passed by when credentials are set."
    } else {
        return None;
    };
    Some(line.finding(
        Severity::Error,
        "issue_control",
        text.to_owned(),
        "Write `auth optional pam_jwt.so issue`, and `auth sufficient pam_jwt.so` above it to take \
         tokens.",
    ))
}

/// What stands below the auth line has not asked yet when it notes that somebody did.
fn too_early(auth: &[Step], line: &Line<'_>) -> Option<Finding> {
    let asks = |below: &Line<'_>| {
        let role = role(below.module);
        matches!(role, Role::Credential | Role::Unknown | Role::Proven)
    };
    let below = Line::all(auth)
        .skip_while(|below| below.index <= line.index)
        .find(asks)?;
    Some(line.finding(
        Severity::Warning,
        "issue_order",
        format!(
            "{} stands below this line, and whoever it lets in counts as asked for a password here.",
            below.described()
        ),
        "Put the line below those that ask for a password.",
    ))
}

/// Where the right password ends the stack above the auth line, nothing is noted of it.
fn not_reached(auth: &[Step], line: &Line<'_>) -> Option<Finding> {
    let above = passing_by(auth, line).find(|above| role(above.module) == Role::Credential)?;
    Some(line.finding(
        Severity::Warning,
        "issue_passed_by",
        format!(
            "Where {} accepts a password, this line is passed by, and the session gets no token \
             or one that does not tell of it.",
            above.described()
        ),
        "Let that line jump to this one ([success=N default=ignore]), or put the lines that ask \
         into a substack.",
    ))
}

/// No session line makes what the auth line tells of.
fn nothing_made(name: &str, line: &Line<'_>) -> Finding {
    // Elsewhere setcred makes it, but not every program has it taken away.
    let (severity, text) = if name == "sshd" {
        (
            Severity::Error,
            "No session line has `issue`, and at sshd the token is made there alone: no session \
             gets one.",
        )
    } else {
        (
            Severity::Warning,
            "No session line has `issue`, so not every program has the token taken away when the \
             session ends.",
        )
    };
    line.finding(
        severity,
        "issue_without_session",
        text.to_owned(),
        "Add `session optional pam_jwt.so issue`, above pam_systemd.so where there is one.",
    )
}

/// Nothing tells the session line that a password was asked for.
fn nothing_noted(
    name: &str,
    line: &Line<'_>,
    auth: &[Step],
    settings: Settings<'_>,
) -> Option<Finding> {
    let issue = settings_of(line.module, settings)?.issue?;
    let asks = |line: Line<'_>| role(line.module) == Role::Credential;
    let is_wanted = issue.methods.contains(&Method::Password)
        && !UNASKED.contains(&name)
        && Line::all(auth).any(asks);
    let effect = if name == "sshd" {
        "gets no token"
    } else {
        "gets a token that does not tell of it (auth_time)"
    };
    is_wanted.then(|| {
        line.finding(
            Severity::Warning,
            "issue_without_auth",
            format!("No auth line has `issue`, so that a session after a password {effect}."),
            "Add `auth optional pam_jwt.so issue` below the lines that ask for a password, or take \
             \"password\" out of methods in [issue].",
        )
    })
}

/// `issue=required` on a line whose refusal is not heard.
fn demand_ignored(line: &Line<'_>) -> Option<Finding> {
    let is_ignored = line.module.has("issue=required") && !can_refuse(line);
    is_ignored.then(|| {
        line.finding(
            Severity::Error,
            "issue_control",
            "The line says issue=required, and its control ignores the refusal.".to_owned(),
            "Write `session required pam_jwt.so issue=required`.",
        )
    })
}

/// A user who sets variables before the token is made can claim a key (SSH_AUTH_INFO_0).
/// Those of an auth line are set with the credentials, wherever it stands.
fn user_readenv(auth: &[Step], session: &[Step], line: &Line<'_>) -> Option<Finding> {
    let above = Line::all(session).take_while(|above| above.index < line.index);
    let reads = Line::all(auth)
        .chain(above)
        .find(|one| reads_users(one.module))?;
    Some(reads.finding(
        Severity::Error,
        "user_readenv",
        format!(
            "This line lets users set SSH_AUTH_INFO_0 (~/.pam_environment) before {} makes the \
             session's token, and so claim a login by a key that there was not, or hide one.",
            line.described()
        ),
        "Put that session line above this one, or take user_readenv=1 off.",
    ))
}

/// pam_env(8); the number is read as C's atoi does, and the last one holds.
pub(super) fn reads_users(module: &Module) -> bool {
    let given = module.arguments.iter().rev();
    let last = given
        .filter_map(|argument| argument.strip_prefix("user_readenv="))
        .next();
    let is_number = |text: &str| {
        let digits = text.trim_start_matches(['-', '+']);
        let mut digits = digits.chars().take_while(char::is_ascii_digit);
        digits.any(|digit| digit != '0')
    };
    module.name() == "pam_env.so" && last.is_some_and(is_number)
}
