//! An answer on its way to a process that may not read it: sent as far as the socket takes it,
//! without waiting, and given up after a while.

use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;
use system::clock::Deadline;
use zeroize::Zeroizing;

/// How long the other side has to read it all.
const TIME: Duration = Duration::from_secs(10);

/// What is sent, and how far it has come. The socket is closed when this is dropped, which tells
/// the other side that it was all.
pub struct Sending {
    socket: OwnedFd,
    bytes: Zeroizing<Vec<u8>>,
    sent: usize,
    end: Deadline,
}

impl Sending {
    /// Begins with nothing sent.
    pub fn new(socket: OwnedFd, bytes: Zeroizing<Vec<u8>>) -> Self {
        Self {
            socket,
            bytes,
            sent: 0,
            end: Deadline::after(TIME),
        }
    }

    /// What to wait for until more can be sent.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// When it is given up.
    pub fn end(&self) -> Deadline {
        self.end
    }

    /// Sends what the socket takes. False once there is no more to do: it is all sent, nobody
    /// reads it, or its time is over.
    pub fn goes_on(&mut self) -> bool {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        while let Some(rest) = self.bytes.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match send(&self.socket, rest, flags) {
                Ok(count) => self.sent += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return !self.end.left().is_zero(),
                Err(_) => return false,
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    #[test]
    fn more_than_the_socket_takes_is_sent_as_it_is_read() {
        let (mut reader, socket) = UnixStream::pair().unwrap();
        let bytes: Vec<u8> = (0..5_000_000u32).map(|number| number as u8).collect();
        let mut sending = Sending::new(socket.into(), Zeroizing::new(bytes.clone()));
        assert!(sending.goes_on());
        let mut read = vec![0; 1_000_000];
        while sending.goes_on() {
            let count = reader.read(&mut read[..1000]).unwrap();
            assert!(count > 0);
            read.extend_from_within(..count);
        }
        drop(sending);
        read.drain(..1_000_000);
        reader.read_to_end(&mut read).unwrap();
        assert!(read == bytes);
    }

    #[test]
    fn a_reader_that_is_gone_ends_it() {
        let (reader, socket) = UnixStream::pair().unwrap();
        drop(reader);
        assert!(!Sending::new(socket.into(), Zeroizing::new(vec![1])).goes_on());
    }
}
