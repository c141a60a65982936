//! A command in a machine, and what came of it.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Write;
use std::process::{self, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use crate::Machine;
use crate::booted::JOIN;
use crate::clock::CLOCK_ENVIRONMENT;
use crate::machine::{Kind, PATH};
use crate::terminal::Terminal;
use crate::watched::DEADLINE;

/// Of env(1): on a terminal Ctrl-C ends a program, also where the tests run in the background
/// of a shell, which has them ignore it.
const SIGNALS: &str = "--default-signal";

/// A command to run in a machine: by root unless [`Command::user`] says
/// otherwise, in `/`, in a session without a terminal, with a small
/// environment of its own.
#[must_use]
pub struct Command<'m> {
    machine: &'m Machine,
    argv: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    user: Option<String>,
    limit: Duration,
}

impl<'m> Command<'m> {
    pub(crate) fn new<A: AsRef<OsStr>>(
        machine: &'m Machine,
        argv: impl IntoIterator<Item = A>,
    ) -> Command<'m> {
        let command = Command {
            machine,
            argv: Vec::new(),
            environment: Vec::new(),
            stdin: Vec::new(),
            user: None,
            limit: DEADLINE,
        };
        command.args(argv)
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.argv.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Command::arg)
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// What the command reads; without it, nothing.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it as this account, whose group has the same name. No PAM is involved.
    pub fn user(mut self, name: &str) -> Self {
        self.user = Some(name.to_owned());
        self
    }

    /// Gives it longer than the usual deadline.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it to its end. One that does not come to an end is killed, with status 124.
    #[must_use = "it may have failed: expect_success() or expect_code()"]
    pub fn run(self) -> Output {
        let seconds = self.limit.as_secs().to_string();
        let mut command =
            self.prepare(&["setsid", "--wait", "timeout", "--kill-after=5", &seconds]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self
            .machine
            .inside(|| command.spawn())
            .expect("setsid: `make packages`");
        let mut stdin = child.stdin.take().expect("piped");
        let output = thread::scope(|scope| {
            // It may end without having read it all, which its output will explain.
            scope.spawn(move || stdin.write_all(&self.stdin).ok());
            child
                .wait_with_output()
                .expect("the child is ours to wait for")
        });
        Output {
            command: line(&self.argv),
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts it on a terminal of its own.
    pub fn terminal(self) -> Terminal {
        self.on_terminal(&["setsid", "--ctty", "--wait", "env", SIGNALS])
    }

    /// Starts it on a terminal that it can make its controlling one, as util-linux's
    /// login does. That hangs up the one it has, and closes it before it opens it
    /// again, which a [`Terminal`] could not tell from the end: here it has none,
    /// and setsid keeps the terminal open.
    pub fn uncontrolled_terminal(self) -> Terminal {
        self.on_terminal(&["setsid", "--fork", "--wait", "env", SIGNALS])
    }

    fn on_terminal(self, prefix: &[&str]) -> Terminal {
        assert!(
            self.stdin.is_empty(),
            "what is typed on a terminal is sent when it is asked for"
        );
        let command = self.prepare(prefix);
        Terminal::start(self.machine, command, line(&self.argv))
    }

    /// The command as std knows it, its argv after `prefix`.
    fn prepare(&self, prefix: &[&str]) -> process::Command {
        let mut words: Vec<OsString> = prefix.iter().map(OsString::from).collect();
        if self.machine.kind() == Kind::Booted {
            words.extend(JOIN.map(OsString::from));
        }
        let (user, home) = match &self.user {
            Some(user) => {
                words.extend(["setpriv", "--init-groups"].map(OsString::from));
                words.extend(["--reuid", user, "--regid", user].map(OsString::from));
                (user.as_str(), format!("/home/{user}"))
            }
            None => ("root", "/root".to_owned()),
        };
        words.extend(self.argv.iter().cloned());
        let (program, arguments) = words.split_first().expect("the prefix is not empty");
        let mut command = process::Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs([
                ("PATH", PATH),
                ("LANG", "C.UTF-8"),
                ("TERM", "dumb"),
                ("SHELL", "/bin/sh"),
            ])
            .envs([("USER", user), ("LOGNAME", user), ("HOME", &home)])
            .envs(CLOCK_ENVIRONMENT)
            .envs(self.environment.iter().cloned());
        command
    }
}

/// A command that has ended: how, and with what on its standard output and
/// error. It prints as all of that.
#[derive(Clone, Debug)]
pub struct Output {
    /// The command line, for messages.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output; on a terminal, everything.
    pub stdout: String,
    /// Its standard error; on a terminal, nothing.
    pub stderr: String,
}

impl Output {
    /// Its exit status, unless a signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Itself, if the command succeeded; otherwise the test ends with all that was seen.
    #[track_caller]
    pub fn expect_success(self) -> Output {
        self.expect_code(0)
    }

    /// Itself, if the command exited with `code`; otherwise the test ends with all that was seen.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Output {
        assert_eq!(self.code(), Some(code), "{self}");
        self
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "`{}`: {}", self.command, self.status)?;
        writeln!(f, "-- stdout\n{}", self.stdout)?;
        write!(f, "-- stderr\n{}", self.stderr)
    }
}

fn line(argv: &[OsString]) -> String {
    let words: Vec<_> = argv.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
