//! Landlock (landlock(7)): which files there are for this process, and whether it serves anybody.

use crate::Needs;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, RestrictionStatus, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use std::fmt;

/// What is used where the kernel has it; an older one enforces what it knows.
const LATEST: ABI = ABI::V6;

/// What is read: programs' own files, what names are looked up in (resolv.conf is often a link
/// into /run, sssd answers from files in /var/lib/sss), certificates of the system, randomness.
/// Of those that do not exist nothing is said.
const READ: [&str; 15] = [
    "/etc",
    "/usr",
    "/lib",
    "/lib64",
    "/dev/null",
    "/dev/random",
    "/dev/urandom",
    "/proc",
    "/run/NetworkManager",
    "/run/nscd",
    "/run/resolvconf",
    "/run/systemd/resolve",
    "/var/lib/ca-certificates",
    "/var/lib/pam-jwt",
    "/var/lib/sss",
];

/// How much of it the kernel enforces.
pub struct Enforced(RulesetStatus);

/// Leaves this process what it needs, and [`READ`] to read.
///
/// # Errors
/// The library's.
pub fn restrict(needs: Needs<'_>) -> Result<Enforced, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let all = AccessFs::from_all(LATEST);
    let write = all & !(AccessFs::Execute | AccessFs::MakeSym | AccessFs::MakeSock);
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?;
    // Who serves nobody binds nothing. To which port servers listen is known when they have been
    // asked for, so that is left open.
    if !needs.serves {
        ruleset = ruleset.handle_access(AccessNet::BindTcp)?;
    }
    let status: RestrictionStatus = ruleset
        .scope(Scope::from_all(LATEST))?
        .create()?
        .add_rules(path_beneath_rules(READ, read))?
        .add_rules(path_beneath_rules(needs.readable, read))?
        .add_rules(path_beneath_rules(needs.writable, write))?
        .restrict_self()?;
    Ok(Enforced(status.ruleset))
}

impl fmt::Display for Enforced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            RulesetStatus::FullyEnforced => "to its files, by Landlock",
            RulesetStatus::PartiallyEnforced => "to its files, by what this kernel has of Landlock",
            RulesetStatus::NotEnforced => "as this kernel has no Landlock, not to its files",
        })
    }
}
