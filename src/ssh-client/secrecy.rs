//! Keeps other processes of the same user out of this one's memory, as far as the system
//! can: they could read a token there.

/// No core file, no ptrace, no /proc/PID/mem (PR_SET_DUMPABLE, prctl(2)). Best effort: on
/// systems without it a token is as safe as any other file of the user's.
pub fn hide_memory() {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}
