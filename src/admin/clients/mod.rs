//! `pam-jwt clients`: who may ask pam-jwt-authserver for tokens.

mod add;
mod itself;
mod list;
mod remove;
mod rotate_secret;
mod show;

use crate::new_file::NewFiles;
use ::clients::{Client, file_name};
use clap::Subcommand;
use cli::output::{Exit, Failure, Output};
use jose::{digest, sign};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use system::trusted_file;
use zeroize::Zeroizing;

/// The directory of the registrations, in the configuration directory.
const DIR: &str = "clients.d";

/// What is said after each change.
const TAKEN_UP: &str = "A server that runs takes it up by itself.";

/// Register, show and remove the clients of pam-jwt-authserver.
///
/// A client is a program that asks for tokens: a web application, a command, a CI job, a server
/// that asks whether tokens are good. Each is a file in /etc/pam-jwt/clients.d that may be
/// edited; those that registered themselves (RFC 7591) are in the store of the server, which shows
/// and removes them while it runs.
#[derive(Subcommand)]
#[command(after_long_help = "\
Files:
  /etc/pam-jwt/clients.d/  a file for each client, for root's eyes

Examples:
  # a job that acts for itself; its secret is printed, once
  pam-jwt clients add backup --audience https://store.example.org
  pam-jwt clients list")]
pub enum Clients {
    Add(add::Add),
    List(list::List),
    Show(show::Show),
    RotateSecret(rotate_secret::RotateSecret),
    Remove(remove::Remove),
}

impl Clients {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        match self {
            Self::Add(command) => command.run(config, out),
            Self::List(command) => command.run(config, out),
            Self::Show(command) => command.run(config, out),
            Self::RotateSecret(command) => command.run(config, out),
            Self::Remove(command) => command.run(config, out),
        }
    }
}

/// A new secret, and what is kept of it.
struct Secret {
    text: Zeroizing<String>,
    sha256: String,
}

impl Secret {
    fn new() -> Result<Self, Failure> {
        let text = sign::random_secret()
            .map_err(|error| Failure::new(format!("no secret was made: {error}")))?;
        let sha256 = digest::sha256sum(text.as_bytes());
        Ok(Self { text, sha256 })
    }
}

/// A registration that is there.
struct Registered {
    client: Client,
    path: PathBuf,
    text: String,
}

impl Registered {
    /// The one of this id.
    fn find(config: &Path, id: &str) -> Result<Self, Failure> {
        let mut all = Self::all(config)?;
        let at = all.iter().position(|one| one.client.client_id == id);
        at.map(|at| all.swap_remove(at)).ok_or_else(|| {
            Failure::new(format!(
                "there is no client {id}; those there are: pam-jwt clients list"
            ))
        })
    }

    /// All of them, in the order of their files' names.
    fn all(config: &Path) -> Result<Vec<Self>, Failure> {
        let dir = config.join(DIR);
        if !dir.exists() {
            return Ok(Vec::new());
        }
        let paths = trusted_file::list(&dir, ".toml").map_err(unusable)?;
        paths.into_iter().map(Self::read).collect()
    }

    fn read(path: PathBuf) -> Result<Self, Failure> {
        let content = trusted_file::read(&path).map_err(unusable)?;
        let shown = path.display().to_string();
        let text = std::str::from_utf8(&content.bytes)
            .map_err(|_| Failure::new(format!("{shown} is not UTF-8")))?
            .to_owned();
        let client = ::clients::Clients::parse([(shown.as_str(), text.as_str())]);
        let client = client.map_err(Failure::new)?.into_only();
        let client = client.ok_or_else(|| Failure::new(format!("{shown} has no client")))?;
        Ok(Self { client, path, text })
    }

    /// Puts `text` in the place of the file.
    fn replace(&self, text: &str) -> Result<(), Failure> {
        let mut files = NewFiles::default();
        files.whole(&self.path, 0o600, text.as_bytes(), true)?;
        files.keep();
        Ok(())
    }
}

fn unusable(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

/// Where a new registration goes.
fn path_of(config: &Path, id: &str) -> PathBuf {
    config.join(DIR).join(file_name(id))
}

/// A registration as it is reported: all but the digests of its secrets, of which there is the
/// number.
fn as_json(client: &Client) -> Map<String, Value> {
    let json = serde_json::to_value(client).unwrap_or_default();
    let Value::Object(mut members) = json else {
        return Map::new();
    };
    members.remove("secret_sha256");
    members.retain(|_, member| !member.is_null());
    members.insert("secrets".to_owned(), client.secret_sha256.len().into());
    members
}

/// A registration for people, without its secrets.
fn as_text(client: &Client) -> String {
    let hidden = Client {
        secret_sha256: Vec::new(),
        ..client.clone()
    };
    let text = ::clients::text::written(&hidden);
    // The first lines are for who finds the file.
    let text = text.split_once("\n\n").map_or(&*text, |(_, text)| text);
    match client.secret_sha256.len() {
        0 => text.to_owned(),
        1 => format!("{text}\n# It has a secret."),
        several => format!(
            "{text}\n# It has {several} secrets; when the new one is in use everywhere: \
             pam-jwt clients rotate-secret --drop-old"
        ),
    }
}
