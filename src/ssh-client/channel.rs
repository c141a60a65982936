//! What askpass and agent say to each other, over a socket in a private directory: the
//! prompt there, the answer back. Public keys for ssh may lie beside it. Only the user's own processes reach it, and of those the
//! agent answers only a child of the ssh that it serves.

use crate::conversation::Answer;
use crate::token::on_one_line;
use nix::sys::stat::Mode;
use nix::unistd::Uid;
use std::fs;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// The variable by which the askpass knows whom to ask: the path of the socket. It outlives
/// the directory in what ssh has started, so nothing is run from there, and who answers at
/// that path has to be the user.
pub const VARIABLE: &str = "JWT_SSH_SOCKET";

const SOCKET: &str = "socket";

/// The longest prompt that is looked at. sshd's own limit for all of them is 256 KiB.
const MOST_OF_PROMPT: u64 = 256 * 1024;

/// A piece of the token and a remark, in bytes.
const MOST_OF_REPLY: usize = 8192;

/// The longest remark, in characters.
const MOST_OF_REMARK: usize = 1500;

/// For both to answer a process that is there.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the first byte of a reply says.
const PIECE: u8 = b'A';
/// A line for the user, and the piece.
const REMARKED: u8 = b'R';
const TERMINAL: u8 = b'T';
const FAIL: u8 = b'F';

/// The directory of one run: 0700, with the socket (0600) and public keys.
pub struct Place {
    directory: PathBuf,
    keys: usize,
}

/// The file beside `socket` of the public key with this number.
pub fn key_file(socket: &Path, number: usize) -> PathBuf {
    socket.with_file_name(format!("key{number}.pub"))
}

impl Place {
    /// Makes it in the first of `parents` that will have it, and where no other user can put
    /// another directory in its place.
    ///
    /// # Errors
    /// Why the last of them will not do.
    pub fn new(parents: &[PathBuf]) -> io::Result<(Self, UnixListener)> {
        let mut last = io::Error::other("there is no directory for it");
        for parent in parents {
            match Self::in_directory(parent) {
                Ok(made) => return Ok(made),
                Err(error) => last = io::Error::other(format!("{}: {error}", parent.display())),
            }
        }
        Err(last)
    }

    fn in_directory(parent: &Path) -> io::Result<(Self, UnixListener)> {
        let metadata = fs::metadata(parent)?;
        let (owner, mode) = (metadata.uid(), metadata.mode());
        let is_own = owner == Uid::effective().as_raw() && mode & 0o022 == 0;
        let is_everybodys = owner == 0 && (mode & 0o1000 != 0 || mode & 0o022 == 0);
        if !is_own && !is_everybodys {
            return Err(io::Error::other("others can change what is in it"));
        }
        // 0700, whatever the umask (mkdtemp(3)).
        let directory = nix::unistd::mkdtemp(&parent.join("jwt-ssh.XXXXXX"))?;
        let place = Self { directory, keys: 0 };
        let old = nix::sys::stat::umask(Mode::from_bits_truncate(0o177));
        let listener = UnixListener::bind(place.directory.join(SOCKET));
        nix::sys::stat::umask(old);
        let listener = listener?;
        fs::set_permissions(
            place.directory.join(SOCKET),
            fs::Permissions::from_mode(0o600),
        )?;
        Ok((place, listener))
    }

    /// The value of [`VARIABLE`].
    pub fn socket(&self) -> PathBuf {
        self.directory.join(SOCKET)
    }

    /// Writes these public keys to files, each a line.
    ///
    /// # Errors
    /// What keeps them from being written.
    pub fn keep(&mut self, keys: &[String]) -> io::Result<()> {
        for (number, key) in keys.iter().enumerate() {
            self.keys = number.saturating_add(1);
            fs::write(key_file(&self.socket(), number), format!("{key}\n"))?;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for number in 0..self.keys {
            let _ = fs::remove_file(key_file(&self.socket(), number));
        }
        let _ = fs::remove_file(self.socket());
        let _ = fs::remove_dir(&self.directory);
    }
}

/// The agent's side of one question.
pub struct Question {
    stream: UnixStream,
    /// The prompt, as ssh posed it.
    pub prompt: Vec<u8>,
}

impl Question {
    /// Hears it.
    ///
    /// # Errors
    /// What the socket says, a prompt that does not come to its end among it.
    pub fn hear(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut prompt = Vec::new();
        (&stream).take(MOST_OF_PROMPT).read_to_end(&mut prompt)?;
        Ok(Self { stream, prompt })
    }

    /// Answers it.
    ///
    /// # Errors
    /// What the socket says.
    pub fn reply(mut self, answer: &Answer) -> io::Result<()> {
        let word = |word: &Option<String>| word.clone().unwrap_or_default().into_bytes();
        let (kind, rest) = match answer {
            Answer::Piece(piece, None) => (PIECE, piece.clone()),
            Answer::Piece(piece, Some(text)) => (REMARKED, remarked(text, piece)),
            Answer::Terminal(text) => (TERMINAL, word(text).into()),
            Answer::Fail(text) => (FAIL, word(text).into()),
        };
        self.stream.write_all(&[kind])?;
        self.stream.write_all(&rest)
    }
}

fn remarked(text: &str, piece: &[u8]) -> Zeroizing<Vec<u8>> {
    // A token says what it likes of its key, and the piece has to come through.
    let text: String = on_one_line(text).chars().take(MOST_OF_REMARK).collect();
    let length = text.len().saturating_add(piece.len()).saturating_add(1);
    let mut both = Zeroizing::new(Vec::with_capacity(length));
    both.extend_from_slice(text.as_bytes());
    both.push(b'\n');
    both.extend_from_slice(piece);
    both
}

/// Asks the agent at `socket`; none if it is not there any more.
///
/// # Errors
/// What the socket says, or that it is not the user's.
pub fn ask(socket: &Path, prompt: &[u8]) -> io::Result<Option<Answer>> {
    let mut stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if peer(&stream)?.uid != Uid::effective() {
        return Err(io::Error::other("its socket belongs to another user"));
    }
    // Not for reading: --token-command may wait for somebody.
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(prompt)?;
    stream.shutdown(Shutdown::Write)?;
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    // From here on there is something to hide. Not before: where /proc is mounted with
    // hidepid, a process that hides cannot be seen to be a child of ssh.
    crate::secrecy::hide_memory();
    let mut rest = Zeroizing::new(Vec::with_capacity(MOST_OF_REPLY));
    stream.take(MOST_OF_REPLY as u64).read_to_end(&mut rest)?;
    let word = |bytes: &[u8]| {
        let word = String::from_utf8_lossy(bytes).into_owned();
        (!word.is_empty()).then_some(word)
    };
    match kind {
        [PIECE] => Ok(Some(Answer::Piece(rest, None))),
        [REMARKED] => {
            let mut parts = rest.splitn(2, |byte| *byte == b'\n');
            let text = word(parts.next().unwrap_or_default());
            let piece = parts.next().unwrap_or_default().to_vec();
            Ok(Some(Answer::Piece(Zeroizing::new(piece), text)))
        }
        [TERMINAL] => Ok(Some(Answer::Terminal(word(&rest)))),
        [FAIL] => Ok(Some(Answer::Fail(word(&rest)))),
        _ => Err(io::Error::other("it speaks another version of jwt-ssh")),
    }
}

/// The process at the other end.
pub struct Peer {
    /// Its effective uid as it connected.
    pub uid: Uid,
    /// Its parent, where the system tells.
    pub parent: Option<i32>,
}

/// Who is at the other end, in the kernel's words (SO_PEERCRED, unix(7)).
///
/// # Errors
/// What the kernel says; on Linux also that the process is gone or hidden.
#[cfg(target_os = "linux")]
pub fn peer(stream: &UnixStream) -> io::Result<Peer> {
    let credentials =
        nix::sys::socket::getsockopt(stream, nix::sys::socket::sockopt::PeerCredentials)?;
    Ok(Peer {
        uid: Uid::from_raw(credentials.uid()),
        parent: crate::process::parent_of(credentials.pid()).ok(),
    })
}

/// Who is at the other end (getpeereid(3)).
///
/// # Errors
/// What the kernel says.
#[cfg(not(target_os = "linux"))]
pub fn peer(stream: &UnixStream) -> io::Result<Peer> {
    let (uid, _) = nix::unistd::getpeereid(stream)?;
    Ok(Peer { uid, parent: None })
}
