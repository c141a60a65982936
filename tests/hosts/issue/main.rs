//! The token that a session gets, at the real hosts: in which phase of which process it comes,
//! what it says, and that it is gone with the session.

mod freshness;
mod hosts;
mod keys;
mod login;
mod phases;
mod settings;

use machine::Machine;
use serde_json::{Map, Value};
use std::fs;
use std::process;

const PASSWORD: &str = "correct horse";
const ISSUER: &str = "https://machine.example.org";
const SERVICES: [&str; 7] = ["sshd", "su", "su-l", "sudo", "sudo-i", "login", "cron"];

/// A machine, made of this one's files or booted, whose hosts issue tokens to alice and bob,
/// both with [`PASSWORD`], and tell what they do. `settings` goes on in `[issue]`.
fn made(machine: Machine, settings: &str) -> Machine {
    machine.make_ready();
    machine.account("bob");
    for account in ["alice", "bob"] {
        machine.password(account, PASSWORD);
    }
    machine.services(&SERVICES);
    issue(&machine, settings);
    phases::install(&machine);
    machine.write(login::SHOW, login::SHOWS, 0o755);
    machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);
    machine
}

/// Issues by these settings, and what all have.
fn issue(machine: &Machine, settings: &str) {
    let text = format!(
        "[issue]\nissuer = \"{ISSUER}\"\naudience = [\"ssh://other\"]\n\
         services = {SERVICES:?}\n{settings}\n"
    );
    machine.write("/etc/pam-jwt/pam-jwt.toml", text, 0o644);
}

/// The claims of a token that the machine's own key has signed.
fn claims(machine: &Machine, token: &str) -> Map<String, Value> {
    let verify = "pam-jwt jws verify --key /etc/pam-jwt/keys/local.jwk";
    let verify = machine.command(verify.split(' ')).stdin(token).run();
    serde_json::from_str(&verify.expect_success().stdout).expect("claims")
}

/// What a shell command of root's prints.
fn sh(machine: &Machine, script: &str) -> String {
    let output = machine.run(["sh", "-ec", script]).expect_success();
    output.stdout.trim_end().to_owned()
}

/// The machine's clock, in seconds since the epoch.
fn now(machine: &Machine) -> u64 {
    sh(machine, "date +%s").parse().expect("a number")
}

/// What cc makes of a source in tests/hosts, with these arguments.
fn library(source: &str, arguments: &[&str]) -> Vec<u8> {
    let name = source.replace('/', "-");
    let made = format!("{}/{name}.{}", env!("CARGO_TARGET_TMPDIR"), process::id());
    let source = format!("{}/hosts/{source}", env!("CARGO_MANIFEST_DIR"));
    let status = process::Command::new("cc")
        .args(["-shared", "-fPIC", "-Wall", "-Werror", "-o", &made, &source])
        .args(arguments)
        .status();
    assert!(status.expect("cc: `make packages`").success());
    let bytes = fs::read(&made).expect("what cc made");
    fs::remove_file(&made).expect("what cc made");
    bytes
}
