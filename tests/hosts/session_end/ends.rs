//! What ends with its token.

use std::time::SystemTime;

use machine::{Machine, tell};

use crate::open::Open;
use crate::{
    ACCEPTED, at_login, end_with_token, expires, in_each_release, now, says, services, token,
};

/// Seconds that the tokens live.
const LIFETIME: u32 = 20;

/// How a session begins.
const WAYS: [&str; 4] = [
    "sshd, keyboard-interactive",
    "sshd, password",
    "sshd, no shell",
    "login",
];

fn ends(machine: &Machine, debian: &str) {
    services(machine, &["sshd", "login"]);
    end_with_token(machine, &["sshd", "login"]);
    let _sshd = machine.sshd(&[]);
    let open = WAYS.map(|way| {
        let mark = machine.mark();
        let since = SystemTime::now();
        let token = token(machine, LIFETIME);
        let ssh = machine.ssh("alice").answers([token.as_str()]);
        let mut terminal = match way {
            "sshd, keyboard-interactive" => ssh.kbdint().terminal(),
            "sshd, password" => ssh.password().terminal(),
            "sshd, no shell" => ssh.option("SessionType=none").terminal(),
            _ => at_login(machine, &token),
        };
        let expires = expires(&machine.wait_for_log(mark, ACCEPTED));
        if way == "sshd, no shell" {
            machine.wait_for_log(mark, "session opened for user alice");
            return (way, since, expires, Err(terminal));
        }
        // In a login shell either sshd shows it.
        terminal.expect("This session ends in ");
        terminal.expect(" s, with the token that opened it.");
        let open = Open::at(machine, terminal);
        let limit = open.limit();
        let seconds = limit.strip_suffix('s').and_then(|text| text.parse().ok());
        assert!(
            seconds.is_some_and(|seconds| (1..=LIFETIME).contains(&seconds)),
            "{way}: {limit}"
        );
        assert_eq!(open.ends(), expires);
        (way, since, expires, Ok(open))
    });
    for (way, since, expires, open) in open {
        let seconds = match open {
            Ok(open) => {
                let seconds = open.ended(since, expires);
                if way == "login" {
                    // SIGTERM ends shadow's before it closes the session: then the next login
                    // takes the token away, which is as expired as the one that opened it.
                    let ssh = machine.ssh("alice").answers(["secret"]);
                    assert_eq!(ssh.command("true").code(), Some(0));
                }
                open.leaves_nothing();
                seconds
            }
            Err(ssh) => {
                ssh.wait().expect_code(255);
                assert!(now() >= expires, "before {expires}");
                since.elapsed().expect("a clock").as_secs_f64()
            }
        };
        tell(&format!(
            "{debian}: a session ({way}) was gone {seconds:.1} s after its token of {LIFETIME} s was made"
        ));
    }
    // A session that ended is nothing that failed.
    assert_eq!(says(machine, "systemctl is-system-running"), "running");
}

#[test]
fn a_session_ends_with_the_token_that_opened_it() {
    in_each_release(ends);
}
