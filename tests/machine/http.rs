//! Requests by curl, and what is answered.

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::Machine;

/// An answer to a request by HTTP. It prints as all of it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The head, status line included.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Takes apart what was answered.
    fn parse(printed: &str) -> Option<Answer> {
        let (head, body) = printed.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        })
    }

    /// The field of this name, the first if it is there more than once.
    #[must_use]
    pub fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.headers(name).next()
    }

    /// The fields of this name.
    pub(crate) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.head.lines().skip(1);
        fields
            .filter_map(|line| line.split_once(':'))
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// The body, which is JSON.
    ///
    /// # Panics
    ///
    /// If it is none, with the answer.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}:\n{self}"))
    }

    /// Itself, if it has this status; otherwise the test ends with all of it.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{self}");
        self
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n\n{}", self.head, self.body)
    }
}

impl Machine {
    /// What a request by curl is answered; the arguments are curl's, after those that have it
    /// print the answer alone.
    ///
    /// # Panics
    ///
    /// If there is no answer, with what curl says.
    #[track_caller]
    pub fn curl<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Answer {
        self.try_curl(arguments)
            .unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// The same, or what curl says where there is no answer.
    ///
    /// # Errors
    ///
    /// What curl says.
    pub fn try_curl<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Result<Answer, String> {
        let quiet = ["curl", "--silent", "--show-error", "--include", "--globoff"];
        // HTTP/1.1 100 Continue would stand before the answer.
        let output = self
            .command(quiet)
            .args(["--max-time", "60", "--header", "Expect:"])
            .args(arguments)
            .run();
        match output.code() {
            Some(0) => Answer::parse(&output.stdout).ok_or_else(|| output.to_string()),
            _ => Err(output.to_string()),
        }
    }
}

impl Machine {
    /// What is answered at a port of the loopback to a request as it is written, which asks for
    /// the connection to be closed; none where nobody answers within a minute. It takes no
    /// program in the machine.
    #[must_use]
    pub fn ask(&self, port: u16, request: &str) -> Option<Answer> {
        let mut answer = String::new();
        let asked = self.inside(|| {
            let mut stream = TcpStream::connect(("127.0.0.1", port))?;
            stream.set_read_timeout(Some(Duration::from_secs(60)))?;
            stream.write_all(request.as_bytes())?;
            stream.read_to_string(&mut answer)
        });
        asked.ok()?;
        Answer::parse(&answer)
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn takes_an_answer_apart() {
        let printed =
            "HTTP/1.1 401 Unauthorized\r\nA: b\r\nCache-Control:  no-store\r\n\r\n{\"a\":1}";
        let answer = Answer::parse(printed).unwrap();
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("b"), None);
        assert_eq!(answer.json()["a"], 1);
    }
}
