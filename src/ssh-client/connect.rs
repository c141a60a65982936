//! `jwt-ssh HOST`: becomes ssh, with an agent beside it that answers for the token.

use crate::agent::{self, Task};
use crate::command_line::CommandLine;
use crate::environment::Environment;
use crate::look::{Binding, Seen};
use crate::offer::Words;
use crate::options::TokenOptions;
use crate::settings::Settings;
use crate::source::Recipient;
use crate::ssh_config::{KeyConfiguration, NO_DEFAULTS};
use crate::target::Target;
use crate::{askpass, channel, clock, secrecy, source, terminal};
use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Replaces this process by ssh, whose exit status, signals and terminal are then its own.
///
/// # Errors
/// Why it cannot.
pub fn connect(line: &CommandLine, options: &TokenOptions) -> Result<Infallible, String> {
    let environment = Environment::of_process();
    let ssh = ssh(&environment)?;
    let mut command = Command::new(&ssh);
    if let Some((target, keys)) = line.logs_in.then(|| target(&ssh, &line.ssh)).flatten() {
        let nobody_to_ask = target.batch || !terminal::is_there();
        if target.batch {
            // ssh would not even ask jwt-ssh, which then asks nobody. What else BatchMode
            // sets stays: Debian's ssh looks after a silent host then.
            command.args(["-o", "BatchMode=no"]);
            command.args([
                "-o",
                &format!("ServerAliveInterval={}", target.alive_interval),
            ]);
        }
        let settings = settings(&environment)?;
        let audiences = settings.audiences(&target.host);
        let source = options.source();
        let askpass = askpass()?;
        // Until this process is ssh.
        secrecy::hide_memory();
        let effort = settings.effort(&target.host, options.force);
        let seen = Seen::of(
            &source,
            &Recipient {
                host: Some(&target.host),
                audiences: &audiences,
                effort,
            },
            settings.is_bound(&target.host),
            &environment,
            |token| token.check(&audiences, clock::now(), options.force).is_ok(),
            |token| Binding::of(token, &keys, words(Some(line), &keys), &environment),
        );
        let task = Task {
            audiences: audiences.clone(),
            effort,
            target,
            force: options.force,
            source: source.clone(),
            ssh: std::process::id(),
            keys: seen.keys(),
            look: seen.look.clone(),
        };
        let socket = agent::start(&task, seen.token.as_ref())?;
        command.args(seen.arguments(|number| channel::key_file(&socket, number)));
        command
            .env("SSH_ASKPASS", askpass)
            .env(channel::VARIABLE, socket)
            // Also where there is a terminal (OpenSSH 8.4).
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env_remove("SSH_ASKPASS_PROMPT");
        if nobody_to_ask {
            // The token is given once, and nobody could answer when ssh asks again: an
            // attempt without an answer would be a failure more for pam_faillock.
            command.args(["-o", "NumberOfPasswordPrompts=1"]);
        }
    }
    let error = command.args(&line.ssh).exec();
    Err(format!("{}: {error}", ssh.display()))
}

/// The user's settings.
///
/// # Errors
/// The file, and what is wrong with it.
pub fn settings(environment: &Environment<'_>) -> Result<Settings, String> {
    let Some(path) = environment.settings_file() else {
        return Ok(Settings::default());
    };
    let failed = |error: String| format!("{}: {error}", path.display());
    // As ssh does it with its own: they say where a token may go.
    match source::file::read_settings(&path) {
        Ok(Some(text)) => {
            let text = std::str::from_utf8(&text).map_err(|error| failed(error.to_string()))?;
            Settings::parse(text).map_err(failed)
        }
        Ok(None) => Ok(Settings::default()),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// This program under its second name, which is beside the first.
fn askpass() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| format!("where am I? {error}"))?;
    let askpass = program.with_file_name(askpass::NAME);
    if std::fs::canonicalize(&askpass).ok() == std::fs::canonicalize(&program).ok() {
        return Ok(askpass);
    }
    Err(format!(
        "{} is not this program: ln -s {} {0}",
        askpass.display(),
        program.display()
    ))
}

/// The real ssh: the first on PATH that is not this program under that name.
fn ssh(environment: &Environment<'_>) -> Result<PathBuf, String> {
    let this = std::env::current_exe().and_then(std::fs::canonicalize).ok();
    environment
        .programs("ssh")
        .into_iter()
        .find(|program| std::fs::canonicalize(program).ok() != this)
        .ok_or_else(|| "there is no ssh on PATH; jwt-ssh runs the one of OpenSSH".to_owned())
}

/// What the user has said of keys.
pub fn words(line: Option<&CommandLine>, keys: &KeyConfiguration) -> Words {
    let says = |option| line.is_some_and(|line| line.sets(option));
    Words {
        identities_only: says("IdentitiesOnly").then_some(keys.identities_only),
        agent: says("IdentityAgent") || keys.forwards_agent,
    }
}

/// Whom these arguments are about, and with which keys, in the words of `ssh -G`; none where
/// ssh itself has something to say about them, which it then does.
pub fn target(ssh: &PathBuf, arguments: &[OsString]) -> Option<(Target, KeyConfiguration)> {
    let output = Command::new(ssh)
        .arg("-G")
        .args(NO_DEFAULTS)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    // A path in it need not be text.
    let printed = String::from_utf8_lossy(&output.stdout);
    let target = Target::of_configuration(&printed)?;
    Some((target, KeyConfiguration::of_configuration(&printed)))
}

/// Whom `jwt-ssh HOST` would be about.
///
/// # Errors
/// That there is no ssh, or that it does not know what to make of the name.
pub fn target_named(
    environment: &Environment<'_>,
    host: &str,
) -> Result<(Target, KeyConfiguration), String> {
    let arguments = ["--", host].map(OsString::from);
    target(&ssh(environment)?, &arguments)
        .ok_or_else(|| format!("ssh does not know what to make of the host {host:?}"))
}
