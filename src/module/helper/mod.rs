//! pam-jwt-fetch as the helper of a login: one question, one process, which is a lesser user and
//! is gone when the login is. What may be asked and answered is `system::helper`'s.

mod interrupts;
mod process;
mod start;

use interrupts::Interrupts;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{geteuid, read, write};
use policy::config::Global;
use process::Child;
use start::Plan;
use std::ffi::CString;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;
use system::clock::Deadline;
use system::fetched::{self, Fetched};
use system::helper::{ARGUMENT, Answer, MOST, PROGRAM, Request};
use system::remote::Remote;
use system::{key_store, trusted_file};
use zeroize::Zeroizing;

/// A helper has this long to take its request.
const TO_BEGIN: Duration = Duration::from_secs(5);

/// The program that is the helper, and who it becomes.
#[derive(Debug)]
pub(crate) struct Helper {
    program: CString,
    argument: CString,
    uid: u32,
    gid: u32,
}

/// A helper that has its request. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    /// What it said that was not read yet. It holds the longest line from the beginning, since
    /// a vector that grows leaves what it held behind.
    said: Zeroizing<Vec<u8>>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// Somebody has ended the wait, or the host program is to end.
    Interrupted,
    /// In words for the log.
    Failed(String),
}

impl From<String> for NoAnswer {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

impl Helper {
    /// Finds it.
    ///
    /// # Errors
    /// Why this host program has none, and what mends it.
    pub(crate) fn find(settings: &Global) -> Result<Self, String> {
        if !geteuid().is_root() {
            return Err(
                "the host program is not root, so it cannot hand over to the user that fetches"
                    .to_owned(),
            );
        }
        let path = Path::new(settings.fetch_program.as_deref().unwrap_or(PROGRAM));
        trusted_file::verify(path).map_err(|error| error.to_string())?;
        let user = Fetched::open(Path::new(fetched::DIR)).map_err(|error| {
            format!("{error}; it belongs to the user that fetches, as whom the helper runs")
        })?;
        if user.uid == 0 || user.gid == 0 {
            return Err(format!(
                "{dir} belongs to root, and the helper runs as its owner, which must be a lesser \
                 user; run: chown pam-jwt-fetch: {dir}",
                dir = fetched::DIR
            ));
        }
        let text = |bytes: &[u8]| CString::new(bytes).map_err(|error| error.to_string());
        Ok(Self {
            program: text(path.as_os_str().as_bytes())?,
            argument: text(ARGUMENT.as_bytes())?,
            uid: user.uid,
            gid: user.gid,
        })
    }

    /// Starts it with a request.
    ///
    /// # Errors
    /// Why it does not run.
    pub(crate) fn start(&self, request: &Request) -> Result<Running, String> {
        let child = Child::start(Plan {
            program: &self.program,
            argument: &self.argument,
            uid: self.uid,
            gid: self.gid,
        });
        let mut running = Running {
            child: child.map_err(|error| self.named(&error))?,
            said: Zeroizing::new(Vec::with_capacity(MOST + 1)),
        };
        let line = request.line();
        running
            .ask(line.as_bytes(), Deadline::after(TO_BEGIN))
            .map_err(|error| self.named(&error))?;
        Ok(running)
    }

    /// The log is to say which program it is that has a fault.
    pub(crate) fn named(&self, error: &str) -> String {
        format!("{}: {error}", self.program.to_string_lossy())
    }
}

/// The helper of a configuration, which is found when there is something to ask.
pub(crate) struct OnDemand<'a> {
    /// The configuration's directory.
    pub(crate) config: &'a Path,
}

impl Remote for OnDemand<'_> {
    fn ask_all(&self, requests: &[Request], patience: Duration) -> Vec<Result<Answer, String>> {
        let deadline = Deadline::after(patience);
        let helper = match Helper::find(&key_store::settings(self.config)) {
            Ok(helper) => helper,
            Err(why) => return vec![Err(why); requests.len()],
        };
        // All run before one is waited for: whoever is slow takes nothing of the others' time.
        let running: Vec<_> = requests.iter().map(|one| helper.start(one)).collect();
        let answer = |running: Result<Running, String>| match running?.answer(deadline) {
            Ok(answer) => Ok(answer),
            Err(NoAnswer::Failed(why)) => Err(helper.named(&why)),
            Err(NoAnswer::Interrupted) => Err("nobody waits any more".to_owned()),
        };
        running.into_iter().map(answer).collect()
    }
}

impl Running {
    fn ask(&mut self, mut line: &[u8], deadline: Deadline) -> Result<(), String> {
        while !line.is_empty() {
            match write(self.child.request(), line) {
                Ok(count) => line = line.get(count..).unwrap_or_default(),
                Err(Errno::EAGAIN) => {
                    let mut ready = [
                        PollFd::new(self.child.end(), PollFlags::POLLIN),
                        PollFd::new(self.child.request(), PollFlags::POLLOUT),
                    ];
                    if !wait_for(&mut ready, deadline)? {
                        return Err("it does not take its request".to_owned());
                    }
                    let [end, _] = ready;
                    if end.any().unwrap_or_default() {
                        return Err(self.child.ended());
                    }
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.desc().to_owned()),
            }
        }
        self.child.is_asked();
        Ok(())
    }

    /// Its next answer. After any but a code to be confirmed there is no other.
    ///
    /// # Errors
    /// That it gave none in time, or what it did instead; or that nobody waits any more.
    pub(crate) fn answer(&mut self, deadline: Deadline) -> Result<Answer, NoAnswer> {
        let line = self.line(deadline)?;
        let answer = Answer::parse(&line).ok_or("it answers what is no answer".to_owned())?;
        if self.said.is_empty() || matches!(answer, Answer::Code(_)) {
            Ok(answer)
        } else {
            Err("it says more than it was asked".to_owned().into())
        }
    }

    /// Takes a line off what it says.
    fn line(&mut self, deadline: Deadline) -> Result<Zeroizing<Vec<u8>>, NoAnswer> {
        let interrupts = Interrupts::hold().map_err(|errno| errno.desc().to_owned())?;
        loop {
            if let Some(end) = self.said.iter().position(|byte| *byte == b'\n') {
                return Ok(Zeroizing::new(self.said.drain(..=end).collect()));
            }
            if self.said.len() > MOST {
                return Err("its answer is too long".to_owned().into());
            }
            let mut ready = [
                PollFd::new(interrupts.pending(), PollFlags::POLLIN),
                PollFd::new(self.child.answer(), PollFlags::POLLIN),
            ];
            if !wait_for(&mut ready, deadline)? {
                return Err("it does not answer in time".to_owned().into());
            }
            let [interrupt, _] = ready;
            if interrupt.any().unwrap_or_default() {
                return Err(NoAnswer::Interrupted);
            }
            if receive(self.child.answer(), &mut self.said)? == Some(0) {
                return Err(self.child.ended().into());
            }
        }
    }
}

/// Reads into the room that is left; how much, unless there is nothing at the moment.
fn receive(answer: BorrowedFd<'_>, said: &mut Vec<u8>) -> Result<Option<usize>, String> {
    let before = said.len();
    said.resize(said.capacity(), 0);
    let room = said.get_mut(before..).unwrap_or_default();
    let count = read(answer, room);
    said.truncate(before.saturating_add(count.unwrap_or(0)));
    match count {
        Ok(count) => Ok(Some(count)),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(errno) => Err(errno.desc().to_owned()),
    }
}

/// Whether one of them is ready in time. A signal that the host program takes meanwhile is its
/// own affair.
fn wait_for(fds: &mut [PollFd<'_>], deadline: Deadline) -> Result<bool, String> {
    loop {
        // Rounded up, lest the last millisecond be spent in a loop.
        let left = deadline.left().as_millis().saturating_add(1);
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(fds, left) {
            Ok(0) if deadline.left().is_zero() => return Ok(false),
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Ok(true),
            Err(errno) => return Err(errno.desc().to_owned()),
        }
    }
}
