//! The released module in one host process: ten thousand logins under valgrind, and
//! a panic that is forced from outside, since the release has no hook for one.

use machine::{Command, Machine, in_pieces};
use std::collections::BTreeMap;
use std::process;
use std::time::Duration;

const HOST: &str = env!("CARGO_BIN_EXE_pam-host");
const LOGINS: usize = 10_000;

/// So that a program that hangs ends; a slow machine is no fault.
const LIMIT: Duration = Duration::from_secs(900);

/// A machine with a stack of pam_jwt alone, and a token for alice.
fn host() -> (Machine, String) {
    let machine = Machine::ready();
    machine.write(
        "/etc/pam.alone/sshd",
        "auth required pam_jwt.so\naccount required pam_jwt.so require_token\n",
        0o644,
    );
    let token = machine.token(["alice", "--lifetime", "1d"]);
    (machine, token)
}

fn login<'m>(command: Command<'m>, repeat: usize, secret: &str) -> Command<'m> {
    let repeat = repeat.to_string();
    command
        .args(["--repeat", &repeat, "sshd", "alice", "/etc/pam.alone"])
        .stdin(format!("{secret}\n"))
}

/// The lines `NAME BEFORE AFTER` of pam-host.
fn before_and_after(stdout: &str) -> BTreeMap<&str, (usize, usize)> {
    let fields = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    stdout
        .lines()
        .filter_map(|line| match fields(line).as_slice() {
            [_, before, after] => Some((
                line.split(' ').next()?,
                (before.parse().ok()?, after.parse().ok()?),
            )),
            _ => None,
        })
        .collect()
}

#[test]
fn ten_thousand_logins_leave_nothing_behind() {
    let (machine, token) = host();
    let long = machine.token_of(1600, ["alice", "--lifetime", "1d"]);
    let in_pieces = in_pieces(&long).join("\n");
    for (secret, outcome) in [
        (token.as_str(), "PAM_SUCCESS"),
        (&in_pieces, "PAM_SUCCESS"),
        (&token[..token.len() - 8], "PAM_AUTH_ERR"),
        ("a password", "PAM_AUTH_ERR"),
    ] {
        let output = login(machine.command([HOST]).time_limit(LIMIT), LOGINS, secret)
            .run()
            .expect_success();
        assert!(
            output
                .stdout
                .contains(&format!("{LOGINS} authenticate {outcome}\n")),
            "{output}"
        );
        let seen = before_and_after(&output.stdout);
        let (before, after) = seen["descriptors"];
        assert_eq!(before, after, "descriptors\n{output}");
        let (before, after) = seen["resident_kib"];
        // A leak of 32 bytes a login would be 281 KiB from the first tenth on.
        assert!(after <= before + 128, "memory grew\n{output}");
        println!(
            "{LOGINS} logins, {outcome}: {}",
            output.stdout.replace('\n', ", ")
        );
    }
}

#[test]
fn ten_thousand_logins_are_clean_under_valgrind() {
    let (machine, token) = host();
    let valgrind = machine.command([
        "valgrind",
        "--error-exitcode=99",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect,possible",
        "--track-fds=yes",
        HOST,
    ]);
    let output = login(valgrind.time_limit(LIMIT), LOGINS, &token)
        .run()
        .expect_success();
    assert!(
        output
            .stdout
            .contains(&format!("{LOGINS} authenticate PAM_SUCCESS\n")),
        "{output}"
    );
    assert!(
        output.stderr.contains("ERROR SUMMARY: 0 errors"),
        "{output}"
    );
    println!("{}", output.stderr);
}

#[test]
fn a_panic_in_the_released_module_is_contained() {
    let (machine, token) = host();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/hosts/no_clock.c");
    let library = format!("/tmp/no_clock.{}.so", process::id());
    let _ = machine
        .run(["cc", "-shared", "-fPIC", "-o", &library, source])
        .expect_success();

    let mark = machine.mark();
    let broken = machine.command([HOST]).env("LD_PRELOAD", &library);
    let output = login(broken, 3, &token).run().expect_success();
    // The host lives and gets its answer three times; nothing is printed by the way.
    assert!(
        output.stdout.starts_with("3 authenticate PAM_ABORT\n"),
        "{output}"
    );
    assert_eq!(output.stderr, "");
    let line = machine.wait_for_log(mark, "reason=internal_error");
    assert!(
        line.message
            .starts_with("pam_jwt(sshd:auth): result=refused reason=internal_error at="),
        "{line:?}"
    );
    assert!(!line.message.contains(&token), "{line:?}");

    let output = login(machine.command([HOST]), 1, &token)
        .run()
        .expect_success();
    assert!(
        output.stdout.starts_with("1 authenticate PAM_SUCCESS\n"),
        "{output}"
    );
}
