//! A session on a terminal, from which one goes on to the next host.

use machine::{Machine, Terminal};

/// What comes of a command: its exit status, and what it printed.
pub type Seen = (i32, String);

/// Somebody's shell, reached by ssh.
pub struct Shell(Terminal);

impl Shell {
    /// Logs in at a host, from the host itself, by typing a password.
    pub fn login(host: &Machine, account: &str, password: &str) -> Shell {
        let to = format!("{account}@{}", host.name());
        let mut terminal = host.terminal(["ssh", "-tt", &to]);
        terminal
            .expect("Password or token: ")
            .send_line(password)
            .expect("\n");
        Shell(terminal).begun()
    }

    /// Goes on to another host, whose shell it is until [`Shell::back`].
    pub fn on(mut self, command: &str) -> Shell {
        self.0.send_line(command);
        self.begun()
    }

    /// Leaves the host, for the one it was reached from.
    pub fn back(&mut self) {
        self.0.send_line("exit").expect("closed.");
        self.run(":");
    }

    /// Leaves the first host.
    pub fn leave(mut self) {
        self.0.send_line("exit");
        let ssh = self.0.wait();
        assert_eq!(ssh.code(), Some(0), "{ssh}");
    }

    /// Waits for the shell, which then prints nothing but what its commands do.
    fn begun(mut self) -> Shell {
        self.0
            .expect("$ ")
            .send_line("PS1=; stty -echo; echo re''ady");
        self.0.expect("ready\r\n");
        self
    }

    /// Runs a command, whatever comes of it.
    #[track_caller]
    pub fn try_run(&mut self, command: &str) -> Seen {
        self.0.send_line(&format!("{command}; echo \"status=$?.\""));
        let text = self.0.until("status=").replace("\r\n", "\n");
        let status = self.0.until(".\r\n").parse().expect("a number");
        (status, text)
    }

    /// Runs a command that succeeds; what it printed, without the line's end.
    #[track_caller]
    pub fn run(&mut self, command: &str) -> String {
        let (status, text) = self.try_run(command);
        assert_eq!(status, 0, "`{command}` printed:\n{text}");
        text.trim_end().to_owned()
    }

    /// The session's token.
    #[track_caller]
    pub fn token(&mut self) -> String {
        self.run("cat \"$BEARER_TOKEN_FILE\"")
    }
}
