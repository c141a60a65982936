//! `jwt-ssh token`: a token for whoever runs it, from the pam-jwt-authserver of this machine, to
//! which the kernel says who that is (SO_PEERCRED, unix(7)): nothing is typed or kept.

use crate::secrecy;
use clap::Args;
use cli::output::{Exit, Failure, Output, visible};
use jose::json;
use serde_json::{Map, Value};
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// Where the server is.
const SOCKET: &str = "/run/pam-jwt-authserver/local";

/// How long it may take to answer.
const TIME: Duration = Duration::from_secs(20);

/// No answer has more bytes.
const MOST: u64 = 128 * 1024;

/// Print a token for yourself, from the pam-jwt-authserver of this machine.
///
/// Nobody types a password: the server is told by the kernel who asks, also in scripts and
/// cron jobs. The token has your account's name as its sub, and says by amr = ["peercred"]
/// how that is known; where a fresh login is asked for, as sudo may, it is no good.
#[derive(Args)]
#[command(after_long_help = "\
Where to put it:
  in a variable   BEARER_TOKEN=$(jwt-ssh token) in a script
  in a file       where tools look, and nobody else reads it:
                  umask 077; jwt-ssh token >\"$XDG_RUNTIME_DIR/bt_u$(id -u)\"
  by crontab(5)   before it expires; a file that is replaced is never half:
    */5 * * * * umask 077; jwt-ssh token >~/.bt.new && mv ~/.bt.new ~/.bt
  on a machine without a server
                  jwt-ssh --token-command 'ssh SERVER jwt-ssh token' HOST

In a container:
  Mount the socket to have it there. The token is for the account that has
  the uid of the process outside, which in a user namespace mostly is none.

Exit status:
  0  it is printed
  1  the server refused it
  2  there is no server, or it does not answer

Examples:
  # for a host
  jwt-ssh token --audience ssh://web1.example.org
  # to log in there with it
  umask 077; jwt-ssh token --audience ssh://web1.example.org >web1.jwt
  jwt-ssh --token-file web1.jwt web1.example.org
  # with what else the server says: for how long, for what
  jwt-ssh token --json")]
pub struct OwnToken {
    /// For whom it is to be, as in its aud; may be given several times.
    #[arg(long, value_name = "URI")]
    audience: Vec<String>,
    /// What it is to allow, several with spaces between them; otherwise all that you may have.
    #[arg(long, value_name = "SCOPE")]
    scope: Option<String>,
    /// Where the server is.
    #[arg(long, value_name = "PATH", default_value = SOCKET)]
    socket: PathBuf,
    /// Report as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// What the server says.
#[derive(Debug, PartialEq)]
enum Answer {
    /// The token, and all that was said.
    Token(Zeroizing<String>, Map<String, Value>),
    /// `error`, `error_description`
    Refused(String, String),
}

impl OwnToken {
    /// Runs it.
    ///
    /// # Errors
    /// There is no server, or it does not answer.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        secrecy::hide_memory();
        let answer = self.ask().map_err(Failure::new)?;
        match Answer::parse(&answer).map_err(|what| Failure::new(self.told(what)))? {
            Answer::Token(token, mut members) => {
                if self.json {
                    out.report(|| Value::Object(members.clone()), String::new);
                } else {
                    out.raw(token.as_bytes());
                    out.raw(b"\n");
                }
                json::wipe(&mut members);
                if io::stdout().is_terminal() {
                    out.hint("whoever has this token is you until it expires; keep it to yourself");
                }
                Ok(Exit::Done)
            }
            Answer::Refused(code, why) => {
                let told = self.told(&format!("{code}: {why}"));
                out.failure(&Failure::new(told));
                Ok(match code.as_str() {
                    "temporarily_unavailable" | "server_error" => Exit::Cannot,
                    _ => Exit::Refused,
                })
            }
        }
    }

    /// The server's line.
    fn ask(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let mut stream =
            UnixStream::connect(&self.socket).map_err(|error| no_server(&self.socket, &error))?;
        let mut answer = Zeroizing::new(Vec::with_capacity(8192));
        let asked = [
            stream.set_read_timeout(Some(TIME)),
            stream.set_write_timeout(Some(TIME)),
        ]
        .into_iter()
        .collect::<io::Result<()>>()
        // Who is sent away may be so before all is said, and is told why.
        .map(|()| stream.write_all(self.request().as_bytes()))
        .and_then(|_| stream.take(MOST).read_to_end(&mut answer));
        match asked {
            Ok(_) if answer.is_empty() => Err(self.told("it said nothing; its journal has more")),
            // What has come before the connection broke is looked at.
            Err(error) if answer.is_empty() => Err(self.told(&error.to_string())),
            _ => Ok(answer),
        }
    }

    /// A line.
    fn request(&self) -> String {
        let mut asked = Map::new();
        if !self.audience.is_empty() {
            asked.insert("audience".to_owned(), self.audience.clone().into());
        }
        if let Some(scope) = &self.scope {
            asked.insert("scope".to_owned(), scope.clone().into());
        }
        format!("{}\n", serde_json::json!({ "token": asked }))
    }

    fn told(&self, what: &str) -> String {
        format!("the server at {}: {}", self.socket.display(), visible(what))
    }
}

impl Answer {
    fn parse(line: &[u8]) -> Result<Self, &'static str> {
        const OTHER: &str = "it answers something else; is it a pam-jwt-authserver?";
        let mut members = json::object(line).map_err(|_| OTHER)?;
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        if let Some(code) = text("error") {
            return Ok(Self::Refused(
                code,
                text("error_description").unwrap_or_default(),
            ));
        }
        let token = text("access_token").map(Zeroizing::new);
        // One that has anything else in it would be two to a script.
        let is_token = |token: &Zeroizing<String>| {
            !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
        };
        match token.filter(is_token) {
            Some(token) => Ok(Self::Token(token, members)),
            None => {
                json::wipe(&mut members);
                Err(OTHER)
            }
        }
    }
}

/// Why nobody is there, and what to do.
fn no_server(socket: &Path, error: &io::Error) -> String {
    let socket = socket.display();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => format!(
            "{socket} is not there: no pam-jwt-authserver runs on this machine, or its [local] \
             says otherwise. A token of another machine's server: jwt-ssh login --issuer URL, or \
             ssh SERVER jwt-ssh token"
        ),
        ErrorKind::ConnectionRefused => format!(
            "{socket}: the server does not run; whoever is root starts it: systemctl start \
             pam-jwt-authserver"
        ),
        _ => format!("{socket}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(audience: &[&str], scope: Option<&str>) -> OwnToken {
        OwnToken {
            audience: audience.iter().map(|one| (*one).to_owned()).collect(),
            scope: scope.map(str::to_owned),
            socket: PathBuf::from(SOCKET),
            json: false,
        }
    }

    #[test]
    fn what_is_asked_for_is_a_line() {
        for (asked, line) in [
            (token(&[], None), "{\"token\":{}}\n"),
            (
                token(&["ssh://a", "b\n"], Some("s t")),
                "{\"token\":{\"audience\":[\"ssh://a\",\"b\\n\"],\"scope\":\"s t\"}}\n",
            ),
        ] {
            assert_eq!(asked.request(), line);
        }
    }

    #[test]
    fn an_answer_is_a_token_or_why_there_is_none() {
        let parse = |text: &str| Answer::parse(text.as_bytes());
        let told = parse("{\"access_token\":\"a.b.c\",\"expires_in\":60}\n");
        assert!(
            matches!(&told, Ok(Answer::Token(token, all)) if token.as_str() == "a.b.c" && all.len() == 2),
            "{told:?}"
        );
        let refused = parse(r#"{"error":"access_denied","error_description":"why"}"#);
        let expected = Answer::Refused("access_denied".to_owned(), "why".to_owned());
        assert_eq!(refused, Ok(expected));
        for other in [
            "",
            "SSH-2.0-OpenSSH_9.2",
            "{}",
            "[]",
            r#"{"access_token":7}"#,
            r#"{"access_token":""}"#,
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":"a\nb"}"#,
            r#"{"access_token":"a","access_token":"b"}"#,
        ] {
            assert!(parse(other).is_err(), "{other}");
        }
    }

    #[test]
    fn who_finds_no_server_is_told_what_to_do() {
        let told = |kind: ErrorKind| no_server(Path::new("/run/x"), &kind.into());
        assert!(told(ErrorKind::NotFound).contains("jwt-ssh login --issuer"));
        assert!(told(ErrorKind::ConnectionRefused).contains("systemctl start"));
        assert!(told(ErrorKind::PermissionDenied).starts_with("/run/x: permission"));
    }
}
