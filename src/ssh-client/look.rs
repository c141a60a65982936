//! A look at the token before ssh starts. If it is bound to an SSH key, the host takes it from
//! whoever has just proved to have that key, so ssh is made to offer that one first.

use crate::agent::Look;
use crate::environment::Environment;
use crate::keyring::Keyring;
use crate::offer::{Offer, Words, remark};
use crate::source::{Recipient, Source};
use crate::ssh_config::KeyConfiguration;
use crate::token::Token;
use std::ffi::OsString;
use std::path::PathBuf;

/// What it has brought.
pub struct Seen {
    /// In the agent's words.
    pub look: Look,
    /// The token, which is then the one that is sent: it is not got twice.
    pub token: Option<Token>,
    binding: Option<Binding>,
}

/// The key that a token is bound to, and the user's keys.
pub struct Binding {
    /// Its RFC 7638 thumbprint, or why it cannot be told.
    pub key: Result<String, String>,
    /// How ssh is made to offer it; none where it is not the user's.
    pub offer: Option<Offer>,
    /// What the user is to be told of it.
    pub remark: Option<String>,
}

impl Binding {
    /// That of a token; none where it is bound to nothing.
    pub fn of(
        token: &Token,
        configuration: &KeyConfiguration,
        words: Words,
        environment: &Environment<'_>,
    ) -> Option<Self> {
        let named = match token.binding()? {
            Ok(named) => named,
            Err(why) => {
                return Some(Self {
                    remark: Some(format!(
                        "the token is bound to a key, so that a host refuses it without, and which \
                         one cannot be told: {why}"
                    )),
                    key: Err(why),
                    offer: None,
                });
            }
        };
        let keyring = Keyring::look(configuration, environment);
        let offer = Offer::of(&named, &keyring, words);
        Some(Self {
            key: Ok(named.thumbprint()),
            remark: remark(&named, offer.as_ref()),
            offer,
        })
    }
}

impl Seen {
    /// Looks. Where tokens are `bound`, whatever it takes to get one; elsewhere only where
    /// that takes nothing. `is_fit` says whether one would be sent.
    pub fn of(
        source: &Source,
        whom: &Recipient<'_>,
        bound: bool,
        environment: &Environment<'_>,
        is_fit: impl Fn(&Token) -> bool,
        binding: impl FnOnce(&Token) -> Option<Binding>,
    ) -> Self {
        let found = if bound {
            Some(source.token(environment, whom).map(|(token, _)| token))
        } else {
            let is_worth_it = |token: &Token| token.binding().is_some() && is_fit(token);
            source.glance(environment).filter(is_worth_it).map(Ok)
        };
        match found {
            None => Self {
                look: Look::Nothing,
                token: None,
                binding: None,
            },
            Some(Err(why)) => Self {
                look: Look::Failure(why),
                token: None,
                binding: None,
            },
            Some(Ok(token)) => {
                let binding = Some(&token).filter(|token| is_fit(token)).and_then(binding);
                let remark = binding.as_ref().and_then(|binding| binding.remark.clone());
                Self {
                    look: Look::Token(remark),
                    token: Some(token),
                    binding,
                }
            }
        }
    }

    /// Public keys that ssh is to find in files.
    pub fn keys(&self) -> Vec<String> {
        let offer = self.offer();
        offer.map(|offer| offer.unfiled.clone()).unwrap_or_default()
    }

    /// The words for ssh that go before the user's. `file` is where a key of
    /// [`keys`](Self::keys) is.
    pub fn arguments(&self, file: impl Fn(usize) -> PathBuf) -> Vec<OsString> {
        self.offer().map_or_else(Vec::new, |offer| {
            let files: Vec<PathBuf> = (0..offer.unfiled.len()).map(file).collect();
            offer.arguments(&files)
        })
    }

    fn offer(&self) -> Option<&Offer> {
        self.binding.as_ref()?.offer.as_ref()
    }
}
