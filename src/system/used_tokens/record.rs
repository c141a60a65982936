//! The record of one use: that it exists is what counts. What is in it is for the log, and
//! may be missing where a process ended before it had written it.

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use policy::duration::for_people;
use std::fs::File;
use std::io::{self, Read, Write};

/// No record is longer, in bytes.
pub(super) const MOST: u64 = 512;

/// What is known of a use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record(Option<(u64, String)>);

impl Record {
    /// When and from where it was, in words for the log.
    pub(super) fn words(&self, now: u64) -> String {
        let Some((at, whence)) = &self.0 else {
            return "used, but it was not written down when and from where".to_owned();
        };
        match now.checked_sub(*at) {
            Some(ago) => format!("used {} ago (at {at}) from {whence}", for_people(ago)),
            None => format!("used at {at}, which is to come, from {whence}"),
        }
    }

    fn parse(text: &[u8]) -> Self {
        let parse = || {
            let line = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
            let (at, whence) = line.split_once(' ')?;
            Some((at.parse().ok()?, whence.to_owned()))
        };
        Self(parse())
    }
}

/// Makes the record, unless there is anything of its name.
pub(super) fn create(bucket: &File, name: &str) -> io::Result<File> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
    let file = openat(bucket, name, flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
    Ok(File::from(file))
}

pub(super) fn write(mut record: &File, now: u64, whence: &str) -> io::Result<()> {
    let whence: String = whence
        .chars()
        .filter(|c| !c.is_control())
        .take(100)
        .collect();
    record.write_all(format!("{now} {whence}\n").as_bytes())
}

/// What is known of the use; none if there was none. Anything of that name is one.
pub(super) fn read(bucket: &File, name: &str) -> io::Result<Option<Record>> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    match openat(bucket, name, flags, Mode::empty()) {
        Ok(file) => {
            let mut text = Vec::new();
            // It is a use even where it cannot be read, as a directory cannot.
            let _ = File::from(file).take(MOST).read_to_end(&mut text);
            Ok(Some(Record::parse(&text)))
        }
        Err(Errno::ENOENT) => Ok(None),
        Err(Errno::ELOOP | Errno::ENXIO) => Ok(Some(Record::default())),
        Err(errno) => Err(errno.into()),
    }
}
