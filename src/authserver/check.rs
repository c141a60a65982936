//! `pam-jwt-authserver check`: what is wrong with the files, and what mends it.

use crate::config::{Config, RegistrationMode};
use crate::serve::tls::Tls;
use crate::settings::{Bundle, Settings};
use crate::store::{Store, file};
use clap::Args;
use cli::output::{Exit, Failure, Output, Tone, visible};
use clients::GrantType;
use nix::unistd::{Uid, User};
use serde_json::json;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use system::clock;

/// The user of the network process.
const USER: &str = "pam-jwt-authserver";

/// For how many seconds `pam-jwt keys rotate` keeps a key that was replaced.
const KEPT: u64 = 7 * 86_400;

/// Look at the server's files, and say what is wrong with them and what mends it.
///
/// An error is what the server would not start with, or what nobody could log in with; a warning
/// is what may be meant. The certificate and its key are tried together, PostgreSQL is asked whether
/// it answers, and of SQLite's file is looked at whether the server can write it.
#[derive(Args)]
#[command(after_long_help = "\
Exit status:
  0  nothing is wrong; there may be warnings
  1  something is
  2  it could not be looked at

Examples:
  # before the server is started, and after its files were edited
  pam-jwt-authserver check")]
pub struct Check {}

/// Something to say.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    is_error: bool,
    text: String,
}

impl Check {
    /// Runs it.
    ///
    /// # Errors
    /// It cannot be tried.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let now = clock::now().map_err(|_| Failure::new("the clock has not been set"))?;
        let mut findings = Vec::new();
        let uid = match User::from_name(USER) {
            Ok(Some(user)) => Some(user.uid),
            _ => {
                findings.push(error(format!(
                    "there is no user {USER}: run systemd-sysusers, or add it as a system user"
                )));
                None
            }
        };
        findings.extend(of_files(config, uid, now));
        report(&findings, out);
        let is_bad = findings.iter().any(|finding| finding.is_error);
        Ok(if is_bad { Exit::Refused } else { Exit::Done })
    }
}

/// What the server, whose network process is the user `uid`, would find wrong with the files in
/// `dir`, and with those that they name.
fn of_files(dir: &Path, uid: Option<Uid>, now: u64) -> Vec<Finding> {
    let settings = match Bundle::read(dir).and_then(|bundle| bundle.settings(now)) {
        Ok(settings) => settings,
        Err(why) => return vec![error(why)],
    };
    let mut findings = of_config(&settings.config);
    findings.extend(Tls::of(&settings).err().map(error));
    findings.extend(of_clients(&settings));
    findings.extend(of_machine(&settings.config));
    findings.extend(of_store(&settings.config, uid));
    findings
}

fn report(findings: &[Finding], out: &Output) {
    let level = |finding: &Finding| if finding.is_error { "error" } else { "warning" };
    out.report(
        || {
            let findings: Vec<_> = findings
                .iter()
                .map(|finding| json!({ "level": level(finding), "text": finding.text }))
                .collect();
            json!({ "findings": findings })
        },
        || {
            if findings.is_empty() {
                return out.painted(Tone::Good, "nothing is wrong");
            }
            let line = |finding: &Finding| {
                let tone = if finding.is_error {
                    Tone::Bad
                } else {
                    Tone::Doubtful
                };
                format!(
                    "{}: {}",
                    out.painted(tone, level(finding)),
                    visible(&finding.text)
                )
            };
            findings.iter().map(line).collect::<Vec<_>>().join("\n")
        },
    );
}

/// What the settings say that may not be meant.
fn of_config(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_open = !config
        .listen
        .iter()
        .all(|address| address.ip().is_loopback());
    if config.tls.is_none() && config.proxies.is_empty() && is_open {
        findings.push(warning(
            "listen is not loopback alone, and there is neither [tls] nor a proxy: passwords and \
             tokens would cross the network in the clear",
        ));
    }
    if config.tls.is_some() && config.issuer.starts_with("http://") {
        findings.push(error(
            "there is [tls], and issuer begins with http: clients would not find it",
        ));
    }
    let lifetimes = &config.lifetimes;
    if lifetimes.access_token.max(lifetimes.id_token) > KEPT {
        findings.push(warning(
            "lifetimes: a token lives longer than pam-jwt keys rotate keeps the key that signed \
             it, which is 7 days unless --keep says more",
        ));
    }
    if config.registration.mode == RegistrationMode::Open {
        findings.push(warning(
            "registration: mode = \"open\" lets every program of this machine register clients",
        ));
    }
    findings
}

fn of_clients(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if settings.clients.iter().next().is_none() {
        findings.push(warning(
            "no client is registered: pam-jwt clients add --help",
        ));
    }
    for client in settings.clients.iter() {
        let id = &client.client_id;
        for grant in [GrantType::Implicit, GrantType::Password] {
            if client.may(grant) {
                findings.push(warning(format!(
                    "client {id} has the grant {}, against the advice of RFC 9700",
                    grant.name()
                )));
            }
        }
        let known = |scope: &&String| {
            Config::is_built_in(scope) || settings.config.scopes.contains_key(*scope)
        };
        for scope in client.scopes.iter().filter(|scope| !known(scope)) {
            findings.push(warning(format!(
                "client {id} may ask for the scope {scope}, which authserver.toml does not have"
            )));
        }
        if client.secret_sha256.len() > 1 {
            findings.push(warning(format!(
                "client {id} has more than one secret; when the new one is in use: \
                 pam-jwt clients rotate-secret {id} --drop-old"
            )));
        }
    }
    findings
}

/// What the rest of the machine has to have.
fn of_machine(config: &Config) -> Option<Finding> {
    let service = &config.accounts.service;
    let places = ["/etc/pam.d", "/usr/lib/pam.d"].map(|dir| PathBuf::from(dir).join(service));
    let is_there = places.iter().any(|path| path.is_file());
    (!is_there).then(|| {
        error(format!(
            "there is no /etc/pam.d/{service}, so nobody can log in; an example: \
             cp /usr/share/doc/pam-jwt/pam.d/authserver /etc/pam.d/{service}"
        ))
    })
}

/// Whether the network process, which is the user `uid`, can write its store, or PostgreSQL
/// answers. SQLite's files are looked at and not opened: they would be root's from then on.
fn of_store(config: &Config, uid: Option<Uid>) -> Option<Finding> {
    match (config.store.path(), uid) {
        (None, _) => of_database(&config.store.url),
        (Some(path), Some(uid)) => of_directory(path.parent()?, uid).or_else(|| of_file(path, uid)),
        (Some(_), None) => None,
    }
}

fn of_directory(dir: &Path, uid: Uid) -> Option<Finding> {
    let shown = dir.display();
    let mend = format!("run: install -d -m 0700 -o {USER} -g {USER} {shown}");
    match fs::metadata(dir) {
        Err(why) => Some(error(format!("{shown}: {why}; {mend}"))),
        Ok(stat) if !stat.is_dir() => Some(error(format!(
            "{shown} is no directory, and the store is to be in it"
        ))),
        Ok(stat) if stat.uid() != uid.as_raw() => Some(error(format!(
            "{shown} does not belong to {USER}, which keeps the store there; {mend}"
        ))),
        Ok(stat) if stat.mode() & 0o700 != 0o700 => Some(error(format!(
            "{USER} cannot write into {shown}, where it keeps the store; run: chmod 700 {shown}"
        ))),
        Ok(stat) if stat.mode() & 0o077 != 0 => Some(warning(format!(
            "others can look into {shown}; run: chmod 700 {shown}"
        ))),
        Ok(_) => None,
    }
}

/// Where there is none, the server makes it.
fn of_file(path: &Path, uid: Uid) -> Option<Finding> {
    match fs::symlink_metadata(path) {
        Err(why) if why.kind() == ErrorKind::NotFound => None,
        Err(why) => Some(error(format!("{}: {why}", path.display()))),
        Ok(metadata) => {
            let judged = file::judge(path, &metadata, uid.as_raw());
            judged.err().map(|fault| error(fault.to_string()))
        }
    }
}

/// Whether PostgreSQL answers.
fn of_database(url: &str) -> Option<Finding> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let opened = match runtime {
        Ok(runtime) => runtime.block_on(Store::open(url)).map(drop),
        Err(why) => return Some(error(why.to_string())),
    };
    opened.err().map(|fault| error(fault.to_string()))
}

fn error(text: impl Into<String>) -> Finding {
    Finding {
        is_error: true,
        text: text.into(),
    }
}

fn warning(text: impl Into<String>) -> Finding {
    Finding {
        is_error: false,
        text: text.into(),
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
