//! The command line.

use crate::check::Check;
use crate::manual;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Issues tokens to OAuth clients for the accounts of this machine.
///
/// People log in by PAM, and clients get JSON Web Tokens (RFC 9068) that hosts with pam_jwt.so, and
/// everybody who has its public keys, can verify. Started by root it is two processes: the monitor,
/// which is root and speaks to nobody, and what speaks to the network, which is of the user
/// pam-jwt-authserver. systemd starts each in a unit of its own. What is changed in its files it
/// takes up by itself, and at SIGHUP; SIGTERM ends it when what was begun is finished.
#[derive(Parser)]
#[command(
    name = "pam-jwt-authserver",
    version,
    max_term_width = 100,
    after_long_help = "\
Exit status:
  0      it was told to end, and has; or \"check\" has found no error
  1      its files are no good to start with; or \"check\" has found an error
  2      it cannot serve: usage, an address that is taken, the store
  128+N  its process that speaks to the network was ended by signal N

Files:
  /etc/pam-jwt/authserver.toml         the settings
  /etc/pam-jwt/clients.d/              the clients (pam-jwt clients)
  /etc/pam-jwt/authserver-keys/        what it signs with (pam-jwt keys rotate)
  /etc/pam-jwt/issuers.d/              whose tokens it exchanges, as for logins
  /etc/pam.d/pam-jwt-authserver        how people log in
  /var/lib/pam-jwt-authserver/         what has to survive
  /run/pam-jwt-authserver/local        where this machine's users get tokens (jwt-ssh token)

To start it:
  systemctl enable --now pam-jwt-authserver.service
  With pam-jwt-authserver.socket beside it systemd listens, at port 443. The monitor is
  pam-jwt-authserver-pam@.service, which its socket starts; what PAM needs goes there.

Examples:
  # what is wrong with the files, before the server is started
  pam-jwt-authserver check
  # the same, for a program
  pam-jwt-authserver --json check"
)]
pub struct Options {
    /// The configuration directory.
    #[arg(long, global = true, value_name = "DIR", default_value = system::CONFIG_DIR)]
    pub config: PathBuf,
    /// Be the process that speaks to the network, as the user that this one is already; the
    /// monitor is behind this socket.
    #[arg(long, value_name = "SOCKET")]
    pub monitor: Option<PathBuf>,
    /// Be the monitor alone, for the process of the user pam-jwt-authserver that is connected to
    /// standard input.
    #[arg(long, conflicts_with = "monitor")]
    pub monitor_only: bool,
    /// Report as JSON on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// Something else than to serve.
    #[command(subcommand)]
    pub other: Option<Other>,
}

/// What else it does. The processes that the server starts by itself (serve/process.rs) are none
/// of it: nobody types them.
#[derive(Subcommand)]
pub enum Other {
    Check(Check),
    Completions(Completions),
    Manual(Manual),
}

cli::documented!(
    Options,
    "pam-jwt-authserver",
    "8",
    [
        ("pam-jwt-authserver.toml", "5"),
        ("pam-jwt", "8"),
        ("pam-jwt-clients", "8"),
        ("pam-jwt-keys-rotate", "8"),
        ("pam-jwt-issuer", "5"),
        ("jwt-ssh-token", "1"),
        ("pam.d", "5"),
        ("systemd.service", "5"),
    ],
    [manual::settings()],
    "/usr/local/share/man"
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::process::{CONVERSATION, NETWORK};
    use clap::{CommandFactory, ValueEnum};
    use cli::completions::{Shell, script};

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn a_shell_offers_what_people_type_and_nothing_else() {
        for shell in Shell::value_variants() {
            let script = script(&mut Options::command(), "pam-jwt-authserver", *shell);
            for (word, expected) in [("check", true), (NETWORK, false), (CONVERSATION, false)] {
                assert_eq!(script.contains(word), expected, "{shell}: {word}");
            }
        }
        for word in [NETWORK, CONVERSATION] {
            assert!(Options::try_parse_from(["pam-jwt-authserver", word]).is_err());
        }
    }
}
