//! Requests that may find no server, or lose it.

use machine::AuthServer;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use machine::CLIENT_SECRET;

/// An answer that has come to its end.
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Answered {
    /// The body's JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect(&self.body)
    }
}

/// What is answered to a form that a client sends, whose values need no escapes; none where no
/// answer comes to its end.
pub fn post(
    server: &AuthServer<'_>,
    path: &str,
    client: &str,
    form: &[(&str, &str)],
) -> Option<Answered> {
    let fields: Vec<String> = form
        .iter()
        .copied()
        .chain([("client_id", client), ("client_secret", CLIENT_SECRET)])
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let body = fields.join("&");
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = connect(server)?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let whole = length.is_none_or(|(_, length)| length.parse() == Ok(body.len()));
    let status = head.split(' ').nth(1)?.parse().ok()?;
    whole.then(|| Answered {
        status,
        body: body.to_owned(),
    })
}

fn connect(server: &AuthServer<'_>) -> Option<TcpStream> {
    let port = server.port;
    let stream = server
        .machine()
        .inside(|| TcpStream::connect(("127.0.0.1", port)))
        .ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("no zero");
    Some(stream)
}

/// What `callers` at once come to, each of whom goes on until `enough` is said.
pub fn under_load<T: Send>(
    callers: usize,
    call: impl Fn(usize, &AtomicBool) -> Vec<T> + Sync,
    meanwhile: impl FnOnce(),
) -> Vec<T> {
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (call, enough) = (&call, &enough);
        let callers: Vec<_> = (0..callers)
            .map(|caller| scope.spawn(move || call(caller, enough)))
            .collect();
        meanwhile();
        enough.store(true, Ordering::Relaxed);
        callers
            .into_iter()
            .flat_map(|caller| caller.join().expect("a caller"))
            .collect()
    })
}

/// What all callers at the same moment are told.
pub fn at_once<T: Send>(callers: usize, call: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = std::sync::Barrier::new(callers);
    std::thread::scope(|scope| {
        let (call, barrier) = (&call, &barrier);
        let callers: Vec<_> = (0..callers)
            .map(|caller| {
                scope.spawn(move || {
                    barrier.wait();
                    call(caller)
                })
            })
            .collect();
        callers
            .into_iter()
            .map(|caller| caller.join().expect("a caller"))
            .collect()
    })
}
