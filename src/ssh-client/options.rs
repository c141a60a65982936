//! The definitions of the command line, from which --help, the manual page and the
//! completions are made as well.

use crate::source::Source;
use crate::{login, logout, manual, own_token, status};
use clap::{ArgAction, Args, Parser, Subcommand};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Logs in over ssh with a token (JWT) of any length.
///
/// Runs the ssh of this machine, with all its options, and answers the server's question
/// for a token. What else the server or ssh asks for is asked on the terminal, as without
/// jwt-ssh. Before the token leaves, jwt-ssh looks whether it is still valid and meant for
/// that host.
#[derive(Parser)]
#[command(
    name = "jwt-ssh",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    // Their letters are ssh's, and all that is ours begins with two dashes.
    disable_help_flag = true,
    disable_version_flag = true,
    override_usage = USAGE,
    after_long_help = "\
Where the token comes from, if no option names it:
  BEARER_TOKEN             the token itself
  BEARER_TOKEN_FILE        a file that holds it
  $XDG_RUNTIME_DIR/bt_uID  ID is the numeric user id; `jwt-ssh login`
  /tmp/bt_uID              puts it there and has it renewed
  GitHub Actions           the job's own identity, for the audience
                           ssh://HOST (permissions: id-token: write)
  Kubernetes               the pod's service account

Whom it is for:
  The token's aud has to name ssh://HOST, where HOST is what `ssh -G`
  calls hostkeyalias or hostname. If a host goes by another name in
  tokens, ~/.config/jwt-ssh/config.toml says so; {host} and {short} (up to
  the first dot) stand for its name:

  [[host]]
  match    = \"*.example.org\"
  audience = \"ssh://{short}\"
  bound    = true

Tokens that are bound to an SSH key (cnf):
  A host takes one from whoever has just proved to have that key
  (AuthenticationMethods publickey,keyboard-interactive), so ssh is told
  to offer it first: -o IdentityFile=FILE -o IdentitiesOnly=yes, and
  IdentityAgent=none where the agent has another one that is configured.
  It is looked for in IdentityFile, the .pub files of ~/.ssh and the agent.
  `jwt-ssh status HOST` says what is found.

  For that the token is looked at before ssh starts, where nobody notices:
  in a variable or a file. `bound = true` has any other be got that early.

Other programs:
  rsync -e jwt-ssh FILE HOST:
  GIT_SSH=jwt-ssh git clone HOST:REPOSITORY
  scp -S jwt-ssh FILE HOST:
  sftp -S jwt-ssh HOST
  SUDO_ASKPASS=/usr/bin/jwt-ssh-askpass sudo -A COMMAND

Without jwt-ssh:
  Whoever answers prompts can do the same: the token goes in lines of 500
  bytes, each to one prompt, and if the last one has 500, an empty one
  ends it. By hand, print them and paste one at each prompt:

  fold -w 500 ~/token

  Or have ssh run the script below:

  SSH_ASKPASS=./askpass SSH_ASKPASS_REQUIRE=force \\
    ssh -o NumberOfPasswordPrompts=1 HOST

  It gives the token to any host that asks, as jwt-ssh does not:

  #!/bin/sh
  at=${1##*\"token[\"} at=${at%%[!0-9]*}
  case $1 in *\"token: \") at=0 ;; *\"token[$at]: \") ;; *) exit 1 ;; esac
  dd bs=1 skip=\"$at\" count=500 <~/token 2>/dev/null && echo

Exit status:
  that of ssh, and 255 where jwt-ssh itself cannot go on; subcommands say
  theirs

Files:
  ~/.config/jwt-ssh/config.toml  by which names hosts go in tokens, whether
                                 those are bound to SSH keys, and whether
                                 they are exchanged (jwt-ssh login --help)

Examples:
  # with the token that tools of this machine find
  jwt-ssh alice@web1.example.org
  # with another
  jwt-ssh --token-file ~/token -p 2222 web1.example.org uptime
  # with one made for the host
  jwt-ssh --token-command 'get-token \"$JWT_SSH_AUDIENCE\"' web1.example.org
  # what would be sent
  jwt-ssh status web1.example.org
  # a host that is called like a subcommand
  jwt-ssh -- status"
)]
pub struct JwtSsh {
    /// For --help: where they stand before a host, [`OwnWords`] has read them.
    #[command(flatten)]
    pub token: TokenOptions,
    /// Print this help.
    #[arg(long, global = true, action = ArgAction::Help)]
    pub help: Option<bool>,
    /// Print the version.
    #[arg(long, action = ArgAction::Version)]
    pub version: Option<bool>,
    /// Counts only as the first word.
    #[command(subcommand)]
    pub command: Option<Subcommands>,
}

/// What is known by the first word. What each is for is said where it is defined: a
/// comment here would take its place in --help.
#[derive(Subcommand)]
pub enum Subcommands {
    Login(login::Login),
    Logout(logout::Logout),
    Status(status::Status),
    Token(own_token::OwnToken),
    Completions(Completions),
    Manual(Manual),
}

/// The options before the host.
#[derive(Args, Debug)]
pub struct TokenOptions {
    /// Take the token from this file.
    #[arg(long, value_name = "FILE", conflicts_with = "token_command")]
    pub token_file: Option<PathBuf>,
    /// Take what this command of sh prints.
    ///
    /// It finds the host in JWT_SSH_HOST and the audience that the token should have in
    /// JWT_SSH_AUDIENCE. It runs only when the token is asked for, or before ssh starts where
    /// the settings say `bound = true`.
    #[arg(long, value_name = "COMMAND")]
    pub token_command: Option<String>,
    /// Send the token even if its aud does not name the host; its time is looked at still.
    #[arg(long)]
    pub force: bool,
}

impl TokenOptions {
    /// Where the token comes from.
    pub fn source(&self) -> Source {
        match (&self.token_file, &self.token_command) {
            (Some(file), _) => Source::File(file.clone()),
            (None, Some(command)) => Source::Command(command.clone()),
            (None, None) => Source::Anywhere,
        }
    }
}

/// The options alone, for the words that are not ssh's.
#[derive(Parser)]
#[command(name = "jwt-ssh", disable_help_flag = true, override_usage = USAGE)]
pub struct OwnWords {
    /// All of them.
    #[command(flatten)]
    pub token: TokenOptions,
}

const USAGE: &str = "\
jwt-ssh [--token-file FILE | --token-command COMMAND] [--force]
               [SSH OPTIONS] [USER@]HOST [COMMAND]
       jwt-ssh login | logout | status [HOST] | token";

/// Whose the first word is.
pub enum FirstWord {
    /// Known to [`JwtSsh`].
    Known,
    /// ssh's.
    Ssh,
}

impl FirstWord {
    /// What the first word is.
    pub fn of(words: &[OsString]) -> Self {
        match words.first().map(|word| word.as_bytes()) {
            None
            | Some(
                b"login" | b"logout" | b"status" | b"token" | b"completions" | b"manual"
                | b"--help" | b"--version",
            ) => Self::Known,
            Some(_) => Self::Ssh,
        }
    }
}

cli::documented!(
    JwtSsh,
    "jwt-ssh",
    "1",
    [
        ("jwt-ssh-askpass", "1"),
        ("ssh", "1"),
        ("ssh_config", "5"),
        ("sudo", "8"),
    ],
    [manual::askpass()],
    "~/.local/share/man"
);
