//! Prompts that are not jwt-ssh's to answer, on the terminal, as ssh would pose them.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{
    LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};
use nix::unistd::{Pid, getppid};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use zeroize::Zeroizing;

/// What a terminal in its line mode passes on at most, and a little.
const LONGEST: usize = 4200;

/// Keys that end what is typed and the program: they are read, not obeyed, so that the
/// terminal shows again what is typed before anything ends.
const INTERRUPT: u8 = 0x03;
const QUIT: u8 = 0x1c;

/// How often it looks whether who asked is still there, in milliseconds.
const TICK: u16 = 500;

/// Whether there is a terminal to ask at.
pub fn is_there() -> bool {
    open().is_ok()
}

fn open() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty")
}

/// Shows a text, without an answer.
///
/// # Errors
/// That there is no terminal.
pub fn show(text: &str) -> io::Result<()> {
    open()?.write_all(format!("{}\n", cli::output::visible(text)).as_bytes())
}

/// `text` as a terminal is to show it, line by line: what a server asks may have several, as
/// with ssh itself.
fn visible_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(cli::output::visible).collect();
    lines.join("\n")
}

/// Asks, and returns the line that is typed; none if the user gave up. What is typed is
/// shown only if `echo`.
///
/// # Errors
/// That there is no terminal, or it went away.
pub fn ask(prompt: &str, echo: bool) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut terminal = open()?;
    let hidden = if echo {
        None
    } else {
        Some(Hidden::new(terminal.try_clone()?)?)
    };
    terminal.write_all(visible_lines(prompt).as_bytes())?;
    let (line, last) = read_line(&mut terminal)?;
    if hidden.is_some() {
        terminal.write_all(b"\n")?;
    }
    drop(hidden);
    match last {
        Some(b'\n') => Ok(Some(line)),
        Some(INTERRUPT) => {
            // To the whole group, as the key would have done it: ssh, too.
            let _ = kill(Pid::from_raw(0), Signal::SIGINT);
            Ok(None)
        }
        Some(QUIT) => {
            let _ = kill(Pid::from_raw(0), Signal::SIGQUIT);
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// Reads to a newline, or one of the two keys, and returns it too.
fn read_line(terminal: &mut File) -> io::Result<(Zeroizing<Vec<u8>>, Option<u8>)> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = Zeroizing::new([0; 1]);
    let asking = getppid();
    while line.len() < LONGEST {
        // Who asked may end: then what is typed is for the next one who reads.
        while !is_typed(terminal)? {
            if getppid() != asking {
                return Ok((line, None));
            }
        }
        if terminal.read(byte.as_mut())? == 0 {
            return Ok((line, None));
        }
        match *byte {
            [end @ (b'\n' | INTERRUPT | QUIT)] => return Ok((line, Some(end))),
            [other] => line.push(other),
        }
    }
    Err(io::Error::other("the line is too long"))
}

/// Waits for a while, and says whether there is something to read.
fn is_typed(terminal: &File) -> io::Result<bool> {
    let mut readable = [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
    match poll(&mut readable, PollTimeout::from(TICK)) {
        // It was stopped, and goes on.
        Err(Errno::EINTR) => Ok(false),
        ready => Ok(ready? > 0),
    }
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden {
    terminal: File,
    before: Termios,
}

impl Hidden {
    fn new(terminal: File) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut hidden = before.clone();
        hidden
            .local_flags
            .remove(LocalFlags::ECHO | LocalFlags::ECHONL | LocalFlags::ISIG);
        hidden.local_flags.insert(LocalFlags::ICANON);
        for (index, key) in [
            (SpecialCharacterIndices::VEOL, INTERRUPT),
            (SpecialCharacterIndices::VEOL2, QUIT),
        ] {
            if let Some(place) = hidden.control_chars.get_mut(index as usize) {
                *place = key;
            }
        }
        // As ssh does: what was typed before the question is no answer to it.
        tcsetattr(&terminal, SetArg::TCSAFLUSH, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, SetArg::TCSADRAIN, &self.before);
    }
}
