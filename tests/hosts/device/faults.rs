//! A helper that is not as it should be: the login is refused, and others go on.

use crate::side_by_side;
use crate::world::{PROGRAM, World};
use machine::Machine;

const HOST: &str = env!("CARGO_BIN_EXE_pam-host");

/// The stack of the host programs here.
pub const ALONE: &str = "/etc/pam.alone";

/// A machine where `su` is pam_jwt alone.
pub fn alone() -> World {
    let world = World::new();
    let file = format!("{ALONE}/su");
    world
        .machine
        .write(&file, "auth required pam_jwt.so\n", 0o644);
    world
}

/// What the host program of a login as alice says, who answers so.
fn login(machine: &Machine, answer: &str) -> String {
    let host = machine.command([HOST, "su", "alice", ALONE]);
    host.stdin(format!("{answer}\n"))
        .run()
        .expect_success()
        .stdout
}

/// The login is refused for this reason, and the next one by a token is not.
fn expect_refused(world: &World, what: &str, detail: &str) {
    let machine = &world.machine;
    let mark = machine.mark();
    let seen = login(machine, "");
    assert!(
        seen.contains("authenticate PAM_AUTH_ERR") && seen.contains("is not possible now"),
        "{what}: {seen}"
    );
    let line = machine.wait_for_log(mark, "reason=device_failed account=alice service=su");
    assert!(line.message.contains(detail), "{what}: {line}");
    let seen = login(machine, &world.token("alice"));
    assert!(seen.contains("authenticate PAM_SUCCESS"), "{what}: {seen}");
    world.expect_no_helper();
}

pub fn fetch_program(world: &World, path: &str) {
    let text = format!("fetch_program = \"{path}\"\n");
    world
        .machine
        .write("/etc/pam-jwt/pam-jwt.toml", text, 0o644);
}

#[test]
fn a_faulty_helper_refuses_its_login_and_no_other() {
    side_by_side(&[
        a_helper_that_is_not_to_be_trusted_is_not_started,
        a_helper_that_does_not_answer_refuses_its_login_and_no_other,
        nor_one_that_does_not_answer_behind_its_code,
    ]);
}

/// What an earlier module asked for is no answer to our prompt, so nothing begins with it.
#[test]
fn nothing_begins_with_what_an_earlier_module_asked_for() {
    let world = alone();
    let machine = &world.machine;
    let file = format!("{ALONE}/su");
    for argument in ["", "use_first_pass"] {
        let stack =
            format!("auth optional pam_unix.so\nauth required pam_jwt.so debug {argument}\n");
        machine.write(&file, stack, 0o644);
        let mark = machine.mark();
        let seen = login(machine, "");
        assert!(seen.contains("authenticate PAM_AUTH_ERR"), "{seen}");
        machine.wait_for_log(mark, "reason=not_a_token account=alice service=su");
    }
    // Where none did, use_first_pass asks for nothing.
    let stack = "auth required pam_jwt.so use_first_pass\n";
    machine.write(&file, stack, 0o644);
    let mark = machine.mark();
    let seen = login(machine, "");
    assert!(!seen.contains("Password or token"), "{seen}");
    machine.wait_for_log(mark, "reason=no_answer account=alice service=su");
    assert_eq!(world.issuer.count("/device"), 0);
}

fn a_helper_that_is_not_to_be_trusted_is_not_started() {
    let world = alone();
    let copy = "/usr/local/sbin/pam-jwt-fetch";
    for (script, detail) in [
        ("rm -f $0", "does not exist"),
        ("cp $1 $0; chown bob $0", "run: chown root"),
        ("chown root $0; chmod 775 $0", "run: chmod go-w"),
        ("chmod 644 $0", "could not be started: execve"),
        ("ln -sf $1 $0", "is a symbolic link"),
        ("rm $0; mkdir $0", "is not a regular file"),
    ] {
        let script = format!("set -e; {script}");
        let script = world.machine.run(["sh", "-c", &script, copy, PROGRAM]);
        let _ = script.expect_success();
        fetch_program(&world, copy);
        expect_refused(&world, detail, detail);
    }
    fetch_program(&world, PROGRAM);
    for (script, detail) in [
        ("chown root $0", "run: chown pam-jwt-fetch:"),
        ("chown pam-jwt-fetch:root $0", "run: chown pam-jwt-fetch:"),
        ("rm -r $0", "does not exist"),
    ] {
        let dir = "/var/lib/pam-jwt/fetched";
        let script = world.machine.run(["sh", "-c", script, dir]);
        let _ = script.expect_success();
        expect_refused(&world, detail, detail);
    }
    assert_eq!(world.issuer.count("/device"), 0);
}

/// What a stand-in does, and what is logged.
const STAND_INS: [(&str, &str); 14] = [
    ("exit 0", "it ended with status 0"),
    ("exit 3", "it ended with status 3"),
    ("kill -KILL $$", "it was ended by SIGKILL"),
    ("kill -ABRT $$", "it was ended by SIGABRT"),
    ("exec >&-; exec sleep 1000", "it was ended by SIGKILL"),
    ("echo hello", "it answers what is no answer"),
    ("echo", "it answers what is no answer"),
    ("head -c 1000000 /dev/zero", "its answer is too long"),
    ("head -c 100 /dev/zero", "it ended with status 0"),
    (
        r#"echo '{"answer":"refreshed"}'"#,
        "answers what was not asked",
    ),
    (
        r#"echo '{"answer":"token","token":"eyJ"}'"#,
        "answers what was not asked",
    ),
    (
        r#"printf '{"answer":"refreshed"}\n{"answer":"refreshed"}\n'"#,
        "it says more than it was asked",
    ),
    (
        r#"echo '{"answer":"failed","why":"it is\u0000 so"}'"#,
        r"it is\x00 so",
    ),
    ("exec sleep 1000", "it does not answer in time"),
];

fn a_helper_that_does_not_answer_refuses_its_login_and_no_other() {
    let world = alone();
    let path = "/usr/local/sbin/stand-in";
    fetch_program(&world, path);
    for (script, detail) in STAND_INS {
        let text = format!("#!/bin/sh\n{script}\n");
        world.machine.write(path, text, 0o755);
        expect_refused(&world, script, detail);
    }
}

/// What a stand-in says behind its code.
const SECOND: [(&str, &str); 5] = [
    ("echo x", "it answers what is no answer"),
    ("cat $0.code", "answers what was not asked"),
    ("exit 5", "it ended with status 5"),
    ("kill -KILL $$", "it was ended by SIGKILL"),
    (
        r#"printf '{"answer":"token","token":"eyJ"}\n\n'"#,
        "it says more than it was asked",
    ),
];

fn nor_one_that_does_not_answer_behind_its_code() {
    let world = alone();
    let path = "/usr/local/sbin/stand-in";
    fetch_program(&world, path);
    let code = r#"{"answer":"code","user_code":"A","verification_uri":"https://a/",
        "expires_in":0,"qr":[]}"#;
    world.machine.write(
        &format!("{path}.code"),
        code.replace('\n', "") + "\n",
        0o644,
    );
    for (script, detail) in SECOND {
        let text = format!("#!/bin/sh\ncat $0.code\n{script}\n");
        world.machine.write(path, text, 0o755);
        expect_refused(&world, script, detail);
    }
}
