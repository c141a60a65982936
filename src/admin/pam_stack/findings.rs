//! Examines one service: what cannot be read, what its lines with `pam_jwt.so` say, and, in
//! `ways_in`, who gets through.

use super::control::{Action, ReturnCode};
use super::evaluate::landing;
use super::line::Line;
use super::modules::{Role, is_pam_jwt, issues, role};
use super::parse::{Problem, Service};
use super::stack::{Call, Module, Place, Step, Type};
use super::{Finding, Report, Settings, Severity, issuing, session_end, ways_in};

/// The arguments `pam_jwt.so` takes, beside `config=DIR`.
const ARGUMENTS: [&str; 6] = [
    "debug",
    "use_first_pass",
    "pass_token",
    "require_token",
    "issue",
    "issue=required",
];

impl Finding {
    pub(super) fn at(
        place: &Place,
        severity: Severity,
        code: &'static str,
        text: String,
        advice: &str,
    ) -> Finding {
        let (file, line, advice) = (place.file.clone(), place.line, advice.to_owned());
        Finding {
            severity,
            code,
            file,
            line,
            text,
            advice,
        }
    }
}

/// Examines a service. `read` gives the text of what pam.d calls by a name: /etc/pam.d/NAME, or
/// /usr/lib/pam.d/NAME where that is absent, or the file itself where the name is a path.
/// `settings` gives what the configuration in a directory says.
pub fn examine(
    name: &str,
    read: &dyn Fn(&str) -> Option<String>,
    settings: Settings<'_>,
) -> Report {
    let service = Service::load(name, read);
    let uses_pam_jwt = Type::ALL
        .iter()
        .any(|kind| pam_jwt_lines(&service, *kind).next().is_some())
        || service
            .problems
            .iter()
            .any(|problem| problem.source.contains("pam_jwt"));
    if !uses_pam_jwt {
        return Report::default();
    }

    let mut configs: Vec<String> = Vec::new();
    let mut findings: Vec<Finding> = service.problems.iter().map(unreadable).collect();
    for kind in Type::ALL {
        for (index, step, module) in pam_jwt_lines(&service, kind) {
            configs.extend(config(module).filter(|dir| !configs.contains(dir)));
            findings.extend(arguments(step, module));
            findings.extend(require_token(kind, step, module));
            findings.extend(issue_unused(kind, step, module));
            if kind == Type::Account {
                findings.extend(skipped_checks(service.stack(kind), index));
            }
        }
    }
    for kind in [Type::Auth, Type::Account] {
        findings.extend(jumps_too_far(service.stack(kind)));
    }
    findings.extend(never_asked(&service));
    // Where libpam refuses everybody, there is no way in to speak of.
    if !service.refused && pam_jwt_lines(&service, Type::Auth).next().is_some() {
        findings.extend(ways_in::examine(service.stack(Type::Auth)));
    }
    let (auth, session) = (service.stack(Type::Auth), service.stack(Type::Session));
    findings.extend(session_end::examine(name, auth, session, settings));
    findings.extend(issuing::examine(name, auth, session, settings));
    let mut auth = pam_jwt_lines(&service, Type::Auth);
    Report {
        uses_pam_jwt,
        configs,
        issues: pam_jwt_lines(&service, Type::Session).any(|(_, _, module)| issues(module)),
        takes_tokens: auth.any(|(_, _, module)| role(module) == Role::Token),
        findings: each_once(findings),
        shut: ways_in::shut(service.stack(Type::Auth)),
        modules: named(&service),
        others: others(&service),
    }
}

/// `pam_jwt.so` as the lines name it.
fn named(service: &Service) -> Vec<String> {
    let lines = Type::ALL
        .iter()
        .flat_map(|kind| pam_jwt_lines(service, *kind));
    lines.map(|(_, _, module)| module.path.clone()).collect()
}

/// The other modules of auth and account lines, and where those are.
fn others(service: &Service) -> Vec<(String, String)> {
    let stacks = [Type::Auth, Type::Account].map(|kind| service.stack(kind));
    let lines = stacks.into_iter().flat_map(Line::all);
    let others = lines.filter(|line| !is_pam_jwt(line.module));
    let shown = others.map(|line| (line.module.name().to_owned(), line.step.place.to_string()));
    shown.collect()
}

/// The lines of a type that call `pam_jwt.so`.
fn pam_jwt_lines(service: &Service, kind: Type) -> impl Iterator<Item = (usize, &Step, &Module)> {
    service
        .stack(kind)
        .iter()
        .enumerate()
        .filter_map(|(index, step)| match &step.call {
            Call::Module(module) if is_pam_jwt(module) => Some((index, step, module)),
            _ => None,
        })
}

fn unreadable(problem: &Problem) -> Finding {
    Finding::at(
        &problem.place,
        Severity::Error,
        "syntax",
        format!(
            "libpam does not read this as it is meant: {}.",
            problem.text
        ),
        "Mend the line; pam.d(5) has its form.",
    )
}

/// The directory that a line has its configuration in, if it names one: the last it names.
pub(super) fn config(module: &Module) -> Option<String> {
    let mut named = module.arguments.iter().rev();
    let dir = named.find_map(|argument| argument.strip_prefix("config="))?;
    dir.starts_with('/').then(|| dir.to_owned())
}

fn arguments(step: &Step, module: &Module) -> Vec<Finding> {
    let wrong = module.arguments.iter().filter_map(|argument| {
        if ARGUMENTS.contains(&argument.as_str()) || argument.starts_with("config=/") {
            return None;
        }
        if argument.starts_with("config=") {
            return Some(Finding::at(
                &step.place,
                Severity::Error,
                "config_not_absolute",
                format!("pam_jwt.so does not take `{argument}`, and refuses."),
                "config= takes an absolute path.",
            ));
        }
        Some(Finding::at(
            &step.place,
            Severity::Error,
            "unknown_argument",
            format!("pam_jwt.so does not know the argument `{argument}`, and refuses."),
            "It knows config=DIR, debug, use_first_pass, pass_token, require_token, issue and \
             issue=required.",
        ))
    });
    wrong.collect()
}

fn require_token(kind: Type, step: &Step, module: &Module) -> Option<Finding> {
    if !module.has("require_token") {
        return None;
    }
    let warning = |code, text: &str, advice| {
        Some(Finding::at(
            &step.place,
            Severity::Warning,
            code,
            text.to_owned(),
            advice,
        ))
    };
    if kind != Type::Account {
        return warning(
            "require_token_unused",
            "`require_token` means something on an account line only.",
            "Put it on `account required pam_jwt.so`.",
        );
    }
    if step.control.action(ReturnCode::PermDenied) == Action::Ignore {
        return warning(
            "require_token_unused",
            "This line's control ignores the refusal that `require_token` asks for.",
            "Write `account required pam_jwt.so require_token`.",
        );
    }
    warning(
        "require_token",
        "`require_token` also refuses whoever is never asked for a token: sudo from its cache or \
         with NOPASSWD, root's su, a login by public key alone, cron.",
        "Keep it if that is meant, and keep a root shell open while you try it.",
    )
}

/// `issue` where no credentials are made.
fn issue_unused(kind: Type, step: &Step, module: &Module) -> Option<Finding> {
    let means_nothing = issues(module) && matches!(kind, Type::Account | Type::Password);
    means_nothing.then(|| {
        Finding::at(
            &step.place,
            Severity::Warning,
            "issue_unused",
            "`issue` means something on auth and session lines only.".to_owned(),
            "Put it on `session optional pam_jwt.so`.",
        )
    })
}

/// A login with a token must not pass by what decides whether the account may be used.
fn skipped_checks(stack: &[Step], index: usize) -> Option<Finding> {
    let step = stack.get(index)?;
    let next = landing(stack, index, step.control.action(ReturnCode::Success)).at;
    let skipped = stack.iter().take(next).skip(index + 1);
    let mut checks = skipped.filter_map(|step| match &step.call {
        Call::Module(module) => match role(module) {
            Role::Permits | Role::Denies => None,
            _ => Some((module.name(), &step.place)),
        },
        Call::Substack | Call::MustFail => None,
    });
    let (name, place) = checks.next()?;
    Some(Finding::at(
        &step.place,
        Severity::Error,
        "skips_account_checks",
        format!(
            "After a login with a token this line skips {name} ({place}) and what it checks, such \
             as whether the account has expired."
        ),
        "Write `account required pam_jwt.so`: it passes over a login by password.",
    ))
}

fn jumps_too_far(stack: &[Step]) -> Vec<Finding> {
    let steps = stack.iter().enumerate();
    let wrong = steps.filter_map(|(index, step)| {
        let lines = step.control.longest_jump()?;
        let missing = landing(stack, index, Action::Jump(lines)).missing;
        (missing > 0).then(|| {
            Finding::at(
                &step.place,
                Severity::Warning,
                "jumps_too_far",
                format!(
                    "The line jumps over {lines} others where only {} follow, and libpam refuses \
                     when it does.",
                    lines - missing
                ),
                "Correct the number; an included substack counts as one line.",
            )
        })
    });
    wrong.collect()
}

fn never_asked(service: &Service) -> Option<Finding> {
    let mut lines = Type::ALL
        .iter()
        .flat_map(|kind| pam_jwt_lines(service, *kind));
    let issuing = lines.any(|(_, _, module)| issues(module));
    if issuing || pam_jwt_lines(service, Type::Auth).next().is_some() {
        return None;
    }
    let mut others = [Type::Account, Type::Session, Type::Password]
        .into_iter()
        .flat_map(|kind| pam_jwt_lines(service, kind));
    let (_, step, _) = others.next()?;
    Some(Finding::at(
        &step.place,
        Severity::Warning,
        "not_in_auth",
        "No auth line of this service has pam_jwt.so, so that it never sees a token.".to_owned(),
        "Add `auth sufficient pam_jwt.so` before the auth lines, or remove this line.",
    ))
}

/// A file that is included twice says everything twice.
fn each_once(findings: Vec<Finding>) -> Vec<Finding> {
    let mut once: Vec<Finding> = Vec::new();
    for finding in findings {
        if !once.contains(&finding) {
            once.push(finding);
        }
    }
    once
}
