//! What the kernel says of other processes (proc(5)). Linux alone has it.

#[cfg(target_os = "linux")]
mod linux {
    use std::{fs, io};

    fn odd() -> io::Error {
        io::Error::other("/proc says something unexpected")
    }

    /// The parent of a process.
    ///
    /// # Errors
    /// That it cannot be seen: it is gone, or /proc is mounted with hidepid.
    pub fn parent_of(pid: i32) -> io::Result<i32> {
        status(pid, "PPid:")?.parse().map_err(|_| odd())
    }

    /// Whether a process acts as root, whoever started it, and is sudo, sudoedit or sudo-rs:
    /// by its name, which nobody but root gives to a process of root's. (Who owns its files
    /// in /proc does not say so: those of any process that hides its memory are root's.)
    ///
    /// # Errors
    /// That it cannot be seen.
    pub fn is_sudo(pid: i32) -> io::Result<bool> {
        let root = status(pid, "Uid:")?.split_whitespace().nth(1) == Some("0");
        Ok(root && status(pid, "Name:")?.starts_with("sudo"))
    }

    fn status(pid: i32, name: &str) -> io::Result<String> {
        let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value.map(|value| value.trim().to_owned()).ok_or_else(odd)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn parent_and_name_of_a_process_are_seen() {
            let pid = nix::unistd::getpid().as_raw();
            assert_eq!(parent_of(pid).unwrap(), nix::unistd::getppid().as_raw());
            assert!(!is_sudo(pid).unwrap());
            assert!(!is_sudo(1).unwrap());
            assert!(parent_of(-1).is_err() && is_sudo(-1).is_err());
        }
    }
}

#[cfg(target_os = "linux")]
pub use linux::{is_sudo, parent_of};
