//! The system's accounts, through NSS: files, LDAP, SSSD and the like.

use nix::unistd::{Group, User, getgrouplist};
use std::ffi::CString;

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

/// The names of the groups that the account `name` is a member of (getgrouplist(3)), its own
/// among them. One that has no name is left out.
///
/// # Errors
/// Where the database does not answer, or has no such account.
pub fn groups_of(name: &str) -> std::io::Result<Vec<String>> {
    let user = User::from_name(name)?.filter(|user| user.name == name);
    let user = user.ok_or(std::io::ErrorKind::NotFound)?;
    let name = CString::new(name)?;
    let mut names = Vec::new();
    for gid in getgrouplist(&name, user.gid)? {
        names.extend(Group::from_gid(gid)?.map(|group| group.name));
    }
    Ok(names)
}

/// The full name of the account `name`: the first field of its GECOS (passwd(5)), nothing where
/// that is empty; none if there is no such account.
///
/// # Errors
/// Where the database does not answer (getpwnam_r(3)).
pub fn full_name_of(name: &str) -> std::io::Result<Option<String>> {
    let user = User::from_name(name)?.filter(|user| user.name == name);
    Ok(user.map(|user| {
        let gecos = user.gecos.to_string_lossy();
        gecos
            .split(',')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    }))
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

    #[test]
    fn full_names_end_where_the_rest_of_the_gecos_begins() {
        let entry = |name: &str| {
            let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
            let line = passwd.lines().find(|line| line.starts_with(name));
            line.unwrap().split(':').nth(4).unwrap().to_owned()
        };
        let first = entry("root:").split(',').next().unwrap().to_owned();
        assert_eq!(full_name_of("root").unwrap(), Some(first));
        assert_eq!(full_name_of("no-such-account").unwrap(), None);
    }

    #[test]
    fn groups_are_named() {
        assert!(groups_of("root").unwrap().contains(&"root".to_owned()));
        assert!(groups_of("no-such-account").is_err());
    }
}
