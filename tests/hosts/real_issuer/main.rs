//! Logins at a real sshd with an issuer that this project did not write.

mod browser;
mod keys;
mod sockets;
mod unit;

use machine::{Machine, PROVIDER, Provider, Sshd};
use std::collections::BTreeSet;

/// A machine on which tokens of the provider's for it open the accounts that they name.
fn machine(settings: &str) -> Machine {
    let machine = Machine::ready();
    issuer_file(&machine, settings, "");
    machine
}

/// Trusts it, with more settings and tables in its file.
fn issuer_file(machine: &Machine, settings: &str, tables: &str) {
    let text = format!(
        "issuer = \"{PROVIDER}\"
audience = [\"ssh://{{hostname}}\"]
discover = true
{settings}

[[allow]]
account = \"{{preferred_username}}\"
services = [\"sshd\"]
{tables}"
    );
    machine.write("/etc/pam-jwt/issuers.d/provider.toml", text, 0o644);
}

/// A token for alice on this machine.
fn token(provider: &mut Provider) -> String {
    provider.token("alice", "ssh://machine")
}

/// What comes of a token at sshd: the reason in the log. Only with one it lets alice in.
fn outcome(machine: &Machine, token: &str) -> String {
    let mark = machine.mark();
    let login = machine.ssh("alice").answers([token]).command("id -un");
    let line = machine.wait_for_log(mark, " reason=");
    let reason = line.message.split(" reason=").nth(1).expect("a reason");
    let reason = reason.split(' ').next().expect("a word").to_owned();
    assert_eq!(login.code() == Some(0), reason == "allowed", "{login}");
    reason
}

/// The sockets of sshd in a login with a password, which pam_unix takes: syslog's, those of
/// NSS, its own.
fn of_password(machine: &Machine, sshd: &Sshd<'_>) -> BTreeSet<String> {
    machine.password("alice", "correct horse");
    let watch = sockets::watch(machine, sshd);
    let login = machine.ssh("alice").answers(["correct horse"; 2]);
    let login = login.command("id -un");
    assert_eq!(login.code(), Some(0), "{login}");
    let sockets = watch.end().of("sshd");
    let syslog = "sa_family=AF_UNIX, sun_path=\"/dev/log\"";
    assert!(sockets.contains(syslog), "{sockets:#?}");
    sockets
}
