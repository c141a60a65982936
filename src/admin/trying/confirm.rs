//! `pam-jwt confirm`: what is being tried stays.

use super::second_login::{Why, is_no_second_login};
use super::{Turn, current, login, over};
use crate::as_root;
use clap::Args;
use cli::output::{Exit, Failure, Output};
use serde_json::json;
use system::process;

/// Keep what `pam-jwt enable --try` is trying.
///
/// It has to be run in a second login: one that began after the new lines were there, and
/// that came through a service which has them, such as a new ssh session. sudo, su and another
/// pane of tmux are no new login, and one by public key asks none of the new lines. Exit status 1 if it is none, or if the time is over.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # in another terminal, after: ssh HOST
  pam-jwt confirm")]
pub struct Confirm {
    /// Also in a login by public key, which asks none of the new auth lines.
    #[arg(long)]
    anyway: bool,
}

impl Confirm {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        as_root()?;
        let _turn = Turn::take()?;
        let Some(attempt) = current()? else {
            return Err(Failure::new(
                "nothing is being tried; it begins with: pam-jwt enable SERVICE --try 60s",
            ));
        };
        let services = attempt.services();
        let unknown = |error: std::io::Error| Failure::new(format!("/proc: {error}"));
        let now = process::this_moment().map_err(unknown)?;
        let boot = process::boot_id().map_err(unknown)?;
        let refusal = match &attempt.written {
            _ if attempt.is_over(now, &boot) => Some(
                "its time is over, and it is being put back; begin anew with: pam-jwt enable \
                 SERVICE --try 60s"
                    .to_owned(),
            ),
            None => {
                Some("not all of it was written; put it back with: pam-jwt rollback".to_owned())
            }
            Some(written) => {
                let why = is_no_second_login(&login::own(), written, &services);
                let why = why.filter(|why| !(self.anyway && *why == Why::ByKey));
                why.map(|why| why.text(&services))
            }
        };
        if let Some(refusal) = refusal {
            out.report(
                || json!({ "confirmed": false, "services": services, "reason": refusal }),
                || format!("not confirmed: {refusal}"),
            );
            return Ok(Exit::Refused);
        }
        over(&attempt)?;
        out.report(
            || json!({ "confirmed": true, "services": services }),
            || format!("confirmed: {} keeps the new lines", services.join(", ")),
        );
        Ok(Exit::Done)
    }
}
