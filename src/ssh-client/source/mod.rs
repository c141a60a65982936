//! Where the token comes from: what the user named, or else bearer token discovery, or the
//! login that has its token there, or else the identity of the CI job or pod that this runs in.

mod command;
pub mod discovery;
pub mod file;
mod github;
mod kubernetes;

use crate::environment::Environment;
use crate::login::renew;
use crate::token::Token;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// What the user chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The first of all the places that has one.
    Anywhere,
    /// `--token-file`
    File(PathBuf),
    /// `--token-command`
    Command(String),
}

/// The place of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `$BEARER_TOKEN`
    Variable,
    /// A file.
    File(PathBuf),
    /// `--token-command`
    Command,
    /// Made by the issuer of a login for this host.
    Made(String),
    /// The identity of a job of GitHub Actions.
    GitHub,
    /// The service account of a pod.
    Kubernetes(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable => f.write_str("the environment variable BEARER_TOKEN"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Command => f.write_str("--token-command"),
            Self::Made(issuer) => write!(f, "the login at {issuer}, made for this host"),
            Self::GitHub => f.write_str("the identity of this GitHub Actions job"),
            Self::Kubernetes(path) => {
                write!(f, "the service account of this pod, {}", path.display())
            }
        }
    }
}

/// Whom the token is to be for.
pub struct Recipient<'a> {
    /// The host as prompts name it; none where the token is only looked at.
    pub host: Option<&'a str>,
    /// What the host goes by in `aud`; the first is asked for, where one can be asked for.
    pub audiences: &'a [String],
    /// What may be done so that it is.
    pub effort: Effort,
}

/// Whether the token of a login that is not for the host is turned into one that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effort {
    /// It is taken as it is.
    None,
    /// Not by token exchange (RFC 8693).
    NoExchange,
    /// As far as the issuer says that it does that.
    Offered,
    /// By token exchange, whatever the issuer says of itself.
    Exchange,
}

impl<'a> Recipient<'a> {
    /// What is asked for, where something can be asked for.
    pub fn audience(&self) -> Option<&'a str> {
        self.audiences.first().map(String::as_str)
    }
}

impl Source {
    /// Gets the token.
    ///
    /// # Errors
    /// Why there is none, and where it was looked for; or what keeps the one that was
    /// found from being a JWT: another place is not tried then.
    pub fn token(
        &self,
        environment: &Environment<'_>,
        whom: &Recipient<'_>,
    ) -> Result<(Token, Origin), String> {
        let (text, origin) = self.text(environment, whom)?;
        let token = parsed(text, &origin)?;
        if let Origin::Kubernetes(_) = origin {
            kubernetes::check(&token, whom)?;
        }
        Ok((token, origin))
    }

    /// Looks at the token where nobody notices: in a variable or a regular file. A command
    /// may ask somebody for something, a pipe may be read once, and the identity of a job or
    /// pod is bound to no SSH key. None also where there is something wrong, which is said
    /// when the token is asked for.
    pub fn glance(&self, environment: &Environment<'_>) -> Option<Token> {
        let (text, origin) = match self {
            Self::File(path) => {
                let text = file::read_regular(path).ok()?;
                (text, Origin::File(path.clone()))
            }
            Self::Command(_) => return None,
            Self::Anywhere => discovery::discover(environment, file::read_regular).ok()??,
        };
        parsed(text, &origin).ok()
    }

    fn text(
        &self,
        environment: &Environment<'_>,
        whom: &Recipient<'_>,
    ) -> Result<(Text, Origin), String> {
        match self {
            Self::File(path) => {
                let text = file::read(path).map_err(|error| of_file(path, &error))?;
                Ok((text, Origin::File(path.clone())))
            }
            Self::Command(command) => Ok((command::run(command, whom)?, Origin::Command)),
            Self::Anywhere => {
                let found = discovery::discover(environment, file::read)?;
                if let Some(found) = renew::of_login(environment, found, whom)? {
                    return Ok(found);
                }
                if let Some(text) = github::ask(environment, whom.audience())? {
                    return Ok((text, Origin::GitHub));
                }
                if let Some(found) = kubernetes::read(environment)? {
                    return Ok(found);
                }
                Err(format!(
                    "there is no token: not in BEARER_TOKEN, BEARER_TOKEN_FILE or {}, and this \
                     is no job with an identity. Get one with jwt-ssh login, or name it with \
                     --token-file or --token-command",
                    discovery::places(environment)
                ))
            }
        }
    }
}

fn parsed(text: Text, origin: &Origin) -> Result<Token, String> {
    Token::parse(text).map_err(|error| format!("what {origin} holds is no token: {error}"))
}

/// The text of a token: wiped when dropped.
pub type Text = Zeroizing<Vec<u8>>;

/// More than any token has, white space included.
const MOST: usize = jose::compact::MAX_BYTES + 1024;

/// Reads to the end, at most a little more than a token can have. The room is made at once:
/// a vector that grows leaves what it held behind.
fn bounded(source: impl Read) -> std::io::Result<Text> {
    let mut text = Zeroizing::new(Vec::with_capacity(MOST + 1));
    source.take(MOST as u64 + 1).read_to_end(&mut text)?;
    if text.len() > MOST {
        let message = format!("it has more than {MOST} bytes, and no token is so long");
        return Err(std::io::Error::other(message));
    }
    Ok(text)
}

fn of_file(path: &std::path::Path, error: &std::io::Error) -> String {
    format!("no token from {}: {error}", path.display())
}
