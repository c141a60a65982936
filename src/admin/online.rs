//! pam-jwt-fetch as the helper of a command, as a login has it: one request, one answer, as the
//! user that fetches.

use nix::unistd::geteuid;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use system::fetched::{self, Fetched};
use system::helper::{ARGUMENT, Answer, MOST, PROGRAM, Request};
use system::key_store;
use system::remote::Remote;
use system::trusted_file;
use zeroize::Zeroizing;

/// Asks issuers by way of pam-jwt-fetch.
pub struct Online;

impl Remote for Online {
    fn ask_all(&self, requests: &[Request], patience: Duration) -> Vec<Result<Answer, String>> {
        thread::scope(|scope| {
            let one = |request| scope.spawn(move || ask(request, patience));
            let asked: Vec<_> = requests.iter().map(one).collect();
            let died = |_| Err("it was not asked to the end".to_owned());
            asked
                .into_iter()
                .map(|one| one.join().unwrap_or_else(died))
                .collect()
        })
    }
}

fn ask(request: &Request, patience: Duration) -> Result<Answer, String> {
    let program = key_store::settings(&request.config).fetch_program;
    let program = program.as_deref().unwrap_or(PROGRAM);
    let named = |error: String| format!("{program}: {error}");
    let mut child = start(program).map_err(named)?;
    let answer = answer(&mut child, request, patience).map_err(named);
    // It has answered, or is not waited for any longer.
    let _ = child.kill();
    let _ = child.wait();
    answer
}

fn start(program: &str) -> Result<Child, String> {
    if !geteuid().is_root() {
        return Err("only root may hand over to the user that fetches; run as root".to_owned());
    }
    trusted_file::verify(Path::new(program)).map_err(|error| error.message())?;
    let user = Fetched::open(Path::new(fetched::DIR)).map_err(|error| error.to_string())?;
    if user.uid == 0 || user.gid == 0 {
        return Err(format!(
            "{} belongs to root, and who fetches is a lesser user",
            fetched::DIR
        ));
    }
    // Groups are dropped with the uid.
    let mut command = Command::new(program);
    command
        .arg(ARGUMENT)
        .env_clear()
        .current_dir("/")
        .uid(user.uid)
        .gid(user.gid)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn().map_err(|error| error.to_string())
}

fn answer(child: &mut Child, request: &Request, patience: Duration) -> Result<Answer, String> {
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("it has no pipes".to_owned());
    };
    stdin
        .write_all(request.line().as_bytes())
        .map_err(|error| error.to_string())?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut line = Zeroizing::new(Vec::with_capacity(MOST));
        let most = u64::try_from(MOST).unwrap_or(u64::MAX);
        let read = BufReader::new(stdout.take(most)).read_until(b'\n', &mut line);
        let _ = sender.send(read.map(|_| line));
    });
    match receiver.recv_timeout(patience) {
        Err(_) => Err(format!("it did not answer in {patience:?}")),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(line)) => Answer::parse(&line).ok_or_else(|| "it gave no answer".to_owned()),
    }
}
