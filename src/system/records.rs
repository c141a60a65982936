//! What this machine knows of single tokens, as a decision asks for it: one file for each
//! kind of knowledge, all below /var/lib/pam-jwt, whatever the configuration directory is.

use crate::revocations::Revoked;
use crate::status_store::{self, Place};
use crate::used_tokens;
use policy::revocation::{Entry, Mark};
use policy::standing::{Lists, OneTime, Standing, UseFault};
use policy::status::{ListFault, Listed};
use std::path::Path;

/// What a decision is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// A login, which uses a one-time token up.
    Login {
        /// Where it comes from, as the host program says; for the log.
        rhost: Option<&'a str>,
    },
    /// An explanation, after which the token is as good as before.
    Explanation,
}

/// The machine's records, at one moment, for one request.
pub(crate) struct Records<'a> {
    purpose: Purpose<'a>,
    /// Seconds since the epoch.
    now: u64,
    revoked: Revoked,
}

impl<'a> Records<'a> {
    pub(crate) fn new(purpose: Purpose<'a>, now: u64) -> Self {
        Self {
            purpose,
            now,
            revoked: Revoked::default(),
        }
    }
}

impl Standing for Records<'_> {
    fn revocation(&self, mark: Mark<'_>) -> Result<Option<Entry>, String> {
        self.revoked.find(mark)
    }

    fn listed(
        &self,
        lists: Lists,
        issuer: &str,
        uri: &str,
        index: u64,
    ) -> Result<Listed, ListFault> {
        let places = [Place::loaded(), Place::fetched()];
        let places = match lists {
            Lists::All => &places[..],
            Lists::Loaded => &places[..1],
        };
        status_store::look_up(places, issuer, uri, index)
    }

    fn use_up(&self, once: OneTime<'_>) -> Result<(), UseFault> {
        let dir = Path::new(used_tokens::DIR);
        match self.purpose {
            Purpose::Login { rhost } => {
                used_tokens::use_up(dir, once, self.now, rhost.unwrap_or("this machine"))
            }
            Purpose::Explanation => used_tokens::look(dir, once, self.now),
        }
    }
}
