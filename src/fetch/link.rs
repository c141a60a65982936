//! The two pipes to the module: a request comes in, answers go out, and while the request's
//! pipe is open somebody waits for them.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;
use system::helper::{Answer, MOST, Request};
use zeroize::Zeroizing;

/// Reads the request: one line, and nothing of it stays behind.
pub fn request() -> Option<Request> {
    // The room is made at once: a vector that grows leaves what it held behind.
    let mut line = Zeroizing::new(Vec::with_capacity(MOST + 1));
    let mut byte = [0];
    let mut input = io::stdin().lock();
    while line.len() <= MOST && byte != [b'\n'] {
        input.read_exact(&mut byte).ok()?;
        line.extend(byte);
    }
    Request::parse(&line)
}

/// Gives an answer.
///
/// # Errors
/// Nobody reads it any more.
pub fn answer(answer: &Answer) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(answer.line().as_bytes())?;
    output.flush()
}

/// Waits so many seconds; whether somebody still waits for an answer then. Who has hung up
/// has closed the request's pipe, on which nothing more is said.
pub fn wait(seconds: u64) -> bool {
    let input = io::stdin();
    let timeout = PollTimeout::try_from(Duration::from_secs(seconds));
    let timeout = timeout.unwrap_or(PollTimeout::MAX);
    let mut fds = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
    matches!(poll(&mut fds, timeout), Ok(0))
}
