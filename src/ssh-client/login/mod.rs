//! `jwt-ssh login`: a token from an issuer, which is kept where tools look for one and renewed
//! when it is about to be sent.

mod browser;
mod device;
pub mod kept;
mod loopback;
pub mod renew;
mod shown;

use crate::environment::Environment;
use crate::source::{Text, file};
use crate::token::{Token, for_people, on_one_line};
use crate::{USER_AGENT, clock, logout, secrecy};
use browser::Way;
use clap::Args;
use cli::output::{Exit, Failure, Output};
use kept::{Kept, Locked, Login as Record};
use oauth::{Client, Error, Http, Metadata};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// Get a token from an issuer, in the browser.
///
/// Opens the issuer's page, or where there is no browser says which page to open on any other
/// device (with a QR code) and which code to confirm there. The token is put where tools look
/// for one, and jwt-ssh renews it when it is about to be sent; a file that is there already and
/// that no login wrote is left alone.
#[derive(Args)]
#[command(after_long_help = "\
What the issuer has to know:
  The client, as a public one (without a secret) whose redirect address is
  http://127.0.0.1/ with any port (RFC 8252), or that may use the device
  grant (RFC 8628).

Which hosts the token is for:
  That is the issuer's to say. It is told by --resource (RFC 8707), once
  for each host; the token that is kept is for the first of them, and for
  the others jwt-ssh gets one when it connects. Where the issuer exchanges
  tokens (RFC 8693) jwt-ssh has the one that is kept exchanged for a short
  one for each other host. That is never kept. In
  ~/.config/jwt-ssh/config.toml (exchange may be false, and stand under
  [[host]] as well):

  [login]
  exchange = true

Exit status:
  0  logged in
  1  refused, or not confirmed in time
  2  it could not be tried

Files:
  $XDG_RUNTIME_DIR/bt_uID, or /tmp/bt_uID   the token
  ~/.local/state/jwt-ssh/login.json         what renews it

Examples:
  # in the browser of this machine
  jwt-ssh login --issuer https://id.example.org
  # again there, for a host
  jwt-ssh login --resource ssh://web1.example.org
  # as the last time, on another device
  jwt-ssh login --device")]
pub struct Login {
    /// The issuer, as its tokens name it; without it, all that is not said is as at the last
    /// login.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// As which client to ask [default: jwt-ssh].
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The client's secret, for issuers that give one even to programs like this.
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// What to ask for [default: openid, and offline_access where the issuer knows it].
    #[arg(long, value_name = "SCOPES")]
    scope: Option<String>,
    /// What the token is to be for: ssh://HOST, or as the host's aud is called. Can be given
    /// several times.
    #[arg(long, value_name = "URI")]
    resource: Vec<String>,
    /// Keep the ID token, where the access token is no JWT.
    #[arg(long)]
    id_token: bool,
    /// Confirm on another device, even if there is a browser here.
    #[arg(long, conflicts_with = "no_browser")]
    device: bool,
    /// Open no browser: the page is opened by hand, on this machine.
    #[arg(long)]
    no_browser: bool,
    /// Replace a token that no login wrote.
    #[arg(long)]
    force: bool,
    /// Report as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// For one answer of an issuer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// No answer of an issuer is longer, in bytes.
const MOST: usize = 512 * 1024;

/// What asks issuers.
pub fn http() -> Http {
    Http::new(USER_AGENT, TIMEOUT, MOST)
}

/// Why there is no token.
enum Stop {
    /// The user, or the issuer, has refused, or time is over.
    Refused(String),
    /// It could not be tried.
    Cannot(String),
}

impl Stop {
    /// An error of the issuer's.
    fn of(issuer: &str, error: &Error) -> Self {
        let text = format!("{issuer}: {error}");
        match error {
            Error::Refused { code, .. } if code == "access_denied" => Self::Refused(text),
            _ => Self::Cannot(text),
        }
    }
}

/// What is asked for.
struct Asked {
    issuer: String,
    client: Client,
    scope: Option<String>,
    resources: Vec<String>,
    id_token: bool,
}

impl Login {
    /// Runs it.
    ///
    /// # Errors
    /// Why it could not be tried.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        match self.log_in(out) {
            Ok(()) => Ok(Exit::Done),
            Err(Stop::Cannot(why)) => Err(Failure::new(why)),
            Err(Stop::Refused(why)) => {
                out.failure(&Failure::new(why));
                Ok(Exit::Refused)
            }
        }
    }

    fn log_in(&self, out: &Output) -> Result<(), Stop> {
        secrecy::hide_memory();
        let environment = Environment::of_process();
        let kept = Kept::of(&environment).map_err(Stop::Cannot)?;
        let earlier = kept.login().map_err(Stop::Cannot)?;
        let mut asked = self.asked(earlier.as_ref()).map_err(Stop::Cannot)?;
        let place = kept::token_file(&environment);
        // Before somebody logs in for nothing.
        let is_free = || self.is_free(&place, earlier.as_ref());
        is_free().map_err(Stop::Cannot)?;
        let http = http();
        let issuer = asked.issuer.clone();
        let stop = |error: Error| Stop::of(&issuer, &error);
        let (metadata, document) = Metadata::discover(&http, &issuer).map_err(stop)?;
        asked.scope.get_or_insert_with(|| usual_scope(&metadata));
        let tokens = match Way::of(self.device, self.no_browser, &environment) {
            Way::Device => device::tokens(&http, &metadata, &asked)?,
            Way::Browser(programs) => loopback::tokens(&http, &metadata, &asked, &programs)?,
        };
        let now = clock::now();
        let (token, expires) =
            renew::counting(&tokens, asked.id_token, now).map_err(Stop::Cannot)?;
        let record = Record {
            issuer: asked.issuer.clone(),
            client_id: asked.client.id.clone(),
            client_secret: asked.client.secret.clone(),
            scope: asked.scope.clone(),
            resources: asked.resources.clone(),
            id_token: asked.id_token,
            refresh_token: tokens.refresh.clone(),
            token_digest: kept::digest(&token),
            earlier_digest: earlier.as_ref().map(|earlier| earlier.token_digest.clone()),
            expires,
            metadata: kept::needed(&document.body).map_err(stop)?,
            token_file: place.clone(),
        };
        let lock = kept.lock().map_err(Stop::Cannot)?;
        // Somebody else may have renewed it meanwhile.
        let earlier = kept.login().map_err(Stop::Cannot)?;
        self.is_free(&place, earlier.as_ref())
            .map_err(Stop::Cannot)?;
        lock.keep_with(&record, &token).map_err(Stop::Cannot)?;
        if let Some(earlier) = earlier {
            replaced(&http, &lock, &earlier, &record).map_err(Stop::Cannot)?;
        }
        drop(lock);
        report(out, &environment, &record, &token, now);
        Ok(())
    }

    fn asked(&self, earlier: Option<&Record>) -> Result<Asked, String> {
        let like = earlier.filter(|_| self.issuer.is_none());
        let issuer = self.issuer.clone();
        let issuer = issuer.or_else(|| like.map(|like| like.issuer.clone()));
        let issuer =
            issuer.ok_or("there was no login yet; say where: jwt-ssh login --issuer URL")?;
        let id = self.client_id.clone();
        let id = id.or_else(|| like.map(|like| like.client_id.clone()));
        let secret = match &self.client_secret_file {
            Some(path) => Some(secret(path)?),
            None => like.and_then(|like| like.client_secret.clone()),
        };
        let scope = self.scope.clone();
        let resources = match (&self.resource[..], like) {
            ([], Some(like)) => like.resources.clone(),
            (resources, _) => resources.to_vec(),
        };
        Ok(Asked {
            issuer,
            client: Client {
                id: id.unwrap_or_else(|| "jwt-ssh".to_owned()),
                secret,
            },
            scope: scope.or_else(|| like.and_then(|like| like.scope.clone())),
            resources,
            id_token: self.id_token || like.is_some_and(|like| like.id_token),
        })
    }

    /// Sees to it that the token may go there.
    fn is_free(&self, place: &Path, earlier: Option<&Record>) -> Result<(), String> {
        if kept::is_free(place, earlier)? || self.force {
            return Ok(());
        }
        Err(format!(
            "{} holds a token that no login wrote; --force replaces it",
            place.display()
        ))
    }
}

/// Has nothing remain of a login in whose place another one is.
fn replaced(
    http: &Http,
    lock: &Locked<'_>,
    earlier: &Record,
    login: &Record,
) -> Result<(), String> {
    if earlier.token_file != login.token_file {
        lock.remove_token(earlier)?;
    }
    // At the same issuer both may be one grant, so that with the one token the other would go.
    if (&earlier.issuer, &earlier.client_id) != (&login.issuer, &login.client_id) {
        // Nobody has it any more; whether the issuer hears of that changes nothing here.
        let _ = logout::revoke_refresh(http, earlier);
    }
    Ok(())
}

/// What is asked for where the user does not say: who it is, and to be asked seldom.
fn usual_scope(metadata: &Metadata) -> String {
    let known = metadata
        .scopes
        .iter()
        .any(|scope| scope == "offline_access");
    if known {
        "openid offline_access".to_owned()
    } else {
        "openid".to_owned()
    }
}

fn secret(path: &Path) -> Result<Zeroizing<String>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = file::read(path).map_err(|error| failed(&error))?;
    let text = std::str::from_utf8(text.trim_ascii()).map_err(|error| failed(&error))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn report(out: &Output, environment: &Environment<'_>, login: &Record, text: &Text, now: u64) {
    let token = Token::parse(text.clone()).ok();
    let claims = token.as_ref().map(Token::claims);
    let subject = claims.and_then(|claims| claims.subject.clone());
    let audience = claims.and_then(|claims| claims.audience.clone());
    let left = login.expires.map(|end| end.saturating_sub(now));
    out.report(
        || {
            json!({
                "issuer": login.issuer, "sub": subject, "aud": audience, "exp": login.expires,
                "token_file": login.token_file.to_string_lossy(),
                "renewable": login.refresh_token.is_some(),
            })
        },
        || {
            let who = subject.as_ref().map(|who| format!(" as {who}"));
            let whom = audience.as_ref().filter(|whom| !whom.is_empty());
            let whom = whom.map(|whom| format!(", for {}", whom.join(", ")));
            let left = left.map(|left| format!(", valid for {}", for_people(left)));
            let renewed = match &login.refresh_token {
                Some(_) => "when it is about to be sent",
                None => "not: the issuer gave no refresh token",
            };
            let lines = [
                format!("logged in at {}{}", login.issuer, who.unwrap_or_default()),
                format!(
                    "token    {}{}{}",
                    login.token_file.display(),
                    whom.unwrap_or_default(),
                    left.unwrap_or_default()
                ),
                format!("renewed  {renewed}"),
            ];
            lines.map(|line| on_one_line(&line)).join("\n")
        },
    );
    if token.is_none() {
        out.hint(
            "that token is no JWT, and no host takes it: --resource ssh://HOST asks for one, or \
             --id-token keeps the ID token; where the issuer exchanges tokens, none is needed",
        );
    }
    for name in ["BEARER_TOKEN", "BEARER_TOKEN_FILE"] {
        if environment.get(name).is_some() {
            out.hint(&format!("{name} is set and goes before it"));
        }
    }
}
