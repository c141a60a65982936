//! The load: one thread, connections that are kept alive, and each request as long under way as
//! it was since the moment at which it had to be sent. With a rate that moment is in a timetable,
//! whatever the server does; without one it is when the answer before has come.

use crate::measure::REFRESH_TOKEN;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use serde::{Deserialize, Serialize};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// What is to be sent, and for how long.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Plan {
    /// The server.
    pub address: SocketAddr,
    /// Connections at once.
    pub connections: usize,
    /// For how long, in seconds, after a second that does not count.
    pub seconds: f64,
    /// Requests in a second; 0: as many as are answered.
    pub rate: f64,
    /// The most requests; 0: any number. Each is sent once then.
    pub count: usize,
    /// Whole requests, taken in turn. [`REFRESH_TOKEN`] is what the connection's last answer
    /// has of that name, which is as long; it begins with one of `tokens`.
    pub requests: Vec<String>,
    /// See `requests`; one for each connection.
    pub tokens: Vec<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Outcome {
    /// Answers with a status below 400.
    pub answered: usize,
    /// Other answers, and the first of them.
    pub refused: usize,
    /// The first answer of all that was refused.
    pub refusal: String,
    /// Answers in a second.
    pub rate: f64,
    /// How long a request was under way, in milliseconds: half of them, and 99 of 100, at most.
    pub p50: f64,
    /// See `p50`.
    pub p99: f64,
    /// See `p50`.
    pub max: f64,
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    /// When the request had to be sent whose answer is awaited.
    due: Option<Instant>,
    token: String,
}

const NOTHING_COUNTS: Duration = Duration::from_secs(1);

/// Sends it all.
///
/// # Panics
/// If the server does not answer.
#[must_use]
pub fn run(plan: &Plan) -> Outcome {
    let epoll = Epoll::new(EpollCreateFlags::empty()).expect("epoll");
    let mut connections: Vec<Connection> = Vec::new();
    for place in 0..plan.connections {
        let stream = TcpStream::connect(plan.address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_nonblocking(true).expect("a socket");
        let event = EpollEvent::new(EpollFlags::EPOLLIN, place as u64);
        epoll.add(&stream, event).expect("epoll");
        connections.push(Connection {
            stream,
            received: Vec::new(),
            due: None,
            token: plan.tokens.get(place).cloned().unwrap_or_default(),
        });
    }
    let begin = Instant::now();
    let (counts_from, gap) = match plan.count {
        0 => (begin + NOTHING_COUNTS, 1.0 / plan.rate),
        _ => (begin, 1.0 / plan.rate),
    };
    let end = counts_from + Duration::from_secs_f64(plan.seconds);
    let due = |sent: usize| match plan.rate {
        0.0 => Instant::now(),
        _ => begin + Duration::from_secs_f64(sent as f64 * gap),
    };
    let mut free: Vec<usize> = (0..connections.len()).collect();
    let (mut sent, mut outcome, mut taken) = (0, Outcome::default(), Vec::new());
    let mut events = vec![EpollEvent::empty(); plan.connections];
    let mut last = begin;
    loop {
        let now = Instant::now();
        let all_sent = plan.count > 0 && sent == plan.count;
        if now >= end || (all_sent && free.len() == connections.len()) {
            break;
        }
        while let Some(place) = free.last().copied() {
            let due = due(sent);
            if due > now + Duration::from_micros(50) || (plan.count > 0 && sent == plan.count) {
                break;
            }
            free.pop();
            connections[place].send(&plan.requests[sent % plan.requests.len()], due);
            sent += 1;
        }
        // Whoever has a timetable does not sleep past it.
        let timeout = match plan.rate {
            0.0 => EpollTimeout::from(100_u8),
            _ if free.is_empty() => EpollTimeout::from(1_u8),
            _ => EpollTimeout::ZERO,
        };
        let ready = epoll.wait(&mut events, timeout).expect("epoll");
        for event in &events[..ready] {
            let place = event.data() as usize;
            let Some((status, due)) = connections[place].receive(&mut outcome) else {
                continue;
            };
            last = Instant::now();
            free.push(place);
            if last < counts_from {
                continue;
            }
            match status {
                ..400 => outcome.answered += 1,
                _ => outcome.refused += 1,
            }
            taken.push((last - due).as_secs_f64() * 1e3);
        }
    }
    taken.sort_by(f64::total_cmp);
    let of = |part: f64| {
        let place = (taken.len() as f64 * part) as usize;
        taken
            .get(place.min(taken.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    };
    (outcome.p50, outcome.p99, outcome.max) = (of(0.5), of(0.99), of(1.0));
    outcome.rate = taken.len() as f64 / (last.max(counts_from) - counts_from).as_secs_f64();
    outcome
}

impl Connection {
    fn send(&mut self, request: &str, due: Instant) {
        self.due = Some(due);
        let filled;
        let request = match request.contains(REFRESH_TOKEN) {
            true => {
                filled = request.replace(REFRESH_TOKEN, &self.token);
                filled.as_str()
            }
            false => request,
        };
        // It is smaller than what the kernel takes at once.
        let written = self
            .stream
            .write(request.as_bytes())
            .expect("the server takes it");
        assert_eq!(written, request.len());
    }

    /// The status and when it had to be sent, once the whole answer has come.
    fn receive(&mut self, outcome: &mut Outcome) -> Option<(u16, Instant)> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => panic!("the server has closed: {}", outcome.refusal),
            Ok(length) => self.received.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(error) => panic!("{error}"),
        }
        let head = self
            .received
            .windows(4)
            .position(|end| end == b"\r\n\r\n")?
            + 4;
        let text = String::from_utf8_lossy(&self.received[..head]);
        let length = field(&text, "content-length").and_then(|length| length.parse().ok());
        let length: usize = length.unwrap_or(0);
        if self.received.len() < head + length {
            return None;
        }
        let status = text
            .get(9..12)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        if status >= 400 && outcome.refusal.is_empty() {
            outcome.refusal = String::from_utf8_lossy(&self.received).into_owned();
        }
        if !self.token.is_empty() {
            let body = serde_json::from_slice(&self.received[head..]);
            let body: serde_json::Value = body.unwrap_or_default();
            if let Some(token) = body["refresh_token"].as_str() {
                token.clone_into(&mut self.token);
            }
        }
        self.received.clear();
        self.due.take().map(|due| (status, due))
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let field = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
    field.map(|(_, value)| value.trim())
}
