//! An issuer whose every answer a test decides: for what a real one does seldom, or never.

use machine::Machine;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The issuer.
pub const NAME: &str = "http://127.0.0.1:8090";

/// What a user has to confirm at it.
pub const CODE: &str = "WDJB-MJHT";

/// Where.
pub const ADDRESS: &str = "http://127.0.0.1:8090/activate";

/// A request: when it came, its path, and its form.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at: Instant,
    pub path: String,
    pub form: String,
}

#[derive(Default)]
struct State {
    device: Option<String>,
    token: VecDeque<(u16, String)>,
    asked: Vec<Asked>,
}

/// It listens in a machine, and answers from the test.
pub struct Issuer {
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Issuer {
    /// Starts it.
    pub fn start(machine: &Machine) -> Issuer {
        let listener = machine.inside(|| TcpListener::bind("127.0.0.1:8090"));
        let listener = listener.expect("a port");
        let state = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(&stream, &shared);
            }
        });
        Issuer { state }
    }

    /// Has device logins begin with this answer from now on, in place of the usual one.
    pub fn begins_with(&self, body: &str) {
        self.state.0.lock().expect("a lock").device = Some(body.to_owned());
    }

    /// The token endpoint says this, once, after what it was told before; as long as it was
    /// told nothing, that nobody has confirmed yet.
    pub fn answers(&self, status: u16, body: &str) {
        let mut state = self.state.0.lock().expect("a lock");
        state.token.push_back((status, body.to_owned()));
    }

    /// The token endpoint refuses so, once.
    pub fn refuses(&self, error: &str) {
        self.answers(400, &format!("{{\"error\":\"{error}\"}}"));
    }

    /// Somebody confirms, and the token is this one.
    pub fn confirms(&self, token: &str) {
        let body = format!("{{\"access_token\":\"{token}\",\"token_type\":\"Bearer\"}}");
        self.answers(200, &body);
    }

    /// Waits for so many requests of this path since the beginning; all of them.
    pub fn wait_for(&self, path: &str, count: usize) -> Vec<Asked> {
        let of = |state: &State| -> Vec<Asked> {
            let all = state.asked.iter().filter(|asked| asked.path == path);
            all.cloned().collect()
        };
        let (lock, changed) = &*self.state;
        let state = lock.lock().expect("a lock");
        let wait = Duration::from_secs(30);
        let (state, _) = changed
            .wait_timeout_while(state, wait, |state| of(state).len() < count)
            .expect("a lock");
        let found = of(&state);
        assert!(found.len() >= count, "{path}: {found:#?}");
        found
    }

    /// How many requests of this path there were.
    pub fn count(&self, path: &str) -> usize {
        let state = self.state.0.lock().expect("a lock");
        state.asked.iter().filter(|one| one.path == path).count()
    }
}

fn serve(stream: &TcpStream, shared: &(Mutex<State>, Condvar)) {
    let mut input = BufReader::new(stream);
    let mut line = String::new();
    let mut path = String::new();
    let mut length = 0;
    while input.read_line(&mut line).unwrap_or(0) > 2 {
        let lower = line.to_ascii_lowercase();
        if let Some(number) = lower.strip_prefix("content-length:") {
            length = number.trim().parse().expect("a length");
        }
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        }
        line.clear();
    }
    let mut form = vec![0; length];
    if input.read_exact(&mut form).is_err() {
        return;
    }
    let (lock, changed) = shared;
    let mut state = lock.lock().expect("a lock");
    let (status, body) = match path.as_str() {
        "/.well-known/openid-configuration" => (200, metadata()),
        "/device" => (200, state.device.clone().unwrap_or_else(usual)),
        "/token" => state.token.pop_front().unwrap_or_else(pending),
        _ => (404, String::new()),
    };
    state.asked.push(Asked {
        at: Instant::now(),
        path,
        form: String::from_utf8_lossy(&form).into_owned(),
    });
    changed.notify_all();
    drop(state);
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    // Who has hung up does not read it.
    let _ = (&*stream).write_all((head + &body).as_bytes());
}

fn metadata() -> String {
    format!(
        "{{\"issuer\":\"{NAME}\",\"token_endpoint\":\"{NAME}/token\",\
         \"device_authorization_endpoint\":\"{NAME}/device\"}}"
    )
}

/// A device login in which the token is asked for once a second.
pub fn usual() -> String {
    begins(600)
}

/// The same, for so many seconds.
pub fn begins(seconds: u64) -> String {
    format!(
        "{{\"device_code\":\"the-device-code\",\"user_code\":\"{CODE}\",\
         \"verification_uri\":\"{ADDRESS}\",\
         \"verification_uri_complete\":\"{ADDRESS}?user_code={CODE}\",\
         \"expires_in\":{seconds},\"interval\":1}}"
    )
}

fn pending() -> (u16, String) {
    (400, "{\"error\":\"authorization_pending\"}".to_owned())
}
