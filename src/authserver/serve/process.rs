//! The program's processes: each is the program again, by a word that nobody types and that the
//! command line, its help and its completions do not have.

use super::channel::{self, Kind};
use crate::settings::Bundle;
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use zeroize::Zeroizing;

/// The word for the process that speaks to strangers.
pub const NETWORK: &str = "network-process";

/// The word for a process that holds one conversation with PAM; the rules follow it.
pub const CONVERSATION: &str = "conversation";

/// What one of them is for.
#[derive(Debug, PartialEq, Eq)]
pub enum Role {
    /// Speaks to clients.
    Network,
    /// Holds one conversation with PAM.
    Conversation {
        /// By which rules.
        rules: String,
    },
}

impl Role {
    /// That of a process with these arguments, its name not among them; none where it is the one
    /// that somebody has started.
    pub fn of(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let mut next = || arguments.next().map(OsString::into_string);
        match (next()?.ok()?.as_str(), next(), next()) {
            (NETWORK, None, None) => Some(Self::Network),
            (CONVERSATION, Some(Ok(rules)), None) => Some(Self::Conversation { rules }),
            _ => None,
        }
    }
}

/// No settings are longer, in bytes.
const MOST_SETTINGS: u64 = 64 * 1024 * 1024;

/// Few settings are longer, in bytes: a buffer of that size does not grow, which would leave
/// private keys behind.
const ROOM: usize = 256 * 1024;

/// What ps(1) and the log call it.
const NAME: &str = "pam-jwt-authserver";

/// The program, to be started by such a word in a process group of its own. This one itself, also
/// where an upgrade has replaced its file.
pub fn again(word: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0(NAME).arg(word);
    command.current_dir("/").process_group(0);
    command
}

/// The first thing that a process started by [`again`] does: no core file, nobody looks into it,
/// and it hears the signals that the monitor has blocked for itself.
///
/// # Errors
/// The system's.
pub fn begin() -> Result<(), Errno> {
    prctl::set_dumpable(false)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    SigSet::all().thread_unblock()?;
    // It would be "exe" otherwise, as its path is.
    prctl::set_name(c"pam-jwt-authser")
}

/// Holds SIGHUP back, which ends a process that has not said yet what it does then, until
/// [`hear_reloads`] is called. Threads that begin in between hold it back for ever.
///
/// # Errors
/// The system's.
pub fn hold_reloads() -> Result<(), Errno> {
    SigSet::from(Signal::SIGHUP).thread_block()
}

/// Hears SIGHUP from now on, and what was held back.
///
/// # Errors
/// The system's.
pub fn hear_reloads() -> Result<(), Errno> {
    SigSet::from(Signal::SIGHUP).thread_unblock()
}

/// The socket that is this process's standard input, which from here on is /dev/null: what the
/// process starts does not get it.
///
/// # Errors
/// The system's.
pub fn socket() -> io::Result<UnixStream> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    nix::unistd::dup2_stdin(File::open("/dev/null")?)?;
    Ok(UnixStream::from(socket))
}

/// The socket to the monitor where it is systemd that starts both.
///
/// # Errors
/// Why there is none, and what to do.
pub fn connect(monitor: &Path) -> Result<UnixStream, String> {
    UnixStream::connect(monitor).map_err(|error| {
        let shown = monitor.display();
        format!("{shown}: {error}; systemctl start {NAME}-pam.socket makes it, for the user {NAME}")
    })
}

/// What the monitor says where it is asked for the settings: what they are, or why they are none.
pub type Answer = Result<Bundle, String>;

/// Such an answer as it is sent, of settings.
///
/// # Errors
/// They are no JSON.
pub fn answer(bundle: &Bundle) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
    let written = serde_json::to_writer(&mut *text, &Ok::<_, &str>(bundle));
    written.map_err(|error| error.to_string())?;
    Ok(text)
}

/// Such an answer as it is sent, that there are none.
pub fn refusal(why: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(
        serde_json::json!(Err::<(), _>(why))
            .to_string()
            .into_bytes(),
    )
}

/// The settings, which the monitor reads for this process.
///
/// # Errors
/// Why it does not answer.
pub fn settings(channel: &UnixStream) -> Result<Answer, String> {
    serde_json::from_slice(&text(channel)?).map_err(|error| error.to_string())
}

fn text(channel: &UnixStream) -> Result<Zeroizing<Vec<u8>>, String> {
    let failed = |error: io::Error| format!("the settings do not come: {error}");
    let answer = channel::ask(channel, Kind::Settings).map_err(failed)?;
    let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
    let most = MOST_SETTINGS + 1;
    answer.take(most).read_to_end(&mut text).map_err(failed)?;
    match u64::try_from(text.len()) {
        Ok(1..=MOST_SETTINGS) => Ok(text),
        Ok(0) => Err(format!(
            "the monitor does not answer; why, it says itself: journalctl -t {NAME}"
        )),
        _ => Err("the settings are too long".to_owned()),
    }
}

/// Closes every descriptor but the three standard ones and so many behind them: what else systemd
/// or a shell has handed to the monitor is not for this process.
///
/// # Errors
/// Where /proc does not say which there are.
pub fn close_others(kept: usize) -> io::Result<()> {
    let names = std::fs::read_dir("/proc/self/fd")?.map(|entry| Ok(entry?.file_name()));
    let names: Vec<_> = names.collect::<io::Result<_>>()?;
    let numbers = names.iter().filter_map(|name| name.to_str()?.parse().ok());
    let first = i32::try_from(kept).unwrap_or(0).saturating_add(3);
    for descriptor in numbers.filter(|descriptor: &i32| *descriptor >= first) {
        // That of the directory is closed by now.
        let _ = nix::unistd::close(descriptor);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monitor_answers_with_settings_or_with_what_is_wrong_with_them() {
        let read = |text: &[u8]| serde_json::from_slice::<Answer>(text).unwrap();
        assert!(read(&answer(&Bundle::default()).unwrap()).is_ok());
        assert_eq!(read(&refusal("a \"file\"")).err().unwrap(), "a \"file\"");
    }

    #[test]
    fn a_process_of_the_servers_own_is_one_by_all_of_its_arguments() {
        let role = |words: &[&str]| Role::of(words.iter().map(OsString::from));
        assert_eq!(role(&[NETWORK]), Some(Role::Network));
        let rules = "{}".to_owned();
        let conversation = Some(Role::Conversation { rules });
        assert_eq!(role(&[CONVERSATION, "{}"]), conversation);
        for words in [
            &[][..],
            &["check"],
            &["--config", NETWORK],
            &[NETWORK, "x"],
            &[CONVERSATION],
            &[CONVERSATION, "{}", "x"],
        ] {
            assert_eq!(role(words), None, "{words:?}");
        }
    }
}
