//! The access log: a line for each request. Of its address there is the path alone, since what
//! comes behind may be a code or a token.

use super::{field, plain};
use axum::http::{Method, StatusCode};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What becomes known of a request while it is answered. It is put beside the request.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    client_id: Option<String>,
    vouched: bool,
}

impl Seen {
    /// The client that asks is this one; `vouched` where it has shown that it is.
    pub fn client(&self, client_id: &str, vouched: bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.client_id = Some(client_id.to_owned());
        known.vouched = vouched;
    }

    /// Who asked, if that became known.
    #[must_use]
    pub fn client_id(&self) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.client_id.clone()
    }

    /// Whether the client has shown who it is.
    #[must_use]
    pub fn is_vouched(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .vouched
    }
}

/// One request and its answer.
pub struct Line<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// Its path, without the query.
    pub path: &'a str,
    /// The answer's status.
    pub status: StatusCode,
    /// How long it took.
    pub took: Duration,
    /// Bytes of the answer's body, where they are known before it is sent.
    pub bytes: Option<u64>,
    /// The client, where it said which.
    pub client_id: Option<&'a str>,
    /// From where it came.
    pub peer: IpAddr,
}

impl Line<'_> {
    /// Tells it.
    pub fn tell(&self) {
        super::line(6, &self.text());
    }

    fn text(&self) -> String {
        let mut line = "access".to_owned();
        field(&mut line, "method", self.method.as_str());
        field(&mut line, "path", self.path);
        plain(&mut line, "status", self.status.as_u16());
        let milliseconds = self.took.as_secs_f64() * 1000.0;
        plain(&mut line, "ms", format_args!("{milliseconds:.1}"));
        if let Some(bytes) = self.bytes {
            plain(&mut line, "bytes", bytes);
        }
        if let Some(client_id) = self.client_id {
            field(&mut line, "client_id", client_id);
        }
        plain(&mut line, "peer", self.peer);
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_fields_in_their_order_and_nobody_writes_a_second() {
        let mut line = Line {
            method: &Method::POST,
            path: "/token",
            status: StatusCode::OK,
            took: Duration::from_micros(1234),
            bytes: Some(512),
            client_id: Some("web"),
            peer: IpAddr::from([192, 0, 2, 7]),
        };
        assert_eq!(
            line.text(),
            "access method=POST path=/token status=200 ms=1.2 bytes=512 client_id=web peer=192.0.2.7"
        );
        line.path = "/x\"\naccess method=GET é";
        line.client_id = None;
        line.bytes = None;
        assert_eq!(
            line.text(),
            "access method=POST path=\"/x\\x22\\x0aaccess method=GET \\xc3\\xa9\" status=200 \
             ms=1.2 peer=192.0.2.7"
        );
    }
}
