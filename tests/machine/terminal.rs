//! A program on a terminal, and somebody who reads and types.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::Arc;
use std::thread;

use nix::pty::openpty;

use crate::watched::{DEADLINE, Watched};
use crate::{Machine, Output};

#[derive(Default)]
struct Screen {
    text: String,
    /// Nobody has the terminal open any more.
    closed: bool,
}

/// A program running on a terminal of the machine. It is killed when this is dropped.
#[must_use]
pub struct Terminal {
    command: String,
    child: Child,
    keyboard: File,
    screen: Arc<Watched<Screen>>,
    /// How much of the screen has been read.
    read: usize,
}

impl Terminal {
    pub(crate) fn start(machine: &Machine, mut program: Command, command: String) -> Terminal {
        // Opened inside, so that the program finds it as one of its /dev/pts.
        let (keyboard, child) = machine.inside(|| {
            let pty = openpty(None, None).expect("the machine's /dev/ptmx");
            let terminal = || pty.slave.try_clone().expect("a descriptor");
            program
                .stdin(terminal())
                .stdout(terminal())
                .stderr(terminal());
            let child = program.spawn().expect("setsid: `make packages`");
            // Ours must not keep the terminal open.
            drop(program);
            (File::from(pty.master), child)
        });
        let screen = Arc::new(Watched::default());
        let (source, sink) = (
            keyboard.try_clone().expect("a descriptor"),
            Arc::clone(&screen),
        );
        thread::spawn(move || show(source, &sink));
        Terminal {
            command,
            child,
            keyboard,
            screen,
            read: 0,
        }
    }

    /// Waits until `text` appears after what was read before.
    ///
    /// # Panics
    ///
    /// At the deadline, or if the program ends first, with all it printed.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> &mut Self {
        let found = self.screen.wait_for(|screen| {
            let unread = screen.text.get(self.read..).unwrap_or_default();
            let end = unread
                .find(text)
                .map(|start| self.read + start + text.len());
            (end.is_some() || screen.closed).then_some(end)
        });
        let Some(Some(end)) = found else {
            let when = match found {
                None => format!("in {DEADLINE:?}"),
                Some(_) => "before it ended".to_owned(),
            };
            let printed = self.screen.look(|screen| screen.text.clone());
            panic!(
                "`{}` did not print {text:?} {when}; all it printed:\n{printed}\n{}",
                self.command,
                session(self.child.id())
            );
        };
        self.read = end;
        self
    }

    /// Waits for `text` as [`Terminal::expect`] does; what stands between it and what was read
    /// before.
    ///
    /// # Panics
    ///
    /// As that.
    #[track_caller]
    pub fn until(&mut self, text: &str) -> String {
        let start = self.read;
        self.expect(text);
        let end = self.read - text.len();
        self.screen
            .look(|screen| screen.text[start..end].to_owned())
    }

    /// All it printed so far, what was not read yet included.
    #[must_use]
    pub fn printed(&self) -> String {
        self.screen.look(|screen| screen.text.clone())
    }

    /// Types a line.
    pub fn send_line(&mut self, line: &str) -> &mut Self {
        self.send(&format!("{line}\n"))
    }

    /// Presses keys.
    pub fn send(&mut self, keys: &str) -> &mut Self {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("the terminal's other end");
        self
    }

    /// Waits until the program and all it started have left the terminal; how
    /// it ended, and everything printed.
    ///
    /// # Panics
    ///
    /// At the deadline, with everything printed.
    #[track_caller]
    pub fn wait(mut self) -> Output {
        let closed = self.screen.wait_for(|screen| screen.closed.then_some(()));
        let stdout = self.screen.look(|screen| screen.text.clone());
        assert!(
            closed.is_some(),
            "`{}` does not end; it printed:\n{stdout}",
            self.command
        );
        let status = self.child.wait().expect("the child is ours to wait for");
        Output {
            command: self.command.clone(),
            status,
            stdout,
            stderr: String::new(),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the processes of a session do, for who asks why something did not come.
fn session(leader: u32) -> String {
    let leader = leader.to_string();
    let ps = ["-o", "pid,stat,wchan:24,etimes,time,comm", "-s", &leader];
    let ps = Command::new("ps").args(ps).output();
    ps.map_or_else(
        |error| error.to_string(),
        |ps| String::from_utf8_lossy(&ps.stdout).into_owned(),
    )
}

/// Takes in what is printed until the last process has closed the terminal,
/// which a pty's master reads as an error.
fn show(mut master: File, screen: &Watched<Screen>) {
    let mut buffer = [0; 4096];
    // What of a character has come so far.
    let mut begun = Vec::new();
    while let Ok(length @ 1..) = master.read(&mut buffer) {
        begun.extend(&buffer[..length]);
        let whole = match std::str::from_utf8(&begun) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => begun.len(),
        };
        let rest = begun.split_off(whole);
        let text = String::from_utf8_lossy(&begun).into_owned();
        screen.update(|screen| screen.text.push_str(&text));
        begun = rest;
    }
    screen.update(|screen| screen.closed = true);
}
