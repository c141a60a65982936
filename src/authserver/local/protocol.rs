//! What is said at the local socket: a line of JSON each way.
//!
//! ```text
//! {"token":{"audience":["ssh://host"],"scope":"ssh"}}
//! {"access_token":"…","token_type":"Bearer","expires_in":600,"scope":"ssh"}
//! {"error":"invalid_scope","error_description":"…"}
//! {"clients":"list"}
//! {"clients":[{"client_id":"…", …}]}
//! {"clients":{"show":"CLIENT_ID"}}
//! {"client":{"client_id":"…", …}}
//! {"clients":{"remove":"CLIENT_ID"}}
//! {"removed":"CLIENT_ID"}
//! ```

use crate::error::{Failure, OAuthError};
use crate::log;
use serde::Deserialize;
use serde_json::{Value, json};

/// No line that comes in has more bytes, its newline among them.
pub const MOST: usize = 4096;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// A token for whoever asks.
    Token(Asked),
    /// The clients that registered themselves (RFC 7591); for root.
    Clients(ClientsRequest),
}

/// What is asked of the clients that registered themselves.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientsRequest {
    /// All of them.
    List,
    /// The one of this id.
    Show(String),
    /// That the one of this id is none any more.
    Remove(String),
}

/// What the token is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    /// For whom: as `resource` (RFC 8707 §2).
    pub audience: Vec<String>,
    /// `scope` (RFC 6749 §3.3); all that the account may have, where it is not said.
    pub scope: Option<String>,
}

impl Request {
    /// Reads a line.
    ///
    /// # Errors
    /// `invalid_request`
    pub fn parse(line: &[u8]) -> Result<Self, OAuthError> {
        let error = |_| OAuthError::request("a line of JSON is asked for, such as {token:{}}");
        serde_json::from_slice(line).map_err(error)
    }
}

/// The line that goes out. What is wrong inside is for the log alone.
#[must_use]
pub fn line(answer: Result<Value, Failure>) -> String {
    let error = match answer {
        // A newline within a text is escaped.
        Ok(value) => return format!("{value}\n"),
        Err(Failure::Refused(error)) => error,
        Err(Failure::Fault(fault)) => {
            log::fault(&fault);
            fault.told()
        }
    };
    let value = json!({ "error": error.code.name(), "error_description": error.description });
    format!("{value}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Fault};

    #[test]
    fn a_request_is_one_of_those_that_there_are() {
        let token = |audience: &[&str], scope: Option<&str>| {
            Request::Token(Asked {
                audience: audience.iter().map(|one| (*one).to_owned()).collect(),
                scope: scope.map(str::to_owned),
            })
        };
        for (text, expected) in [
            (r#"{"token":{}}"#, token(&[], None)),
            (
                " {\"token\":{\"audience\":[\"a\",\"b\"],\"scope\":\"s t\"}}\r",
                token(&["a", "b"], Some("s t")),
            ),
            (
                r#"{"clients":"list"}"#,
                Request::Clients(ClientsRequest::List),
            ),
            (
                r#"{"clients":{"remove":"c"}}"#,
                Request::Clients(ClientsRequest::Remove("c".to_owned())),
            ),
        ] {
            assert_eq!(Request::parse(text.as_bytes()), Ok(expected), "{text}");
        }
        for bad in [
            &b""[..],
            b"{}",
            b"[]",
            b"\"token\"",
            b"GET / HTTP/1.1",
            b"{\"token\":{}}{\"token\":{}}",
            b"{\"token\":{},\"token\":{}}",
            b"{\"token\":{\"sub\":\"root\"}}",
            b"{\"token\":{\"scope\":\"a\",\"scope\":\"b\"}}",
            b"{\"token\":{\"audience\":\"a\"}}",
            b"{\"token\":{\"audience\":[\"\xff\"]}}",
            b"{\"other\":{}}",
            b"{\"clients\":{}}",
            b"{\"clients\":\"remove\"}",
            b"{\"clients\":{\"list\":\"c\"}}",
            b"{\"clients\":{\"show\":\"a\",\"remove\":\"a\"}}",
        ] {
            let error = Request::parse(bad).unwrap_err();
            assert_eq!(error.code, Code::InvalidRequest);
        }
    }

    #[test]
    fn an_answer_is_one_line_and_keeps_to_itself_what_is_wrong_inside() {
        let answer = line(Ok(json!({ "a": "b\nc" })));
        assert_eq!(answer, "{\"a\":\"b\\nc\"}\n");
        let refused = line(Err(OAuthError::new(Code::InvalidScope, "why").into()));
        assert_eq!(
            refused,
            "{\"error\":\"invalid_scope\",\"error_description\":\"why\"}\n"
        );
        let fault = line(Err(Fault::passing("the password of the database").into()));
        assert!(fault.contains("temporarily_unavailable") && !fault.contains("password"));
    }
}
