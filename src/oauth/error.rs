//! Why a server gave no answer that can be used.

use std::fmt;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The address is no URL, or neither https nor on this machine.
    Address(String),
    /// There was no connection, or not in time, or its certificate was not accepted; in the
    /// words of the library.
    Transport(String),
    /// The server answered with this status.
    Status(u16),
    /// It would have another host asked.
    Redirected(String),
    /// It goes on naming other places.
    RedirectedTooOften,
    /// The answer has more than so many bytes.
    TooLong(usize),
    /// The answer is not what was asked for: what it should have been.
    Form(&'static str),
    /// The server names itself otherwise than it was called (RFC 8414 §3.3).
    Issuer {
        /// Whom the document is of.
        found: String,
    },
    /// The server says nothing of what is needed here: the member that its metadata lacks.
    Unsupported(&'static str),
    /// The server refuses, with an error code (RFC 6749 §5.2).
    Refused {
        /// `error`
        code: String,
        /// `error_description`
        description: Option<String>,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(uri) => write!(
                f,
                "{uri:?} is neither an https URL nor on this machine (http://127.0.0.1/)"
            ),
            Self::Transport(words) => f.write_str(words),
            Self::Status(status) => write!(f, "it answered with status {status}"),
            Self::RedirectedTooOften => f.write_str("it goes on naming other places to ask"),
            Self::Redirected(to) => {
                write!(f, "it would have {to:?} asked, which is another server")
            }
            Self::TooLong(limit) => write!(f, "it answered with more than {limit} bytes"),
            Self::Form(wanted) => write!(f, "it answered with something else than {wanted}"),
            Self::Issuer { found } => write!(
                f,
                "the document is of the issuer {found:?}, which is not the one that was asked"
            ),
            Self::Unsupported(member) => write!(f, "its metadata has no {member}"),
            Self::Refused { code, description } => {
                write!(f, "it refused: {code}")?;
                description
                    .as_ref()
                    .map_or(Ok(()), |words| write!(f, " ({words})"))
            }
        }
    }
}

impl std::error::Error for Error {}
