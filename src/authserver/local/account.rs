//! The account behind a uid, and whether it may have tokens.

use crate::config::Config;
use crate::error::{Code, Fault, OAuthError};
use cli::output::is_hidden;
use system::account_db::{groups_of, name_of};

/// What the kernel says of somebody whose uid has no number here, such as a process of another
/// user namespace (user_namespaces(7)); a service that needs no files has it as well. It is
/// several people, so it is nobody.
const NOBODY: u32 = 65_534;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub uid: u32,
    /// Its name.
    pub name: String,
    /// The groups that it is in.
    pub groups: Vec<String>,
}

/// The account whose uid this is, or none. A name that leads to another uid, as of accounts that
/// share one, is not taken for it. Asks the name services of the machine, and waits for them.
///
/// # Errors
/// They do not answer.
pub fn of_uid(uid: u32) -> Result<Option<Account>, Fault> {
    let failed = |error: std::io::Error| Fault::passing(format!("the account of {uid}: {error}"));
    if uid == NOBODY {
        return Ok(None);
    }
    let name = name_of(uid).map_err(failed)?;
    let Some(name) = name.filter(|name| is_name(name)) else {
        return Ok(None);
    };
    let groups = groups_of(&name).map_err(failed)?;
    Ok(Some(Account { uid, name, groups }))
}

/// Whether a name can be a token's `sub` and stand in a log; one with a colon would be a client's.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(':') && !name.chars().any(|c| c.is_control() || is_hidden(c))
}

impl Account {
    /// Whether it may have tokens: those of people may, as at the pages, and of the system's own
    /// those that are named.
    ///
    /// # Errors
    /// `access_denied`
    pub fn may_have_tokens(&self, config: &Config) -> Result<(), OAuthError> {
        if config.local.accounts.contains(&self.name) {
            return Ok(());
        }
        let accounts = &config.accounts;
        let denied = |why| Err(OAuthError::new(Code::AccessDenied, why));
        if self.uid < accounts.min_uid || self.uid == 0 && !accounts.allow_root {
            return denied(
                "this account is one of the system's own; accounts in [local] of authserver.toml \
                 names those of them that may have tokens",
            );
        }
        let is_member = accounts.groups.iter().any(|one| self.groups.contains(one));
        if !accounts.groups.is_empty() && !is_member {
            return denied("this account is in none of the groups whose members may have tokens");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(uid: u32, name: &str, groups: &[&str]) -> Account {
        Account {
            uid,
            name: name.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        }
    }

    #[test]
    fn a_uid_is_its_account() {
        let root = of_uid(0).unwrap().unwrap();
        assert_eq!((root.uid, &*root.name), (0, "root"));
        assert!(root.groups.contains(&"root".to_owned()));
        for unknown in [NOBODY, 3_999_999_999] {
            assert_eq!(of_uid(unknown).unwrap(), None);
        }
    }

    #[test]
    fn a_name_is_one_that_a_token_can_have() {
        for (name, expected) in [
            ("alice", true),
            ("EXAMPLE\\alice", true),
            ("alice@example.org", true),
            ("", false),
            ("client:c", false),
            ("a\nb", false),
            ("a\u{202e}b", false),
        ] {
            assert_eq!(is_name(name), expected, "{name:?}");
        }
    }

    #[test]
    fn people_may_and_of_the_systems_accounts_those_that_are_named() {
        let config = |rest: &str| {
            let text = format!("issuer = \"https://i\"\n{rest}");
            Config::parse(&text).unwrap()
        };
        let open = config("");
        let named = config("[local]\naccounts = [\"backup\", \"root\"]");
        let all = config("[accounts]\nmin_uid = 0");
        let rooted = config("[accounts]\nmin_uid = 0\nallow_root = true");
        let grouped = config("[accounts]\ngroups = [\"staff\"]\n[local]\naccounts = [\"backup\"]");
        let alice = account(1000, "alice", &["staff"]);
        let bob = account(1001, "bob", &["users"]);
        let backup = account(34, "backup", &["backup"]);
        let root = account(0, "root", &["root"]);
        for (account, of_open, of_named, of_grouped) in [
            (&alice, true, true, true),
            (&bob, true, true, false),
            (&backup, false, true, true),
            (&root, false, true, false),
        ] {
            let may = |config| account.may_have_tokens(config).is_ok();
            let expected = [of_open, of_named, of_grouped];
            assert_eq!([may(&open), may(&named), may(&grouped)], expected);
            assert!(may(&rooted));
            assert_eq!(may(&all), account.uid != 0);
        }
    }
}
