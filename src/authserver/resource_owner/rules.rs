//! By which rules a conversation is held and its account let in. The monitor reads them from the
//! settings and gives them to each conversation as its argument: they are not for the network
//! process to say.

use super::message::{Granted, Reason};
use crate::config::Accounts;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use system::account_db;

/// The uid of what belongs to nobody.
const NOBODY: u32 = 65534;

/// The rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The PAM service, whose file in /etc/pam.d is the stack.
    pub service: String,
    /// Accounts of a lower uid do not log in.
    pub min_uid: u32,
    /// Whether uid 0 does.
    pub allow_root: bool,
    /// Groups of which the account has to be in one; none: everybody may.
    pub groups: Vec<String>,
    /// What the stack proves of who gets through it (`amr`, RFC 8176).
    pub amr: Vec<String>,
    /// Conversations at once.
    pub max_conversations: usize,
    /// For how long one is held, in seconds.
    pub conversation_timeout: u64,
}

impl From<&Accounts> for Rules {
    fn from(accounts: &Accounts) -> Self {
        let accounts = accounts.clone();
        Self {
            service: accounts.service,
            min_uid: accounts.min_uid,
            allow_root: accounts.allow_root,
            groups: accounts.groups,
            amr: accounts.amr,
            max_conversations: accounts.max_conversations,
            conversation_timeout: accounts.conversation_timeout,
        }
    }
}

impl Rules {
    /// As the argument of the conversation's process. There is no secret in it.
    #[must_use]
    pub fn argument(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// Reads such an argument.
    #[must_use]
    pub fn parse(argument: &str) -> Option<Self> {
        serde_json::from_str(argument).ok()
    }

    /// For how long a conversation is held.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.conversation_timeout)
    }

    /// What a login proves. PAM does not say which modules let somebody in, nor whether a prompt
    /// was for a password or a one-time code: that the administrator knows, who wrote the stack.
    /// But `pwd` is true of no login in which nothing hidden was typed.
    #[must_use]
    pub fn amr(&self, typed_hidden: bool) -> Vec<String> {
        let proved = self
            .amr
            .iter()
            .filter(|method| typed_hidden || *method != "pwd");
        proved.cloned().collect()
    }

    /// Whether the account whose owner has logged in may do so, and who that is.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, account: &str, typed_hidden: bool) -> Result<Granted, Reason> {
        let known = known(account)?;
        if self.reserves(known.uid) {
            return Err(Reason::AccountReserved);
        }
        let is_theirs = |group| known.groups.contains(group);
        if !self.groups.is_empty() && !self.groups.iter().any(is_theirs) {
            return Err(Reason::GroupMissing);
        }
        Ok(Granted {
            amr: self.amr(typed_hidden),
            ..known
        })
    }

    const fn reserves(&self, uid: u32) -> bool {
        match uid {
            0 => !self.allow_root,
            NOBODY => true,
            _ => uid < self.min_uid,
        }
    }
}

/// The name of the account that was let in as `name`, which is the one that its uid leads to
/// (getpwuid(3)): a token is for the account, however its owner has typed the name.
///
/// # Errors
/// There is none, or the account database does not answer.
pub fn canonical(name: &str) -> Result<String, Reason> {
    let found = account_db::canonical(name).map_err(|_| Reason::AccountLookupFailed)?;
    found.ok_or(Reason::AccountUnknown)
}

/// What the system knows of an account, whoever may log in; that proves nothing (`amr`). It is
/// found by its [`canonical`] name alone.
///
/// # Errors
/// There is none, or the account database does not answer.
pub fn known(account: &str) -> Result<Granted, Reason> {
    let unanswered = |_| Reason::AccountLookupFailed;
    if canonical(account)? != account {
        return Err(Reason::AccountUnknown);
    }
    let uid = account_db::uid_of(account).map_err(unanswered)?;
    Ok(Granted {
        account: account.to_owned(),
        uid: uid.ok_or(Reason::AccountUnknown)?,
        groups: account_db::groups_of(account).map_err(unanswered)?,
        amr: Vec::new(),
        changed_password: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules {
            amr: vec!["pwd".to_owned(), "otp".to_owned()],
            ..Rules::from(&Accounts::default())
        }
    }

    #[test]
    fn an_argument_is_read_as_it_was_written() {
        let rules = rules();
        assert_eq!(Rules::parse(&rules.argument()), Some(rules.clone()));
        for bad in ["", "{}", &rules.argument().replace("amr", "more")] {
            assert_eq!(Rules::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_systems_accounts_do_not_log_in() {
        let rules = rules();
        for uid in [0, 1, 999, NOBODY] {
            assert!(rules.reserves(uid), "{uid}");
        }
        assert!(!rules.reserves(1000) && !rules.reserves(70_000));
        let none_reserved = Rules {
            min_uid: 0,
            ..rules.clone()
        };
        assert!(none_reserved.reserves(0) && !none_reserved.reserves(1));
        let with_root = Rules {
            allow_root: true,
            ..rules
        };
        assert!(!with_root.reserves(0) && with_root.reserves(1));
    }

    #[test]
    fn accounts_are_those_of_the_system_by_their_exact_names() {
        let rules = Rules {
            allow_root: true,
            ..rules()
        };
        let root = rules.judge("root", true).unwrap();
        assert_eq!((root.uid, root.account.as_str()), (0, "root"));
        assert!(root.groups.contains(&"root".to_owned()));
        for name in ["Root", "root ", "", "no-such-account"] {
            assert_eq!(
                rules.judge(name, true),
                Err(Reason::AccountUnknown),
                "{name:?}"
            );
        }
        let group = |name: &str| Rules {
            groups: vec![name.to_owned()],
            ..rules.clone()
        };
        assert!(group("root").judge("root", true).is_ok());
        assert_eq!(
            group("users-of-it").judge("root", true),
            Err(Reason::GroupMissing)
        );
    }

    #[test]
    fn pwd_takes_something_that_was_typed_hidden() {
        assert_eq!(rules().amr(true), ["pwd", "otp"]);
        assert_eq!(rules().amr(false), ["otp"]);
    }
}
