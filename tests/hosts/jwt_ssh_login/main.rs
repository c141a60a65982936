//! `jwt-ssh login` at an issuer that this project did not write, with Chromium at its pages:
//! what is kept of a login, how it is renewed, exchanged and revoked, and how it fails.

mod faults;
mod odd;
mod people;
mod places;
mod story;

use machine::{Command, Machine, Output, PROVIDER, Provider};
use serde_json::Value;
use std::fs;
use std::thread;
use std::time::Duration;

/// Where carol's browser leaves the address that it was to open.
const PAGE: &str = "/home/carol/page";

const BROWSER: &str = "/usr/local/bin/browser";

const STATE: &str = "/home/carol/.local/state/jwt-ssh/login.json";

/// A machine that takes the provider's tokens for its accounts, and whose carol has jwt-ssh
/// and a browser.
fn machine() -> Machine {
    let machine = Machine::with_client();
    let stack = "auth requisite pam_jwt.so\nauth required pam_permit.so\n\
                 account required pam_permit.so\nsession required pam_permit.so\n";
    machine.write("/etc/pam.d/sshd", stack, 0o644);
    let script = format!("#!/bin/sh\nprintf %s \"$1\" >{PAGE}.new && mv {PAGE}.new {PAGE}\n");
    machine.write(BROWSER, script, 0o755);
    machine
}

/// Has the machine trust the provider, by the keys that it publishes now.
fn trust(machine: &Machine) {
    let keys = "/etc/pam-jwt/keys/provider.jwks";
    let fetch = format!("curl --silent --fail --show-error {PROVIDER}/jwks >{keys}");
    machine.run(["sh", "-c", &fetch]).expect_success();
    let issuer = format!(
        "issuer = \"{PROVIDER}\"\n\
         audience = [\"ssh://machine\", \"ssh://web1\", \"ssh://web2\"]\nkeys = [\"{keys}\"]\n\
         [[allow]]\naccount = \"{{sub}}\"\nservices = [\"sshd\"]\n"
    );
    machine.write("/etc/pam-jwt/issuers.d/provider.toml", issuer, 0o644);
}

fn jwt_ssh<'m>(machine: &'m Machine, words: &[&str]) -> Command<'m> {
    machine.command(["jwt-ssh"]).args(words).user("carol")
}

/// A login at the provider, with a browser that waits for somebody.
fn login<'m>(machine: &'m Machine, words: &[&str]) -> Command<'m> {
    let command = jwt_ssh(machine, &["login", "--issuer", PROVIDER]);
    command.args(words).env("BROWSER", BROWSER)
}

/// Runs a login, with `at_page` at the page that it opens.
fn in_browser(machine: &Machine, login: Command<'_>, at_page: impl FnOnce(&str)) -> Output {
    thread::scope(|threads| {
        let login = threads.spawn(move || login.run());
        let page = loop {
            match machine.inside(|| fs::read_to_string(PAGE)) {
                Ok(page) => break page,
                Err(_) if login.is_finished() => break String::new(),
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        };
        if !page.is_empty() {
            machine.inside(|| fs::remove_file(PAGE).expect("it is there"));
            at_page(&page);
        }
        login.join().expect("the login")
    })
}

/// alice logs in at the provider's pages, for carol.
fn as_alice(machine: &Machine, provider: &Provider<'_>, login: Command<'_>) -> Output {
    in_browser(machine, login, |page| {
        let shown = provider.login(page, "alice");
        assert!(shown.contains("jwt-ssh has the answer"), "{shown}");
    })
}

/// Where carol's token is.
fn token_file(machine: &Machine) -> String {
    let id = machine.run(["id", "-u", "carol"]).expect_success();
    format!("/tmp/bt_u{}", id.stdout.trim())
}

fn exists(machine: &Machine, path: &str) -> bool {
    machine.inside(|| fs::symlink_metadata(path).is_ok())
}

fn parsed(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}
