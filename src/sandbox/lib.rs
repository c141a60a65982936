//! What a program gives up before it says a word to strangers: with what is left, who takes it
//! over by what it sent can talk to others, and write to the one directory that the program has.
#![forbid(unsafe_code)]

mod files;
mod syscalls;

use std::fmt;
use std::path::Path;

/// How the program is confined.
pub struct Confined {
    files: files::Enforced,
}

/// What a program needs beside what every program reads.
#[derive(Debug, Clone, Copy)]
pub struct Needs<'a> {
    /// What it reads; of that which does not exist nothing is said.
    pub readable: &'a [&'a Path],
    /// What it writes.
    pub writable: &'a [&'a Path],
    /// Whether others come to it: it may bind, listen and accept then.
    pub serves: bool,
}

/// Confines this process, and what it starts, for good.
///
/// # Errors
/// Why that failed. A kernel that has no Landlock is no error: the unit confines as well.
pub fn enter(needs: Needs<'_>) -> Result<Confined, String> {
    let no_privileges = nix::sys::prctl::set_no_new_privs();
    no_privileges.map_err(|errno| format!("no_new_privs: {}", errno.desc()))?;
    // Nobody of the same user looks into it: secrets pass through.
    let unseen = nix::sys::prctl::set_dumpable(false);
    unseen.map_err(|errno| format!("dumpable: {}", errno.desc()))?;
    let files = files::restrict(needs).map_err(|error| format!("Landlock: {error}"))?;
    syscalls::restrict(needs.serves).map_err(|error| format!("seccomp: {error}"))?;
    Ok(Confined { files })
}

impl fmt::Display for Confined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "confined by seccomp and, {}", self.files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn nobody_looks_into_it() {
        // But for this it is the thread alone that is confined.
        let confined = thread::spawn(|| {
            enter(Needs {
                readable: &[Path::new("/etc")],
                writable: &[Path::new("/run")],
                serves: false,
            })
            .map(drop)?;
            nix::sys::prctl::get_dumpable().map_err(|errno| errno.to_string())
        });
        assert_eq!(confined.join().unwrap(), Ok(false));
    }
}
