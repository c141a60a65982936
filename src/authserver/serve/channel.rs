//! The socket between the monitor, which is root, and the network process, which is nobody: one
//! byte that says what is wanted, and with it one descriptor, the end of a socket on which the
//! answer comes. The monitor takes the other side for taken over, and reads nothing else of it. (If
//! it made the pair itself it would have to send on this socket, which the other side could leave
//! unread, and that would have to find out which of its threads each answer is for.) The other way
//! goes one byte, whenever the settings have changed.

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketType, recvmsg, sendmsg, sockopt,
};
use std::io::{IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// What the monitor says when the settings have changed.
const CHANGED: u8 = b'S';

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The settings, all of them.
    Settings,
    /// A conversation with PAM.
    Conversation,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Settings => b'S',
            Self::Conversation => b'C',
        }
    }

    const fn of(byte: u8) -> Option<Self> {
        match byte {
            b'S' => Some(Self::Settings),
            b'C' => Some(Self::Conversation),
            _ => None,
        }
    }
}

/// What came of looking for a request.
#[derive(Debug)]
pub enum Received {
    /// A request, and the stream socket on which its answer goes.
    Request(Kind, OwnedFd),
    /// A byte that is no request: of no kind, or without exactly one socket. What came with it is
    /// closed.
    Nonsense,
    /// The other side is gone.
    Closed,
    /// There is nothing just now.
    Nothing,
}

/// Asks for something; the answer comes on what is returned. Does not wait.
///
/// # Errors
/// The system's: [`std::io::ErrorKind::WouldBlock`] where the monitor has more to do than it
/// can.
pub fn ask(channel: impl AsFd, kind: Kind) -> std::io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    send(channel.as_fd(), kind.byte(), &[theirs.as_fd()])?;
    Ok(ours)
}

/// Tells the network process that the settings have changed. One that leaves so much unread that
/// this does not get through has been told before.
pub fn tell_changed(channel: impl AsFd) {
    let _ = send(channel.as_fd(), CHANGED, &[]);
}

/// Waits until the monitor is gone, and calls `changed` whenever it says that the settings have
/// changed: once for what it says at once.
pub fn wait_for_end(mut channel: &UnixStream, changed: impl Fn()) {
    let mut buffer = [0; 64];
    while let Ok(1..) = channel.read(&mut buffer) {
        changed();
    }
}

fn send(
    channel: BorrowedFd<'_>,
    byte: u8,
    descriptors: &[BorrowedFd<'_>],
) -> rustix::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(Errno::INVAL);
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    sendmsg(channel, &[IoSlice::new(&[byte])], &mut control, flags).map(drop)
}

/// Takes the next request, if there is one; does not wait.
///
/// # Errors
/// The system's.
pub fn receive(channel: impl AsFd) -> std::io::Result<Received> {
    let mut byte = [0];
    // Room for one descriptor: what more there are the kernel does not even make ours, but for a
    // second one that alignment may have left room for.
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let came = match recvmsg(
        channel,
        &mut [IoSliceMut::new(&mut byte)],
        &mut control,
        flags,
    ) {
        Ok(came) => came,
        Err(Errno::AGAIN | Errno::INTR) => return Ok(Received::Nothing),
        Err(Errno::CONNRESET) => return Ok(Received::Closed),
        Err(errno) => return Err(errno.into()),
    };
    let mut descriptors: Vec<OwnedFd> = control
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    if came.bytes == 0 {
        return Ok(Received::Closed);
    }
    let [byte] = byte;
    let only = descriptors.pop().filter(|_| descriptors.is_empty());
    let request = Kind::of(byte).zip(only);
    Ok(match request {
        Some((kind, descriptor)) if is_stream(&descriptor) => Received::Request(kind, descriptor),
        _ => Received::Nonsense,
    })
}

/// Whether it is a stream socket of this machine. To anything else, such as a file of /proc, root
/// would write in the other's place.
fn is_stream(descriptor: &OwnedFd) -> bool {
    sockopt::socket_domain(descriptor) == Ok(AddressFamily::UNIX)
        && sockopt::socket_type(descriptor) == Ok(SocketType::STREAM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::fs::File;
    use std::io::Write;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn a_request_brings_the_socket_of_its_answer() {
        let (monitor, network) = UnixStream::pair().unwrap();
        assert!(matches!(receive(&monitor).unwrap(), Received::Nothing));
        for kind in [Kind::Settings, Kind::Conversation] {
            let mut answer = ask(&network, kind).unwrap();
            let Received::Request(got, descriptor) = receive(&monitor).unwrap() else {
                panic!("no request");
            };
            assert_eq!(got, kind);
            UnixStream::from(descriptor).write_all(b"here").unwrap();
            let mut text = String::new();
            answer.read_to_string(&mut text).unwrap();
            assert_eq!(text, "here");
        }
        drop(network);
        assert!(matches!(receive(&monitor).unwrap(), Received::Closed));
    }

    #[test]
    fn whatever_else_comes_is_nonsense_and_is_closed() {
        let (monitor, network) = UnixStream::pair().unwrap();
        let (one, mut two) = UnixStream::pair().unwrap();
        let (_other, datagram) = UnixDatagram::pair().unwrap();
        let file = File::open("/dev/null").unwrap();
        let cases: [(u8, Vec<BorrowedFd<'_>>); 6] = [
            (b'C', vec![]),
            (b'X', vec![one.as_fd()]),
            (0, vec![]),
            (b'S', vec![one.as_fd(), one.as_fd()]),
            (b'C', vec![one.as_fd(); 8]),
            (b'S', vec![file.as_fd()]),
        ];
        for (byte, descriptors) in &cases {
            send(network.as_fd(), *byte, descriptors).unwrap();
            assert!(
                matches!(receive(&monitor).unwrap(), Received::Nonsense),
                "{byte} with {}",
                descriptors.len()
            );
        }
        send(network.as_fd(), b'S', &[datagram.as_fd()]).unwrap();
        assert!(matches!(receive(&monitor).unwrap(), Received::Nonsense));
        // Nobody has it any more but this test.
        drop(one);
        assert_eq!(two.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn changed_settings_are_told_of_until_the_end_and_never_waited_for() {
        let (monitor, network) = UnixStream::pair().unwrap();
        for _ in 0..1_000_000 {
            tell_changed(&monitor);
        }
        drop(monitor);
        let told = Cell::new(0);
        wait_for_end(&network, || told.set(told.get() + 1));
        assert!(told.get() > 0);
        // Nobody is there to hear it.
        let (monitor, network) = UnixStream::pair().unwrap();
        drop(network);
        tell_changed(&monitor);
    }

    #[test]
    fn who_asks_too_much_is_told() {
        let (_monitor, network) = UnixStream::pair().unwrap();
        let refused = (0..1_000_000).find_map(|_| ask(&network, Kind::Settings).err());
        // The socket is full (EAGAIN), or too many descriptors are on their way
        // (ETOOMANYREFS, unix(7)).
        assert!(refused.is_some());
    }
}
