//! The system's accounts, through NSS: files, LDAP, SSSD and the like.

use nix::unistd::{Group, Uid, User, getgrouplist};
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

/// The name of the account whose uid this is, as the database writes it, or none. A name that
/// leads to another uid is not taken for it.
///
/// # Errors
/// Where the database does not answer (getpwuid_r(3)).
pub fn name_of(uid: u32) -> std::io::Result<Option<String>> {
    own_name(uid, named, with_uid)
}

/// The name of the account that somebody means by `name`, who may have typed it in another letter
/// case or by an alias, where the database takes that: the one that its uid leads to
/// ([`name_of`]). Of accounts that share a uid that is one.
///
/// # Errors
/// Where the database does not answer.
pub fn canonical(name: &str) -> std::io::Result<Option<String>> {
    meant(name, named, with_uid)
}

/// What tells accounts apart: `pw_name` and `pw_uid`.
type Entry = (String, u32);

fn named(name: &str) -> std::io::Result<Option<Entry>> {
    let user = User::from_name(name)?;
    Ok(user.map(|user| (user.name, user.uid.as_raw())))
}

fn with_uid(uid: u32) -> std::io::Result<Option<Entry>> {
    let user = User::from_uid(Uid::from_raw(uid))?;
    Ok(user.map(|user| (user.name, user.uid.as_raw())))
}

fn own_name(
    uid: u32,
    named: impl Fn(&str) -> std::io::Result<Option<Entry>>,
    with_uid: impl Fn(u32) -> std::io::Result<Option<Entry>>,
) -> std::io::Result<Option<String>> {
    let Some(entry) = with_uid(uid)? else {
        return Ok(None);
    };
    let is_its_own = entry.1 == uid && named(&entry.0)?.as_ref() == Some(&entry);
    Ok(is_its_own.then_some(entry.0))
}

fn meant(
    name: &str,
    named: impl Fn(&str) -> std::io::Result<Option<Entry>>,
    with_uid: impl Fn(u32) -> std::io::Result<Option<Entry>>,
) -> std::io::Result<Option<String>> {
    match named(name)? {
        Some((_, uid)) => own_name(uid, named, with_uid),
        None => Ok(None),
    }
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

    /// As SSSD does without `case_sensitive`, as nslcd does with two names in one entry, and as
    /// passwd(5) may have it: `toor` has root's uid, `lost` has one that leads to a name that
    /// leads elsewhere.
    #[test]
    fn whoever_is_meant_has_the_name_that_the_uid_leads_to() {
        let named = |name: &str| {
            let (name, uid) = match name {
                "alice" | "Alice" => ("alice", 1000),
                "bob" | "robert" => (name, 1001),
                "root" => ("root", 0),
                "toor" => ("toor", 0),
                "lost" => ("lost", 1002),
                "found" => ("found", 1003),
                _ => return Ok(None),
            };
            Ok(Some((name.to_owned(), uid)))
        };
        let with_uid = |uid| {
            let name = match uid {
                0 => "root",
                1000 => "alice",
                1001 => "bob",
                1002 => "found",
                _ => return Ok(None),
            };
            Ok(Some((name.to_owned(), uid)))
        };
        for (name, expected) in [
            ("alice", Some("alice")),
            ("Alice", Some("alice")),
            ("robert", Some("bob")),
            ("toor", Some("root")),
            ("root", Some("root")),
            ("lost", None),
            // Its uid leads nowhere.
            ("found", None),
            ("nobody", None),
        ] {
            let canonical = meant(name, named, with_uid).unwrap();
            assert_eq!(canonical.as_deref(), expected, "{name}");
        }
        assert_eq!(
            own_name(1001, named, with_uid).unwrap().as_deref(),
            Some("bob")
        );
        let silent = |_: &str| Err(std::io::ErrorKind::TimedOut.into());
        assert!(meant("alice", silent, with_uid).is_err());
        assert!(own_name(1000, silent, with_uid).is_err());
    }

    #[test]
    fn the_accounts_of_this_machine_are_found_so() {
        assert_eq!(canonical("root").unwrap().as_deref(), Some("root"));
        assert_eq!(name_of(0).unwrap().as_deref(), Some("root"));
        for name in ["Root", "", "no-such-account"] {
            assert_eq!(canonical(name).unwrap(), None, "{name:?}");
        }
        assert_eq!(name_of(3_999_999_999).unwrap(), None);
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
