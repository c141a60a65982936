//! `--token-command`: a token that a program prints.

use super::{Recipient, Text, bounded};
use nix::sys::signal::SigSet;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How much of what it complains about is repeated.
const MOST_OF_STDERR: u64 = 2048;

/// For the rest of a complaint, once the command has ended.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs the command by sh, and takes what it prints. Standard input is empty: that of this
/// run is ssh's. A command that asks the user does so on /dev/tty.
///
/// # Errors
/// How it ended, and the beginning of what it complained of.
pub fn run(command: &str, whom: &Recipient<'_>) -> Result<Text, String> {
    let failed = |why: String| format!("--token-command: {why}");
    // The agent blocks signals, and a child inherits that: Ctrl-C is for it all the same.
    let mask = SigSet::thread_get_mask().map_err(|error| failed(error.to_string()))?;
    let _ = SigSet::empty().thread_set_mask();
    let child = Command::new("sh")
        .args(["-c", command])
        .env("JWT_SSH_HOST", whom.host.unwrap_or_default())
        .env("JWT_SSH_AUDIENCE", whom.audience().unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let _ = mask.thread_set_mask();
    let mut child = child.map_err(|error| failed(format!("sh: {error}")))?;
    let stderr = child.stderr.take();
    let (complain, complaint) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stderr) = stderr {
            let _ = stderr.by_ref().take(MOST_OF_STDERR).read_to_end(&mut text);
            // The rest is read too, so that it is never stuck writing.
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
        }
        let _ = complain.send(String::from_utf8_lossy(&text).trim().to_owned());
    });
    let text = child.stdout.take().map(bounded).transpose();
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    // What it has left running may hold standard error open for good.
    let complaint = complaint.recv_timeout(PATIENCE).unwrap_or_default();
    let with_complaint = |what: String| match complaint.as_str() {
        "" => failed(what),
        complaint => failed(format!("{what}: {complaint}")),
    };
    if !status.success() {
        return Err(with_complaint(status.to_string()));
    }
    match text.map_err(|error| failed(error.to_string()))? {
        Some(text) if !text.trim_ascii().is_empty() => Ok(text),
        _ => Err(with_complaint("it printed nothing".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::Signal;

    fn run(command: &str) -> Result<String, String> {
        let whom = Recipient {
            host: Some("web1"),
            audiences: &["ssh://web1".to_owned()],
            effort: super::super::Effort::None,
        };
        super::run(command, &whom).map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    #[test]
    fn a_command_prints_the_token_for_the_audience() {
        let printed = run("printf '%s %s' \"$JWT_SSH_HOST\" \"$JWT_SSH_AUDIENCE\"; cat");
        assert_eq!(printed.unwrap(), "web1 ssh://web1");
    }

    #[test]
    fn a_command_can_be_interrupted_though_the_agent_cannot() {
        SigSet::all().thread_block().unwrap();
        let blocked = run("grep SigBlk /proc/self/status").unwrap();
        assert_eq!(blocked.trim(), "SigBlk:\t0000000000000000");
        assert!(SigSet::thread_get_mask().unwrap().contains(Signal::SIGINT));
    }

    #[test]
    fn what_a_command_leaves_running_holds_nothing_up() {
        let left = run("sleep 1000 >/dev/null & echo $!").unwrap();
        let left = nix::unistd::Pid::from_raw(left.trim().parse().unwrap());
        nix::sys::signal::kill(left, Signal::SIGKILL).unwrap();
    }

    #[test]
    fn a_command_that_fails_is_told_of_in_its_own_words() {
        let error = run("echo partly; echo 'log in first' >&2; exit 3").unwrap_err();
        assert!(error.contains("exit status: 3: log in first"), "{error}");
        assert!(!error.contains("partly"), "{error}");
        assert!(run("true").unwrap_err().contains("printed nothing"));
        assert!(run("kill -9 $$").unwrap_err().contains("signal: 9"));
    }
}
