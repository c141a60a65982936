//! What is asked of a pam-jwt-authserver.

use std::net::TcpStream;
use std::time::Duration;

use crate::{Answer, AuthServer, CLIENT_SECRET};

impl AuthServer<'_> {
    /// The client's name and secret as curl's `--user` takes them.
    #[must_use]
    pub fn basic(&self, client: &str) -> String {
        format!("{client}:{CLIENT_SECRET}")
    }

    /// What it answers to a GET; `arguments` are curl's.
    #[track_caller]
    pub fn get(&self, path: &str, arguments: &[&str]) -> Answer {
        let url = format!("{}{path}", self.url());
        let url = [url.as_str()];
        self.machine().curl(arguments.iter().copied().chain(url))
    }

    /// What it answers to a form by POST; `arguments` are curl's.
    #[track_caller]
    pub fn post(&self, path: &str, arguments: &[&str], form: &[(&str, &str)]) -> Answer {
        let fields: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let fields = fields
            .iter()
            .flat_map(|field| ["--data-urlencode", field.as_str()]);
        // Without a field it is a form nevertheless.
        let post = ["--request", "POST", "--data", ""];
        let arguments: Vec<&str> = arguments
            .iter()
            .copied()
            .chain(post)
            .chain(fields)
            .collect();
        self.get(path, &arguments)
    }

    /// A new access token of the client `service` for itself.
    #[track_caller]
    #[must_use]
    pub fn service_token(&self) -> String {
        let grant = [("grant_type", "client_credentials")];
        let answer = self.post("/token", &["--user", &self.basic("service")], &grant);
        let token = answer.expect(200).json()["access_token"].clone();
        token.as_str().expect("a token is a string").to_owned()
    }

    /// A connection to it, without TLS, for requests that no client sends. Its reads and
    /// writes end by themselves after a minute.
    #[must_use]
    pub fn connect(&self) -> TcpStream {
        let connected = self
            .machine()
            .inside(|| TcpStream::connect(("127.0.0.1", self.port)));
        let stream = connected.expect("the server listens");
        let minute = Some(Duration::from_secs(60));
        stream.set_read_timeout(minute).expect("no zero");
        stream.set_write_timeout(minute).expect("no zero");
        stream
    }
}
