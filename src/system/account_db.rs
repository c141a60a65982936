//! The system's accounts, through NSS: files, LDAP, SSSD and the like.

use nix::unistd::User;

/// The uid of the account that is called exactly `name`, or none if there is no
/// such account. Databases that fold case or resolve aliases answer with another
/// `pw_name`; that is another account, not this one.
///
/// # Errors
/// Where the database does not answer (getpwnam_r(3)).
pub fn uid_of(name: &str) -> std::io::Result<Option<u32>> {
    let user = User::from_name(name)?;
    Ok(user
        .filter(|user| user.name == name)
        .map(|user| user.uid.as_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checklist: A.24
    #[test]
    fn names_are_exact() {
        assert_eq!(uid_of("root").unwrap(), Some(0));
        for name in ["Root", "root ", "", "no-such-account", "0"] {
            assert_eq!(uid_of(name).unwrap(), None, "{name:?}");
        }
    }
}
