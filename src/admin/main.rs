//! `pam-jwt`, the administrator's command: one file a subcommand. It decides
//! nothing by itself; `verify` calls the function that a login calls.
#![forbid(unsafe_code)]

mod check;
mod clients;
mod doctor;
mod enable;
mod faults;
mod grounds;
mod init;
mod issue;
mod jws;
mod keygen;
mod keys;
mod manual;
mod moment;
mod new_config;
mod new_file;
mod new_key;
mod online;
mod pam_d;
mod pam_stack;
mod programs;
mod revocations;
mod revoke;
mod sessions;
mod signing_key;
mod ssh_key;
mod status;
mod status_list;
mod table;
mod trust;
mod trying;
mod verify;

use clap::{Parser, Subcommand};
use cli::output::{Exit, Failure, Output};
use std::path::PathBuf;
use std::process::ExitCode;

/// Sets up, explains and checks logins by JSON Web Token (pam_jwt.so).
///
/// A login needs a line in /etc/pam.d, an issuer that the configuration trusts, and
/// a token of that issuer with a rule that lets it in.
#[derive(Parser)]
#[command(
    name = "pam-jwt",
    version,
    max_term_width = 100,
    after_long_help = "\
Exit status:
  0  done or allowed
  1  refused or invalid
  2  cannot be tried: usage, configuration, key

Files:
  /etc/pam-jwt/pam-jwt.toml  settings for all issuers
  /etc/pam-jwt/issuers.d/    a file for each issuer that is trusted
  /etc/pam-jwt/keys/         the issuers' public keys
  /etc/pam-jwt/private/      this machine's signing keys
  /etc/pam-jwt/clients.d/    the clients of pam-jwt-authserver
  /var/lib/pam-jwt/fetched/  what pam-jwt-fetch has brought from issuers
  /var/lib/pam-jwt/revoked/  what is revoked on this machine
  /var/lib/pam-jwt/status/   status lists that are loaded
  /var/lib/pam-jwt/used/     one-time tokens that were used
  /var/lib/pam-jwt/trying/   what `pam-jwt enable --try` is trying
  /run/pam-jwt/              open sessions, and their tokens

Examples:
  # set this machine up, then see what a login would do
  pam-jwt init --issuer https://login.example.org
  pam-jwt check
  pam-jwt issue alice | pam-jwt verify --user alice --service sshd"
)]
struct Cli {
    /// The configuration directory.
    #[arg(long, global = true, value_name = "DIR", default_value = system::CONFIG_DIR)]
    config: PathBuf,
    /// Report as JSON on standard output.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(init::Init),
    Trust(trust::Trust),
    Keygen(keygen::Keygen),
    Keys(keys::Keys),
    Issue(issue::Issue),
    Verify(verify::Verify),
    #[command(subcommand)]
    Jws(jws::Jws),
    Check(check::Check),
    Doctor(doctor::Doctor),
    Enable(enable::Enable),
    Disable(enable::Disable),
    Confirm(trying::Confirm),
    Rollback(trying::Rollback),
    Status(status::Status),
    #[command(subcommand)]
    StatusList(status_list::StatusList),
    Revoke(revoke::Revoke),
    Revocations(revocations::Revocations),
    Sessions(sessions::Sessions),
    #[command(subcommand)]
    Clients(clients::Clients),
    Completions(Completions),
    Manual(Manual),
}

cli::documented!(
    Cli,
    "pam-jwt",
    "8",
    [
        ("pam_jwt", "8"),
        ("pam-jwt.toml", "5"),
        ("pam-jwt-issuer", "5"),
        ("pam-jwt-fetch", "8"),
        ("pam-jwt-authserver", "8"),
        ("jwt-ssh", "1"),
        ("pam.d", "5"),
    ],
    manual::documents(),
    "/usr/local/share/man"
);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let out = Output::new("pam-jwt", cli.json);
    let result = match &cli.command {
        Command::Init(command) => command.run(&cli.config, &out),
        Command::Trust(command) => command.run(&cli.config, &out),
        Command::Keygen(command) => command.run(&out),
        Command::Keys(command) => command.run(&cli.config, &out),
        Command::Issue(command) => command.run(&cli.config, &out),
        Command::Verify(command) => command.run(&cli.config, &out),
        Command::Jws(command) => command.run(&out),
        Command::Check(command) => command.run(&cli.config, &out),
        Command::Doctor(command) => command.run(&cli.config, &out),
        Command::Enable(command) => command.run(&cli.config, &out),
        Command::Disable(command) => command.run(&out),
        Command::Confirm(command) => command.run(&out),
        Command::Rollback(command) => command.run(&out),
        Command::Status(command) => command.run(&cli.config, &out),
        Command::StatusList(command) => command.run(&cli.config, &out),
        Command::Revoke(command) => command.run(&cli.config, &out),
        Command::Revocations(command) => command.run(&cli.config, &out),
        Command::Sessions(command) => command.run(&out),
        Command::Clients(command) => command.run(&cli.config, &out),
        Command::Completions(command) => command.run(&out),
        Command::Manual(command) => command.run(&out),
    };
    match result.and_then(|exit| out.finish().map(|()| exit)) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            out.failure(&failure);
            Exit::Cannot.into()
        }
    }
}

/// Refuses whoever is not root, before anything is begun.
fn as_root() -> Result<(), Failure> {
    if nix::unistd::geteuid().is_root() {
        Ok(())
    } else {
        Err(Failure::new(
            "only root changes /etc/pam.d; run this as root",
        ))
    }
}

/// Reads standard input, which is a token and perhaps a newline.
fn token_from_stdin(out: &Output) -> Result<Vec<u8>, Failure> {
    use std::io::{IsTerminal, Read};
    if std::io::stdin().is_terminal() {
        out.hint("paste the token, then press Enter and Ctrl-D");
    }
    let mut token = Vec::new();
    let limit = jose::compact::MAX_BYTES as u64 + 1024;
    std::io::stdin()
        .take(limit)
        .read_to_end(&mut token)
        .map_err(|error| Failure::new(format!("standard input: {error}")))?;
    // The newline that an editor or echo puts there; anything else is the token's.
    for end in [b'\n', b'\r'] {
        token.pop_if(|last| *last == end);
    }
    if token.is_empty() {
        return Err(Failure::new(
            "no token on standard input; for example: pam-jwt … < token",
        ));
    }
    Ok(token)
}

/// Reads a file that the caller named.
fn read_named(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        super::Cli::command().debug_assert();
    }
}
