//! How long a program takes from exec to its first answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Starts it, asks for its metadata until there is an answer, ends it; milliseconds.
///
/// # Panics
/// If it ends first.
#[must_use]
pub fn first_answer(address: SocketAddr, argv: &[String]) -> f64 {
    let (program, arguments) = argv.split_first().expect("a program");
    let begin = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it is installed");
    while !answers(address) {
        assert!(child.try_wait().expect("ours").is_none(), "it has ended");
        std::thread::sleep(Duration::from_micros(500));
    }
    let taken = begin.elapsed().as_secs_f64() * 1e3;
    let kill = Command::new("kill").arg(child.id().to_string()).status();
    assert!(kill.expect("kill").success());
    child.wait().expect("ours");
    taken
}

fn answers(address: SocketAddr) -> bool {
    let asked = TcpStream::connect(address).and_then(|mut stream| {
        let path = "/.well-known/oauth-authorization-server";
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    });
    asked.unwrap_or(false)
}
