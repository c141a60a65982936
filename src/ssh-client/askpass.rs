//! `jwt-ssh-askpass`: what ssh runs for each prompt (SSH_ASKPASS, ssh(1)), and sudo
//! (SUDO_ASKPASS, sudo(8)). Its argument is the prompt: text, never an option.

use crate::channel;
use crate::conversation::Answer;
use crate::environment::Environment;
use crate::{local, prompt, secrecy, terminal};
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use zeroize::Zeroizing;

/// The name by which the program knows that it is meant as the askpass.
pub const NAME: &str = "jwt-ssh-askpass";

/// Answers the prompt, on standard output, or fails.
pub fn run(arguments: &[OsString]) -> ExitCode {
    let [prompt] = arguments else {
        cli::output::hint(
            NAME,
            "ssh and sudo run this with one prompt; see `jwt-ssh --help`",
        );
        return ExitCode::FAILURE;
    };
    let shown = prompt.to_string_lossy();
    let environment = Environment::of_process();
    let answered = match environment.get("SSH_ASKPASS_PROMPT") {
        Some(kind) if kind == "none" => notify(&shown),
        Some(_) => at_terminal(&shown, true),
        None => answer(&environment, prompt.as_bytes(), &shown),
    };
    // What keeps from answering has been said.
    if answered.unwrap_or(false) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Has the agent or the user answer, and says whether either did.
fn answer(environment: &Environment<'_>, prompt: &[u8], shown: &str) -> io::Result<bool> {
    let asked = environment
        .path(channel::VARIABLE)
        .map(|socket| channel::ask(&socket, prompt));
    let answer = match asked.transpose() {
        Ok(Some(Some(answer))) => answer,
        // The agent has given what it had and ended, or ssh has.
        Ok(Some(None)) => Answer::Terminal(None),
        Ok(None) => {
            secrecy::hide_memory();
            local::answer(environment, prompt)
        }
        Err(error) => Answer::Terminal(Some(format!(
            "the process that holds the token does not answer: {error}"
        ))),
    };
    let say = |word: Option<String>| {
        if let Some(word) = word {
            cli::output::hint("jwt-ssh", &word);
        }
    };
    match answer {
        Answer::Piece(piece, word) => {
            say(word);
            print(&piece).map(|()| true)
        }
        // One word about it is enough.
        Answer::Terminal(word @ Some(_)) if !terminal::is_there() => {
            say(word);
            Ok(false)
        }
        Answer::Terminal(word) => {
            say(word);
            at_terminal(shown, prompt::is_about_a_host_key(shown))
        }
        Answer::Fail(word) => {
            say(word);
            Ok(false)
        }
    }
}

fn at_terminal(shown: &str, echo: bool) -> io::Result<bool> {
    if !terminal::is_there() {
        let word = format!("there is no terminal to ask at: {}", shown.trim_end());
        cli::output::hint("jwt-ssh", &word);
        return Ok(false);
    }
    secrecy::hide_memory();
    match terminal::ask(shown, echo)? {
        Some(line) => print(&line).map(|()| true),
        None => Ok(false),
    }
}

/// ssh says something that needs no answer, and ends this when it no longer holds.
fn notify(shown: &str) -> io::Result<bool> {
    let ssh = nix::unistd::getppid();
    if terminal::show(shown).is_ok() {
        while nix::unistd::getppid() == ssh {
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
    }
    Ok(true)
}

fn print(answer: &[u8]) -> io::Result<()> {
    let mut line = Zeroizing::new(Vec::with_capacity(answer.len().saturating_add(1)));
    line.extend_from_slice(answer);
    line.push(b'\n');
    // Not through std's buffer, which nobody wipes.
    let stdout = io::stdout();
    let mut rest = line.as_slice();
    while !rest.is_empty() {
        let written = nix::unistd::write(&stdout, rest)?;
        rest = rest.get(written..).unwrap_or_default();
    }
    io::stdout().flush()
}
