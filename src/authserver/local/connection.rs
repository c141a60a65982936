//! One conversation at the socket: who it is, one line, one answer.

use super::account::{self, Account};
use super::callers::{Busy, Callers};
use super::clients;
use super::protocol::{self, MOST, Request};
use super::token;
use crate::error::{Code, Failure, Fault, OAuthError};
use crate::log;
use crate::log::audit::{Event, Kind};
use crate::state::Server;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// What the audit log has in place of a grant: the kernel says who asks.
const LOCAL: &str = "local";

/// How long a line may take to come, and how long its answer may take to be read.
const TIME: Duration = Duration::from_secs(5);

/// A place at the socket, which is given back when this is dropped.
struct Place {
    callers: Arc<Mutex<Callers>>,
    uid: u32,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.leave(self.uid);
    }
}

/// Begins a conversation with whoever has connected, at `now` after some beginning that is the
/// same for all. Who gets no place is told so, or not even that.
pub fn begin(stream: UnixStream, server: Arc<Server>, callers: Arc<Mutex<Callers>>, now: Duration) {
    // As it was when they connected (SO_PEERCRED), whoever has the socket now.
    let Ok(peer) = stream.peer_cred() else { return };
    let (uid, pid) = (peer.uid(), peer.pid().unwrap_or_default());
    let per_minute = server.settings().config.limits.requests_per_minute;
    let entered = {
        let mut all = callers.lock().unwrap_or_else(PoisonError::into_inner);
        all.enter(uid, now, per_minute)
    };
    if let Err(busy) = entered {
        // What does not go at once is nobody's to wait for.
        let _ = stream.try_write(protocol::line(Err(busy.told().into())).as_bytes());
        return;
    }
    let place = Place { callers, uid };
    tokio::spawn(async move {
        let _place = place;
        converse(stream, &server, uid, pid).await;
    });
}

async fn converse(mut stream: UnixStream, server: &Server, uid: u32, pid: i32) {
    let answer = answered(&mut stream, server, uid, pid).await;
    if let Err(Failure::Refused(error)) = &answer {
        let (code, why) = (error.code.name(), &error.description);
        server.audit(&Event {
            refused: Some(code),
            grant: Some(LOCAL),
            ..Event::new(Kind::Token)
        });
        log::fields(
            5,
            "local: refused",
            &[("uid", &uid), ("pid", &pid), ("error", &code), ("why", why)],
        );
    }
    let line = protocol::line(answer);
    // Who has gone is told nothing.
    let _ = timeout(TIME, stream.write_all(line.as_bytes())).await;
}

async fn answered(
    stream: &mut UnixStream,
    server: &Server,
    uid: u32,
    pid: i32,
) -> Result<Value, Failure> {
    // The name services may take their time, and everybody else is served meanwhile. First of
    // all, so that nobody who is nobody takes a place for longer than this.
    let account = tokio::task::spawn_blocking(move || account::of_uid(uid)).await;
    let account = account.map_err(Fault::lasting)??.ok_or_else(|| {
        let why = "the uid of this process is no account's of this machine";
        OAuthError::new(Code::AccessDenied, why)
    })?;
    let line = timeout(TIME, read_line(stream)).await;
    let line = line.map_err(|_| OAuthError::request("the request did not come in time"))??;
    match Request::parse(&line)? {
        Request::Token(asked) => {
            let issued = token::issued(server, &account, &asked, server.now()?).await?;
            let Account { name, .. } = &account;
            let scope = issued.scopes.join(" ");
            server.audit(&Event {
                account: Some(name),
                client_id: Some(&issued.client_id),
                grant: Some(LOCAL),
                scope: Some(&scope),
                jti: Some(&issued.id),
                ..Event::new(Kind::Token)
            });
            log::fields(
                5,
                "local: token",
                &[
                    ("uid", &uid),
                    ("pid", &pid),
                    ("account", name),
                    ("audience", &issued.audience.join(" ")),
                    ("scope", &scope),
                ],
            );
            Ok(issued.answer)
        }
        Request::Clients(asked) => clients::answered(server, &account, &asked).await,
    }
}

/// The line that comes in, without its newline; what follows it is not looked at.
async fn read_line(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, OAuthError> {
    let mut line = Vec::new();
    let mut part = [0; 1024];
    loop {
        let count = stream.read(&mut part).await;
        let count = count.map_err(|_| OAuthError::request("the request broke off"))?;
        let come = part.get(..count).unwrap_or_default();
        if count == 0 {
            return Err(OAuthError::request("the request ends in a newline"));
        }
        let end = come.iter().position(|byte| *byte == b'\n');
        line.extend_from_slice(end.and_then(|end| come.get(..end)).unwrap_or(come));
        if line.len() >= MOST {
            return Err(OAuthError::request("the request is too long"));
        }
        if end.is_some() {
            return Ok(line);
        }
    }
}

impl Busy {
    fn told(self) -> OAuthError {
        let (code, why) = match self {
            Self::Full => (Code::TemporarilyUnavailable, "too many ask at once"),
            Self::Slow => (
                Code::SlowDown,
                "this account asks too often, or too much at once",
            ),
        };
        OAuthError::new(code, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Vec<u8>, String> {
        let mut text = text;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let line = runtime.block_on(read_line(&mut text));
        line.map_err(|error| error.description.into_owned())
    }

    #[test]
    fn a_line_is_read_to_its_end_and_no_further_than_it_may_be_long() {
        assert_eq!(read(b"{}\n").unwrap(), b"{}");
        assert_eq!(read(b"a\nb\n").unwrap(), b"a");
        let longest = vec![b'a'; MOST - 1];
        let with = |end: &[u8]| [&longest, end].concat();
        assert_eq!(read(&with(b"\n")).unwrap(), longest);
        assert!(read(&with(b"a\n")).unwrap_err().contains("too long"));
        assert!(read(&with(b"a")).unwrap_err().contains("too long"));
        for unended in [&b""[..], b"{}"] {
            assert!(read(unended).unwrap_err().contains("newline"));
        }
    }
}
