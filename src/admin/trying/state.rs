//! What is being tried, on the disk: the files as they were and as they are to be, until when, and
//! since when. It appears and goes whole, by a rename.

use crate::enable::file::Attributes;
use crate::enable::plan::Change;
use serde_json::{Map, Value, json};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// Something that is being tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// No other has it.
    pub id: String,
    /// The kernel's id of the boot in which it began.
    pub boot: String,
    /// When its time is over, on the kernel's clock of beginnings ([`system::process`]).
    pub ends: u64,
    pub files: Vec<Change>,
    /// The moment after the last file was written, once it has come.
    pub written: Option<Moment>,
}

/// A moment, as those can tell who began later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// On the kernel's clock of beginnings.
    pub at: u64,
    /// The highest id of an audit session that any process had by then. The kernel counts them up.
    pub audit: Option<u32>,
}

impl Try {
    /// Whether its time is over: so it is, too, where the machine was started anew.
    pub fn is_over(&self, now: u64, boot: &str) -> bool {
        self.boot != boot || now >= self.ends
    }

    /// The services it is about.
    pub fn services(&self) -> Vec<String> {
        self.files.iter().map(|file| file.service.clone()).collect()
    }
}

/// Where it is.
pub struct State {
    dir: PathBuf,
}

const TRY: &str = "try.json";
const WRITTEN: &str = "written.json";

impl State {
    /// In a directory, which is /var/lib/pam-jwt.
    pub fn within(dir: &Path) -> State {
        State {
            dir: dir.to_owned(),
        }
    }

    fn current(&self) -> PathBuf {
        self.dir.join("trying")
    }

    /// Puts down what is about to be tried; when this returns, it is on the disk.
    pub fn begin(&self, attempt: &Try) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let new = self.dir.join(".trying.new");
        remove(&new)?;
        DirBuilder::new().mode(0o700).create(&new)?;
        for (number, file) in attempt.files.iter().enumerate() {
            put(&new.join(format!("{number}.old")), &file.old)?;
            put(&new.join(format!("{number}.new")), &file.new)?;
        }
        put(&new.join(TRY), as_json(attempt).to_string().as_bytes())?;
        sync(&new)?;
        // Unlike a rename of files this fails where a directory with something in it is.
        fs::rename(&new, self.current())?;
        sync(&self.dir)
    }

    /// Puts down that all files are written.
    pub fn written(&self, moment: &Moment) -> io::Result<()> {
        let (dir, new) = (self.current(), self.current().join(".written.new"));
        let text = json!({ "at": moment.at, "audit": moment.audit }).to_string();
        put(&new, text.as_bytes())?;
        fs::rename(&new, dir.join(WRITTEN))?;
        sync(&dir)
    }

    /// What is being tried, if anything is.
    pub fn load(&self) -> io::Result<Option<Try>> {
        let dir = self.current();
        match read(&dir) {
            // It was not there, or has gone while it was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !dir.exists() => Ok(None),
            found => found.map(Some),
        }
    }

    /// Nothing is being tried any more.
    pub fn end(&self) -> io::Result<()> {
        let old = self.dir.join(".trying.old");
        remove(&old)?;
        fs::rename(self.current(), &old)?;
        sync(&self.dir)?;
        remove(&old)
    }

    /// Takes away what is left of a run that was killed before it had begun, or when all was over.
    pub fn tidy(&self) {
        for name in [".trying.new", ".trying.old"] {
            let _ = remove(&self.dir.join(name));
        }
    }

    /// What directory it is in, for messages.
    pub fn shown(&self) -> String {
        self.current().display().to_string()
    }
}

/// Reads what is in the directory.
fn read(dir: &Path) -> io::Result<Try> {
    let text = fs::read(dir.join(TRY))?;
    let value: Value = serde_json::from_slice(&text)?;
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is damaged");
    let mut files = Vec::new();
    for (number, file) in array(&value, "files")
        .ok_or_else(damaged)?
        .iter()
        .enumerate()
    {
        let bytes = |which: &str| fs::read(dir.join(format!("{number}.{which}")));
        files.push(change(file, bytes("old")?, bytes("new")?).ok_or_else(damaged)?);
    }
    let written = match fs::read(dir.join(WRITTEN)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        text => Some(moment(&serde_json::from_slice(&text?)?).ok_or_else(damaged)?),
    };
    let attempt = || {
        Some(Try {
            id: text_of(&value, "id")?,
            boot: text_of(&value, "boot")?,
            ends: value.get("ends")?.as_u64()?,
            files,
            written,
        })
    };
    attempt().ok_or_else(damaged)
}

fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn as_json(attempt: &Try) -> Value {
    let file = |file: &Change| {
        let since = file.attributes.modified.duration_since(UNIX_EPOCH);
        let since = since.unwrap_or_default();
        json!({
            "service": file.service, "path": file.path, "mode": file.attributes.mode,
            "uid": file.attributes.uid, "gid": file.attributes.gid,
            "modified": [since.as_secs(), since.subsec_nanos()],
        })
    };
    let files: Vec<Value> = attempt.files.iter().map(file).collect();
    json!({ "id": attempt.id, "boot": attempt.boot, "ends": attempt.ends, "files": files })
}

fn change(value: &Value, old: Vec<u8>, new: Vec<u8>) -> Option<Change> {
    let number = |name: &str| u32::try_from(value.get(name)?.as_u64()?).ok();
    let time = array(value, "modified")?;
    let seconds = time.first()?.as_u64()?;
    let nanos = u32::try_from(time.get(1)?.as_u64()?).ok()?;
    Some(Change {
        service: text_of(value, "service")?,
        path: PathBuf::from(text_of(value, "path")?),
        old,
        new,
        attributes: Attributes {
            mode: number("mode")?,
            uid: number("uid")?,
            gid: number("gid")?,
            modified: UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))?,
        },
    })
}

fn moment(value: &Value) -> Option<Moment> {
    let audit = value.get("audit").and_then(Value::as_u64);
    Some(Moment {
        at: value.get("at")?.as_u64()?,
        audit: audit.and_then(|id| u32::try_from(id).ok()),
    })
}

fn array<'a>(value: &'a Value, name: &str) -> Option<&'a Vec<Value>> {
    value
        .as_object()
        .and_then(|object: &Map<String, Value>| object.get(name))?
        .as_array()
}

fn text_of(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A directory for a test, which is empty.
    pub fn directory(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("pam-jwt-{name}-{}", std::process::id()));
        remove(&dir).unwrap();
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    /// Something to try on this file.
    pub fn attempt(path: &Path, old: &[u8], new: &[u8]) -> Try {
        Try {
            id: "7".to_owned(),
            boot: "b".to_owned(),
            ends: 100,
            files: vec![Change {
                service: "sshd".to_owned(),
                path: path.to_owned(),
                old: old.to_vec(),
                new: new.to_vec(),
                attributes: Attributes {
                    mode: 0o640,
                    uid: 0,
                    gid: 0,
                    modified: UNIX_EPOCH + Duration::new(1_700_000_000, 5),
                },
            }],
            written: None,
        }
    }

    #[test]
    fn what_is_put_down_is_found_and_ends_whole() {
        let dir = directory("state");
        let state = State::within(&dir);
        assert_eq!(state.load().unwrap(), None);
        let mut tried = attempt(Path::new("/etc/pam.d/sshd"), b"old\xff", b"new");
        state.begin(&tried).unwrap();
        assert_eq!(state.load().unwrap().as_ref(), Some(&tried));
        // One at a time.
        assert!(state.begin(&tried).is_err());
        for audit in [None, Some(7)] {
            let moment = Moment { at: 8, audit };
            state.written(&moment).unwrap();
            tried.written = Some(moment);
            assert_eq!(state.load().unwrap().as_ref(), Some(&tried));
        }
        let mode = fs::metadata(state.current()).unwrap().permissions();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
            0o700
        );
        fs::write(state.current().join(TRY), "{}").unwrap();
        assert!(state.load().is_err(), "damaged, and not nothing");
        state.end().unwrap();
        assert_eq!(state.load().unwrap(), None);
        state.begin(&tried).unwrap();
        state.end().unwrap();
        fs::create_dir(dir.join(".trying.new")).unwrap();
        state.tidy();
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn its_time_is_over_at_its_end_and_after_a_restart() {
        let tried = attempt(Path::new("/x"), b"", b"");
        for (now, boot, over) in [(99, "b", false), (100, "b", true), (1, "c", true)] {
            assert_eq!(tried.is_over(now, boot), over);
        }
    }
}
