//! As whom this runs: the user that fetches, whoever starts it. That is the owner of the
//! directory that it writes to, to whom root alone can have given it.

use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};
use system::fetched::Fetched;

/// Becomes the user to whom `fetched` belongs.
///
/// # Errors
/// Why this cannot be.
pub fn become_owner(fetched: &Fetched) -> Result<(), String> {
    let owner = Uid::from_raw(fetched.uid);
    if owner.is_root() {
        return Err(format!(
            "{} belongs to root, as whom nothing is fetched; give it to the user that is to \
             fetch: systemd-sysusers; systemd-tmpfiles --create",
            system::fetched::DIR
        ));
    }
    if !geteuid().is_root() {
        let is_owner = geteuid() == owner;
        return is_owner.then_some(()).ok_or_else(|| {
            format!(
                "only root and the user to whom {} belongs fetch; run: systemctl start \
                 pam-jwt-fetch",
                system::fetched::DIR
            )
        });
    }
    let group = Gid::from_raw(fetched.gid);
    let changed = setgroups(&[])
        .and_then(|()| setresgid(group, group, group))
        .and_then(|()| setresuid(owner, owner, owner));
    changed.map_err(|errno| format!("this cannot become the user that fetches: {}", errno.desc()))
}
