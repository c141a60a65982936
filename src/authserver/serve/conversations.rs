//! The processes of the conversations with PAM, which the monitor starts and ends.

use super::process;
use crate::log;
use crate::resource_owner::rules::Rules;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::time::Duration;
use system::clock::Deadline;

/// How long a conversation has beyond its time, to come to an end by itself: a password that is
/// being changed is changed, or is not.
const GRACE: Duration = Duration::from_secs(5);

struct Conversation {
    child: Child,
    end: Deadline,
}

/// Those that are held.
#[derive(Default)]
pub struct Conversations {
    held: Vec<Conversation>,
    /// Said once, not at every request of a flood.
    said_full: bool,
}

impl Conversations {
    /// Starts one, whose other side is at `socket`, if there are not as many as there may be.
    pub fn start(&mut self, rules: &Rules, socket: OwnedFd) {
        if self.held.len() >= rules.max_conversations {
            if !self.said_full {
                log::line(
                    4,
                    "there are as many conversations with PAM as max_conversations allows",
                );
            }
            self.said_full = true;
            return;
        }
        self.said_full = false;
        let mut command = process::again(process::CONVERSATION);
        command
            .arg(rules.argument())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::from(socket))
            .stdout(Stdio::null());
        match command.spawn() {
            Ok(child) => self.held.push(Conversation {
                child,
                end: Deadline::after(rules.timeout() + GRACE),
            }),
            Err(error) => log::line(3, &format!("no conversation can be started: {error}")),
        }
    }

    /// Takes note of those that have ended, and ends those whose time is over.
    pub fn reap(&mut self) {
        self.held.retain_mut(|conversation| {
            let runs = matches!(conversation.child.try_wait(), Ok(None));
            if runs && conversation.end.left().is_zero() {
                let id = conversation.child.id();
                log::line(4, &format!("a conversation is over its time: process {id}"));
                conversation.kill();
                // Until it is reaped.
                conversation.end = Deadline::after(GRACE);
            }
            runs
        });
    }

    /// When the time of the first is over.
    pub fn next_end(&self) -> Option<Deadline> {
        let ends = self.held.iter().map(|conversation| conversation.end);
        ends.min_by_key(|end| end.left())
    }

    /// Leaves them no more time than to see that nobody is there any more.
    pub fn end_soon(&mut self) {
        for conversation in &mut self.held {
            conversation.end = Deadline::after(GRACE);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

impl Conversation {
    /// Ends it, and what its modules have started.
    fn kill(&mut self) {
        // It has not been waited for, so the number is still its own.
        if let Some(pid) = pid(&self.child) {
            let _ = killpg(pid, Signal::SIGKILL);
        }
    }
}

/// The number of a process.
pub fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().map(Pid::from_raw)
}
