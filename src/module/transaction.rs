//! What the module keeps in the PAM transaction from one phase to the next (pam_set_data(3)).
//! Nothing here does anything when it is dropped: some hosts drop it twice, the first time in
//! the child that becomes the user's shell.

use pam::{Handle, PamData};
use policy::handoff::{Proof, Record};
use policy::session::Token;
use std::ffi::CStr;
use system::sessions::Key;

/// The account that a token of this transaction opens.
pub(crate) struct TokenLogin {
    pub(crate) account: String,
}

// SAFETY: the name begins with the module's own and is used for this type alone.
unsafe impl PamData for TokenLogin {
    const NAME: &'static CStr = c"pam_jwt.token_login";
}

impl TokenLogin {
    /// Whether a token opened this transaction, for the account that it is still
    /// about.
    pub(crate) fn is_known(handle: &mut Handle<'_>) -> bool {
        let Some(account) = handle.data::<Self>().map(|login| login.account.clone()) else {
            return false;
        };
        handle.user().is_ok_and(|user| user == account)
    }
}

/// What the session knows of its login.
#[derive(Clone)]
pub(crate) enum Origin {
    /// Authenticate has told it.
    Told {
        /// What.
        record: Box<Record>,
        /// The name under which it is written down as well, for another process.
        name: Option<String>,
    },
    /// Authenticate was not asked, or had nothing to tell.
    Unknown,
    /// What was told is not for this session; why, for the log.
    Unusable(String),
}

// SAFETY: the name begins with the module's own and is used for this type alone.
unsafe impl PamData for Origin {
    const NAME: &'static CStr = c"pam_jwt.origin";
}

impl Origin {
    /// What authenticate knows.
    pub(crate) fn record(&self) -> Option<&Record> {
        match self {
            Self::Told { record, .. } => Some(record),
            Self::Unknown | Self::Unusable(_) => None,
        }
    }

    /// How the login came about.
    pub(crate) fn proof(&self) -> Option<&Proof> {
        self.record().map(|record| &record.proof)
    }
}

/// The session that this transaction has open.
#[derive(Clone)]
pub(crate) struct Open {
    /// Which.
    pub(crate) key: Key,
    /// Whose.
    pub(crate) account: String,
    /// The token that it has.
    pub(crate) issued: Option<Token>,
    /// Whether it ends with the token that opened it.
    pub(crate) ends: bool,
}

// SAFETY: the name begins with the module's own and is used for this type alone.
unsafe impl PamData for Open {
    const NAME: &'static CStr = c"pam_jwt.session";
}
