//! What a person is told for whom there is no other page, and who is sent nowhere.

use crate::error::{Failure, Fault, OAuthError};
use crate::log;
use crate::pages::{Frame, MessagePage, page};
use crate::state::Server;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use std::sync::Arc;

/// Why there is no other page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The client's fault, or the server's.
    Failure(Failure),
    /// What the person was doing is over, or is another browser's.
    Over,
    /// A form that no page of this server has sent.
    Foreign,
    /// Too much goes on.
    Full,
    /// There is no such page.
    NotFound,
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Failure(fault.into())
    }
}

impl From<OAuthError> for Trouble {
    fn from(error: OAuthError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// The page that tells it. A fault is told to the log first.
pub fn told(server: &Server, trouble: &Trouble) -> Response<Body> {
    let settings = server.settings();
    let host = host(&settings.config.issuer);
    let mut told = String::new();
    let (status, title, line): (StatusCode, &str, &str) = match trouble {
        Trouble::Failure(Failure::Refused(error)) => {
            told = error.to_string();
            (
                StatusCode::BAD_REQUEST,
                "This cannot be answered",
                "The program or site that sent you here has asked in a way that it may not, so \
                 you were not sent back. Whoever runs it needs to know this:",
            )
        }
        Trouble::Failure(Failure::Fault(fault)) => {
            log::fault(fault);
            let status = if fault.passing {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                StatusCode::INTERNAL_SERVER_ERROR
            };
            let line = "It is not your fault. Please try again in a few minutes.";
            (status, "Something is wrong here", line)
        }
        Trouble::Over => (
            StatusCode::BAD_REQUEST,
            "This page is over",
            "It took too long, began in another browser, or this browser keeps no cookies. Please \
             go back to where you came from, and begin again.",
        ),
        Trouble::Foreign => (
            StatusCode::FORBIDDEN,
            "This was not sent from here",
            "Another site has tried to fill in a form of this one, and nothing was done. If that \
             was you, please go back and begin again.",
        ),
        Trouble::Full => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many people are logging in",
            "Please try again in a few minutes.",
        ),
        Trouble::NotFound => (
            StatusCode::NOT_FOUND,
            "There is no such page",
            "Please check the address.",
        ),
    };
    let lines = [line, told.as_str()];
    let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    let shown = MessagePage {
        frame: Frame {
            title,
            host,
            notices: &[],
        },
        lines: &lines,
    };
    page(status, &shown, "")
}

/// What is asked for is not here.
pub async fn not_found(State(server): State<Arc<Server>>) -> Response<Body> {
    told(&server, &Trouble::NotFound)
}

/// The host of an issuer, with its port.
pub fn host(issuer: &str) -> &str {
    let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
