//! Who gets through a service's auth lines: with neither token nor password, with a token, and
//! with a password alone.

use super::control::{Action, Control, ReturnCode};
use super::line::Line;
use super::modules::{Assumption, Credentials, Role, role};
use super::search::{Search, Taken, search};
use super::stack::{Call, Step};
use super::{Finding, Severity};

/// Examines the auth stack of a service that has `pam_jwt.so` in it.
pub fn examine(stack: &[Step]) -> Vec<Finding> {
    let lines = || Line::all(stack);
    let mut findings: Vec<Finding> = lines().filter_map(|line| of_line(&line)).collect();

    if let Some(open) = open_to_strangers(stack) {
        findings.push(open);
    }
    // The rest is about lines that ask for a token.
    if let Some(token) = lines().find(|line| role(line.module) == Role::Token) {
        findings
            .extend(closed_to_tokens(stack, &token).or_else(|| closed_to_passwords(stack, &token)));
    }
    findings
}

/// What a line's own words already tell.
fn of_line(line: &Line<'_>) -> Option<Finding> {
    match role(line.module) {
        Role::Token if line.step.control == Control::optional() => Some(line.finding(
            Severity::Warning,
            "optional",
            "pam_jwt.so is `optional`: the other lines decide, and a token neither suffices beside \
             them nor is demanded."
                .to_owned(),
            "Write `sufficient` for a token or a password, `required` for a token in any case.",
        )),
        Role::Unknown => Some(line.finding(
            Severity::Note,
            "unknown_module",
            format!(
                "{} is not known to this check, which takes it to refuse whoever has no password.",
                line.module.name()
            ),
            "If it succeeds without checking anything, see for yourself what follows it.",
        )),
        _ => None,
    }
}

/// The ways in that are tried, worst first.
const STRANGERS: [Assumption; 5] = {
    let wrong = Assumption {
        token: ReturnCode::AuthErr,
        credentials: Credentials::Wrong,
        exemptions: false,
    };
    let absent = Assumption {
        credentials: Credentials::WrongOrAbsent,
        ..wrong
    };
    [
        wrong,
        // What pam_jwt.so answers where its configuration does not load, and after a panic.
        Assumption {
            token: ReturnCode::AuthinfoUnavail,
            ..wrong
        },
        Assumption {
            token: ReturnCode::Abort,
            ..wrong
        },
        absent,
        Assumption {
            exemptions: true,
            ..absent
        },
    ]
};

/// A way in for somebody with neither token nor password.
fn open_to_strangers(stack: &[Step]) -> Option<Finding> {
    for assumption in &STRANGERS {
        match explore(stack, assumption) {
            Search::Success(way) => return describe(stack, assumption, &way),
            Search::Refused => {}
            Search::TooLarge => return too_large(stack),
        }
    }
    None
}

fn describe(stack: &[Step], assumption: &Assumption, way: &[Taken]) -> Option<Finding> {
    let passed = || {
        way.iter()
            .filter_map(|taken| Some((taken, Line::at(stack, taken.step)?)))
    };
    let (_, granting) = passed().rfind(|(taken, _)| taken.granted)?;
    let token = passed().find(|(_, line)| role(line.module) == Role::Token);
    // The line it hangs on, where that answers something else than a plain refusal.
    let hinge = passed().find(|(taken, line)| match role(line.module) {
        Role::Condition if assumption.exemptions => {
            let action = line.step.control.action(taken.answer);
            matches!(action, Action::Done | Action::Jump(_))
        }
        Role::Token | Role::Credential | Role::Unknown => {
            !assumption.exemptions && taken.answer != ReturnCode::AuthErr
        }
        _ => false,
    });

    let opening = match (hinge, token) {
        (Some((taken, line)), _) => format!(
            "Where {} answers `{}`{}, {} lets anybody in",
            line.described(),
            taken.answer.name(),
            when(role(line.module), taken.answer),
            if line.step.place == granting.step.place {
                "it".to_owned()
            } else {
                granting.described()
            },
        ),
        (None, Some((_, token))) => format!(
            "{} refuses, and {} turns that into success: anybody gets in",
            token.described(),
            granting.described()
        ),
        (None, None) => format!("{} lets anybody in", granting.described()),
    };
    let text = format!("{opening}, with neither token nor password.");

    if assumption.exemptions {
        return Some(granting.finding(
            Severity::Warning,
            "lets_some_in",
            text,
            "If these are not meant to be exempt, remove the line that lets them past.",
        ));
    }
    let advice = match role(granting.module) {
        Role::Permits => {
            "Put `auth requisite pam_deny.so` right before that line, and let only the lines that \
             check a token or a password jump over it: mind how far each one jumps."
        }
        _ => {
            "That line does not check who comes in. Let the auth lines end with `auth required \
             pam_deny.so`, after lines that end them on success (`sufficient`)."
        }
    };
    Some(granting.finding(Severity::Error, "lets_anyone_in", text, advice))
}

/// When an answer comes that is not the ordinary one.
fn when(role: Role, answer: ReturnCode) -> &'static str {
    match (role, answer) {
        (Role::Token, ReturnCode::AuthinfoUnavail) => " (its configuration does not load)",
        (Role::Token, _) => " (it met an error of its own)",
        (_, ReturnCode::AuthinfoUnavail) => " (it does not reach its server)",
        (_, ReturnCode::UserUnknown) => " (it does not know the user)",
        _ => "",
    }
}

/// With a token, and with the password if need be, nobody gets in.
fn closed_to_tokens(stack: &[Step], token: &Line<'_>) -> Option<Finding> {
    let assumption = Assumption {
        token: ReturnCode::Success,
        credentials: Credentials::MaybeRight,
        exemptions: true,
    };
    let closed = explore(stack, &assumption) == Search::Refused;
    closed.then(|| {
        token.finding(
            Severity::Error,
            "token_never_works",
            format!(
                "{} accepts a token, and the lines after it refuse all the same.",
                token.described()
            ),
            "Mind how far the line jumps on success: over every line that would fail, and not over \
             the `pam_permit.so` that makes it a success. `sufficient` needs no count.",
        )
    })
}

/// With a token alone nobody gets in, although its line says that a token suffices: a line above
/// it refuses whoever has no password. Where a token is `required` beside one that is meant.
pub fn shut(stack: &[Step]) -> Option<Finding> {
    let token = Line::all(stack).find(|line| role(line.module) == Role::Token)?;
    let action = token.step.control.action(ReturnCode::Success);
    let suffices = matches!(action, Action::Done | Action::Jump(_));
    let assumption = Assumption {
        token: ReturnCode::Success,
        credentials: Credentials::Wrong,
        exemptions: true,
    };
    let is_shut = suffices && explore(stack, &assumption) == Search::Refused;
    is_shut.then(|| {
        token.finding(
            Severity::Error,
            "token_alone_refused",
            format!(
                "a token alone lets nobody in, since another line refuses whoever has no password, \
                 whatever {} says.",
                token.described()
            ),
            "Put `auth sufficient pam_jwt.so` above the lines that ask for a password, on Debian \
             above `@include common-auth`.",
        )
    })
}

/// Without a token the right password does not help.
fn closed_to_passwords(stack: &[Step], token: &Line<'_>) -> Option<Finding> {
    let assumption = Assumption {
        token: ReturnCode::AuthErr,
        credentials: Credentials::MaybeRight,
        exemptions: true,
    };
    let closed = explore(stack, &assumption) == Search::Refused;
    closed.then(|| {
        token.finding(
            Severity::Warning,
            "token_only",
            format!(
                "Where {} refuses, the right password does not help.",
                token.described()
            ),
            "If that is meant, keep another way in (a root shell, the console, a public key) until \
             tokens work here. If not, write `auth sufficient pam_jwt.so`.",
        )
    })
}

fn too_large(stack: &[Step]) -> Option<Finding> {
    let first = stack.first()?;
    Some(Finding::at(
        &first.place,
        Severity::Note,
        "too_large",
        "The auth lines have too many outcomes to be examined.".to_owned(),
        "See for yourself that a refusal cannot become a success.",
    ))
}

fn explore(stack: &[Step], assumption: &Assumption) -> Search {
    search(stack, &|step| match &step.call {
        Call::Module(module) => assumption.answers(module, &step.control),
        Call::Substack | Call::MustFail => Vec::new(),
    })
}
