//! What happens in the child between fork and exec. It is a copy of somebody else's process, of
//! which any lock may be held, so each call here is async-signal-safe (signal-safety(7)),
//! nothing is allocated, and nothing can panic.

use nix::libc::{self, c_int, pid_t};
use std::convert::Infallible;
use std::ffi::{CStr, c_uint};
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::ptr;

/// What is to be started, and as whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan<'a> {
    /// The program, by its absolute path.
    pub(super) program: &'a CStr,
    /// Its one argument.
    pub(super) argument: &'a CStr,
    /// Who it becomes: nobody with privileges.
    pub(super) uid: u32,
    /// The one group that is left to it.
    pub(super) gid: u32,
}

/// The ends of the two pipes that the child keeps, neither a standard descriptor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) input: RawFd,
    pub(super) output: RawFd,
}

/// At what the child failed, which its status tells: it has nobody to say a word to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Pipes = 201,
    Directory = 202,
    Core = 203,
    Groups = 204,
    Group = 205,
    User = 206,
    Privileges = 207,
    Parent = 208,
    Program = 209,
}

impl Step {
    const ALL: [Self; 9] = [
        Self::Pipes,
        Self::Directory,
        Self::Core,
        Self::Groups,
        Self::Group,
        Self::User,
        Self::Privileges,
        Self::Parent,
        Self::Program,
    ];

    /// That of a child which ended with this status.
    pub(super) fn of(status: c_int) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step as c_int == status)
    }

    /// The call that failed, for the log.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Pipes => "dup2",
            Self::Directory => "chdir to /",
            Self::Core => "setrlimit",
            Self::Groups => "setgroups",
            Self::Group => "setresgid",
            Self::User => "setresuid",
            Self::Privileges => "prctl",
            Self::Parent => "nobody waits any more",
            Self::Program => "execve; try to run it as the owner of /var/lib/pam-jwt/fetched",
        }
    }
}

/// The highest number of a signal.
const SIGNALS: c_int = 64;

/// The bytes of the kernel's set of signals: a bit for each.
const KERNEL_SIGSET: usize = 8;

/// How many descriptors are closed one by one, where the kernel cannot close all at once
/// (Linux before 5.9): what a process may have open at most, unless root says otherwise.
const DESCRIPTORS: c_int = 1 << 20;

/// As many as programs expect to be allowed.
const OPEN_FILES: libc::rlim_t = 1024;

/// Becomes the helper, or ends.
///
/// # Safety
/// This is the only thing that the child of a fork does, and the ends are open there.
pub(super) unsafe fn become_helper(plan: Plan<'_>, ends: Ends, parent: pid_t) -> ! {
    // SAFETY: the caller's promise is the one that is asked for.
    let Err(step) = unsafe { execute(plan, ends, parent) };
    // SAFETY: it ends the process and runs nothing of the host's, unlike exit.
    unsafe { libc::_exit(step as c_int) }
}

/// # Safety
/// As that of [`become_helper`].
unsafe fn execute(plan: Plan<'_>, ends: Ends, parent: pid_t) -> Result<Infallible, Step> {
    let argv = [plan.program.as_ptr(), plan.argument.as_ptr(), ptr::null()];
    let environment = [ptr::null()];
    // SAFETY: each call is async-signal-safe, takes numbers or pointers to what lives on this
    // stack or in the plan, and concerns this process alone.
    unsafe {
        default_signals();
        check(Step::Pipes, libc::dup2(ends.input, libc::STDIN_FILENO))?;
        check(Step::Pipes, libc::dup2(ends.output, libc::STDOUT_FILENO))?;
        close_from(libc::STDERR_FILENO);
        // Until the request is there the parent has no hold of this process.
        let mut request = libc::pollfd {
            fd: libc::STDIN_FILENO,
            events: libc::POLLIN,
            revents: 0,
        };
        while libc::poll(&raw mut request, 1, -1) < 0 {}
        // Its own session has no terminal, into which it could type.
        libc::setsid();
        libc::umask(0o022);
        check(Step::Directory, libc::chdir(c"/".as_ptr()))?;
        limits()?;
        // They outlive a change of user where the host has had that so (capabilities(7)); kernels
        // before 4.3 have none.
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        );
        check(Step::Groups, libc::setgroups(0, ptr::null()))?;
        let (uid, gid) = (plan.uid, plan.gid);
        check(Step::Group, libc::setresgid(gid, gid, gid))?;
        check(Step::User, libc::setresuid(uid, uid, uid))?;
        check(
            Step::Privileges,
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        )?;
        // After the change of user, which takes it back. Whoever waits may be killed.
        let kill = libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
        check(Step::Privileges, kill)?;
        if libc::getppid() != parent {
            return Err(Step::Parent);
        }
        libc::execve(plan.program.as_ptr(), argv.as_ptr(), environment.as_ptr());
    }
    Err(Step::Program)
}

fn check(step: Step, returned: c_int) -> Result<(), Step> {
    if returned < 0 { Err(step) } else { Ok(()) }
}

/// Ignored signals would stay ignored, and blocked ones blocked.
///
/// # Safety
/// The process is the child of a fork.
unsafe fn default_signals() {
    // The kernel's struct sigaction, on each architecture no longer than this: all zeros are
    // the default, without flags.
    let default = [0_u64; 8];
    for signal in 1..=SIGNALS {
        // SAFETY: the kernel reads its struct from there, and the default is no function of the
        // host's. Of SIGKILL and SIGSTOP it changes nothing; the two signals that the C library
        // keeps for itself its own call would leave ignored.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                ptr::null_mut::<u64>(),
                KERNEL_SIGSET,
            );
        }
    }
    let mut none = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the first call makes the set that the second one reads.
    unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
    }
}

/// # Safety
/// The process is the child of a fork, and needs none of these descriptors.
unsafe fn close_from(first: RawFd) {
    let from = first.unsigned_abs();
    // SAFETY: it takes three numbers, and what it closes nobody needs.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, from, c_uint::MAX, 0) };
    if closed < 0 {
        for descriptor in first..DESCRIPTORS {
            // SAFETY: as above.
            unsafe { libc::close(descriptor) };
        }
    }
}

/// No core, which would hold a token. The other limits may be the user's (su's caller has a
/// say in them), but what the helper writes is everybody's; where the host may not lift them
/// they are its own.
///
/// # Safety
/// The process is the child of a fork.
unsafe fn limits() -> Result<(), Step> {
    let limit = |most| libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    let (unlimited, files, none) = (limit(libc::RLIM_INFINITY), limit(OPEN_FILES), limit(0));
    // SAFETY: each reads a struct on this stack, and concerns this process alone.
    unsafe {
        for resource in [
            libc::RLIMIT_FSIZE,
            libc::RLIMIT_NPROC,
            libc::RLIMIT_CPU,
            libc::RLIMIT_AS,
            libc::RLIMIT_DATA,
        ] {
            libc::setrlimit(resource, &raw const unlimited);
        }
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const files);
        let core = libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        check(Step::Core, core)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_names_the_call_that_failed() {
        for step in Step::ALL {
            assert_eq!(Step::of(step as c_int), Some(step));
            assert!(!step.words().is_empty());
        }
        for other in [0, 1, 2, 101, 127, 210] {
            assert_eq!(Step::of(other), None);
        }
    }
}
