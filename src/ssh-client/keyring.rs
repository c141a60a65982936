//! Which SSH keys the user has: those of their configuration, those in ~/.ssh and those of
//! the agent that ssh would ask. Of a file its public half alone is read, as ssh finds it.

use crate::environment::Environment;
use crate::source;
use crate::ssh_config::{KeyConfiguration, Person};
use jose::PublicKey;
use jose::confirmation::NamedKey;
use nix::unistd::{Uid, User};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// More than any public key has, in bytes.
const MOST: u64 = 64 * 1024;

/// A public key or certificate, as OpenSSH writes it.
#[derive(Debug, Clone)]
pub struct Public {
    /// `TYPE BASE64`
    pub line: String,
    /// What its owner calls it.
    pub comment: String,
}

/// Two are one if the keys are, whatever they are called.
impl PartialEq for Public {
    fn eq(&self, other: &Self) -> bool {
        self.line == other.line
    }
}

impl Public {
    /// Takes a line apart; none for one that holds no key.
    pub fn of_line(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (name, base64) = (words.next()?, words.next()?);
        // A length of less than 16 MiB comes first.
        base64.starts_with("AAAA").then(|| Self {
            line: format!("{name} {base64}"),
            comment: words.collect::<Vec<_>>().join(" "),
        })
    }

    fn of_text(text: &str) -> Option<Self> {
        text.lines().find_map(Self::of_line)
    }

    /// Whether it is this key, or a certificate for it.
    pub fn is(&self, named: &NamedKey) -> bool {
        PublicKey::from_ssh(&self.line).is_ok_and(|key| named.is(&key))
    }
}

/// A file that ssh can be told of (IdentityFile).
#[derive(Debug, Clone)]
pub struct KeyFile {
    /// Where the private half is, or would be.
    pub path: PathBuf,
    /// Whether it is there.
    pub has_private: bool,
    /// The key, and the certificate beside it that ssh would take.
    pub publics: Vec<Public>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Keyring {
    /// CertificateFile: ssh offers these first.
    pub certificates: Vec<Public>,
    /// IdentityFile, in order.
    pub configured: Vec<KeyFile>,
    /// Others that lie in ~/.ssh, by name.
    pub others: Vec<KeyFile>,
    /// The agent's, in its order.
    pub agent: Vec<Public>,
}

impl Keyring {
    /// Looks for them. What cannot be read is not there.
    pub fn look(configuration: &KeyConfiguration, environment: &Environment<'_>) -> Self {
        let Ok(Some(user)) = User::from_uid(Uid::current()) else {
            return Self::default();
        };
        let person = Person {
            name: user.name,
            id: user.uid.as_raw(),
            home: user.dir,
        };
        let paths = |names: &[String]| -> Vec<PathBuf> {
            let path = |name: &String| configuration.path(name, &person, environment);
            names.iter().filter_map(path).collect()
        };
        let certificates = paths(&configuration.certificate_files);
        let certificates: Vec<Public> = certificates.iter().filter_map(|path| read(path)).collect();
        let with_certificate = configuration.certificate_files.is_empty();
        let file = |path: PathBuf| KeyFile::at(path, with_certificate);
        let socket = configuration.agent(&person, environment);
        let agent = socket.map(|socket| ask(&socket, environment));
        Self {
            certificates,
            configured: paths(&configuration.identity_files)
                .into_iter()
                .map(file)
                .collect(),
            others: in_directory(&person.home.join(".ssh"))
                .into_iter()
                .map(file)
                .collect(),
            agent: agent.unwrap_or_default(),
        }
    }
}

impl KeyFile {
    /// What is at this path, as ssh sees it: the public half is in the file that it was told
    /// of or in the one beside it, and so is the certificate.
    fn at(path: PathBuf, with_certificate: bool) -> Self {
        let beside = |end: &str| {
            let mut name = OsString::from(&path);
            name.push(end);
            PathBuf::from(name)
        };
        let itself = read(&path);
        let has_private = itself.is_none() && path.is_file();
        let key = itself.or_else(|| read(&beside(".pub")));
        let certificate = with_certificate
            .then(|| read(&beside("-cert.pub")))
            .flatten();
        Self {
            has_private,
            publics: [key, certificate].into_iter().flatten().collect(),
            path,
        }
    }
}

/// The public key in a file.
fn read(path: &Path) -> Option<Public> {
    let file = source::file::open_regular(path).ok()?;
    // A private key is none of jwt-ssh's to have, so the file is left at its first line.
    let mut start = Vec::new();
    let begin = b"-----BEGIN".len() as u64;
    (&file).take(begin).read_to_end(&mut start).ok()?;
    if start == b"-----BEGIN" {
        return None;
    }
    (&file).take(MOST).read_to_end(&mut start).ok()?;
    Public::of_text(std::str::from_utf8(&start).ok()?)
}

/// Paths without their ending of the keys whose public halves lie in a directory.
fn in_directory(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let name = name.as_bytes().strip_suffix(b".pub")?;
            let name = name.strip_suffix(b"-cert").unwrap_or(name);
            Some(directory.join(OsStr::from_bytes(name)))
        })
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// What ssh-add(1) says that the agent at this socket has.
fn ask(socket: &Path, environment: &Environment<'_>) -> Vec<Public> {
    let Some(program) = environment.programs("ssh-add").into_iter().next() else {
        return Vec::new();
    };
    let output = Command::new(program)
        .arg("-L")
        .env("SSH_AUTH_SOCK", socket)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let printed = output.map(|output| output.stdout).unwrap_or_default();
    let printed = String::from_utf8_lossy(&printed);
    printed.lines().filter_map(Public::of_line).collect()
}
