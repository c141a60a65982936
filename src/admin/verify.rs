//! `pam-jwt verify`: what a login with this token would do, and why.

use crate::online::Online;
use crate::{faults, ssh_key, token_from_stdin};
use clap::Args;
use cli::output::{Exit, Failure, Output, Tone, visible};
use jose::PublicKey;
use policy::decision::{Decision, Note};
use policy::explain::{Step, Steps};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use system::login::Attempt;
use system::records::Purpose;
use system::remote::{Offline, Remote};

/// Explain what a login with the token on standard input would do.
///
/// Every check is shown with the values that were compared. The verdict is the
/// login's own: the module calls the same function. A token is never used up.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # what sshd would say to this token, and why
  pam-jwt verify --user alice --service sshd < token
  # the same after alice has logged in with her key
  pam-jwt verify --user alice --service sshd --ssh-key id_ed25519.pub < token
  # of an opaque token, about which the issuer has to be asked
  pam-jwt verify --user alice --service sshd --online < token")]
pub struct Verify {
    /// The account to log in as.
    #[arg(long, value_name = "ACCOUNT")]
    user: String,
    /// The PAM service, such as sshd, sudo, su-l.
    #[arg(long, value_name = "SERVICE")]
    service: String,
    /// The OpenSSH public key that sshd would have verified before: for a token that is
    /// bound to a key, under AuthenticationMethods publickey,keyboard-interactive.
    #[arg(long, value_name = "FILE.pub")]
    ssh_key: Option<PathBuf>,
    /// Ask the issuer what a login would ask it: about an opaque token, and for its keys where
    /// the token's is unknown.
    #[arg(long)]
    online: bool,
}

/// What is said where a login would ask.
const OFFLINE: Offline = Offline("a login would ask the issuer; so does --online");

/// Services whose programs have no key proved.
const KEYLESS: [&str; 5] = ["login", "su", "su-l", "sudo", "sudo-i"];

impl Verify {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let token = token_from_stdin(out)?;
        if self.ssh_key.is_some() && KEYLESS.contains(&&*self.service) {
            return Err(Failure::new(format!(
                "--ssh-key is for services of sshd; nobody proves a key to {}, so a token that is \
                 bound to one is refused there",
                self.service
            )));
        }
        let key = self.ssh_key.as_deref().map(ssh_key::read).transpose()?;
        let proved: Vec<PublicKey> = key.into_iter().collect();
        let mut steps = Steps::default();
        let attempt = Attempt {
            secret: &token,
            in_pieces: false,
            account: &self.user,
            service: &self.service,
            auth_info: "",
            proved: &proved,
            purpose: Purpose::Explanation,
        };
        let remote: &dyn Remote = if self.online { &Online } else { &OFFLINE };
        let verdict = system::login::decide(attempt, config, remote, &mut steps);
        if !verdict.faults.is_empty() {
            return Err(faults::config_does_not_load(&verdict.faults));
        }
        let decision = verdict.decision;
        out.report(
            || self.as_json(&decision, &steps.0),
            || self.as_text(out, &decision, &steps.0),
        );
        Ok(if decision.rule().is_some() {
            Exit::Done
        } else {
            Exit::Refused
        })
    }

    fn as_json(&self, decision: &Decision, steps: &[Step]) -> Value {
        let check = |step: &Step| json!({ "check": step.name, "passed": step.passed, "detail": step.detail });
        let checks: Vec<Value> = steps.iter().map(check).collect();
        let mut report = json!({
            "allowed": decision.rule().is_some(), "reason": decision.reason().code(), "user": self.user,
            "service": self.service, "rule": decision.rule(), "checks": checks,
        });
        let note = match decision.note() {
            Note::None => None,
            Note::OverBy(seconds) => Some(("over_by", json!(seconds))),
            Note::EarlyBy(seconds) => Some(("early_by", json!(seconds))),
            Note::Lacks(what) => Some(("lacks", json!(what))),
            Note::Detail(text) => Some(("detail", json!(text))),
        };
        if let (Some((name, value)), Some(report)) = (note, report.as_object_mut()) {
            report.insert(name.to_owned(), value);
        }
        report
    }

    fn as_text(&self, out: &Output, decision: &Decision, steps: &[Step]) -> String {
        let width = steps.iter().map(|step| step.name.len()).max().unwrap_or(0);
        let mut lines: Vec<String> = steps.iter().map(|step| line(out, step, width)).collect();
        lines.push(match decision.rule() {
            Some(rule) => {
                let allowed = out.painted(Tone::Good, "ALLOWED");
                format!(
                    "{allowed}: {} may log in at {}, by rule {rule}",
                    self.user, self.service
                )
            }
            None => {
                let refused = out.painted(Tone::Bad, "REFUSED");
                let reason = decision.reason();
                let detail = match decision.note() {
                    Note::Detail(text) => format!("\n         {}", visible(text)),
                    _ => String::new(),
                };
                format!("{refused}: {reason}\n         {}{detail}", reason.text())
            }
        });
        lines.join("\n")
    }
}

fn line(out: &Output, step: &Step, width: usize) -> String {
    let mark = if step.passed {
        out.painted(Tone::Good, "pass")
    } else {
        out.painted(Tone::Bad, "FAIL")
    };
    format!("{mark}  {:<width$}  {}", step.name, visible(&step.detail))
}
