//! `jwt-ssh logout`: the tokens of the login are revoked and removed.

use crate::environment::Environment;
use crate::login::http;
use crate::login::kept::{Kept, Login};
use crate::secrecy;
use clap::Args;
use cli::output::{Exit, Failure, Output, visible};
use oauth::revoke::{Kind, revoke};
use oauth::{Error, Http};
use serde_json::json;

/// Revoke the tokens of the login, and remove them from this machine.
///
/// They are removed even if the issuer cannot be reached. A host that verifies a token by
/// itself takes one that has a copy until it ends, whatever the issuer knows.
#[derive(Args)]
#[command(after_long_help = "\
Exit status:
  0  logged out, or nobody was logged in
  1  removed, but the issuer did not revoke the tokens
  2  they could not be removed

Examples:
  # the end of the day
  jwt-ssh logout")]
pub struct Logout {
    /// Report as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

impl Logout {
    /// Runs it.
    ///
    /// # Errors
    /// That the tokens could not be removed.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        secrecy::hide_memory();
        let environment = Environment::of_process();
        let kept = Kept::of(&environment).map_err(Failure::new)?;
        if kept.login().map_err(Failure::new)?.is_none() {
            out.report(
                || json!({ "issuer": null }),
                || "nobody is logged in".to_owned(),
            );
            return Ok(Exit::Done);
        }
        let lock = kept.lock().map_err(Failure::new)?;
        let Some(login) = kept.login().map_err(Failure::new)? else {
            return Ok(Exit::Done);
        };
        let http = http();
        let refresh = revoke_refresh(&http, &login);
        // Who has just not answered is not asked again.
        let access = match refresh {
            Some(Err(Error::Transport(_))) => None,
            _ => revoke_access(&http, &login),
        };
        let removed = lock.remove(&login).map_err(Failure::new)?;
        let outcome = Outcome {
            login: &login,
            refresh: refresh.as_ref(),
            access: access.as_ref(),
            removed,
        };
        out.report(|| outcome.json(), || outcome.text());
        Ok(if outcome.is_revoked() {
            Exit::Done
        } else {
            Exit::Refused
        })
    }
}

/// Revokes the refresh token of a login, if it has one.
pub fn revoke_refresh(http: &Http, login: &Login) -> Option<Result<(), Error>> {
    let token = login.refresh_token.as_ref()?;
    Some(revoked(http, login, token, Kind::Refresh))
}

/// Revokes the access token, if it is there.
fn revoke_access(http: &Http, login: &Login) -> Option<Result<(), Error>> {
    let text = login.token().ok().flatten()?;
    // Nobody revokes what only says who somebody is.
    let token = std::str::from_utf8(&text)
        .ok()
        .filter(|_| !login.id_token)?;
    Some(revoked(http, login, token.trim(), Kind::Access))
}

fn revoked(http: &Http, login: &Login, token: &str, kind: Kind) -> Result<(), Error> {
    revoke(http, &login.metadata()?, &login.client(), token, kind)
}

/// What came of it.
struct Outcome<'a> {
    login: &'a Login,
    refresh: Option<&'a Result<(), Error>>,
    access: Option<&'a Result<(), Error>>,
    removed: bool,
}

impl Outcome<'_> {
    /// Whether the issuer has revoked what it can. An access token that is verified without
    /// asking it is none of that (RFC 7009 §2.2.1).
    fn is_revoked(&self) -> bool {
        let refresh = matches!(self.refresh, None | Some(Ok(())));
        refresh && (self.access.is_none_or(Result::is_ok) || self.is_selfcontained())
    }

    fn is_selfcontained(&self) -> bool {
        matches!(
            self.access,
            Some(Err(Error::Refused { code, .. })) if code == "unsupported_token_type"
        )
    }

    fn json(&self) -> serde_json::Value {
        let word = |outcome: Option<&Result<(), Error>>| outcome.map(Result::is_ok);
        let error = |outcome: Option<&Result<(), Error>>| {
            outcome.and_then(|outcome| outcome.as_ref().err().map(Error::to_string))
        };
        json!({
            "issuer": self.login.issuer,
            "refresh_token_revoked": word(self.refresh),
            "access_token_revoked": word(self.access),
            "error": error(self.refresh).or_else(|| error(self.access)),
            "token_removed": self.removed,
        })
    }

    fn text(&self) -> String {
        let issuer = &self.login.issuer;
        let file = self.login.token_file.display();
        let of_refresh = match self.refresh {
            None => "there was no refresh token".to_owned(),
            Some(Ok(())) => "the refresh token is revoked".to_owned(),
            Some(Err(error)) => format!("the refresh token was not revoked: {error}"),
        };
        let of_access = match self.access {
            None => "not revoked".to_owned(),
            Some(Ok(())) => "revoked".to_owned(),
            Some(Err(_)) if self.is_selfcontained() => {
                "not revoked: the issuer does not do that with such, and it is good until it ends"
                    .to_owned()
            }
            Some(Err(error)) => format!("not revoked: {error}"),
        };
        let of_file = if self.removed {
            format!("{file} is removed; the token was {of_access}")
        } else {
            format!("{file} does not hold the token of the login any more and was left alone")
        };
        visible(&format!("logged out at {issuer}: {of_refresh}\n{of_file}"))
    }
}
