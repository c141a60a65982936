//! A server on the machine's loopback: GitHub's for the tests, and whatever else is asked.

use machine::Machine;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Runs `action` with the port of a server that answers each request with what `answer`
/// makes of its head. Returns the heads too.
pub fn serve<R>(
    machine: &Machine,
    answer: impl Fn(&str, &mut dyn Write) + Sync,
    action: impl FnOnce(u16) -> R,
) -> (R, Vec<String>) {
    let listener = machine.inside(|| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let port = listener.local_addr().expect("bound").port();
    thread::scope(|threads| {
        let server = threads.spawn(|| {
            let mut heads = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                match head(&stream) {
                    end if end == END => break,
                    head => {
                        answer(&head, &mut stream);
                        heads.push(head);
                    }
                }
            }
            heads
        });
        let stop = Stop { machine, port };
        let result = action(port);
        drop(stop);
        (result, server.join().expect("the server"))
    })
}

/// What ends the server.
const END: &str = "END\r\n\r\n";

/// Ends the server however the test ends.
struct Stop<'m> {
    machine: &'m Machine,
    port: u16,
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        let connect = || TcpStream::connect(("127.0.0.1", self.port));
        let stream = self.machine.inside(connect);
        let _ = stream.and_then(|mut stream| stream.write_all(END.as_bytes()));
    }
}

/// A request, up to the empty line.
fn head(stream: &TcpStream) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while !head.ends_with("\r\n\r\n") && !matches!(reader.read_line(&mut head), Ok(0) | Err(_)) {}
    head
}

/// An answer with a body.
pub fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}
