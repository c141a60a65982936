//! Puts files back as they were.

use super::state::Try;
use crate::enable::edit;
use crate::enable::file;
use crate::enable::plan::Change;
use cli::output::Failure;
use std::io;

/// What became of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Back {
    /// It is byte for byte what it was.
    AsItWas,
    /// Somebody has changed it meanwhile: our lines are out, and their change stays.
    Theirs(String),
}

/// Puts every file back; if one cannot be, the others are all the same.
pub fn put_back(attempt: &Try) -> Result<Vec<Back>, Failure> {
    let mut done = Vec::new();
    let mut wrong = Vec::new();
    for file in &attempt.files {
        match back(file) {
            Ok(back) => done.push(back),
            Err(error) => wrong.push(format!("{}: {error}", file.path.display())),
        }
    }
    if wrong.is_empty() {
        Ok(done)
    } else {
        Err(Failure::new(format!(
            "{}; when that is mended: pam-jwt rollback",
            wrong.join("; ")
        )))
    }
}

fn back(file: &Change) -> io::Result<Back> {
    let shown = file.path.display();
    let now = match file::read(&file.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Back::Theirs(format!(
                "{shown} was removed meanwhile, and is not made again"
            )));
        }
        now => now?,
    };
    match becomes(file, &now.bytes) {
        Becomes::Old if now.bytes == file.old && now.attributes == file.attributes => {
            Ok(Back::AsItWas)
        }
        Becomes::Old => {
            file::replace(&file.path, &file.old, Some(&file.attributes))?;
            Ok(Back::AsItWas)
        }
        Becomes::Without(bytes) => {
            file::replace(&file.path, &bytes, None)?;
            Ok(Back::Theirs(format!(
                "{shown} was changed meanwhile by somebody else: the lines of pam-jwt enable are \
                 taken out, and that change stays"
            )))
        }
        Becomes::Theirs => Ok(Back::Theirs(format!(
            "{shown} was changed meanwhile by somebody else, and has no line of pam-jwt enable"
        ))),
    }
}

/// What is to become of a file that has these bytes now.
#[derive(Debug, PartialEq, Eq)]
enum Becomes {
    Old,
    /// These: what it has without our lines.
    Without(Vec<u8>),
    /// It stays.
    Theirs,
}

fn becomes(file: &Change, now: &[u8]) -> Becomes {
    if now == file.old || now == file.new {
        return Becomes::Old;
    }
    // Lines that it had from an earlier `enable` are no part of what was tried.
    let without = edit::without_but(now, &edit::ours(&file.old));
    if without == file.old {
        Becomes::Old
    } else if without == now {
        Becomes::Theirs
    } else {
        Becomes::Without(without)
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::{attempt, directory};
    use super::*;
    use std::fs;

    const OLD: &[u8] = b"auth required pam_unix.so";

    fn enabled() -> Vec<u8> {
        edit::with(OLD, &[(0, "auth sufficient pam_jwt.so".to_owned())])
    }

    #[test]
    fn what_somebody_else_has_changed_stays() {
        let new = enabled();
        let tried = attempt(std::path::Path::new("/x"), OLD, &new);
        let theirs = [&new, &b"\n# mine"[..]].concat();
        for (now, expected) in [
            (OLD, Becomes::Old),
            (&new, Becomes::Old),
            (&theirs, Becomes::Without([OLD, b"\n# mine"].concat())),
            (b"# all new\n", Becomes::Theirs),
            (b"", Becomes::Theirs),
        ] {
            assert_eq!(
                becomes(&tried.files[0], now),
                expected,
                "{}",
                now.escape_ascii()
            );
        }
    }

    #[test]
    fn a_line_from_an_earlier_enable_stays() {
        let old = enabled();
        let new = edit::with(&old, &[(2, "auth optional pam_jwt.so issue".to_owned())]);
        let tried = attempt(std::path::Path::new("/x"), &old, &new);
        let theirs = [&new, &b"\n# mine"[..]].concat();
        let rest = [&old, &b"\n# mine"[..]].concat();
        assert_eq!(becomes(&tried.files[0], &theirs), Becomes::Without(rest));
    }

    #[test]
    fn bytes_mode_and_time_are_what_they_were() {
        let dir = directory("put-back");
        let path = dir.join("sshd");
        fs::write(&path, OLD).unwrap();
        let before = file::read(&path).unwrap();
        let mut tried = attempt(&path, OLD, &enabled());
        tried.files[0].attributes = before.attributes.clone();
        file::replace(&path, &enabled(), None).unwrap();
        assert_ne!(file::read(&path).unwrap(), before);
        assert_eq!(put_back(&tried).unwrap(), [Back::AsItWas]);
        assert_eq!(file::read(&path).unwrap(), before);
        // Once more is no harm.
        assert_eq!(put_back(&tried).unwrap(), [Back::AsItWas]);
        fs::remove_file(&path).unwrap();
        assert!(matches!(&put_back(&tried).unwrap()[..], [Back::Theirs(_)]));
        assert!(!path.exists());
        fs::remove_dir_all(&dir).unwrap();
    }
}
