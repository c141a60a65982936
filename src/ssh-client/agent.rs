//! The process that holds the token during one run of ssh. `jwt-ssh` starts it and becomes
//! ssh, whose child it then is; the askpass, which ssh runs for each prompt, asks it. It
//! keeps one token for all pieces: a file may be renewed between two of them.

use crate::channel::{Peer, Place, Question, peer};
use crate::conversation::Conversation;
use crate::environment::Environment;
use crate::source::{Effort, Recipient, Source};
use crate::target::Target;
use crate::token::Token;
use crate::{clock, secrecy};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::SigSet;
use nix::unistd::{Pid, Uid, getppid};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;
use zeroize::Zeroizing;

/// The longest task with a token, in bytes; a longer one is none the worse.
const MOST_TOLD: usize = 512 * 1024;

/// The token, or why there is none, where that is known before it is asked for.
type Early = Option<Result<Token, String>>;

/// The name by which the program knows that it is meant as the agent.
pub const NAME: &str = "jwt-ssh-agent";

/// How often it looks whether ssh is still there, in milliseconds.
const TICK: u16 = 1000;

/// For how many of them it stays after the token was given, to say why ssh asks again.
const AFTERMATH: u32 = 30;

/// What the agent is told. No secret is among it: a token goes the same way behind it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    /// Whom it is for.
    pub target: Target,
    /// What tokens for it name in `aud`.
    pub audiences: Vec<String>,
    /// What may be done so that it is for it.
    pub effort: Effort,
    /// Whether that is not to be looked at.
    pub force: bool,
    /// Where the token comes from.
    pub source: Source,
    /// The process that becomes ssh, and has started the agent.
    pub ssh: u32,
    /// What a look at the token before ssh starts has brought.
    pub look: Look,
    /// Public keys that ssh is to find in files: [`channel::key_file`] of the socket.
    pub keys: Vec<String>,
}

/// What a look at the token before ssh starts has brought.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Look {
    /// Nothing: it is got when it is asked for.
    Nothing,
    /// The token, which comes behind the task, and what the user is told with it.
    Token(Option<String>),
    /// What keeps it from being had, which is said when it is asked for.
    Failure(String),
}

/// Starts the agent of the ssh that this process is about to become, gives it the token where
/// that is known, and returns the path of its socket.
///
/// # Errors
/// Why it did not start.
pub fn start(task: &Task, token: Option<&Token>) -> Result<PathBuf, String> {
    use std::os::unix::process::CommandExt;
    let failed =
        |error: &dyn std::fmt::Display| format!("its helper process did not start: {error}");
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let task = serde_json::to_vec(task).map_err(|error| failed(&error))?;
    // It holds none of the files of this process, which whoever reads them would wait for.
    let mut child = Command::new(program)
        .arg0(NAME)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        let token = token.map(Token::as_bytes).unwrap_or_default();
        for part in [&task, b"\n".as_slice(), token] {
            stdin.write_all(part).map_err(|error| failed(&error))?;
        }
    }
    let mut reply = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout)
            .read_line(&mut reply)
            .map_err(|error| failed(&error))?;
    }
    let reply: Result<PathBuf, String> =
        serde_json::from_str(&reply).map_err(|_| failed(&"it ended"))?;
    reply.map_err(|error| failed(&error))
}

/// Is the agent, from the task on standard input to the end of ssh.
pub fn run() {
    secrecy::hide_memory();
    // What is typed on the terminal is for ssh; this ends when ssh does. What it runs itself
    // (--token-command) does not inherit it.
    let _ = SigSet::all().thread_block();
    let (place, listener, task, token) = match prepare() {
        Ok(ready) => ready,
        Err(error) => return report(&Err(error.to_string())),
    };
    report(&Ok(place.socket()));
    // Not asked of getppid: it may have ended before that.
    let ssh = Pid::from_raw(task.ssh.cast_signed());
    // It may wait without an end for a token, at a pipe that nobody writes to, and this
    // ends with ssh all the same.
    let (serving, served) = mpsc::channel::<()>();
    thread::spawn(move || {
        serve(&listener, task, token, ssh);
        drop(serving);
    });
    let tick = Duration::from_millis(TICK.into());
    let is_serving = || served.recv_timeout(tick) == Err(RecvTimeoutError::Timeout);
    while is_serving() && getppid() == ssh {}
    // Unless it waits, it sees that too, and wipes what it holds.
    is_serving();
    drop(place);
}

fn prepare() -> io::Result<(Place, UnixListener, Task, Early)> {
    // Room for both, so that it does not grow and leave a token behind.
    let mut told = Zeroizing::new(Vec::with_capacity(MOST_TOLD));
    // Not through std's buffer, which nobody wipes.
    File::from(io::stdin().as_fd().try_clone_to_owned()?).read_to_end(&mut told)?;
    let mut parts = told.splitn(2, |byte| *byte == b'\n');
    let task: Task = serde_json::from_slice(parts.next().unwrap_or_default())?;
    let early = match &task.look {
        Look::Nothing => None,
        Look::Failure(why) => Some(Err(why.clone())),
        Look::Token(_) => {
            let token = parts.next().unwrap_or_default().to_vec();
            Some(Token::parse(Zeroizing::new(token)))
        }
    };
    let environment = Environment::of_process();
    let (mut place, listener) = Place::new(&environment.runtime_directories())?;
    place.keep(&task.keys)?;
    listener.set_nonblocking(true)?;
    Ok((place, listener, task, early))
}

/// Tells `start`, which reads a line.
fn report(result: &Result<PathBuf, String>) {
    let text = serde_json::to_string(result).unwrap_or_default();
    let _ = writeln!(io::stdout(), "{text}");
}

fn serve(listener: &UnixListener, task: Task, mut early: Early, ssh: Pid) {
    let Task {
        target,
        audiences,
        effort,
        force,
        source,
        look,
        ..
    } = task;
    let host = target.host.clone();
    let mut conversation = Conversation::new(target, audiences.clone(), force);
    if let Look::Token(remark) = look {
        conversation = conversation.of_known_token(remark);
    }
    let mut idle = 0;
    while getppid() == ssh && !(conversation.is_over() && idle > AFTERMATH) {
        let mut readable = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        if !matches!(poll(&mut readable, PollTimeout::from(TICK)), Ok(1..)) {
            idle += 1;
            continue;
        }
        idle = 0;
        let Ok((stream, _)) = listener.accept() else {
            continue;
        };
        let known = peer(&stream).is_ok_and(|peer| is_child_of(&peer, ssh));
        let Ok(question) = Question::hear(stream) else {
            continue;
        };
        let answer = if known {
            conversation.answer(&question.prompt, clock::now(), || {
                if let Some(early) = early.take() {
                    return early;
                }
                let whom = Recipient {
                    host: Some(&host),
                    audiences: &audiences,
                    effort,
                };
                let found = source.token(&Environment::of_process(), &whom);
                found.map(|(token, _)| token)
            })
        } else {
            // Such as the ssh of a jump host, which inherits SSH_ASKPASS.
            conversation.left_to_the_user(&question.prompt)
        };
        let _ = question.reply(&answer);
    }
}

/// Whether it is the user's, and a child of the ssh that is served where the system tells.
fn is_child_of(peer: &Peer, ssh: Pid) -> bool {
    let parent_fits = match peer.parent {
        Some(parent) => parent == ssh.as_raw(),
        None => !cfg!(target_os = "linux"),
    };
    peer.uid == Uid::effective() && parent_fits
}
