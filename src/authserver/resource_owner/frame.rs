//! Messages on a stream: a length in four bytes, big-endian, and so much JSON. What is written or
//! read may be a password, so the buffers are wiped and do not grow.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Cursor, ErrorKind, Read, Write};
use zeroize::Zeroizing;

/// No message is longer, in bytes.
pub const MOST: usize = 64 * 1024;

/// The bytes before each message.
pub const HEAD: usize = 4;

/// A message as it is sent.
///
/// # Errors
/// Where it is longer than [`MOST`].
pub fn encoded(message: &impl Serialize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut buffer = Zeroizing::new(vec![0; HEAD + MOST]);
    let (head, body) = buffer.split_at_mut(HEAD);
    let mut body = Cursor::new(body);
    serde_json::to_writer(&mut body, message)?;
    let length = body.position();
    let number = u32::try_from(length).map_err(io::Error::other)?;
    head.copy_from_slice(&number.to_be_bytes());
    let length = usize::try_from(length).map_err(io::Error::other)?;
    buffer.truncate(HEAD + length);
    Ok(buffer)
}

/// How long the message is that begins so.
///
/// # Errors
/// Where it is longer than [`MOST`].
pub fn length(head: [u8; HEAD]) -> io::Result<usize> {
    let length = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
    if length > MOST {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is too long"));
    }
    Ok(length)
}

/// Reads a message of this length and no other form.
///
/// # Errors
/// Where it is no such message. The error does not say what it is, for it may be a password.
pub fn decoded<T: DeserializeOwned>(body: &[u8]) -> io::Result<T> {
    serde_json::from_slice(body)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is no such message"))
}

/// Writes a message.
///
/// # Errors
/// The stream's; as [`encoded`].
pub fn write(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    stream.write_all(&encoded(message)?)
}

/// Reads a message.
///
/// # Errors
/// The stream's, [`ErrorKind::UnexpectedEof`] where it ends; as [`length`] and [`decoded`].
pub fn read<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<T> {
    let mut head = [0; HEAD];
    stream.read_exact(&mut head)?;
    let mut body = Zeroizing::new(vec![0; length(head)?]);
    stream.read_exact(&mut body)?;
    decoded(&body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut stream = Vec::new();
        write(&mut stream, &"one").unwrap();
        write(&mut stream, &["two", "\u{0}é"]).unwrap();
        assert_eq!(&stream[..9], b"\0\0\0\x05\"one\"");
        let mut stream = stream.as_slice();
        assert_eq!(read::<String>(&mut stream).unwrap(), "one");
        assert_eq!(read::<[String; 2]>(&mut stream).unwrap()[1], "\u{0}é");
        let end = read::<String>(&mut stream).unwrap_err();
        assert_eq!(end.kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_is_too_long_is_neither_written_nor_read() {
        let longest = "x".repeat(MOST - 2);
        assert_eq!(encoded(&longest).unwrap().len(), HEAD + MOST);
        assert!(encoded(&"x".repeat(MOST - 1)).is_err());
        assert_eq!(length([0, 1, 0, 0]).unwrap(), MOST);
        assert!(length([0, 1, 0, 1]).is_err());
        assert!(length([255; HEAD]).is_err());
    }

    #[test]
    fn nonsense_is_an_error_that_does_not_repeat_it() {
        for bytes in [
            &b"\0\0\0\0"[..],
            b"\0\0\0\x01x",
            b"\0\0\0\x09\"hunter2\"",
            b"\0\0\0\x05\"on",
        ] {
            let error = read::<u8>(&mut &*bytes).unwrap_err();
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
