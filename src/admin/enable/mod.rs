//! `pam-jwt enable` and `disable`: lines of pam.d, in and out again.
//!
//! `plan` says what is to become of a file (by `edit`, at the places that `pam_stack` finds),
//! `judge` whether the stacks may be so, `attempt` tries them in libpam, `file` writes; `show` says
//! all of it. With `--try` that is undone unless it is confirmed (`crate::trying`).

mod answer;
mod attempt;
mod disable;
pub mod edit;
pub mod file;
mod judge;
pub mod plan;
mod show;

pub use disable::Disable;

use crate::pam_d::PamD;
use crate::pam_stack::Severity;
use crate::trying::{self, Outcome, Turn};
use crate::{as_root, check, signing_key};
use attempt::attempt;
use clap::Args;
use cli::output::{Exit, Failure, Output};
use judge::{Judgement, judge};
use plan::{Change, Plan, Remark, Wanted, plan};
use show::Report;
use std::path::Path;
use system::key_store;

/// Have services take tokens: put the lines for pam_jwt.so into /etc/pam.d/SERVICE.
///
/// The new stack is shown and judged before anything is written: one that would lock people out
/// or let anybody in is refused, and it is tried by libpam with wrong secrets and, where this
/// machine has a key that it trusts, with a token of its own. Each line that is added ends in
/// "# by pam-jwt enable", and `pam-jwt disable` takes just those out again.
///
/// With --try everything goes back, byte for byte, unless `pam-jwt confirm` is run in time in a
/// second login: also if this command or its session is killed, or the machine restarts.
#[derive(Args)]
#[command(after_long_help = "\
Exit status:
  0  enabled (with --try: confirmed), or enabled already
  1  refused, or put back
  2  cannot be tried: usage, not root, no such service

Files:
  /etc/pam.d/SERVICE                 where the lines go
  /var/lib/pam-jwt/trying/           the files as they were, while --try lasts
  pam-jwt-rollback.service           puts them back when the machine starts

Examples:
  # what would become of sshd's lines
  pam-jwt enable sshd --dry-run
  # for a minute, unless it is confirmed from a second login
  pam-jwt enable sshd --try 60s
  # for good; also give the sessions tokens
  pam-jwt enable sshd
  pam-jwt enable sshd --issue")]
pub struct Enable {
    /// The services: names of files in /etc/pam.d.
    #[arg(value_name = "SERVICE", required = true, value_parser = file::service)]
    services: Vec<String>,
    /// Put everything back after this time, such as 60s or 5m, unless it is confirmed.
    #[arg(long = "try", value_name = "TIME", value_parser = signing_key::lifetime)]
    time: Option<u64>,
    /// Give sessions a token, too: [issue] in pam-jwt.toml says which.
    #[arg(long)]
    issue: bool,
    /// Show, judge and try it (which asks the modules, and is logged), and write nothing.
    #[arg(long, conflicts_with = "time")]
    dry_run: bool,
}

/// The longest time that something is tried. Longer would be forgotten.
const LONGEST_TRY: u64 = 24 * 60 * 60;

impl Enable {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        as_root()?;
        if self.time.is_some_and(|seconds| seconds > LONGEST_TRY) {
            return Err(Failure::new("--try takes at most 24h"));
        }
        let pam_d = PamD::of_this_machine();
        let turn = Turn::take()?;
        let mut report = Report::default();
        if let Some(being_tried) = trying::current()? {
            report.refusals.push(Remark {
                code: "being_tried",
                place: being_tried.services().join(", "),
                text: "It is being tried what is to become of these.".to_owned(),
                advice: "Wait for it, or: pam-jwt confirm, pam-jwt rollback".to_owned(),
            });
            return Ok(report.refused(out));
        }
        let changes = self.changes(config, &pam_d, &mut report)?;
        if report.refusals.is_empty() && !changes.is_empty() {
            report.before_and_after(&changes, &pam_d);
            self.judge(config, &pam_d, &changes, &mut report);
        }
        if !report.refusals.is_empty() {
            return Ok(report.refused(out));
        }
        if changes.is_empty() {
            return Ok(report.done("nothing_to_do", out));
        }
        match attempt(&changes, &pam_d, config)? {
            Ok(tried) => report.tried = tried,
            Err(broken) => {
                report.refusals.push(broken);
                return Ok(report.refused(out));
            }
        }
        if self.dry_run {
            return Ok(report.done("would_be_enabled", out));
        }
        let Some(seconds) = self.time else {
            write_all(&changes)?;
            return Ok(report.done("enabled", out));
        };
        let tried = trying::start(&changes, seconds)?;
        drop(turn);
        report.being_tried(seconds, out);
        Ok(match trying::wait(&tried, out)? {
            Outcome::Confirmed => report.ended("confirmed", out),
            Outcome::PutBack => report.ended("put_back", out),
        })
    }

    /// What is to be changed; the rest is reported.
    fn changes(
        &self,
        config: &Path,
        pam_d: &PamD,
        report: &mut Report,
    ) -> Result<Vec<Change>, Failure> {
        let settings = key_store::settings(config);
        let wanted = Wanted {
            issue: self.issue,
            config: named(config)?,
            settings: &settings,
        };
        let mut changes: Vec<Change> = Vec::new();
        for service in &self.services {
            if changes.iter().any(|change| change.service == *service) {
                continue;
            }
            let found = file::find(&pam_d.etc, &pam_d.vendor, service)?;
            match plan(service, found, &wanted, &|name| pam_d.read(name)) {
                Ok(Plan::Already(by)) => report.already.push((service.clone(), by)),
                Ok(Plan::Change(change, notes)) => {
                    changes.push(change);
                    report.notes.extend(notes);
                }
                Err(remark) => report.refusals.push(remark),
            }
        }
        Ok(changes)
    }

    fn judge(&self, config: &Path, pam_d: &PamD, changes: &[Change], report: &mut Report) {
        let asked: Vec<String> = changes
            .iter()
            .map(|change| change.service.clone())
            .collect();
        let before = |name: &str| pam_d.read(name);
        let after = |name: &str| after(changes, pam_d, name);
        let settings = |dir: &str| key_store::global(Path::new(dir)).ok();
        let Judgement { refusals, notes } =
            judge(&asked, &pam_d.services(), &before, &after, &settings);
        report.refusals.extend(refusals);
        report.notes.extend(notes);
        for finding in check::of_configuration(config) {
            let remark = Remark {
                code: finding.code,
                place: finding.place,
                text: finding.text,
                advice: finding.more,
            };
            match finding.severity {
                Severity::Error => report.refusals.push(remark),
                Severity::Warning if finding.code == "no_issuer" => report.notes.push(remark),
                Severity::Warning | Severity::Note => {}
            }
        }
    }
}

/// Writes all files, or none.
fn write_all(changes: &[Change]) -> Result<(), Failure> {
    for (at, change) in changes.iter().enumerate() {
        if let Err(failure) = trying::write(change) {
            for written in changes.iter().take(at) {
                let _ = file::replace(&written.path, &written.old, Some(&written.attributes));
            }
            return Err(failure);
        }
    }
    Ok(())
}

/// What pam.d calls by a name, once these changes are made.
fn after(changes: &[Change], pam_d: &PamD, name: &str) -> Option<String> {
    let changed = changes
        .iter()
        .find(|change| change.service == name || change.path == Path::new(name));
    match changed {
        Some(change) => Some(String::from_utf8_lossy(&change.new).into_owned()),
        None => pam_d.read(name),
    }
}

/// The directory as the lines have to name it: not where it is the one that the module takes.
fn named(config: &Path) -> Result<Option<&Path>, Failure> {
    if config == Path::new(system::CONFIG_DIR) {
        return Ok(None);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let text = config.to_str().unwrap_or_default();
    if !text.starts_with('/') || !text.chars().all(plain) {
        return Err(Failure::new(
            "--config has to be a path from / of letters, digits and ._- for a line of pam.d to \
             name it",
        ));
    }
    Ok(Some(config))
}
