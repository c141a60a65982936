//! pam-jwt-fetch and an issuer that misbehaves: whatever it answers, the keys that are there
//! stay, logins go on, the notes say what was wrong, and the next good answer mends it.

mod answers;
mod confined;
mod errands;
mod lists;
mod stores;
mod times;

use machine::{Issuer, Machine, Output};

const FETCHED: &str = "/var/lib/pam-jwt/fetched";

/// A machine where logins are by token alone.
fn machine() -> Machine {
    let machine = Machine::boot();
    machine.install();
    machine.account("alice");
    machine.write("/etc/pam-jwt/pam-jwt.toml", "", 0o644);
    let _ = machine
        .run(["install", "-d", "/etc/pam-jwt/issuers.d"])
        .expect_success();
    machine.write(
        "/etc/pam.alone/sshd",
        "auth required pam_jwt.so\naccount required pam_permit.so\nsession required pam_permit.so\n",
        0o644,
    );
    machine
}

/// An issuer with the key `first`, which is trusted with these lines in its file.
fn issuer_of<'m>(machine: &'m Machine, lines: &str) -> Issuer<'m> {
    let issuer = Issuer::start(machine, "issuer.test");
    issuer.key("first");
    issuer.publish(&["first"]);
    issuer.put("/aggregation", r#"{"status_lists":[]}"#);
    issuer.trust(lines);
    issuer
}

fn fetch(machine: &Machine, args: &[&str]) -> Output {
    machine.command(["pam-jwt-fetch"]).args(args).run()
}

/// A number in what `pam-jwt-fetch --json` says of the one issuer.
fn number(output: &Output, name: &str) -> i64 {
    let after = output.stdout.split(&format!("\"{name}\": ")).nth(1);
    let after = after.unwrap_or_else(|| panic!("{name}: {output}"));
    let end = after.find([',', '\n']).expect("more");
    after[..end].parse().expect("a number")
}

/// What becomes of the token in a login of alice.
fn outcome(machine: &Machine, token: &str) -> String {
    outcome_of(machine, "alice", token)
}

fn outcome_of(machine: &Machine, account: &str, token: &str) -> String {
    let mark = machine.mark();
    let host = [
        env!("CARGO_BIN_EXE_pam-host"),
        "sshd",
        account,
        "/etc/pam.alone",
    ];
    let _ = machine.command(host).stdin(token).run().expect_success();
    let line = machine.wait_for_log(mark, " reason=");
    let reason = line.message.split(" reason=").nth(1).expect("a reason");
    reason.split(' ').next().expect("a word").to_owned()
}

/// The one file of this kind.
fn stored(machine: &Machine, kind: &str) -> String {
    let script = format!("cat {FETCHED}/*.{kind}");
    machine.run(["sh", "-c", &script]).expect_success().stdout
}
