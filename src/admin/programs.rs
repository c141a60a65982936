//! The programs of the system that are asked: found in the system's own directories alone, with
//! an empty environment, and not waited for without end.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use system::clock::Deadline;

/// Where they are.
const PATH: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// How long one of them is waited for.
const TIME: Duration = Duration::from_secs(10);

/// How often it is looked whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// Nobody prints more that is read.
const MOST: u64 = 8 * 1024 * 1024;

/// What became of it.
#[derive(Debug, Default)]
pub struct Ran {
    /// Whether it ended with status 0.
    pub is_done: bool,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// Why nothing became of it.
#[derive(Debug)]
pub enum NotRun {
    /// There is none of that name.
    Missing,
    /// What was in the way.
    Failed(String),
}

impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is not installed"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

/// Where the program of this name is.
pub fn found(name: &str) -> Option<PathBuf> {
    let mut places = PATH.iter().map(|dir| Path::new(dir).join(name));
    places.find(|place| place.is_file())
}

/// Runs a program of the system to its end.
pub fn run(name: &str, args: &[&str]) -> Result<Ran, NotRun> {
    run_for(TIME, name, args)
}

fn run_for(time: Duration, name: &str, args: &[&str]) -> Result<Ran, NotRun> {
    let program = found(name).ok_or(NotRun::Missing)?;
    let failed = |error: std::io::Error| NotRun::Failed(format!("cannot be run: {error}"));
    let mut child = Command::new(program)
        .args(args)
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", PATH.join(":"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let [stdout, stderr] = [read(stdout), read(stderr)];
    let deadline = Deadline::after(time);
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if deadline.left().is_zero() => {
                end(&mut child);
                let why = format!("has not answered in {} s", time.as_secs());
                return Err(NotRun::Failed(why));
            }
            None => std::thread::sleep(PAUSE),
        }
    };
    // What it has started may hold the other end of the pipes longer than it lived.
    let [stdout, stderr] = [stdout, stderr].map(|all| {
        let all = all.recv_timeout(deadline.left().max(PAUSE));
        String::from_utf8_lossy(&all.unwrap_or_default()).into_owned()
    });
    Ok(Ran {
        is_done: status.success(),
        stdout,
        stderr,
    })
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Has a thread read it all, so that it never stands still for being full.
fn read(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut all = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(MOST).read_to_end(&mut all);
        }
        let _ = sender.send(all);
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_run_with_nothing_of_ours() {
        let env = run("env", &[]).unwrap();
        assert!(env.is_done);
        let mut lines: Vec<&str> = env.stdout.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
        let failing = run("sh", &["-c", "echo no >&2; exit 3"]).unwrap();
        assert_eq!((failing.is_done, &*failing.stderr), (false, "no\n"));
        assert!(matches!(run("no-such-program", &[]), Err(NotRun::Missing)));
    }

    #[test]
    fn what_does_not_end_is_not_waited_for() {
        let hangs = run_for(Duration::from_millis(50), "sleep", &["600"]);
        assert!(matches!(hangs, Err(NotRun::Failed(why)) if why.contains("not answered")));
        // It has gone, and something of it holds the pipe.
        let left = run_for(Duration::from_secs(1), "sh", &["-c", "sleep 5 & echo a"]).unwrap();
        assert!(left.is_done);
    }

    #[test]
    fn what_prints_more_than_a_pipe_holds_ends() {
        let many = run("seq", &["1", "100000"]).unwrap();
        assert!(many.is_done && many.stdout.ends_with("\n100000\n"));
    }
}
