//! A login in a browser of this machine: the answer comes to a port of the loopback that only
//! this login knows (RFC 8252 §7.3).

use super::{Asked, Stop, browser, shown};
use crate::clock;
use oauth::code::{Request, Unusable};
use oauth::http::Text;
use oauth::token::Tokens;
use oauth::{Error, Http, Metadata};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;
use zeroize::Zeroizing;

/// For the user to log in at a page.
const PATIENCE: Duration = Duration::from_secs(600);

/// No request of a browser's has more bytes.
const MOST: usize = 16 * 1024;

/// For a browser to say what it wants, once it has connected. It may connect ahead of that.
const TIMEOUT: Duration = Duration::from_secs(10);

/// So many connections at once; who wants more waits.
const AT_ONCE: usize = 16;

/// Has the issuer's page opened, waits for its answer, and has that turned into tokens.
///
/// # Errors
/// Why there are no tokens.
pub fn tokens(
    http: &Http,
    metadata: &Metadata,
    asked: &Asked,
    programs: &[Vec<String>],
) -> Result<Tokens, Stop> {
    let stop = |error: Error| Stop::of(&asked.issuer, &error);
    let here = |error: io::Error| Stop::Cannot(format!("127.0.0.1: {error}"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(here)?;
    let port = listener.local_addr().map_err(here)?.port();
    let redirect_uri = format!("http://127.0.0.1:{port}/");
    let scope = asked.scope.as_deref();
    let request = Request::new(&asked.client, &redirect_uri, scope, &asked.resources);
    let request = request.map_err(stop)?;
    let page = request.uri(metadata).map_err(stop)?;
    let (judge, judged) = mpsc::channel();
    serve(listener, &judge);
    shown::page(&page, browser::open(programs, &page));
    // The code of an answer, as soon as there is one that is to this request.
    let answer = wait(&judged, PATIENCE, |query| {
        match request.code(query, metadata) {
            Err(Unusable::Foreign) => None,
            Err(Unusable::Refused(error)) => Some(Err(error)),
            Ok(code) => Some(Ok(code)),
        }
    });
    let code: Text = answer.map_err(Stop::Refused)?.map_err(stop)?;
    request.redeem(http, metadata, &code).map_err(stop)
}

/// A query that came to the redirect address, and who is to be told what it was good for.
type Arrived = (Text, TcpStream);

/// What a browser is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    Done,
    Refused,
    Foreign,
    NotFound,
    NotAllowed,
    Bad,
}

impl Page {
    const fn status(self) -> &'static str {
        match self {
            Self::Done | Self::Refused => "200 OK",
            Self::Foreign | Self::Bad => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::NotAllowed => "405 Method Not Allowed",
        }
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Done => (
                "jwt-ssh has the answer",
                "You may close this window. How the login went is said in the terminal.",
            ),
            Self::Refused => (
                "There was no login",
                "You may close this window. Why is said in the terminal.",
            ),
            Self::Foreign => (
                "This is not the answer that jwt-ssh waits for",
                "It belongs to another login. Begin with the page that jwt-ssh opened.",
            ),
            Self::NotFound | Self::NotAllowed | Self::Bad => {
                ("There is nothing here", "jwt-ssh waits here for an answer.")
            }
        }
    }

    fn response(self) -> String {
        let (title, text) = self.words();
        let body = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
             <h1>{title}</h1>\n<p>{text}</p>\n</html>\n"
        );
        let (status, length) = (self.status(), body.len());
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n\
             Content-Length: {length}\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
             Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n\
             X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}"
        )
    }
}

/// Waits for the query of which `judge` makes something, and tells each browser what it was good
/// for.
fn wait<T, E>(
    arriving: &Receiver<Arrived>,
    patience: Duration,
    judge: impl Fn(&str) -> Option<Result<T, E>>,
) -> Result<Result<T, E>, String> {
    let end = clock::instant().checked_add(patience);
    let left = || {
        end.map_or(patience, |end| {
            end.saturating_duration_since(clock::instant())
        })
    };
    while let Ok((query, stream)) = arriving.recv_timeout(left()) {
        let judged = judge(&query);
        reply(
            stream,
            match &judged {
                None => Page::Foreign,
                Some(Ok(_)) => Page::Done,
                Some(Err(_)) => Page::Refused,
            },
        );
        if let Some(judged) = judged {
            return Ok(judged);
        }
    }
    Err("nobody logged in at the page in time; once more: jwt-ssh login".to_owned())
}

/// Hears browsers, until this process ends.
fn serve(listener: TcpListener, arriving: &Sender<Arrived>) {
    let listener = Arc::new(listener);
    for _ in 0..AT_ONCE {
        let (listener, arriving) = (Arc::clone(&listener), arriving.clone());
        thread::spawn(move || {
            loop {
                if let Ok((stream, _)) = listener.accept() {
                    hear(stream, &arriving);
                }
            }
        });
    }
}

fn hear(mut stream: TcpStream, arriving: &Sender<Arrived>) {
    let timeouts = stream
        .set_read_timeout(Some(TIMEOUT))
        .and_then(|()| stream.set_write_timeout(Some(TIMEOUT)));
    let Some(head) = timeouts.ok().and_then(|()| head(&mut stream)) else {
        return;
    };
    match query(&head) {
        Ok(query) => drop(arriving.send((Zeroizing::new(query.to_owned()), stream))),
        Err(page) => reply(stream, page),
    }
}

fn reply(mut stream: TcpStream, page: Page) {
    // Whoever has gone is told nothing.
    let _ = stream.write_all(page.response().as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
}

/// The head of a request; none where it does not come to an end.
fn head(stream: &mut TcpStream) -> Option<Zeroizing<Vec<u8>>> {
    let mut head = Zeroizing::new(Vec::with_capacity(MOST));
    let mut buffer = Zeroizing::new([0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = stream.read(buffer.as_mut()).ok()?;
        let read = buffer.get(..length).filter(|read| !read.is_empty())?;
        if head.len().saturating_add(read.len()) > MOST {
            return None;
        }
        head.extend_from_slice(read);
    }
    Some(head)
}

/// The query of a request to the redirect address, or else what the browser is shown.
fn query(head: &[u8]) -> Result<&str, Page> {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|_| Page::Bad)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next(), words.next());
    if words
        .next()
        .is_none_or(|version| !version.starts_with("HTTP/1."))
    {
        return Err(Page::Bad);
    }
    let target = target.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match (method, path) {
        (Some("GET"), "/") => Ok(query),
        (Some("GET"), _) => Err(Page::NotFound),
        _ => Err(Page::NotAllowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a browser is answered that says this, and what the login makes of its query.
    fn answered(said: &str) -> (String, Result<Result<String, String>, String>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut browser = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        // One that has connected ahead holds nothing up.
        let _ahead = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        browser.write_all(said.as_bytes()).unwrap();
        let (judge, judged) = mpsc::channel();
        serve(listener, &judge);
        let waiting = thread::spawn(move || {
            wait(&judged, Duration::from_millis(300), |query| match query {
                "good" => Some(Ok("good".to_owned())),
                "bad" => Some(Err("bad".to_owned())),
                _ => None,
            })
        });
        let mut answer = String::new();
        browser.read_to_string(&mut answer).unwrap();
        (answer, waiting.join().unwrap())
    }

    #[test]
    fn only_what_is_for_this_login_ends_the_wait() {
        for (said, status, outcome) in [
            (
                "GET /?good HTTP/1.1\r\nHost: x\r\n\r\n",
                "200",
                Some(Ok("good")),
            ),
            ("GET /?bad HTTP/1.1\r\n\r\n", "200", Some(Err("bad"))),
            ("GET /?other HTTP/1.1\r\n\r\n", "400", None),
            ("GET / HTTP/1.1\r\n\r\n", "400", None),
            ("GET /favicon.ico HTTP/1.1\r\n\r\n", "404", None),
            ("GET /x?good HTTP/1.1\r\n\r\n", "404", None),
            ("POST /?good HTTP/1.1\r\n\r\n", "405", None),
            ("HEAD /?good HTTP/1.1\r\n\r\n", "405", None),
            ("GET /?good\r\n\r\n", "400", None),
            ("\r\n\r\n", "400", None),
        ] {
            let (answer, ended) = answered(said);
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{said}{answer}"
            );
            assert!(answer.contains("<!doctype html>"), "{answer}");
            let outcome = outcome.map(|ok| ok.map(str::to_owned).map_err(str::to_owned));
            assert_eq!(ended.ok(), outcome, "{said}");
        }
    }

    #[test]
    fn who_says_too_much_is_not_heard() {
        let (answer, ended) = answered(&format!("GET /?{} HTTP/1.1\r\n", "a".repeat(MOST)));
        assert_eq!((&*answer, ended.is_err()), ("", true));
    }
}
