//! `pam-jwt rollback`: what is being tried is put back.

use super::{Turn, current, end, tidy};
use crate::as_root;
use clap::Args;
use cli::output::{Exit, Failure, Output};
use serde_json::json;
use system::process;

/// Put back at once what `pam-jwt enable --try` is trying.
///
/// Each file is byte for byte what it was. Where somebody else has changed one meanwhile, the
/// lines of `pam-jwt enable` are taken out and that change stays: exit status 1. Where nothing is
/// being tried there is nothing to do: 0. systemd runs it when the time is over, and when the
/// machine starts.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # do not wait until the time is over
  pam-jwt rollback")]
pub struct Rollback {
    /// Only if its time is over, or the machine was started anew.
    #[arg(long)]
    expired: bool,
}

impl Rollback {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        as_root()?;
        let _turn = Turn::take()?;
        tidy();
        let nothing = |why: &str| {
            out.report(|| json!({ "put_back": [], "kept": [] }), || why.to_owned());
            Ok(Exit::Done)
        };
        let Some(attempt) = current()? else {
            return nothing("nothing is being tried");
        };
        let unknown = |error: std::io::Error| Failure::new(format!("/proc: {error}"));
        let now = process::this_moment().map_err(unknown)?;
        let boot = process::boot_id().map_err(unknown)?;
        if self.expired && !attempt.is_over(now, &boot) {
            return nothing("its time is not over");
        }
        let services = attempt.services();
        let theirs = end(&attempt)?;
        out.report(
            || json!({ "put_back": services, "kept": theirs }),
            || {
                let mut lines = vec![format!("put back: {}", services.join(", "))];
                lines.extend(theirs.iter().map(|what| format!("but {what}")));
                lines.join("\n")
            },
        );
        Ok(if theirs.is_empty() {
            Exit::Done
        } else {
            Exit::Refused
        })
    }
}
