//! What this program gives up before it says a word to anybody: with what is left, who takes it
//! over by an answer can ask for pages, and write to one directory what a login checks anyway.

mod files;
mod syscalls;

use std::fmt;
use std::path::Path;

/// How the program is confined.
pub struct Confined {
    files: files::Enforced,
}

/// Confines this process, and what it starts, for good. Beside what every program reads
/// `readable` is read, `writable` written.
///
/// # Errors
/// Why that failed. A kernel that has no Landlock is no error: the unit confines as well.
pub fn enter(readable: &[&Path], writable: &Path) -> Result<Confined, String> {
    let no_privileges = nix::sys::prctl::set_no_new_privs();
    no_privileges.map_err(|errno| format!("no_new_privs: {}", errno.desc()))?;
    // Nobody of the same user looks into it: secrets pass through.
    let unseen = nix::sys::prctl::set_dumpable(false);
    unseen.map_err(|errno| format!("dumpable: {}", errno.desc()))?;
    let files =
        files::restrict(readable, writable).map_err(|error| format!("Landlock: {error}"))?;
    syscalls::restrict().map_err(|error| format!("seccomp: {error}"))?;
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
            enter(&[Path::new("/etc")], Path::new("/run")).map(drop)?;
            nix::sys::prctl::get_dumpable().map_err(|errno| errno.to_string())
        });
        assert_eq!(confined.join().unwrap(), Ok(false));
    }
}
