//! A record that is not for the session that begins, or that none can be: it is refused, and
//! the log says why.

use super::handoff::{VARIABLE, record, told};
use super::{HANDOFF, RUN, SESSIONS, Steps, files, machine_with, sh};
use machine::Machine;

/// A session that begins after `change` is refused, with these words in the log, and
/// nothing is left of it.
#[track_caller]
fn mismatched(machine: &Machine, token: &str, change: impl FnOnce(&mut Steps), words: &str) {
    let mut steps = told(machine, token);
    change(&mut steps);
    let mark = machine.mark();
    // It says so already, and that the login is not by token; what it returns is not heeded.
    steps.step("setcred");
    let line = machine.wait_for_log(mark, "result=refused reason=handoff_unusable ");
    assert!(line.message.contains(words), "{words}: {}", line.message);
    let mark = machine.mark();
    steps.returns("open_session", "PAM_PERM_DENIED");
    let line = machine.wait_for_log(mark, "result=refused reason=handoff_unusable ");
    assert!(line.message.contains(words), "{words}: {}", line.message);
    assert_eq!(steps.variable(VARIABLE), None);
    assert_eq!(steps.variable("BEARER_TOKEN_FILE"), None);
    assert_eq!(files(machine, SESSIONS), [""; 0]);
    // It stays refused.
    steps.returns("open_session", "PAM_PERM_DENIED");
}

/// So is one whose record is whole, and for another session; the record is gone all the same.
#[track_caller]
fn misfits(machine: &Machine, token: &str, change: impl FnOnce(&mut Steps), words: &str) {
    let mut path = String::new();
    let change = |steps: &mut Steps| {
        change(steps);
        path = format!("{HANDOFF}/{}", steps.variable(VARIABLE).expect("a name"));
        assert!(files(machine, HANDOFF).contains(&path));
    };
    mismatched(machine, token, change, words);
    assert!(!files(machine, HANDOFF).contains(&path), "{words}");
}

/// Has the record on the disk say something else.
fn edit(machine: &Machine, steps: &mut Steps, script: &str) {
    let name = steps.variable(VARIABLE).expect("the variable");
    sh(machine, &format!("sed -i '{script}' {HANDOFF}/{name}"));
}

#[test]
fn account_uid_and_service_of_the_record_are_the_sessions_own_or_it_is_refused() {
    let machine = machine_with("");
    let token = machine.token(["alice"]);
    let bobs = machine.token(["bob"]);
    let other = |child: String| {
        let mut other = Steps::of(&machine, "sshd", "alice");
        other.succeeds(&child);
        other
    };
    // Real records, of another account and another service, by a child of the same process.
    misfits(
        &machine,
        &token,
        |steps| *steps = other(format!("child sshd bob {bobs}")),
        "it is another account's",
    );
    misfits(
        &machine,
        &token,
        |steps| *steps = other(format!("child su alice {token}")),
        "it is another service's",
    );
    misfits(
        &machine,
        &token,
        |_| {
            drop(sh(
                &machine,
                "sed -i 's/^alice:x:[0-9]*:/alice:x:4000:/' /etc/passwd",
            ))
        },
        "it is another uid's",
    );
}

#[test]
fn a_recorded_process_is_the_sessions_own_or_it_is_refused() {
    let machine = machine_with("");
    let token = machine.token(["alice"]);
    // One login's live name in another's variable.
    misfits(
        &machine,
        &token,
        |steps| {
            let mut other = told(&machine, &token);
            let name = other.variable(VARIABLE).expect("the variable");
            steps.succeeds(&format!("putenv {VARIABLE}={name}"));
        },
        "it is another process's",
    );
    // The same number, and another beginning: pids come again.
    for script in ["s/\"pstart\":/&1/", "s/\"ppid\":[0-9]*/\"ppid\":1/"] {
        misfits(
            &machine,
            &token,
            |steps| edit(&machine, steps, script),
            "it is another process's",
        );
    }
}

#[test]
fn the_record_is_younger_than_ten_minutes_and_of_this_boot_or_it_is_refused() {
    let machine = machine_with("");
    let token = machine.token(["alice"]);
    let uptime = |by: i64| {
        let machine = &machine;
        move |steps: &mut Steps| {
            let (_, record) = record(machine, steps);
            let uptime = record["uptime"].as_i64().expect("seconds") + by;
            edit(
                machine,
                steps,
                &format!("s/\"uptime\":[0-9]*/\"uptime\":{uptime}/"),
            );
        }
    };
    misfits(&machine, &token, uptime(-601), "it is too old");
    misfits(&machine, &token, uptime(10), "it is too old");
    misfits(
        &machine,
        &token,
        |steps| edit(&machine, steps, "s/\"boot\":\"./\"boot\":\"x/"),
        "it is of another boot",
    );
    // Some of the ten minutes may pass.
    let mut steps = told(&machine, &token);
    uptime(-540)(&mut steps);
    steps.succeeds("setcred").succeeds("open_session");
}

#[test]
fn the_name_is_validated_and_what_it_names_is_opened_without_following_a_link() {
    let machine = machine_with("");
    let token = machine.token(["alice"]);
    sh(&machine, "cp /etc/passwd /root/kept; chmod 600 /root/kept");
    let put = |name: &str| {
        let name = format!("putenv {VARIABLE}={name}");
        move |steps: &mut Steps| {
            steps.succeeds(&name);
        }
    };
    for name in [
        "",
        "0",
        "../../../root/kept",
        "/root/kept",
        ".",
        "..",
        "*",
        "0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0",
        "0123456789ABCDEF0123456789ABCDEF",
        "0123456789abcdef0123456789abcde/",
        "0123456789abcdef0123456789abcde ",
    ] {
        mismatched(&machine, &token, put(name), "its name is none");
    }
    // The name of the record, in another way than it is written.
    for (from, to) in [("^", "./"), ("^", "../handoff/"), ("$", "/")] {
        let written = |steps: &mut Steps| {
            let name = steps.variable(VARIABLE).expect("the variable");
            let name = if from == "^" {
                format!("{to}{name}")
            } else {
                format!("{name}{to}")
            };
            steps.succeeds(&format!("putenv {VARIABLE}={name}"));
        };
        mismatched(&machine, &token, written, "its name is none");
    }
    let guessed = "0123456789abcdef0123456789abcdef";
    mismatched(&machine, &token, put(guessed), "does not exist");
    let instead = |script: &'static str| {
        let machine = &machine;
        move |steps: &mut Steps| {
            let name = steps.variable(VARIABLE).expect("the variable");
            sh(machine, &format!("cd {HANDOFF}; N={name}; {script}"));
        }
    };
    for (script, words) in [
        ("mv $N /root/moved; ln -s /root/moved $N", "symbolic link"),
        ("rm $N; ln -s /root/kept $N", "symbolic link"),
        ("rm $N; mkdir $N", "is not a regular file"),
        ("rm $N; mkfifo $N", "is not a regular file"),
        ("chown alice $N", "belongs to uid"),
        ("chmod 666 $N", "others than root can write"),
        (": >$N", "it is not whole"),
        ("truncate -s 100 $N", "it is not whole"),
        ("rm $N", "does not exist"),
    ] {
        mismatched(&machine, &token, instead(script), words);
        sh(&machine, &format!("rm -rf {HANDOFF}/*"));
    }
    let linked = instead("cd ..; mv handoff h; ln -s h handoff");
    mismatched(&machine, &token, linked, "symbolic link");
    sh(&machine, &format!("cd {RUN}; rm handoff; rm -r h"));
    let gone = instead("rm -r ../handoff");
    mismatched(&machine, &token, gone, "no login has written any");
    assert_eq!(machine.read("/root/kept"), machine.read("/etc/passwd"));
}

#[test]
fn a_record_serves_once() {
    let machine = machine_with("");
    let token = machine.token(["alice"]);
    let mut steps = told(&machine, &token);
    let name = steps.variable(VARIABLE).expect("the variable");
    steps
        .succeeds("setcred")
        .succeeds("open_session")
        .succeeds("close_session");
    // An old name in a later login.
    mismatched(
        &machine,
        &token,
        |steps| {
            steps.succeeds(&format!("putenv {VARIABLE}={name}"));
        },
        "does not exist",
    );
}

/// Taking the variable away is no way to a session of which nothing is known.
#[test]
fn a_record_that_nothing_names_any_more_refuses_the_session() {
    let machine = machine_with("");
    let token = machine.token(["alice"]);
    mismatched(
        &machine,
        &token,
        |steps| {
            steps.succeeds(&format!("putenv {VARIABLE}"));
        },
        "PAM_JWT_HANDOFF, which named its record, is gone",
    );
}

#[test]
fn a_record_that_nothing_names_is_no_hindrance_to_other_accounts_and_services() {
    for (service, account) in [("sshd", "bob"), ("su", "alice")] {
        let machine = machine_with("");
        let token = machine.token(["alice"]);
        let mut steps = Steps::of(&machine, service, account);
        steps.succeeds(&format!("child sshd alice {token}"));
        let kept = files(&machine, HANDOFF);
        steps.succeeds(&format!("putenv {VARIABLE}"));
        steps.succeeds("setcred").succeeds("open_session");
        assert_eq!((files(&machine, HANDOFF), kept.len()), (kept, 1));
    }
}
