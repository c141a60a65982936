//! Entries that are written, found, broken and dropped.

use super::*;
use policy::config::{Config, Source};
use policy::revocation::Kind;
use policy::trust::Trust;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

const NOW: u64 = 1_800_000_000;

/// A directory below a trusted one, which /tmp is not.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(format!(
            "/run/pam-jwt-test.{}.revoked.{name}",
            std::process::id()
        ));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn dir(&self) -> PathBuf {
        self.0.join("lib/revoked")
    }

    fn store(&self) -> Store {
        Store::made(&self.dir()).unwrap()
    }

    /// As a login asks.
    fn find(&self, mark: Mark<'_>) -> Result<Option<Entry>, String> {
        Revoked::at(&self.dir()).find(mark)
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.dir()).unwrap();
        let mut names: Vec<String> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn record(kind: Kind, value: &str) -> Record {
    Record {
        issuer: "i".into(),
        kind,
        value: value.into(),
        issued_before: (kind == Kind::Issuer).then_some(NOW),
        expired_by: None,
        expires: None,
        revoked_at: NOW,
        because: None,
    }
}

fn all() -> [Record; 4] {
    [
        (Kind::Id, "x"),
        (Kind::Subject, "x"),
        (Kind::Key, "x"),
        (Kind::Issuer, "i"),
    ]
    .map(|(kind, value)| record(kind, value))
}

/// Two issuers, `i` with a max_lifetime of an hour.
fn trust() -> Trust {
    let issuer =
        |name: &str, top: &str| format!("issuer='{name}'\naudience=['a']\nkeys=['/k']\n{top}\n");
    let texts = [issuer("i", "max_lifetime='1h'"), issuer("o", "")];
    let source = |file, text| Source { file, text };
    let [i, o] = [("i.toml", &*texts[0]), ("o.toml", &*texts[1])];
    let config = Config::parse(
        source("pam-jwt.toml", ""),
        &[source(i.0, i.1), source(o.0, o.1)],
    );
    let keys = vec![Default::default(), Default::default()];
    Trust::new(config.whole().unwrap(), keys, "h").unwrap()
}

#[test]
fn an_entry_is_found_by_what_it_names_and_by_nothing_else() {
    let place = Place::new("find");
    for record in all() {
        assert_eq!(place.find(record.mark()), Ok(None));
    }
    assert!(!place.dir().exists(), "who looks makes nothing");
    for record in all() {
        let written = place.store().revoke(record.clone()).unwrap();
        assert_eq!((&written.record, written.before), (&record, None));
        assert_eq!(place.find(record.mark()), Ok(Some(record.entry())));
        for other in all().iter().filter(|other| other.kind != record.kind) {
            assert_eq!(place.find(other.mark()), Ok(None));
        }
        for other in [
            Mark {
                issuer: "ix",
                value: "",
                ..record.mark()
            },
            Mark {
                issuer: "I",
                ..record.mark()
            },
            Mark {
                value: "X",
                ..record.mark()
            },
            Mark {
                value: "",
                ..record.mark()
            },
        ] {
            assert_eq!(place.find(other), Ok(None));
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        let file = place.dir().join(name_of(record.mark()));
        assert_eq!((mode(&file), mode(&place.dir())), (0o644, 0o755));
        let lifted = place.store().lift(record.mark());
        assert_eq!(lifted, Ok(Some(record.clone())));
        assert_eq!(place.store().lift(record.mark()), Ok(None));
        assert_eq!(place.find(record.mark()), Ok(None));
    }
    assert_eq!(place.names(), [".lock"]);
}

#[test]
fn what_is_revoked_again_stays_revoked() {
    let place = Place::new("again");
    let before = |limit| Record {
        issued_before: Some(limit),
        ..record(Kind::Subject, "x")
    };
    for (revoked, now) in [(5, Some(5)), (3, Some(5)), (7, Some(7))] {
        let written = place.store().revoke(before(revoked)).unwrap();
        assert_eq!(written.record.issued_before, now);
    }
    for record in [record(Kind::Subject, "x"), before(9)] {
        let written = place.store().revoke(record).unwrap();
        assert_eq!(written.record.entry(), Entry::ALL);
    }
    assert_eq!(place.names().len(), 2);
}

#[test]
fn what_stands_in_the_place_of_an_entry_refuses() {
    let place = Place::new("place");
    let wanted = record(Kind::Subject, "x");
    let text = wanted.text();
    let _ = place.store();
    let path = place.dir().join(name_of(wanted.mark()));
    let chmod = |mode| {
        move |path: &Path| {
            fs::write(path, record(Kind::Subject, "x").text()).unwrap();
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
    };
    let put = |text: String| move |path: &Path| fs::write(path, text).unwrap();
    let half = text.split("sub").next().unwrap().to_owned();
    type Make<'a> = Box<dyn FnOnce(&Path) + 'a>;
    let cases: [(Make<'_>, &str); 11] = [
        (Box::new(put(String::new())), "is not JSON"),
        (Box::new(put(half)), "is not JSON"),
        (Box::new(put("{}".into())), "is no entry"),
        (
            Box::new(put("x".repeat(1 << 21))),
            "is longer than 1024 KiB",
        ),
        (
            Box::new(put(text.replace("\"x\"", "\"y\""))),
            "take it away",
        ),
        (
            Box::new(put(text.replace("\"i\"", "\"o\""))),
            "take it away",
        ),
        (Box::new(chmod(0o664)), "chmod go-w"),
        (Box::new(chmod(0o646)), "chmod go-w"),
        (
            Box::new(|path| fs::create_dir(path).unwrap()),
            "regular file",
        ),
        (
            Box::new(|path| symlink("/etc/passwd", path).unwrap()),
            "symbolic link",
        ),
        (
            Box::new(|path| symlink("nowhere", path).unwrap()),
            "symbolic link",
        ),
    ];
    for (make, words) in cases {
        make(&path);
        let why = place.find(wanted.mark()).unwrap_err();
        assert!(why.contains(words), "{why}");
        assert!(why.starts_with(&path.display().to_string()), "{why}");
        assert_eq!(place.find(record(Kind::Subject, "z").mark()), Ok(None));
        // Nobody writes over it either, and the list names it.
        assert_eq!(place.store().revoke(wanted.clone()), Err(why));
        assert!(place.store().lift(wanted.mark()).is_err());
        let listing = list(&place.dir()).unwrap();
        assert_eq!(listing.faults.len(), 1);
        assert_eq!(listing.faults[0].0, path);
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
    }
}

#[test]
fn a_directory_that_others_can_change_refuses() {
    let place = Place::new("directory");
    let wanted = record(Kind::Subject, "x");
    let _ = place.store();
    for dir in [place.dir(), place.0.clone()] {
        for mode in [0o775, 0o757, 0o1777] {
            fs::set_permissions(&dir, Permissions::from_mode(mode)).unwrap();
            let why = place.find(wanted.mark()).unwrap_err();
            assert!(why.starts_with(&dir.display().to_string()), "{why}");
            assert_eq!(list(&place.dir()).unwrap_err(), why);
            assert_eq!(Store::made(&place.dir()).unwrap_err(), why);
        }
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
        assert_eq!(place.find(wanted.mark()), Ok(None));
    }
    fs::rename(place.dir(), place.0.join("elsewhere")).unwrap();
    symlink(place.0.join("elsewhere"), place.dir()).unwrap();
    let why = place.find(wanted.mark()).unwrap_err();
    assert!(why.contains("symbolic link"), "{why}");
}

#[test]
fn what_an_interrupted_writer_left_is_in_nobodys_way() {
    let place = Place::new("interrupted");
    let _ = place.store();
    fs::write(place.dir().join(".new"), "{\"iss").unwrap();
    assert_eq!(list(&place.dir()).unwrap().faults, []);
    let wanted = record(Kind::Subject, "x");
    let _ = place.store().revoke(wanted.clone()).unwrap();
    assert_eq!(place.find(wanted.mark()), Ok(Some(Entry::ALL)));
    assert_eq!(place.names(), [".lock", &name_of(wanted.mark())]);
}

#[test]
fn what_has_ended_is_dropped_behind_an_entry_of_its_issuer() {
    let place = Place::new("ended");
    let trust = trust();
    let of = |issuer: &str, record: Record| Record {
        issuer: issuer.into(),
        ..record
    };
    let before = |limit, value| Record {
        issued_before: Some(limit),
        ..record(Kind::Subject, value)
    };
    let known = Record {
        expires: Some(NOW + 60),
        ..record(Kind::Id, "known")
    };
    for record in [
        before(NOW, "a"),
        before(NOW + 5, "b"),
        record(Kind::Id, "unknown"),
        record(Kind::Subject, "all"),
        known.clone(),
        of("o", known),
        of("o", before(NOW, "a")),
    ] {
        let _ = place.store().revoke(record).unwrap();
    }
    let issuers = |issuer| {
        let mark = Mark {
            issuer,
            kind: Kind::Issuer,
            value: issuer,
        };
        place.find(mark).unwrap()
    };
    let values = |now| {
        let listing = place.store().drop_ended(&trust, now).unwrap();
        assert_eq!(listing.faults, []);
        let mut values: Vec<String> = listing
            .records
            .into_iter()
            .map(|record| record.issuer + &record.value)
            .collect();
        values.sort();
        values
    };
    let all = ["ia", "iall", "ib", "iknown", "iunknown", "oa", "oknown"];
    assert_eq!(values(NOW + 89), all);
    assert_eq!((issuers("i"), issuers("o")), (None, None));
    assert_eq!(values(NOW + 90), ["ia", "iall", "ib", "iunknown", "oa"]);
    let expired_by = Some(NOW + 60);
    let floor = Entry {
        expired_by,
        ..Entry::ALL
    };
    assert_eq!((issuers("i"), issuers("o")), (Some(floor), Some(floor)));
    // Where the clock was ahead, what took their place is in force again, and is told.
    let back = ["ia", "iall", "ib", "ii", "iunknown", "oa", "oo"];
    assert_eq!(values(NOW), back);
    assert_eq!(values(NOW + 3629), ["ia", "iall", "ib", "iunknown", "oa"]);
    assert_eq!(values(NOW + 3630), ["iall", "ib", "iunknown", "oa"]);
    assert_eq!(values(NOW + 3635), ["iall", "iunknown", "oa"]);
    assert_eq!(values(NOW + 90_030), ["iall", "oa"]);
    let issued_before = Some(NOW + 86_400);
    let floor = Entry {
        issued_before,
        expired_by,
    };
    assert_eq!(issuers("i"), Some(floor));
    // Who lifts the one of the issuer has it back as it was before.
    let issuer = record(Kind::Issuer, "i");
    assert!(place.store().lift(issuer.mark()).unwrap().is_some());
    assert_eq!(values(NOW), ["iall", "oa", "oo"]);
}

#[test]
fn nothing_is_dropped_where_what_takes_its_place_cannot_be_written() {
    let place = Place::new("floor");
    let ended = Record {
        expires: Some(NOW),
        ..record(Kind::Id, "x")
    };
    let _ = place.store().revoke(ended.clone()).unwrap();
    fs::create_dir(place.dir().join(name_of(record(Kind::Issuer, "i").mark()))).unwrap();
    let why = place.store().drop_ended(&trust(), NOW + 60).unwrap_err();
    assert!(why.contains("regular file"), "{why}");
    assert_eq!(place.find(ended.mark()), Ok(Some(Entry::ALL)));
}

#[test]
fn what_would_not_be_read_is_not_written() {
    let place = Place::new("unreadable");
    let long = "x".repeat(1 << 20);
    for bad in [
        Record {
            expires: Some(NOW),
            ..record(Kind::Subject, "x")
        },
        record(Kind::Issuer, "x"),
        record(Kind::Subject, &long),
    ] {
        assert!(place.store().revoke(bad.clone()).is_err());
        assert_eq!(place.find(bad.mark()), Ok(None));
    }
    assert_eq!(place.names(), [".lock"]);
}

#[test]
fn writers_wait_for_one_another() {
    let place = Place::new("race");
    std::thread::scope(|scope| {
        for limit in 0..8 {
            let place = &place;
            scope.spawn(move || {
                for step in 0..20 {
                    let before = Record {
                        issued_before: Some(limit * 20 + step),
                        ..record(Kind::Subject, "x")
                    };
                    assert!(place.store().revoke(before).is_ok());
                }
            });
        }
    });
    let found = place.find(record(Kind::Subject, "x").mark());
    assert_eq!(found.unwrap().unwrap().issued_before, Some(159));
    assert_eq!(place.names().len(), 2);
}
