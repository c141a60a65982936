//! Waits for what becomes of it, with the seconds that are left on a terminal.

use super::state::Try;
use super::{Outcome, Turn, current, end};
use crate::enable::plan::Change;
use crate::enable::{edit, file};
use cli::output::{Failure, Output};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io::{IsTerminal, Write};
use std::time::Duration;
use system::process;

/// How often it is looked.
const PAUSE: Duration = Duration::from_millis(100);

/// As [`super::wait`].
pub fn wait(attempt: &Try, out: &Output) -> Result<Outcome, Failure> {
    let interrupts = interrupts().map_err(|errno| Failure::new(format!("signalfd: {errno}")));
    let interrupts = match interrupts {
        Ok(interrupts) => interrupts,
        Err(failure) => {
            end(attempt)?;
            return Err(failure);
        }
    };
    let shows = !out.json && std::io::stderr().is_terminal();
    let mut shown = None;
    loop {
        // Somebody else's doing, who has put it back or has confirmed it.
        if current()?.is_none_or(|now| now.id != attempt.id) {
            clear(shown);
            return Ok(outcome(attempt));
        }
        if matches!(interrupts.read_signal(), Ok(Some(_))) {
            let _turn = Turn::take()?;
            clear(shown);
            if current()?.is_some_and(|now| now.id == attempt.id) {
                for what in end(attempt)? {
                    out.hint(&what);
                }
            }
            return Ok(outcome(attempt));
        }
        let now = process::this_moment().unwrap_or_default();
        let left = attempt.ends.saturating_sub(now).div_ceil(process::TICKS);
        if shows && shown != Some(left) {
            shown = Some(left);
            let _ = write!(
                std::io::stderr(),
                "\r{left:>4} s left, Ctrl-C puts it back "
            );
        }
        std::thread::sleep(PAUSE);
    }
}

/// Ctrl-C and kill(1), which would end this process before it has put anything back. That the
/// terminal is gone ends it: then the timer puts it back, unless it is confirmed.
fn interrupts() -> nix::Result<SignalFd> {
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
    signals.thread_block()?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
}

fn outcome(attempt: &Try) -> Outcome {
    let has_ours = |file: &Change| {
        let now = file::read(&file.path)
            .map(|now| now.bytes)
            .unwrap_or_default();
        now != file.old && edit::ours(&now) == edit::ours(&file.new)
    };
    if attempt.files.iter().all(has_ours) {
        Outcome::Confirmed
    } else {
        Outcome::PutBack
    }
}

fn clear(shown: Option<u64>) {
    if shown.is_some() {
        let _ = write!(std::io::stderr(), "\r{:40}\r", "");
    }
}
