//! `pam-jwt sessions`: which sessions are open that have to do with a token.

mod list;
mod warn;

use crate::grounds;
use clap::Args;
use cli::output::{Exit, Failure, Output};
use system::sessions;

/// List the open sessions that a token opened, or that were given one.
///
/// For each it says which token that was, by its jti, how long the token of the session is
/// still good, and when the session ends if it ends with the token that opened it
/// (end_with_token). It takes root; and it first takes away what killed programs have left
/// of sessions that are over.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # who is in by a token, or has one, and for how long
  pam-jwt sessions
  # those of one account, for a program
  pam-jwt sessions --user alice --json
  # tell those whose session is about to end; pam-jwt-sessions.timer does it
  pam-jwt sessions --warn")]
pub struct Sessions {
    /// Only those of this account.
    #[arg(long, value_name = "ACCOUNT")]
    user: Option<String>,
    /// Instead of a list: write to the terminals of each session that ends within 2 minutes,
    /// once, that it does.
    #[arg(long, conflicts_with = "user")]
    warn: bool,
}

impl Sessions {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        let now = grounds::now()?;
        sessions::sweep(usize::MAX);
        let mut open = sessions::open().map_err(Failure::new)?;
        if self.warn {
            return Ok(warn::warn(&open, now, out));
        }
        open.retain(|(_, session)| {
            self.user
                .as_ref()
                .is_none_or(|user| *user == session.account)
        });
        open.sort_by(|one, other| list::order(one).cmp(&list::order(other)));
        out.report(
            || list::as_json(&open),
            || list::as_table(&open, self.user.as_deref(), now),
        );
        Ok(Exit::Done)
    }
}
