//! Clients that registered themselves (RFC 7591). They are in the server's store, which the
//! server alone opens; it tells root of them by its local socket.

use ::clients::Client;
use cli::output::{Failure, Output};
use serde_json::{Map, Value, json};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The server's settings, in the configuration directory.
const SETTINGS: &str = "authserver.toml";

/// Where its socket is unless they say otherwise.
const SOCKET: &str = "/run/pam-jwt-authserver/local";

/// How long it may take to answer.
const TIME: Duration = Duration::from_secs(20);

/// No answer has more bytes.
const MOST: u64 = 64 * 1024 * 1024;

/// All of them. Where no server runs, and clients may register themselves, a remark says that they
/// are missing.
pub(super) fn all(config: &Path, out: &Output) -> Result<Vec<Client>, Failure> {
    let settings = Settings::of(config);
    match settings.ask(&json!("list"))? {
        Some(mut answer) => {
            let clients = answer.remove("clients").unwrap_or_default();
            serde_json::from_value(clients).map_err(other)
        }
        None => {
            if settings.may_register {
                out.hint(
                    "clients that registered themselves are not shown: pam-jwt-authserver, whose \
                     store has them, does not run",
                );
            }
            Ok(Vec::new())
        }
    }
}

/// The one of this id; none also where no server runs.
pub(super) fn find(config: &Path, id: &str) -> Result<Option<Client>, Failure> {
    let answer = Settings::of(config).ask(&json!({ "show": id }))?;
    let client = answer.and_then(|mut answer| answer.remove("client"));
    client
        .map(serde_json::from_value)
        .transpose()
        .map_err(other)
}

/// Removes the one of this id.
pub(super) fn remove(config: &Path, id: &str) -> Result<(), Failure> {
    let answer = Settings::of(config).ask(&json!({ "remove": id }))?;
    match answer {
        Some(answer) if answer.contains_key("removed") => Ok(()),
        _ => Err(Failure::new(format!("the server has not removed {id}"))),
    }
}

fn other(_: serde_json::Error) -> Failure {
    Failure::new("the server answers something else; is it of this version?")
}

/// What of the server's settings is of use here.
struct Settings {
    socket: PathBuf,
    may_register: bool,
}

impl Settings {
    fn of(config: &Path) -> Self {
        let text = std::fs::read_to_string(config.join(SETTINGS)).unwrap_or_default();
        // What is wrong with it is for the server to say.
        let table: toml::Table = text.parse().unwrap_or_default();
        let text = |section: &str, key: &str| table.get(section)?.get(key)?.as_str();
        Self {
            socket: text("local", "socket").unwrap_or(SOCKET).into(),
            may_register: text("registration", "mode").is_some_and(|mode| mode != "off"),
        }
    }

    /// What the server answers; none where none runs.
    fn ask(&self, what: &Value) -> Result<Option<Map<String, Value>>, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(format!("{}: {error}", self.socket.display()))
        };
        let mut stream = match UnixStream::connect(&self.socket) {
            Ok(stream) => stream,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failed(&error)),
        };
        let mut line = Vec::new();
        let asked = format!("{}\n", json!({ "clients": what }));
        stream
            .set_read_timeout(Some(TIME))
            .and_then(|()| stream.set_write_timeout(Some(TIME)))
            .and_then(|()| stream.write_all(asked.as_bytes()))
            .and_then(|()| stream.take(MOST).read_to_end(&mut line))
            .map_err(|error| failed(&error))?;
        let answer: Map<String, Value> =
            serde_json::from_slice(&line).map_err(|error| failed(&error))?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        match text("error") {
            // That there is no such client: nothing is found.
            None | Some("invalid_request") => Ok(Some(answer)),
            Some(code) => {
                let why = text("error_description").unwrap_or_default();
                Err(failed(&format_args!("{code}: {why}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_server_runs_there_is_nobody_to_ask() {
        let settings = Settings {
            socket: "/nowhere/local".into(),
            may_register: true,
        };
        assert!(settings.ask(&json!("list")).unwrap().is_none());
    }
}
