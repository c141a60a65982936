//! A login with the real ssh client, prompts and answers included.

use std::fmt;
use std::fs;
use std::process::ExitStatus;

use crate::{Command, LogLine, Machine, Terminal};

/// A login to come.
#[must_use]
pub struct Ssh<'m> {
    machine: &'m Machine,
    user: String,
    method: &'static str,
    answers: Vec<Vec<u8>>,
    options: Vec<String>,
}

/// A login that is over. It prints as all that was seen, the log included.
#[derive(Clone, Debug)]
#[must_use]
pub struct Login {
    /// How ssh ended: the command's status, or 255 if there was no login.
    pub status: ExitStatus,
    /// What the command printed.
    pub stdout: String,
    /// What the command, ssh and the server's messages wrote to standard error.
    pub stderr: String,
    /// The prompts that were asked, in order.
    pub prompts: Vec<String>,
    /// What was logged meanwhile; sshd may have more to say after ssh has ended.
    pub log: Vec<LogLine>,
}

impl<'m> Ssh<'m> {
    pub(crate) fn new(machine: &'m Machine, user: &str) -> Ssh<'m> {
        Ssh {
            machine,
            user: user.to_owned(),
            method: "keyboard-interactive",
            answers: Vec::new(),
            options: Vec::new(),
        }
    }

    /// The answers to the prompts, in order. ssh itself passes on at most
    /// 1023 bytes of each; a prompt beyond the last one is answered with nothing.
    pub fn answers<A: Into<Vec<u8>>>(mut self, answers: impl IntoIterator<Item = A>) -> Self {
        self.answers = answers.into_iter().map(Into::into).collect();
        self
    }

    /// By keyboard-interactive authentication, which is the default.
    pub fn kbdint(mut self) -> Self {
        self.method = "keyboard-interactive";
        self
    }

    /// By password authentication: one answer, whatever the modules ask.
    pub fn password(mut self) -> Self {
        self.method = "password";
        self
    }

    /// Adds an option of ssh_config, such as `RequestTTY=force`.
    pub fn option(mut self, option: &str) -> Self {
        self.options.push(option.to_owned());
        self
    }

    /// Logs in and runs a command.
    pub fn command(self, command: &str) -> Login {
        let directory = self.write_answers();
        let mark = self.machine.mark();
        let output = self.client(&directory).arg(command).run();
        Login {
            status: output.status,
            stdout: output.stdout,
            stderr: output.stderr,
            prompts: self.prompts(&directory),
            log: self.machine.log_since(mark),
        }
    }

    /// Logs in from a terminal, to a shell on one.
    pub fn terminal(self) -> Terminal {
        let directory = self.write_answers();
        self.client(&directory).terminal()
    }

    /// Has the answers where the askpass looks for them; the directory.
    fn write_answers(&self) -> String {
        let directory = format!("/run/ssh.{}", self.machine.serial());
        self.machine.write(
            &format!("{directory}/askpass"),
            include_str!("askpass.sh"),
            0o700,
        );
        for (number, answer) in self.answers.iter().enumerate() {
            self.machine
                .write(&format!("{directory}/answer.{number}"), answer, 0o600);
        }
        directory
    }

    /// The client, which asks what is in `directory`.
    fn client(&self, directory: &str) -> Command<'m> {
        let mut ssh = self.machine.command(["ssh", "-F", "none"]);
        for option in self.options.iter().map(String::as_str).chain([
            "LogLevel=ERROR",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "GlobalKnownHostsFile=/dev/null",
            "NumberOfPasswordPrompts=1",
        ]) {
            ssh = ssh.args(["-o", option]);
        }
        ssh.args(["-o", &format!("PreferredAuthentications={}", self.method)])
            .args(["-l", &self.user, "127.0.0.1"])
            .env("SSH_ASKPASS", format!("{directory}/askpass"))
            .env("SSH_ASKPASS_REQUIRE", "force")
    }

    fn prompts(&self, directory: &str) -> Vec<String> {
        self.machine.inside(|| {
            (0..)
                .map_while(|number| fs::read(format!("{directory}/prompt.{number}")).ok())
                .map(|prompt| String::from_utf8_lossy(&prompt).into_owned())
                .collect()
        })
    }
}

impl Login {
    /// The exit status, unless a signal ended ssh: the command's, or 255 if there was no login.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ssh: {}", self.status)?;
        writeln!(f, "-- stdout\n{}", self.stdout)?;
        writeln!(f, "-- stderr\n{}", self.stderr)?;
        writeln!(f, "-- prompts\n{:#?}", self.prompts)?;
        writeln!(f, "-- log")?;
        self.log.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
