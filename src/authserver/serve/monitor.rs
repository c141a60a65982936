//! The monitor: root, one thread, and little code. It starts the network process, gives it what
//! only root may read, and starts a process for each conversation with PAM. What comes from the
//! network process is a byte and a descriptor ([`channel`](super::channel)), and nothing of it
//! is read otherwise.

use super::channel::{Kind, Received, receive};
use super::process;
use super::sending::Sending;
use super::watch::Watch;
use crate::config::Config;
use crate::config::reload::can_follow;
use crate::log;
use crate::resource_owner::rules::Rules;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{Pid, User, geteuid};
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

/// How long a conversation has beyond its time, to come to an end by itself: a password that is
/// being changed is changed, or is not.
const GRACE: Duration = Duration::from_secs(5);

/// How many answers with settings are on their way at once.
const MOST_SENDING: usize = 4;

/// What only root reads.
pub struct Settings {
    /// For the network process, as it takes them.
    pub bundle: Zeroizing<Vec<u8>>,
    /// What it says of the server, and of the conversations from here on.
    pub config: Config,
    /// The directories that all of it is in.
    pub directories: Vec<PathBuf>,
}

/// Runs the server until its network process ends, and ends as that did. `read` reads the
/// settings: once before anything is started, whenever the network process asks, and when the
/// files have changed.
pub fn run(read: impl FnMut() -> Result<Settings, String>) -> ExitCode {
    let ended = Monitor::start(read).and_then(Monitor::serve);
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

struct Conversation {
    child: Child,
    end: Deadline,
}

/// Settings that were sent.
struct Sent {
    digest: String,
    config: Config,
}

struct Monitor<F> {
    read: F,
    rules: Rules,
    signals: SignalFd,
    channel: Option<UnixStream>,
    network: Child,
    conversations: Vec<Conversation>,
    sending: Vec<Sending>,
    /// Nothing, where the files cannot be watched.
    watch: Option<Watch>,
    directories: Vec<PathBuf>,
    /// What the network process was sent last. Before that it reads the files as they are by
    /// then, and hears no signal.
    sent: Option<Sent>,
    /// Said once, not at every request of a flood.
    said_full: bool,
    said_nonsense: bool,
}

impl<F: FnMut() -> Result<Settings, String>> Monitor<F> {
    fn start(mut read: F) -> Result<Self, String> {
        let Settings {
            config,
            directories,
            ..
        } = read()?;
        let watch = Watch::new().inspect_err(|error| {
            let why = error.desc();
            log::line(
                4,
                &format!("changed files are not seen without SIGHUP: {why}"),
            );
        });
        let watch = watch.ok();
        if let Some(watch) = &watch {
            watch.add(&directories);
        }
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
        let signals = SignalFd::with_flags(&heard, flags).map_err(failed("signalfd"))?;
        let (channel, theirs) = UnixStream::pair().map_err(|error| error.to_string())?;
        Ok(Self {
            read,
            rules: Rules::from(&config.accounts),
            signals,
            channel: Some(channel),
            network: network_process(theirs)?,
            conversations: Vec::new(),
            sending: Vec::new(),
            watch,
            directories,
            sent: None,
            said_full: false,
            said_nonsense: false,
        })
    }

    fn serve(mut self) -> Result<ExitStatus, String> {
        let status = loop {
            self.wait()?;
            self.forward_signals();
            self.reap();
            match self.network.try_wait() {
                Ok(None) => {}
                Ok(Some(status)) => break status,
                Err(error) => return Err(format!("the network process: {error}")),
            }
            self.take_request();
            self.take_changes();
            self.sending.retain_mut(Sending::goes_on);
        };
        self.end_conversations()?;
        Ok(status)
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
        let ends = self.conversations.iter().map(|one| one.end);
        let settled = self.watch.as_ref().and_then(Watch::end);
        let next = ends
            .chain(self.sending.iter().map(Sending::end))
            .chain(settled);
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
                Some(Signal::SIGHUP) if self.sent.is_none() => {}
                Some(signal) => self.signal(signal),
            }
        }
    }

    fn signal(&self, signal: Signal) {
        // It has not been waited for, so the number is still its own.
        if let Some(pid) = pid(&self.network) {
            let _ = kill(pid, signal);
        }
    }

    /// Takes note of the conversations that have ended, and ends those whose time is over.
    fn reap(&mut self) {
        self.conversations.retain_mut(|conversation| {
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

    /// One at a time, so that nothing else waits for a flood to end.
    fn take_request(&mut self) {
        let Some(channel) = &self.channel else { return };
        match receive(channel) {
            Ok(Received::Nothing) => {}
            Ok(Received::Request(Kind::Settings, socket)) => self.send_settings(socket),
            Ok(Received::Request(Kind::Conversation, socket)) => self.converse(socket),
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
        let Some(watch) = &mut self.watch else { return };
        if !watch.has_changed() || self.sent.is_none() {
            return;
        }
        // Before they are read, so that what is new in a new directory is read or told of.
        watch.add(&self.directories);
        match self.settings() {
            Ok(settings) if self.is_sent(&settings) => {}
            Ok(_) => self.signal(Signal::SIGHUP),
            Err(error) => not_taken(&error),
        }
    }

    /// The settings as they are now, if what runs can go on with them: none of them is taken here
    /// that the network process would not take.
    fn settings(&mut self) -> Result<Settings, String> {
        let settings = (self.read)()?;
        if let Some(sent) = &self.sent {
            can_follow(&sent.config, &settings.config)?;
        }
        Ok(settings)
    }

    fn is_sent(&self, settings: &Settings) -> bool {
        let sent = self.sent.as_ref();
        sent.is_some_and(|sent| sent.digest == digest(settings))
    }

    fn send_settings(&mut self, socket: OwnedFd) {
        if self.sending.len() >= MOST_SENDING {
            return;
        }
        if let Some(watch) = &self.watch {
            watch.add(&self.directories);
        }
        match self.settings() {
            Ok(settings) => {
                self.rules = Rules::from(&settings.config.accounts);
                let digest = digest(&settings);
                let Settings {
                    bundle,
                    config,
                    directories,
                } = settings;
                self.sent = Some(Sent { digest, config });
                self.directories = directories;
                self.sending.push(Sending::new(socket, bundle));
            }
            // The end of the socket tells the network process, which goes on with what it has.
            Err(error) => not_taken(&error),
        }
    }

    fn converse(&mut self, socket: OwnedFd) {
        if self.conversations.len() >= self.rules.max_conversations {
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
            .arg(self.rules.argument())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::from(socket))
            .stdout(Stdio::null());
        match command.spawn() {
            Ok(child) => self.conversations.push(Conversation {
                child,
                end: Deadline::after(self.rules.timeout() + GRACE),
            }),
            Err(error) => log::line(3, &format!("no conversation can be started: {error}")),
        }
    }

    /// The conversations see that the network process is gone; those that do not are ended.
    fn end_conversations(&mut self) -> Result<(), String> {
        self.channel = None;
        self.watch = None;
        self.sending.clear();
        for conversation in &mut self.conversations {
            conversation.end = Deadline::after(GRACE);
        }
        while !self.conversations.is_empty() {
            self.wait()?;
            // There is nobody to forward them to.
            while let Ok(Some(_)) = self.signals.read_signal() {}
            self.reap();
        }
        Ok(())
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

fn not_taken(error: &str) {
    log::line(3, &format!("the settings are not taken: {error}"));
}

fn digest(settings: &Settings) -> String {
    jose::digest::sha256_hex(&[&settings.bundle])
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().map(Pid::from_raw)
}

/// Starts the network process, as a user that owns nothing where this one is root; std takes the
/// supplementary groups away with that.
fn network_process(channel: UnixStream) -> Result<Child, String> {
    let mut command = process::again(process::NETWORK);
    command.stdin(Stdio::from(OwnedFd::from(channel)));
    // systemd's sockets pass on to it (sd_listen_fds(3)), but are addressed to this process.
    command.env_remove("LISTEN_PID");
    if geteuid().is_root() {
        let user = User::from_name(USER).map_err(|error| format!("the user {USER}: {error}"))?;
        let user = user.ok_or_else(|| {
            format!("there is no user {USER}: run systemd-sysusers, or add it as a system user")
        })?;
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    let child: io::Result<Child> = command.spawn();
    child.map_err(|error| format!("the network process cannot be started: {error}"))
}
