//! `pam-jwt verify`: what a login with this token would do, and why.

use crate::output::{Exit, Failure, Output, Tone};
use crate::token_from_stdin;
use clap::Args;
use policy::authenticate::Note;
use policy::explain::{Step, Steps};
use policy::reason::Reason;
use serde_json::json;
use std::path::Path;

/// Explain what a login with the token on standard input would do.
///
/// Every check is shown with the values that were compared. The verdict is the
/// login's own: the module calls the same function. A token is never used up.
#[derive(Args)]
pub struct Verify {
    /// The account to log in as.
    #[arg(long, value_name = "ACCOUNT")]
    user: String,
    /// The PAM service, such as sshd, sudo, su-l.
    #[arg(long, value_name = "SERVICE")]
    service: String,
}

impl Verify {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let token = token_from_stdin()?;
        let mut steps = Steps::default();
        if !jose::compact::is_token_shaped(&token) {
            let detail = "no token begins so, or has such characters".to_owned();
            steps.0.push(Step {
                name: "shape".to_owned(),
                passed: false,
                detail,
            });
            self.report(out, Reason::NotAToken, &steps.0, None, &Note::None);
            return Ok(Exit::Refused);
        }
        let verdict = system::login::decide(&token, &self.user, &self.service, config, &mut steps);
        if !verdict.faults.is_empty() {
            return Err(Failure::of_config(&verdict.faults));
        }
        let decision = verdict.decision;
        let (rule, note) = match &decision.outcome {
            Ok(admission) => (Some(admission.rule.as_str()), &Note::None),
            Err(refusal) => (None, &refusal.note),
        };
        self.report(out, decision.reason(), &steps.0, rule, note);
        Ok(if rule.is_some() {
            Exit::Done
        } else {
            Exit::Refused
        })
    }

    fn report(
        &self,
        out: &Output,
        reason: Reason,
        steps: &[Step],
        rule: Option<&str>,
        note: &Note,
    ) {
        let as_json = || {
            let checks: Vec<_> = steps
                .iter()
                .map(|step| json!({ "check": step.name, "passed": step.passed, "detail": step.detail }))
                .collect();
            json!({ "allowed": rule.is_some(), "reason": reason.code(), "user": self.user,
                "service": self.service, "rule": rule, "checks": checks })
        };
        let as_text = || {
            let width = steps.iter().map(|step| step.name.len()).max().unwrap_or(0);
            let mut lines: Vec<String> = steps.iter().map(|step| line(out, step, width)).collect();
            lines.push(match rule {
                Some(rule) => {
                    let allowed = out.painted(Tone::Good, "ALLOWED");
                    format!(
                        "{allowed}: {} may log in at {}, by rule {rule}",
                        self.user, self.service
                    )
                }
                None => {
                    let refused = out.painted(Tone::Bad, "REFUSED");
                    let detail = match note {
                        Note::Detail(text) => format!("\n         {text}"),
                        _ => String::new(),
                    };
                    format!("{refused}: {reason}\n         {}{detail}", reason.text())
                }
            });
            lines.join("\n")
        };
        out.report(as_json, as_text);
    }
}

fn line(out: &Output, step: &Step, width: usize) -> String {
    let mark = if step.passed {
        out.painted(Tone::Good, "pass")
    } else {
        out.painted(Tone::Bad, "FAIL")
    };
    format!("{mark}  {:<width$}  {}", step.name, step.detail)
}
