//! Whether a session ends with its token where `end_with_token` says so: systemd-logind ends it,
//! if a session line of `pam_jwt.so` tells pam_systemd.so when, and a refusal of that line counts.

use super::control::{Action, RETURN_CODES, ReturnCode};
use super::evaluate::landing;
use super::issuing::{reads_users, settings_of};
use super::line::Line;
use super::modules::{Role, is_pam_jwt, role};
use super::stack::Step;
use super::{Finding, Settings, Severity};

const ADVICE: &str = "Write `session required pam_jwt.so` above pam_systemd.so, on Debian above \
    `@include common-session`; with `issue` if the session gets a token.";

/// Examines the stacks of the service `name`.
pub(super) fn examine(
    name: &str,
    auth: &[Step],
    session: &[Step],
    settings: Settings<'_>,
) -> Vec<Finding> {
    let ends = |line: &Line<'_>| {
        let settings = settings_of(line.module, settings);
        role(line.module) == Role::Token
            && settings.is_some_and(|settings| settings.ends_with_token(name))
    };
    let Some(opens) = Line::all(auth).find(ends) else {
        return Vec::new();
    };
    let error =
        |line: &Line<'_>, code, text: String| line.finding(Severity::Error, code, text, ADVICE);
    let own: Vec<Line<'_>> = Line::all(session)
        .filter(|line| is_pam_jwt(line.module))
        .collect();
    let Some(first) = own.first() else {
        let text = format!(
            "end_with_token names {name}, where no session line has pam_jwt.so, so nothing ends \
             the sessions that a token opens."
        );
        return vec![error(&opens, "session_not_ended", text)];
    };
    let mut findings = Vec::new();
    if !own.iter().any(can_refuse) {
        let text = "end_with_token names this service, and the control of this line ignores the \
            refusal of a session that cannot be ended in time.";
        findings.push(error(first, "session_not_ended", text.to_owned()));
    }
    if let Some(passes) = passing_by(session, first).next() {
        let text = format!(
            "Where {} succeeds, this line is passed by, and nothing ends the session with its token.",
            passes.described()
        );
        findings.push(error(first, "session_not_ended", text));
    }
    let systemd = Line::all(session).find(|line| line.module.name() == "pam_systemd.so");
    let Some(systemd) = systemd else {
        findings.push(first.finding(
            Severity::Warning,
            "not_capped",
            "end_with_token names this service, and no session line has pam_systemd.so, through \
             which alone a session is ended with its token."
                .to_owned(),
            "Add pam_systemd.so below this line, or take the service out of end_with_token.",
        ));
        return findings;
    };
    if let Some(below) = own.iter().find(|line| line.index > systemd.index) {
        let text = format!(
            "{} stands above this line, and opens the session before it is told when that ends: \
             every session that a token opens is refused.",
            systemd.described()
        );
        findings.push(error(below, "session_order", text));
    }
    let above = Line::all(session).take_while(|line| line.index < systemd.index);
    let above = Line::all(auth).chain(above);
    findings.extend(above.filter(|line| reads_users(line.module)).map(|line| {
        let text = format!(
            "This line lets users set what {} reads (~/.pam_environment), such as XDG_SEAT and \
             XDG_SESSION_CLASS, so that logind makes no session, and nothing ends it.",
            systemd.described()
        );
        let advice = "Put this line below pam_systemd.so, or take user_readenv=1 off.";
        line.finding(Severity::Error, "user_readenv", text, advice)
    }));
    findings
}

/// Whether a refusal of `pam_jwt.so` on this session line refuses the session.
pub(super) fn can_refuse(line: &Line<'_>) -> bool {
    let action = line.step.control.action(ReturnCode::PermDenied);
    matches!(action, Action::Bad | Action::Die)
}

/// The lines above this one which, where they do not fail, keep libpam from coming to it.
pub(super) fn passing_by<'a>(stack: &'a [Step], line: &Line<'_>) -> impl Iterator<Item = Line<'a>> {
    let below = line.index;
    let passes = move |above: &Line<'_>| {
        let mut actions = RETURN_CODES
            .iter()
            .map(|(code, _)| above.step.control.action(*code));
        actions.any(|action| {
            matches!(action, Action::Done | Action::Jump(_))
                && landing(stack, above.index, action).at > below
        })
    };
    Line::all(stack)
        .take_while(move |above| above.index < below)
        .filter(passes)
}
