//! The process outside that keeps a machine there.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use crate::machine::PATH;

/// It ends, and the machine with it, when our end of its stdin closes.
pub(crate) struct Holder(Child);

impl Holder {
    /// Starts it and waits until the machine is there: its first line is the pid of the
    /// machine's pid 1. Otherwise, why there is none.
    pub(crate) fn start(command: &mut Command) -> Result<(Holder, u32), String> {
        let explain = |reason: &dyn Display| reason.to_string();
        let mut child = command
            .env("PATH", PATH)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| explain(&format_args!("unshare: {error}")))?;

        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(|error| explain(&error))?;
        if let Ok(pid) = line.trim().parse() {
            return Ok((Holder(child), pid));
        }
        let mut reason = String::new();
        let mut stderr = child.stderr.take().expect("piped");
        stderr
            .read_to_string(&mut reason)
            .map_err(|error| explain(&error))?;
        child.wait().map_err(|error| explain(&error))?;
        Err(reason.trim().to_owned())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // The machine's pid 1 is gone only after all others.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
