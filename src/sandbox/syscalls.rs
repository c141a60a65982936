//! seccomp(2): what this process never does. What may be done is not listed, since that is for
//! the C library and the name services of the machine to know; in its unit systemd has a list
//! (SystemCallFilter=).

use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule, apply_filter,
};
use std::collections::BTreeMap;

/// Whoever calls one of these is not this program any more: it is ended.
const DEADLY: [libc::c_long; 37] = [
    // Other programs, and other processes.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Another view of the system.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_open_by_handle_at,
    // The kernel.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    // Keys.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_personality,
];

/// What a library may try in passing is refused (EPERM).
const REFUSED: [libc::c_long; 19] = [
    // It stays who it is, and so do its files.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_mknodat,
    libc::SYS_setxattr,
    libc::SYS_fsetxattr,
    // The machine's clock, name and messages.
    libc::SYS_clock_settime,
    libc::SYS_settimeofday,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_quotactl,
];

/// What is refused as well where nobody is served.
const SERVING: [libc::c_long; 3] = [libc::SYS_listen, libc::SYS_accept, libc::SYS_accept4];

/// The families of sockets that HTTPS, DNS and the name services take.
const FAMILIES: [libc::c_int; 4] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
];

/// What makes a terminal take words as if somebody had typed them, which an administrator's
/// shell would read.
const TYPING: [libc::Ioctl; 2] = [libc::TIOCSTI, libc::TIOCLINUX];

/// Gives all of this up, and serving where nobody is served.
///
/// # Errors
/// The library's, or the kernel's.
pub fn restrict(serves: bool) -> Result<(), Error> {
    apply_filter(&refusing(serves)?)?;
    apply_filter(&deadly()?)
}

fn deadly() -> Result<BpfProgram, BackendError> {
    let rules = DEADLY.into_iter().map(|call| (call, Vec::new()));
    program(rules.collect(), SeccompAction::KillProcess)
}

fn refusing(serves: bool) -> Result<BpfProgram, BackendError> {
    let serving = SERVING.into_iter().filter(|_| !serves);
    let refused = REFUSED.into_iter().chain(serving);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        refused.map(|call| (call, Vec::new())).collect();
    let is_another = FAMILIES.into_iter().map(|family| {
        let family = u64::try_from(family).unwrap_or(u64::MAX);
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family)
    });
    let is_another = SeccompRule::new(is_another.collect::<Result<_, _>>()?)?;
    rules.insert(libc::SYS_socket, vec![is_another]);
    // The kernel looks at the lower half alone.
    let types = TYPING.into_iter().map(|request| {
        let word = SeccompCmpArgLen::Dword;
        let is_it = SeccompCondition::new(1, word, SeccompCmpOp::Eq, request)?;
        SeccompRule::new(vec![is_it])
    });
    rules.insert(libc::SYS_ioctl, types.collect::<Result<_, _>>()?);
    program(rules, SeccompAction::Errno(libc::EPERM.unsigned_abs()))
}

fn program(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    action: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    let architecture = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, action, architecture)?.try_into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::thread;

    #[test]
    fn nothing_is_typed_into_a_terminal() {
        let script = "import fcntl\n\
             for request in 0x5412, 0x541c, 0x5401:\n\
             \x20   try: fcntl.ioctl(0, request, b'x' * 64)\n\
             \x20   except OSError as error: print(error.errno)";
        // A filter is its thread's, and that of what it starts.
        let thread = thread::spawn(move || {
            nix::sys::prctl::set_no_new_privs().unwrap();
            apply_filter(&refusing(false).unwrap()).unwrap();
            let mut python = Command::new("python3");
            python
                .args(["-c", script])
                .stdin(std::process::Stdio::null());
            python.output().unwrap()
        });
        let output = thread.join().unwrap();
        // The third is refused by /dev/null, which is no terminal.
        let [refused, no_terminal] = [libc::EPERM, libc::ENOTTY];
        let expected = format!("{refused}\n{refused}\n{no_terminal}\n");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }
}
