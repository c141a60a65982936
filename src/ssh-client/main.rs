//! `jwt-ssh`, the SSH user's command: no root, no PAM, wherever OpenSSH runs. One program
//! under three names: the command, which becomes ssh; the askpass, which ssh runs for each
//! prompt; and the agent, which holds the token meanwhile.
#![forbid(unsafe_code)]

mod agent;
mod askpass;
mod channel;
mod clock;
mod command_line;
mod connect;
mod conversation;
mod environment;
mod keyring;
mod local;
mod login;
mod logout;
mod look;
mod manual;
mod offer;
mod options;
mod own_token;
mod process;
mod prompt;
mod secrecy;
mod settings;
mod source;
mod ssh_config;
mod status;
mod target;
mod terminal;
mod token;

use clap::{CommandFactory, Parser};
use cli::output::{Exit, Output, hint};
use command_line::CommandLine;
use options::{FirstWord, JwtSsh, OwnWords, Subcommands};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What servers are told who asks.
const USER_AGENT: &str = concat!("jwt-ssh/", env!("CARGO_PKG_VERSION"));

/// What ssh exits with where it cannot go on.
const CANNOT: u8 = 255;

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let name = PathBuf::from(words.next().unwrap_or_default());
    let words: Vec<OsString> = words.collect();
    if is_called(&name, askpass::NAME) {
        return askpass::run(&words);
    }
    if is_called(&name, agent::NAME) {
        agent::run();
        return ExitCode::SUCCESS;
    }
    match FirstWord::of(&words) {
        FirstWord::Known => subcommand(),
        FirstWord::Ssh => connect(words),
    }
}

fn is_called(path: &Path, name: &str) -> bool {
    path.file_name() == Some(OsStr::new(name))
}

fn connect(words: Vec<OsString>) -> ExitCode {
    let line = CommandLine::parse(words);
    let own = std::iter::once(OsString::from("jwt-ssh")).chain(line.own.iter().cloned());
    let options = match OwnWords::try_parse_from(own) {
        Ok(own) => own.token,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(CANNOT);
        }
    };
    match connect::connect(&line, &options) {
        Ok(never) => match never {},
        Err(why) => {
            hint("jwt-ssh", &why);
            ExitCode::from(CANNOT)
        }
    }
}

fn subcommand() -> ExitCode {
    let parsed = JwtSsh::parse();
    let Some(command) = parsed.command else {
        eprint!("{}", JwtSsh::command().render_help());
        return ExitCode::from(CANNOT);
    };
    let out = Output::new("jwt-ssh", command.wants_json());
    let result = match &command {
        Subcommands::Login(login) => login.run(&out),
        Subcommands::Logout(logout) => logout.run(&out),
        Subcommands::Status(status) => status.run(&out),
        Subcommands::Token(token) => token.run(&out),
        Subcommands::Completions(completions) => completions.run(&out),
        Subcommands::Manual(manual) => manual.run(&out),
    };
    match result.and_then(|exit| out.finish().map(|()| exit)) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            out.failure(&failure);
            Exit::Cannot.into()
        }
    }
}

impl Subcommands {
    const fn wants_json(&self) -> bool {
        match self {
            Self::Login(login) => login.json,
            Self::Logout(logout) => logout.json,
            Self::Status(status) => status.json,
            Self::Token(token) => token.json,
            Self::Completions(_) | Self::Manual(_) => false,
        }
    }
}
