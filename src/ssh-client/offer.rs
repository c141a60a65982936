//! How ssh is made to offer one key before all others. Pure: which keys there are and what
//! the user has said are arguments.
//!
//! ssh offers the certificates of CertificateFile first; then, in the agent's order, the keys
//! of the agent that an IdentityFile names too; then the agent's others, unless
//! IdentitiesOnly; and then the keys that are files alone, in the order of IdentityFile.

use crate::keyring::{KeyFile, Keyring, Public};
use crate::token::on_one_line;
use jose::confirmation::NamedKey;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// What the user has said. It stands.
#[derive(Debug, Default, Clone, Copy)]
pub struct Words {
    /// `-o IdentitiesOnly=…`, and what it says.
    pub identities_only: Option<bool>,
    /// Whether they need the agent: there is a `-o IdentityAgent=…`, or it is to be forwarded,
    /// which ssh does with none but its own.
    pub agent: bool,
}

/// A key of the user's, and what has ssh offer it first.
#[derive(Debug)]
pub struct Offer {
    /// Its file, where it has one that ssh can be told of.
    pub file: Option<PathBuf>,
    /// Whether the agent has it.
    pub in_agent: bool,
    /// What the agent has of it that no file holds: the key, a certificate, or both. They
    /// are written into files for ssh, which knows no other name for them.
    pub unfiled: Vec<String>,
    /// What is offered before it all the same.
    pub behind: Option<String>,
    /// ssh is to leave the agent alone, which has another one that would be offered before.
    without_agent: bool,
    says_identities_only: bool,
}

impl Offer {
    /// How to have the key that is named offered first; none where it is not the user's.
    pub fn of(named: &NamedKey, keyring: &Keyring, words: Words) -> Option<Self> {
        let in_agent: Vec<&Public> = keyring.agent.iter().filter(|key| key.is(named)).collect();
        let files = || keyring.configured.iter().chain(&keyring.others);
        let mut fitting = files()
            .filter(|file| can_be_told(&file.path) && file.publics.iter().any(|key| key.is(named)));
        // One without its private half will do where the agent has that.
        let file = fitting.clone().find(|file| file.has_private);
        let file = file.or_else(|| fitting.next().filter(|_| !in_agent.is_empty()));
        if file.is_none() && in_agent.is_empty() {
            return None;
        }
        let is_filed = |key: &&Public| file.is_some_and(|file| file.publics.contains(key));
        let unfiled = in_agent.iter().filter(|key| !is_filed(key));
        let ahead = ahead(named, keyring, words.identities_only.unwrap_or(true));
        // ssh has no option by which one key of the agent goes before another.
        let may_leave_agent = file.is_some_and(|file| file.has_private)
            && !words.agent
            && words.identities_only.is_none()
            && keyring.certificates.is_empty();
        Some(Self {
            file: file.map(|file| file.path.clone()),
            in_agent: !in_agent.is_empty(),
            unfiled: unfiled.map(|key| key.line.clone()).collect(),
            without_agent: ahead.is_some() && may_leave_agent,
            behind: ahead
                .filter(|_| !may_leave_agent)
                .map(|key| match &*key.comment {
                    "" => key.line.clone(),
                    comment => comment.to_owned(),
                }),
            says_identities_only: words.identities_only.is_none(),
        })
    }

    /// The words that go before the user's. `files` are those of what is unfiled.
    pub fn arguments(&self, files: &[PathBuf]) -> Vec<OsString> {
        let mut words = Vec::new();
        let mut say = |option: OsString| words.extend([OsString::from("-o"), option]);
        for path in self.file.iter().chain(files) {
            say(identity_file(path));
        }
        if self.says_identities_only {
            say("IdentitiesOnly=yes".into());
        }
        if self.without_agent {
            say("IdentityAgent=none".into());
        }
        words
    }

    /// Where the key is.
    pub fn place(&self) -> String {
        match &self.file {
            Some(path) if self.in_agent => format!("{} and the agent", path.display()),
            Some(path) => path.display().to_string(),
            None => "the agent".to_owned(),
        }
    }
}

/// The key that is offered before the one that is named, once that is the first IdentityFile.
fn ahead<'k>(named: &NamedKey, keyring: &'k Keyring, identities_only: bool) -> Option<&'k Public> {
    let is_configured = |key: &Public| {
        let mut files = keyring.configured.iter();
        key.is(named) || files.any(|file: &KeyFile| file.publics.contains(key))
    };
    let mut agent = keyring.agent.iter();
    let of_agent = agent.find(|key| is_configured(key));
    let others = || keyring.agent.first().filter(|_| !identities_only);
    let first = keyring.certificates.first().or(of_agent).or_else(others);
    first.filter(|key| !key.is(named))
}

/// What the user is told when the host asks for the token: that the key is not theirs, or
/// that another is offered before it.
pub fn remark(named: &NamedKey, offer: Option<&Offer>) -> Option<String> {
    let Some(offer) = offer else {
        return Some(format!(
            "the token is bound to the SSH key with the thumbprint {named}, which is none of \
             yours: neither a .pub in ~/.ssh, nor an IdentityFile, nor a key of the agent. \
             Without that key a host refuses it"
        ));
    };
    let other = on_one_line(offer.behind.as_ref()?);
    Some(format!(
        "the token is bound to the SSH key of {}, but ssh has to offer {other} before it, as its \
         configuration and the agent's order are. Where the host takes that one, it refuses the \
         token: leave that one out of the configuration for this host",
        on_one_line(&offer.place())
    ))
}

/// The option, as ssh_config(5) reads it.
fn identity_file(path: &Path) -> OsString {
    let mut word = b"IdentityFile=\"".to_vec();
    for byte in path.as_os_str().as_bytes() {
        word.extend(std::iter::repeat_n(
            *byte,
            if *byte == b'%' { 2 } else { 1 },
        ));
    }
    word.push(b'"');
    OsString::from_vec(word)
}

/// Whether there is a way to write it there.
fn can_be_told(path: &Path) -> bool {
    let path: &OsStr = path.as_os_str();
    let mut bytes = path.as_bytes().iter();
    !bytes.any(|byte| matches!(byte, b'"' | b'\\' | b'$') || byte.is_ascii_control())
}

#[cfg(test)]
#[path = "offer_tests.rs"]
mod tests;
