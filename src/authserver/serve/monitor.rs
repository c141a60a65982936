//! The monitor: root, one thread, and little code. It starts the network process, or is started
//! for one that systemd has started; gives it what only root may read; and starts a process for
//! each conversation with PAM. What comes from the network process is a byte and a descriptor
//! ([`channel`](super::channel)), and nothing of it is read otherwise.

use super::channel::{Kind, Received, receive, tell_changed};
use super::conversations::{Conversations, pid};
use super::process;
use super::sending::Sending;
use super::watch::Watch;
use crate::config::Config;
use crate::config::reload::can_follow;
use crate::log;
use crate::resource_owner::rules::Rules;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::{User, geteuid};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ExitCode, ExitStatus, Stdio};
use std::time::Duration;
use system::clock::Deadline;
use zeroize::Zeroizing;

/// The account of the network process.
const USER: &str = "pam-jwt-authserver";

/// How many answers with settings are on their way at once.
const MOST_SENDING: usize = 4;

/// What only root reads.
pub struct Settings {
    /// For the network process, as it takes them ([`process::Answer`]).
    pub bundle: Zeroizing<Vec<u8>>,
    /// What it says of the server, and of the conversations from here on.
    pub config: Config,
    /// The directories that all of it is in.
    pub directories: Vec<PathBuf>,
}

/// Runs the server until its network process ends, and ends as that did. `read` reads the
/// settings: whenever the network process asks, and when the files have changed.
pub fn run(read: impl FnMut() -> Result<Settings, String>) -> ExitCode {
    ended(Monitor::with_network_process(read).and_then(Monitor::serve))
}

/// The monitor alone, for the network process that is connected to standard input: until that
/// has ended.
pub fn run_alone(read: impl FnMut() -> Result<Settings, String>) -> ExitCode {
    ended(Monitor::on_standard_input(read).and_then(Monitor::serve))
}

fn ended(ended: Result<ExitStatus, String>) -> ExitCode {
    match ended {
        Ok(status) => {
            let code = status.code().unwrap_or(128 + status.signal().unwrap_or(0));
            if !status.success() {
                log::line(3, &format!("the network process has ended: {status}"));
            }
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
        Err(error) => {
            log::line(3, &error);
            ExitCode::FAILURE
        }
    }
}

/// Settings that were sent.
struct Sent {
    digest: String,
    config: Config,
    rules: Rules,
}

struct Monitor<F> {
    read: F,
    signals: SignalFd,
    channel: Option<UnixStream>,
    /// Where it is this process that has started it.
    network: Option<Child>,
    conversations: Conversations,
    sending: Vec<Sending>,
    /// Nothing, where the files cannot be watched.
    watch: Option<Watch>,
    directories: Vec<PathBuf>,
    /// What the network process was sent last.
    sent: Option<Sent>,
    /// Said once, not at every request of a flood.
    said_nonsense: bool,
}

impl<F: FnMut() -> Result<Settings, String>> Monitor<F> {
    fn with_network_process(read: F) -> Result<Self, String> {
        let signals = heard()?;
        let (channel, theirs) = UnixStream::pair().map_err(|error| error.to_string())?;
        let network = network_process(theirs)?;
        Ok(Self::new(read, signals, channel, Some(network)))
    }

    fn on_standard_input(read: F) -> Result<Self, String> {
        let failed = |error: io::Error| format!("standard input: {error}");
        // systemd hands the socket over a second time, and it has to close when it is closed.
        process::close_others(0).map_err(failed)?;
        let channel = process::socket().map_err(failed)?;
        let peer = getsockopt(&channel, PeerCredentials).map_err(|errno| failed(errno.into()))?;
        if peer.uid() != account()?.uid.as_raw() {
            let uid = peer.uid();
            return Err(format!("standard input leads to uid {uid}, not to {USER}"));
        }
        Ok(Self::new(read, heard()?, channel, None))
    }

    fn new(read: F, signals: SignalFd, channel: UnixStream, network: Option<Child>) -> Self {
        let watch = Watch::new().inspect_err(|error| {
            let why = error.desc();
            log::line(
                4,
                &format!("changed files are not seen without SIGHUP: {why}"),
            );
        });
        Self {
            read,
            signals,
            channel: Some(channel),
            network,
            conversations: Conversations::default(),
            sending: Vec::new(),
            watch: watch.ok(),
            directories: Vec::new(),
            sent: None,
            said_nonsense: false,
        }
    }

    fn serve(mut self) -> Result<ExitStatus, String> {
        let status = loop {
            self.wait()?;
            self.forward_signals();
            self.conversations.reap();
            self.take_request();
            self.take_changes();
            self.sending.retain_mut(Sending::goes_on);
            if let Some(status) = self.network_ended()? {
                break status;
            }
        };
        self.end_conversations()?;
        Ok(status)
    }

    /// How the network process has ended, if it has. Of one that systemd has started only that is
    /// known.
    fn network_ended(&mut self) -> Result<Option<ExitStatus>, String> {
        match &mut self.network {
            Some(network) => {
                let ended = network.try_wait();
                ended.map_err(|error| format!("the network process: {error}"))
            }
            None => Ok(self.channel.is_none().then(ExitStatus::default)),
        }
    }

    /// Waits until there is something to do.
    fn wait(&self) -> Result<(), String> {
        let mut watched = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        if let Some(channel) = &self.channel {
            watched.push(PollFd::new(channel.as_fd(), PollFlags::POLLIN));
        }
        if let Some(watch) = &self.watch {
            watched.push(PollFd::new(watch.descriptor(), PollFlags::POLLIN));
        }
        let sending = self.sending.iter();
        watched.extend(sending.map(|one| PollFd::new(one.socket(), PollFlags::POLLOUT)));
        let settled = self.watch.as_ref().and_then(Watch::end);
        let ends = self.sending.iter().map(Sending::end);
        let next = ends.chain(self.conversations.next_end()).chain(settled);
        let next = next.map(Deadline::left).min();
        // Not a millisecond too early, which would be for nothing.
        let next = next.map(|left| left + Duration::from_millis(1));
        let timeout = next.map_or(PollTimeout::NONE, |left| {
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut watched, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(format!("poll: {}", errno.desc())),
        }
    }

    fn forward_signals(&mut self) {
        while let Ok(Some(signal)) = self.signals.read_signal() {
            let signal = i32::try_from(signal.ssi_signo).ok();
            match signal.and_then(|signal| Signal::try_from(signal).ok()) {
                None | Some(Signal::SIGCHLD) => {}
                Some(Signal::SIGHUP) => self.tell_changed(),
                Some(signal) => self.end(signal),
            }
        }
    }

    fn tell_changed(&self) {
        if let Some(channel) = &self.channel {
            tell_changed(channel);
        }
    }

    /// Has the network process end, or goes where it is not this process's to end.
    fn end(&mut self, signal: Signal) {
        match &self.network {
            // It has not been waited for, so the number is still its own.
            Some(network) => {
                if let Some(pid) = pid(network) {
                    let _ = kill(pid, signal);
                }
            }
            None => self.channel = None,
        }
    }

    /// One at a time, so that nothing else waits for a flood to end.
    fn take_request(&mut self) {
        let Some(channel) = &self.channel else { return };
        match receive(channel) {
            Ok(Received::Nothing) => {}
            Ok(Received::Request(Kind::Settings, socket)) => self.send_settings(socket),
            Ok(Received::Request(Kind::Conversation, socket)) => {
                // Nobody is served before there are settings.
                if let Some(sent) = &self.sent {
                    self.conversations.start(&sent.rules, socket);
                }
            }
            Ok(Received::Nonsense) => {
                if !self.said_nonsense {
                    log::line(
                        2,
                        "the network process asks for what there is not: was it taken over?",
                    );
                }
                self.said_nonsense = true;
            }
            // It is about to end.
            Ok(Received::Closed) => self.channel = None,
            Err(error) => {
                log::line(3, &format!("the network process's socket: {error}"));
                self.channel = None;
            }
        }
    }

    /// Has the network process ask for the settings where the files say something else than they
    /// did: as with SIGHUP, and nobody has to send it.
    fn take_changes(&mut self) {
        if !self.watch.as_mut().is_some_and(Watch::has_changed) {
            return;
        }
        match self.settings() {
            Ok(settings) if self.is_sent(&settings) => {}
            // What is wrong with them is said by the network process as well.
            Ok(_) | Err(_) => self.tell_changed(),
        }
    }

    /// The settings as they are now, if what runs can go on with them: none of them is taken here
    /// that the network process would not take.
    fn settings(&mut self) -> Result<Settings, String> {
        // Before they are read, so that what is new in a new directory is read or told of.
        self.watch();
        let mut settings = (self.read)()?;
        if settings.directories != self.directories {
            self.directories.clone_from(&settings.directories);
            self.watch();
            settings = (self.read)()?;
        }
        if let Some(sent) = &self.sent {
            can_follow(&sent.config, &settings.config)?;
        }
        Ok(settings)
    }

    fn watch(&self) {
        if let Some(watch) = &self.watch {
            watch.add(&self.directories);
        }
    }

    fn is_sent(&self, settings: &Settings) -> bool {
        let sent = self.sent.as_ref();
        sent.is_some_and(|sent| sent.digest == digest(settings))
    }

    fn send_settings(&mut self, socket: OwnedFd) {
        if self.sending.len() >= MOST_SENDING {
            return;
        }
        let answer = match self.settings() {
            Ok(settings) => {
                self.sent = Some(Sent {
                    digest: digest(&settings),
                    rules: Rules::from(&settings.config.accounts),
                    config: settings.config,
                });
                settings.bundle
            }
            // It is the network process that says so, where people look.
            Err(error) => process::refusal(&error),
        };
        self.sending.push(Sending::new(socket, answer));
    }

    /// The conversations see that the network process is gone; those that do not are ended.
    fn end_conversations(&mut self) -> Result<(), String> {
        self.channel = None;
        self.watch = None;
        self.sending.clear();
        self.conversations.end_soon();
        while !self.conversations.is_empty() {
            self.wait()?;
            // There is nobody to forward them to.
            while let Ok(Some(_)) = self.signals.read_signal() {}
            self.conversations.reap();
        }
        Ok(())
    }
}

/// The signals that the monitor hears, and their end in it.
fn heard() -> Result<SignalFd, String> {
    let failed = |what: &'static str| move |error: Errno| format!("{what}: {}", error.desc());
    let heard = [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGCHLD,
    ];
    let heard: SigSet = heard.into_iter().collect();
    heard.thread_block().map_err(failed("signals"))?;
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    SignalFd::with_flags(&heard, flags).map_err(failed("signalfd"))
}

fn digest(settings: &Settings) -> String {
    jose::digest::sha256_hex(&[&settings.bundle])
}

/// Starts the network process, as a user that owns nothing where this one is root; std takes the
/// supplementary groups away with that.
fn network_process(channel: UnixStream) -> Result<Child, String> {
    let mut command = process::again(process::NETWORK);
    command.stdin(Stdio::from(OwnedFd::from(channel)));
    // systemd's sockets pass on to it (sd_listen_fds(3)), but are addressed to this process.
    command.env_remove("LISTEN_PID");
    if geteuid().is_root() {
        let user = account()?;
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    let child: io::Result<Child> = command.spawn();
    child.map_err(|error| format!("the network process cannot be started: {error}"))
}

/// The account of the network process.
fn account() -> Result<User, String> {
    let user = User::from_name(USER).map_err(|error| format!("the user {USER}: {error}"))?;
    user.ok_or_else(|| {
        format!("there is no user {USER}: run systemd-sysusers, or add it as a system user")
    })
}
