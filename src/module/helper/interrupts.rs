//! Signals by which somebody ends a wait. A host program may block them while its modules work,
//! as sudo does with that of Ctrl-C, or only make a note of them: then they would end nothing.

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::os::fd::{AsFd, BorrowedFd};

/// Of a keyboard, of a terminal that is gone, and of whoever kills the host program.
const SIGNALS: [Signal; 4] = [
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGHUP,
    Signal::SIGTERM,
];

/// While this is there they are held back from this thread. When it is dropped they arrive, and
/// do what they do in this host program.
#[derive(Debug)]
pub(super) struct Interrupts {
    before: SigSet,
    pending: SignalFd,
}

impl Interrupts {
    /// Holds them back.
    ///
    /// # Errors
    /// Where no descriptor is left.
    pub(super) fn hold() -> Result<Self, Errno> {
        let signals: SigSet = SIGNALS.into_iter().collect();
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        // It is only looked at and never read, which would take them from the host.
        let pending = SignalFd::with_flags(&signals, flags)?;
        let mut before = SigSet::empty();
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&signals), Some(&mut before))?;
        Ok(Self { before, pending })
    }

    /// Readable once there is one.
    pub(super) fn pending(&self) -> BorrowedFd<'_> {
        self.pending.as_fd()
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        // It fails for no mask that was one.
        let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&self.before), None);
    }
}
