//! Uses of tokens that race, fail and are interrupted, with clocks that jump.

use super::*;
use std::cell::Cell;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

/// Noon of day 20,000.
const NOON: u64 = 20_000 * DAY + DAY / 2;

/// A directory below a trusted one, which /tmp is not.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(format!("/run/pam-jwt-test.{}.{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn dir(&self) -> PathBuf {
        self.0.join("lib/used")
    }

    fn store(&self) -> Store {
        Store::made(&self.dir()).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn token(id: &str, expires: u64) -> OneTime<'_> {
    let issuer = "https://i";
    OneTime {
        issuer,
        id,
        expires,
    }
}

fn is_used(result: Result<(), UseFault>) -> bool {
    matches!(result, Err(UseFault::Used(_)))
}

/// Checklist: A.27
#[test]
fn a_token_is_used_once_and_known_by_issuer_and_jti() {
    let place = Place::new("once");
    let dir = place.dir();
    let use_up = |token| super::use_up(&dir, token, NOON, "192.0.2.7");
    let first = token("j", NOON + 60);
    assert_eq!(look(&dir, first, NOON), Ok(()));
    assert!(!dir.exists());
    assert_eq!(use_up(first), Ok(()));
    let words = "used 42 s ago (at 1728043200) from 192.0.2.7".to_owned();
    assert_eq!(
        look(&dir, first, NOON + 42),
        Err(UseFault::Used(words.clone()))
    );
    let again = super::use_up(&dir, first, NOON + 42, "elsewhere");
    assert_eq!(again, Err(UseFault::Used(words)));
    // Another exp of the same day is the same jti; so is one that is spelt otherwise.
    assert!(is_used(use_up(token("j", NOON + 61))));
    for other in [
        token("J", NOON + 60),
        token("", NOON + 60),
        token("j", NOON + DAY),
        OneTime {
            issuer: "https://ij",
            id: "",
            expires: NOON,
        },
        OneTime {
            issuer: "https://",
            id: "ij",
            expires: NOON,
        },
    ] {
        assert_eq!(look(&dir, other, NOON), Ok(()), "{other:?}");
        assert_eq!(use_up(other), Ok(()), "{other:?}");
        assert!(is_used(look(&dir, other, NOON)), "{other:?}");
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&dir), mode(dir.parent().unwrap())), (0o700, 0o755));
}

/// Checklist: A.27
#[test]
fn of_many_that_use_a_token_at_once_one_succeeds() {
    let place = Place::new("race");
    let dir = place.dir();
    let barrier = std::sync::Barrier::new(16);
    let succeeded: usize = std::thread::scope(|scope| {
        let one = || {
            barrier.wait();
            (0..50)
                .filter(|number: &u64| {
                    let id = number.to_string();
                    super::use_up(&dir, token(&id, NOON), NOON, "here").is_ok()
                })
                .count()
        };
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(one)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(succeeded, 50);
}

/// A day is dropped a day and 300 s after its end, not before, and what ended then is
/// refused from then on, whatever the clock says.
#[test]
fn a_day_is_dropped_whole_and_late_and_stays_refused() {
    let place = Place::new("drop");
    let dir = place.dir();
    let old = token("old", NOON);
    assert_eq!(use_up(&dir, old, NOON, "here"), Ok(()));
    let due = 20_001 * DAY + STAY;
    let bucket = dir.join("20000");
    assert_eq!(use_up(&dir, token("a", due), due - 1, "here"), Ok(()));
    assert!(bucket.exists());
    assert!(is_used(use_up(&dir, old, NOON, "here")));
    assert_eq!(use_up(&dir, token("b", due), due, "here"), Ok(()));
    assert!(!bucket.exists());
    for id in ["old", "new"] {
        for expires in [NOON, 20_001 * DAY - 1, 0] {
            let token = token(id, expires);
            assert_eq!(use_up(&dir, token, NOON, "here"), Err(UseFault::Dropped));
            assert_eq!(look(&dir, token, NOON), Err(UseFault::Dropped));
        }
    }
    assert_eq!(
        use_up(&dir, token("new", 20_001 * DAY), NOON, "here"),
        Ok(())
    );
}

/// STAY of the sweep, as the issue names it.
const STAY: u64 = DAY + 300;

/// Between any two steps of one use the clock runs ahead by days, somebody else logs in and
/// sweeps, the clock is set back, and the same token is tried by somebody else: of the two
/// tries one succeeds at most. The interrupted one may fail; it never succeeds beside the
/// other, nor does a third try succeed after one that did.
///
/// Checklist: A.27
#[test]
fn whatever_happens_between_two_steps_a_token_opens_one_login() {
    let steps = [
        Step::Look,
        Step::MakeBucket,
        Step::Create,
        Step::Write,
        Step::SyncRecord,
        Step::SyncBucket,
        Step::SyncStore,
        Step::LookAgain,
        Step::Sweep,
        Step::Done,
    ];
    let one = token("one", NOON);
    let ahead = NOON + 10 * DAY;
    let sweep = |dir: &Path| {
        let id = "other";
        let _ = use_up(dir, token(id, ahead), ahead, "ahead");
    };
    let mut outcomes = Vec::new();
    for swept in steps {
        for tried in steps {
            let place = Place::new(&format!("{swept:?}.{tried:?}"));
            let dir = place.dir();
            let store = place.store();
            let others = Cell::new(0);
            let mut reached = Vec::new();
            let mine = store.use_up(one, NOON, "here", |step| {
                // A bucket that vanished is made again; once is enough.
                if reached.contains(&step) {
                    return;
                }
                reached.push(step);
                if step == swept {
                    sweep(&dir);
                }
                if step == tried && use_up(&dir, one, NOON, "there").is_ok() {
                    others.set(others.get() + 1);
                }
            });
            let after = use_up(&dir, one, NOON, "after").is_ok();
            let successes = u32::from(mine.is_ok()) + others.get() + u32::from(after);
            assert!(
                successes <= 1,
                "{swept:?} {tried:?}: {mine:?}, {others:?}, {after}"
            );
            outcomes.push(successes);
        }
    }
    // Where nobody swept before it was recorded, somebody got in.
    assert!(outcomes.contains(&1) && outcomes.contains(&0));
}

/// A process that ends at any step leaves the token unused or used up, and nothing that
/// keeps another token from being used.
#[test]
fn a_process_that_ends_at_any_step_leaves_things_in_order() {
    let steps = [
        (Step::Look, true),
        (Step::MakeBucket, true),
        (Step::Create, true),
        (Step::Write, false),
        (Step::SyncRecord, false),
        (Step::SyncBucket, false),
        (Step::LookAgain, false),
        (Step::Done, false),
    ];
    for (last, is_unused) in steps {
        let place = Place::new(&format!("end.{last:?}"));
        let store = place.store();
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            store.use_up(token("j", NOON), NOON, "here", |step| {
                if step == last {
                    std::panic::resume_unwind(Box::new(()));
                }
            })
        }));
        assert!(ended.is_err());
        let again = use_up(&place.dir(), token("j", NOON), NOON, "here");
        assert_eq!(again.is_ok(), is_unused, "{last:?}");
        assert!(again.is_ok() || is_used(again));
        assert_eq!(use_up(&place.dir(), token("k", NOON), NOON, "here"), Ok(()));
    }
}

#[test]
fn the_floor_rises_and_never_sinks() {
    let place = Place::new("floor");
    let store = place.store();
    assert_eq!(floor::read(&store.dir).unwrap(), 0);
    for (raised, is) in [
        (20_000, 20_000),
        (19_000, 20_000),
        (20_001, 20_001),
        (0, 20_001),
    ] {
        floor::raise(&store.dir, raised).unwrap();
        assert_eq!(floor::read(&store.dir).unwrap(), is);
    }
    let values: Vec<u64> = (0..400).map(|n| 21_000 + (n * 7919) % 400).collect();
    let dir = &store.dir;
    std::thread::scope(|scope| {
        for part in values.chunks(100) {
            scope.spawn(move || {
                for value in part {
                    floor::raise(dir, *value).unwrap();
                    assert!(floor::read(dir).unwrap() >= *value);
                }
            });
        }
    });
    assert_eq!(floor::read(&store.dir).unwrap(), 21_399);
}

/// A login drops a part of what is due, and the next ones the rest.
#[test]
fn a_full_day_is_dropped_bit_by_bit() {
    let place = Place::new("full");
    let store = place.store();
    let bucket = place.dir().join("20000");
    fs::create_dir(&bucket).unwrap();
    for number in 0..600 {
        fs::write(bucket.join(number.to_string()), "").unwrap();
    }
    let left = || fs::read_dir(&bucket).map_or(0, Iterator::count);
    let later = NOON + 10 * DAY;
    let mut counts = Vec::new();
    for _ in 0..3 {
        store.sweep(later).unwrap();
        counts.push(left());
    }
    assert_eq!(counts, [344, 88, 0]);
    assert!(!bucket.exists());
    // What is not ours stays, and keeps nothing else from being dropped.
    let file = |day: u64| place.dir().join(day.to_string());
    fs::create_dir(place.dir().join("20000x")).unwrap();
    for day in 19_990..20_000 {
        fs::write(file(day), "").unwrap();
    }
    fs::create_dir(&bucket).unwrap();
    store.sweep(later).unwrap();
    assert!(place.dir().join("20000x").exists() && file(19_990).exists());
    assert!(!bucket.exists());
}

#[test]
fn whatever_has_the_records_name_is_a_use() {
    let place = Place::new("odd");
    let store = place.store();
    let bucket = place.dir().join("20000");
    fs::create_dir(&bucket).unwrap();
    let path = |id: &str| bucket.join(name_of(token(id, NOON)));
    fs::create_dir(path("directory")).unwrap();
    symlink("/etc/passwd", path("link")).unwrap();
    fs::write(path("empty"), "").unwrap();
    fs::write(path("half"), "17280").unwrap();
    fs::write(path("binary"), [0xff; 5000]).unwrap();
    let words = "used, but it was not written down when and from where";
    for id in ["directory", "link", "empty", "half", "binary"] {
        let used = Err(UseFault::Used(words.into()));
        assert_eq!(
            store.use_up(token(id, NOON), NOON, "here", |_| ()),
            used,
            "{id}"
        );
        assert_eq!(look(&place.dir(), token(id, NOON), NOON), used, "{id}");
    }
}

#[test]
fn a_store_that_is_not_to_be_trusted_refuses_and_is_named() {
    let unrecorded = |dir: &Path| match use_up(dir, token("j", NOON), NOON, "here") {
        Err(UseFault::Unrecorded(words)) => words,
        other => panic!("{other:?}"),
    };
    let place = Place::new("untrusted");
    let dir = place.dir();
    drop(place.store());
    fs::set_permissions(&dir, Permissions::from_mode(0o777)).unwrap();
    assert!(unrecorded(&dir).contains("run: chmod go-w"));
    assert!(look(&dir, token("j", NOON), NOON).is_err());
    fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
    fs::write(dir.join("20000"), "").unwrap();
    assert!(unrecorded(&dir).contains("20000"));
    fs::remove_file(dir.join("20000")).unwrap();
    fs::create_dir(dir.join("floor")).unwrap();
    assert!(unrecorded(&dir).contains("the floor"));
    fs::remove_dir_all(&dir).unwrap();
    fs::write(&dir, "").unwrap();
    assert!(unrecorded(&dir).contains("directory"));
    fs::remove_file(&dir).unwrap();
    symlink("/root", &dir).unwrap();
    assert!(unrecorded(&dir).contains("symbolic link"));
    assert!(unrecorded(Path::new("/run/no/such/used")).contains("does not exist"));
}
