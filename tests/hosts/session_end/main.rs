//! Sessions that end with the token that opened them (`end_with_token`), in booted machines
//! of either Debian, whose logind does it.

mod ends;
mod open;
mod refused;
mod unended;
mod warning;

use std::thread;
use std::time::SystemTime;

use machine::{ISSUER, LogLine, Machine, RELEASES, Terminal, wait_until};

/// The line that ends a session, which stands above `@include common-session`.
const SESSION: &str = "session required pam_jwt.so issue";

/// What happens in each release, at the same time: most of it is waiting.
fn in_each_release(test: fn(&Machine, &str)) {
    thread::scope(|scope| {
        for release in RELEASES {
            scope.spawn(move || {
                let machine = Machine::boot_debian(release);
                machine.make_ready();
                machine.password("alice", "secret");
                machine.services(&["sshd", "login", "su"]);
                machine.run(["systemctl", "daemon-reload"]).expect_success();
                let debian = machine.read("/etc/debian_version");
                test(&machine, &format!("Debian {}", debian.trim_end()));
            });
        }
    });
}

/// Has logins and sessions of these services go through pam_jwt.
fn services(machine: &Machine, services: &[&str]) {
    for service in services {
        machine.pam_line(service, SESSION);
        // sshd has it already.
        if *service != "sshd" {
            machine.pam_line(service, "auth sufficient pam_jwt.so");
        }
        let stack = format!("/etc/pam.d/{service}");
        machine.append(&stack, "auth optional pam_jwt.so issue\n");
    }
}

/// Has the sessions of these services end with their tokens. Sessions get tokens as well.
fn end_with_token(machine: &Machine, services: &[&str]) {
    let settings = format!(
        "end_with_token = {services:?}

        [issue]
        issuer = \"{ISSUER}\"
        audience = [\"ssh://elsewhere\"]
        services = [\"sshd\", \"login\"]
        password_services = [\"sshd\", \"login\"]
        accounts = [\"alice\"]\n"
    );
    machine.write("/etc/pam-jwt/pam-jwt.toml", settings, 0o644);
}

/// A token of alice's that lives so many seconds.
fn token(machine: &Machine, seconds: u32) -> String {
    machine.token(["alice", "--lifetime", &format!("{seconds}s")])
}

/// The `exp` of the token that a line of the log is about.
fn expires(line: &LogLine) -> u64 {
    let (_, rest) = line.message.split_once(" exp=").expect("exp");
    let digits = rest.split(' ').next().expect("a word");
    digits.parse().expect("a number")
}

/// Seconds since the epoch, as the module and the tokens count them.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.expect("a clock").as_secs()
}

/// What is logged when a token opens an account.
const ACCEPTED: &str = "result=accepted reason=allowed account=";

/// A login as alice at `login`, with whatever is right.
fn at_login(machine: &Machine, secret: &str) -> Terminal {
    let login = machine.command(["login", "alice"]);
    let mut login = login.uncontrolled_terminal();
    login.expect("Password or token: ").send_line(secret);
    login
}

/// What a command of root's prints, whether it succeeds or not.
fn says(machine: &Machine, command: &str) -> String {
    let output = machine.run(["sh", "-c", command]);
    output.stdout.trim_end().to_owned()
}
