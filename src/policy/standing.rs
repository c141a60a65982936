//! What this machine knows of a token and the token cannot say itself: whether it is
//! revoked, what the issuer's status list says of it, whether it was used. A decision asks
//! through [`Standing`]; where the answers are kept is `system`'s to know.

use crate::revocation::{Entry, Mark};
use crate::status::{ListFault, Listed};

/// The records of a machine.
pub trait Standing {
    /// The entry of the local list that names `mark`.
    ///
    /// # Errors
    /// Why it cannot be said, in words for the log.
    fn revocation(&self, mark: Mark<'_>) -> Result<Option<Entry>, String>;

    /// What the status list at `uri`, by `issuer`, says of `index`; of several such `lists` the
    /// one that was issued last.
    ///
    /// # Errors
    /// [`ListFault`]
    fn listed(
        &self,
        lists: Lists,
        issuer: &str,
        uri: &str,
        index: u64,
    ) -> Result<Listed, ListFault>;

    /// Uses a one-time token up: of all that ask, ever, one gets `Ok`. Where nobody logs in,
    /// as for `pam-jwt verify`, it only says what would come of it.
    ///
    /// # Errors
    /// [`UseFault`]
    fn use_up(&self, once: OneTime<'_>) -> Result<(), UseFault>;
}

/// Whose status lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    /// Those that root has loaded and those that were fetched.
    All,
    /// Those that root has loaded.
    Loaded,
}

/// What makes a one-time token the one that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneTime<'a> {
    /// `iss`
    pub issuer: &'a str,
    /// `jti`, unique among those of its issuer (RFC 7519 §4.1.7).
    pub id: &'a str,
    /// `exp`, in seconds since the epoch.
    pub expires: u64,
}

/// Why a one-time token opens nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UseFault {
    /// It has opened a login: when and from where, as far as that is known, in words for
    /// the log.
    Used(String),
    /// The records of the time in which it ended were dropped, so the clock has run ahead
    /// and back.
    Dropped,
    /// Its use cannot be recorded, in words for the log.
    Unrecorded(String),
}
