//! The machine's log: what its processes send to `/dev/log`, kept in memory. In a booted
//! machine the journal has that socket, and passes on what it gets.

use std::fmt;
use std::fs;
use std::io;
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::namespaces::Namespaces;
use crate::watched::{DEADLINE, Watched};

/// Where a machine's log comes from.
pub(crate) struct Sockets {
    /// Where its lines arrive. It is ours to make.
    pub(crate) receives: &'static str,
    /// Where its programs send theirs, from which they come to the other one in order.
    pub(crate) takes: &'static str,
}

/// What no program logs: a line of ours, after which all earlier ones have been received.
const FLUSH: &str = "\u{1}flush ";

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Facility and severity, as in `authpriv.info`: 86 is 10 * 8 + 6.
    pub priority: u8,
    /// The program that logged it, without its pid.
    pub program: String,
    /// The message.
    pub message: String,
}

/// A place in the log; the default is its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark(usize);

impl LogLine {
    /// Takes `<86>Nov 23 23:21:00 sshd[12]: message` apart, what syslog(3) sends.
    fn parse(datagram: &str) -> LogLine {
        let datagram = datagram.trim_end_matches(['\n', '\0']);
        let (priority, rest) = datagram
            .strip_prefix('<')
            .and_then(|rest| rest.split_once('>'))
            .and_then(|(priority, rest)| Some((priority.parse().ok()?, rest)))
            .unwrap_or((0, datagram));
        let rest = match rest.split_at_checked("Nov 23 23:21:00 ".len()) {
            Some((time, rest)) if time.matches(':').count() == 2 => rest,
            _ => rest,
        };
        let (program, message) = rest.split_once(": ").unwrap_or(("", rest));
        let program = program.split('[').next().unwrap_or(program);
        LogLine {
            priority,
            program: program.to_owned(),
            message: message.to_owned(),
        }
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}> {}: {}", self.priority, self.program, self.message)
    }
}

#[derive(Default)]
struct Received {
    lines: Vec<LogLine>,
    flushed: usize,
}

pub(crate) struct Log {
    socket: UnixDatagram,
    sender: UnixDatagram,
    flushes: AtomicUsize,
    received: Arc<Watched<Received>>,
}

impl Log {
    /// Opens the machine's log, and has a thread empty it: the kernel queues ten
    /// datagrams, and the eleventh would hold its sender up.
    pub(crate) fn listen(namespaces: &Namespaces, sockets: &Sockets) -> io::Result<Log> {
        let sender = UnixDatagram::unbound()?;
        let socket = namespaces.enter(|| {
            let socket = UnixDatagram::bind(sockets.receives)?;
            fs::set_permissions(sockets.receives, fs::Permissions::from_mode(0o666))?;
            sender.connect(sockets.takes)?;
            io::Result::Ok(socket)
        })?;
        let received = Arc::new(Watched::<Received>::default());
        let (source, sink) = (socket.try_clone()?, Arc::clone(&received));
        thread::spawn(move || receive(&source, &sink));
        Ok(Log {
            socket,
            sender,
            flushes: AtomicUsize::new(0),
            received,
        })
    }

    pub(crate) fn since(&self, mark: Mark) -> Vec<LogLine> {
        self.flush();
        self.received
            .look(|received| received.lines.iter().skip(mark.0).cloned().collect())
    }

    pub(crate) fn mark(&self) -> Mark {
        self.flush();
        self.received.look(|received| Mark(received.lines.len()))
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, mark: Mark, text: &str) -> LogLine {
        let found = self.received.wait_for(|received| {
            received
                .lines
                .iter()
                .skip(mark.0)
                .find(|line| line.message.contains(text))
                .cloned()
        });
        found.unwrap_or_else(|| {
            let lines: Vec<_> = self.since(mark).iter().map(LogLine::to_string).collect();
            panic!(
                "no line with {text:?} in {DEADLINE:?}, only:\n{}",
                lines.join("\n")
            )
        })
    }

    /// Returns when everything sent before has been received.
    fn flush(&self) {
        let number = self.flushes.fetch_add(1, Ordering::Relaxed) + 1;
        self.sender
            .send(format!("{FLUSH}{number}").as_bytes())
            .expect("the machine's /dev/log");
        self.received
            .wait_for(|received| (received.flushed >= number).then_some(()))
            .expect("the log's own line came through");
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Read);
    }
}

/// Takes in what comes until the socket is shut down.
fn receive(socket: &UnixDatagram, received: &Watched<Received>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = socket.recv(&mut buffer) {
        let datagram = String::from_utf8_lossy(&buffer[..length]);
        received.update(
            |received| match datagram.strip_prefix(FLUSH).map(str::parse) {
                Some(Ok(number)) => received.flushed = received.flushed.max(number),
                _ => received.lines.push(LogLine::parse(&datagram)),
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::LogLine;

    #[test]
    fn takes_a_line_of_syslog_apart() {
        let line =
            LogLine::parse("<86>Nov 23 23:21:00 sshd[12]: pam_jwt(sshd:auth): result=refused\n");
        assert_eq!(
            line.to_string(),
            "<86> sshd: pam_jwt(sshd:auth): result=refused"
        );
    }

    #[test]
    fn keeps_a_line_that_is_none_of_syslogs() {
        assert_eq!(LogLine::parse("what: ever").to_string(), "<0> what: ever");
        assert_eq!(LogLine::parse("<x>").message, "<x>");
    }
}
