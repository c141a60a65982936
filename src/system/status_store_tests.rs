//! What is stored says what was stored, and what is broken or another's says nothing.

use super::*;
use nix::unistd::{Uid, chown};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(format!("/run/pam-jwt-status.{}.{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn dir(&self) -> PathBuf {
        self.0.join("lib/status")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn head_of(bytes: u64) -> Head {
    Head {
        issuer: "https://i".into(),
        uri: "https://i/statuslists/1".into(),
        kid: "k 1".into(),
        bits: Bits::new(2).unwrap(),
        bytes,
        issued_at: 100,
        stale_at: Some(200),
    }
}

/// Root's.
fn at(dir: &Path) -> super::Place<'_> {
    super::Place {
        dir,
        is_fetched: false,
    }
}

fn look(dir: &Path, index: u64) -> Result<Listed, ListFault> {
    let head = head_of(0);
    look_up(&[at(dir)], &head.issuer, &head.uri, index)
}

/// Checklist: A.29
#[test]
fn a_list_says_of_each_entry_what_it_was_given() {
    let place = Place::new("good");
    let dir = place.dir();
    assert_eq!(look(&dir, 0), Err(ListFault::Missing));
    store(at(&dir), &head_of(3), &[0xc9, 0x44, 0xf9], false).unwrap();
    let statuses = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3];
    for (index, value) in statuses.into_iter().enumerate() {
        let listed = Listed {
            value,
            stale_at: Some(200),
            kid: "k 1".into(),
            issued_at: 100,
            is_fetched: false,
        };
        assert_eq!(look(&dir, index as u64), Ok(listed), "{index}");
    }
    for index in [12, 13, u64::MAX] {
        assert_eq!(look(&dir, index), Err(ListFault::OutOfRange(12)));
    }
    // Another issuer's list of the same name is another list.
    let other = look_up(&[at(&dir)], "https://j", &head_of(0).uri, 0);
    assert_eq!(other, Err(ListFault::Missing));
    store(at(&dir), &head_of(1), &[0], false).unwrap();
    assert_eq!(look(&dir, 0).unwrap().value, 0);
    assert_eq!(all(&dir).unwrap(), [Ok(head_of(1))]);
    // One that was issued before stays out, unless it is wanted.
    let older = Head {
        issued_at: 99,
        ..head_of(1)
    };
    let stored = store(at(&dir), &older, &[1], false);
    assert_eq!(stored, Ok(Stored::Older(head_of(1))));
    assert_eq!(look(&dir, 0).unwrap().value, 0);
    assert_eq!(store(at(&dir), &older, &[1], true), Ok(Stored::Done));
    assert_eq!(look(&dir, 0).unwrap().value, 1);
}

/// Checklist: A.29
#[test]
fn what_is_not_whole_says_nothing() {
    let place = Place::new("broken");
    let dir = place.dir();
    store(at(&dir), &head_of(3), &[0xc9, 0x44, 0xf9], false).unwrap();
    let path = at(&dir).path_of(&head_of(0).issuer, &head_of(0).uri);
    let whole = fs::read(&path).unwrap();
    let is_unusable = || matches!(look(&dir, 0), Err(ListFault::Unusable(_)));
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(is_unusable(), "{length} bytes");
    }
    fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
    assert!(is_unusable());
    let text = String::from_utf8_lossy(&whole).into_owned();
    for (from, to) in [
        ("pam-jwt status list 1", "pam-jwt status list 2"),
        ("https://i\n", "https://j\n"),
        ("/1\n", "/2\n"),
        ("2 3 100 200", "3 3 100 200"),
        ("2 3 100 200", "2 -3 100 200"),
        ("2 3 100 200", "2 3 100"),
    ] {
        let head = text.replacen(from, to, 1);
        let end = head.rfind('\n').unwrap() + 1;
        fs::write(&path, [&head.as_bytes()[..end], &[0; 3]].concat()).unwrap();
        assert!(is_unusable(), "{to}");
    }
    fs::write(&path, &whole).unwrap();
    assert!(look(&dir, 0).is_ok());
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    assert!(is_unusable());
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(is_unusable());
    let control = Head {
        uri: "a\nb".into(),
        ..head_of(1)
    };
    assert!(store(at(&dir), &control, &[0], false).is_err());
    let long = Head {
        uri: "u".repeat(5000),
        ..head_of(1)
    };
    assert!(store(at(&dir), &long, &[0], false).is_err());
}

/// What root has loaded and what was fetched: the one that was issued last counts.
#[test]
fn of_two_lists_the_later_counts() {
    let place = Place::new("two");
    let loaded = place.dir();
    let fetched = place.0.join("fetched/status");
    fs::create_dir(place.0.join("fetched")).unwrap();
    // Somebody else's, as root has made it.
    let user = Some(Uid::from_raw(12_345));
    chown(&place.0.join("fetched"), user, None).unwrap();
    let places = [
        at(&loaded),
        super::Place {
            dir: &fetched,
            is_fetched: true,
        },
    ];
    let head = |issued_at| Head {
        issued_at,
        ..head_of(1)
    };
    let look = || {
        let listed = look_up(&places, &head_of(0).issuer, &head_of(0).uri, 0);
        listed.map(|listed| (listed.value, listed.is_fetched))
    };
    store(places[1], &head(100), &[1], false).unwrap();
    for path in [&fetched, &places[1].path_of("https://i", &head_of(0).uri)] {
        chown(path, user, None).unwrap();
    }
    assert_eq!(look(), Ok((1, true)));
    store(places[0], &head(99), &[2], false).unwrap();
    assert_eq!(look(), Ok((1, true)));
    store(places[0], &head(100), &[2], false).unwrap();
    assert_eq!(look(), Ok((2, false)));
    store(places[0], &head(101), &[0], false).unwrap();
    assert_eq!(look(), Ok((0, false)));
    // Of a third user's list nothing is believed, nor passed over.
    let theirs = places[1].path_of("https://i", &head_of(0).uri);
    chown(&theirs, Some(Uid::from_raw(12_346)), None).unwrap();
    assert!(matches!(look(), Err(ListFault::Unusable(_))));
    fs::remove_file(&theirs).unwrap();
    assert_eq!(look(), Ok((0, false)));
}
