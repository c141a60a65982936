//! The helper as a process: the only thing that a login ever starts. The host program is
//! somebody else's, with signals, descriptors and children of its own, so nothing of it is
//! changed, and of its children exactly this one is waited for.

use super::start::{Ends, Plan, Step, become_helper};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::{self, c_int, pid_t};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpid, pipe2};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

/// What a helper that has closed its answer is given to end by itself.
const MOMENT: u16 = 500;

/// The helper, running. It is killed and waited for when this is dropped.
#[derive(Debug)]
pub(super) struct Child {
    /// Names the process and no other, also when its number is given out anew.
    pid: OwnedFd,
    /// Where its request goes: while this is open, somebody waits for an answer.
    request: OwnedFd,
    /// The other end. While it is open here too, writing raises no SIGPIPE, also where the
    /// child is gone; the disposition of that is the host's.
    request_read: Option<OwnedFd>,
    /// Where its answers come from.
    answer: OwnedFd,
}

impl Child {
    /// Starts it.
    ///
    /// # Errors
    /// What the system would not do.
    pub(super) fn start(plan: Plan<'_>) -> Result<Self, String> {
        let failed = |what: &'static str| move |errno: Errno| format!("{what}: {}", errno.desc());
        let (request_read, request) = pipe().map_err(failed("pipe"))?;
        let (answer, answer_write) = pipe().map_err(failed("pipe"))?;
        for end in [&request, &answer] {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(failed("fcntl"))?;
        }
        let ends = Ends {
            input: request_read.as_raw_fd(),
            output: answer_write.as_raw_fd(),
        };
        let pid = fork(plan, ends).map_err(failed("fork"))?;
        // Until there is a request the child stands still, so the number is still its own.
        let pid = match pidfd_open(pid) {
            Ok(pid) => pid,
            Err(errno) => {
                // Once the pipes are closed it goes on, and finds that nobody waits.
                drop((request, request_read, answer, answer_write));
                while waitpid(Pid::from_raw(pid), None) == Err(Errno::EINTR) {}
                return Err(failed("pidfd_open")(errno));
            }
        };
        Ok(Self {
            pid,
            request,
            request_read: Some(request_read),
            answer,
        })
    }

    /// Where its request goes.
    pub(super) fn request(&self) -> BorrowedFd<'_> {
        self.request.as_fd()
    }

    /// It has the request.
    pub(super) fn is_asked(&mut self) {
        self.request_read = None;
    }

    /// Where its answers come from.
    pub(super) fn answer(&self) -> BorrowedFd<'_> {
        self.answer.as_fd()
    }

    /// Readable once it has ended.
    pub(super) fn end(&self) -> BorrowedFd<'_> {
        self.pid.as_fd()
    }

    /// How it ended, for the log. One that has said its last is given a moment to end.
    pub(super) fn ended(&self) -> String {
        let mut end = [PollFd::new(self.end(), PollFlags::POLLIN)];
        if !matches!(poll(&mut end, MOMENT), Ok(1)) {
            self.kill();
        }
        match wait(self.end()) {
            Ok(WaitStatus::Exited(_, code)) => Step::of(code).map_or_else(
                || format!("it ended with status {code}"),
                |step| format!("it could not be started: {}", step.words()),
            ),
            Ok(WaitStatus::Signaled(_, signal, _)) => format!("it was ended by {signal}"),
            // The host ignores SIGCHLD, or has waited for whatever ended.
            _ => "it ended".to_owned(),
        }
    }

    fn kill(&self) {
        // SAFETY: the descriptor is open, and without a siginfo the kernel makes one up.
        unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.pid.as_raw_fd(),
                libc::SIGKILL,
                ptr::null::<libc::siginfo_t>(),
                0,
            );
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        let _ = wait(self.end());
    }
}

/// A pipe whose ends are none of the standard descriptors, which a host may have closed: in the
/// child these are where its ends go.
fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    Ok((beyond_standard(read)?, beyond_standard(write)?))
}

fn beyond_standard(end: OwnedFd) -> Result<OwnedFd, Errno> {
    if end.as_raw_fd() > libc::STDERR_FILENO {
        return Ok(end);
    }
    let other = fcntl(&end, FcntlArg::F_DUPFD_CLOEXEC(libc::STDERR_FILENO + 1))?;
    // SAFETY: fcntl has just opened it, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(other) })
}

/// Copies the process, whose copy becomes the helper.
fn fork(plan: Plan<'_>, ends: Ends) -> Result<pid_t, Errno> {
    let parent = getpid().as_raw();
    let mut before = SigSet::empty();
    // No signal is to find the host's handlers in the copy.
    pthread_sigmask(
        SigmaskHow::SIG_SETMASK,
        Some(&SigSet::all()),
        Some(&mut before),
    )?;
    // SAFETY: the copy calls `become_helper` alone, which does not return and makes no call
    // that is not async-signal-safe: what other threads of the host held at this moment is of
    // no matter to it.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: this is the child of a fork, and the descriptors are open.
        unsafe { become_helper(plan, ends, parent) }
    }
    let forked = Errno::result(pid);
    // It fails for no mask that was one.
    let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    forked
}

fn pidfd_open(pid: pid_t) -> Result<OwnedFd, Errno> {
    // SAFETY: the call takes two numbers and gives a descriptor, which has close-on-exec set.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    let fd = c_int::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the call has just opened it, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Waits for the end of this one process, which is the host's child and nobody else's.
fn wait(pid: BorrowedFd<'_>) -> Result<WaitStatus, Errno> {
    loop {
        match waitid(Id::PIDFd(pid), WaitPidFlag::WEXITED) {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}
