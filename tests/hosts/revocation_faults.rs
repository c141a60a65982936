//! The list of revocations where it is broken, while it is written, and where it is long:
//! what cannot be read refuses, and nothing else is any different.

use machine::{ISSUER, Machine, Output, tell};
use std::collections::BTreeMap;

const STATE: &str = "/var/lib/pam-jwt";
const LIST: &str = "/var/lib/pam-jwt/revoked";
const HOST: &str = env!("CARGO_BIN_EXE_pam-host");

/// A machine with a stack of pam_jwt alone.
fn machine() -> Machine {
    let machine = Machine::ready();
    machine.write("/etc/pam.alone/sshd", "auth required pam_jwt.so\n", 0o644);
    machine
}

fn sh(machine: &Machine, script: &str) -> String {
    let output = machine.run(["sh", "-ec", script]).expect_success();
    output.stdout.trim_end().to_owned()
}

fn login(machine: &Machine, token: &str) -> Output {
    let host = machine.command([HOST, "sshd", "alice", "/etc/pam.alone"]);
    host.stdin(token).run().expect_success()
}

fn accepted(machine: &Machine, token: &str) {
    let output = login(machine, token);
    assert!(
        output.stdout.contains("authenticate PAM_SUCCESS"),
        "{output}"
    );
}

/// The login is refused, the host program ends as it should, and the log says why.
fn refused(machine: &Machine, token: &str, reason: &str, words: &str) {
    let mark = machine.mark();
    let output = login(machine, token);
    assert!(
        output.stdout.contains("authenticate PAM_AUTH_ERR"),
        "{output}"
    );
    let line = machine.wait_for_log(mark, &format!("result=refused reason={reason} "));
    assert!(line.message.contains(words), "{words}: {}", line.message);
}

#[test]
fn what_cannot_be_read_refuses_and_is_found_by_check() {
    let machine = machine();
    let token = machine.token(["alice"]);
    let _ = machine
        .run(["pam-jwt", "revoke", "--sub", "alice"])
        .expect_success();
    let entry = sh(&machine, &format!("ls {LIST}/sub-*"));
    let strange = "does not name what its file name says; take it away";
    for (fault, words, at_list) in [
        (
            "chmod o+w LIST",
            "run: chmod go-w /var/lib/pam-jwt/revoked",
            true,
        ),
        ("chmod g+w STATE", "run: chmod go-w /var/lib/pam-jwt", true),
        (
            "chown alice LIST",
            "is a directory that others than root own",
            true,
        ),
        (
            "mv LIST STATE/else; ln -s else LIST",
            "is a symbolic link",
            true,
        ),
        ("rm -r LIST; touch LIST", "is not a directory", true),
        ("rm -r LIST; mkfifo LIST", "is not a directory", true),
        (
            "chmod g+w ENTRY",
            "run: chmod go-w /var/lib/pam-jwt/revoked/sub-",
            false,
        ),
        ("chown alice ENTRY", "not to root; run: chown root", false),
        (
            "mv ENTRY /root/e; ln -s /root/e ENTRY",
            "is a symbolic link",
            false,
        ),
        ("rm ENTRY; mkdir ENTRY", "is not a regular file", false),
        ("rm ENTRY; mkfifo ENTRY", "is not a regular file", false),
        (": > ENTRY", "is not JSON", false),
        ("truncate -s 40 ENTRY", "is not JSON", false),
        (
            "head -c 2M /dev/zero > ENTRY",
            "is longer than 1024 KiB",
            false,
        ),
        ("echo '{}' > ENTRY", "is no entry", false),
        ("sed -i 's/alice/bob/' ENTRY", strange, false),
        ("sed -i 's/login/other/' ENTRY", strange, false),
        (
            "sed -i 's/}/,\"only\":\"ssh\"}/' ENTRY",
            "is no entry, by its member",
            false,
        ),
    ] {
        let fault = fault
            .replace("ENTRY", &entry)
            .replace("LIST", LIST)
            .replace("STATE", STATE);
        let keep = format!("cp -a {STATE} /root/state");
        let _ = sh(&machine, &format!("{keep}; {fault}"));
        refused(&machine, &token, "revocations_unreadable", STATE);
        let verify = ["pam-jwt", "verify", "--user", "alice", "--service", "sshd"];
        let verified = machine.command(verify).stdin(&*token).run().expect_code(1);
        assert!(
            verified.stdout.contains("REFUSED: revocations_unreadable"),
            "{fault}"
        );
        assert!(verified.stdout.contains(words), "{words}: {verified}");
        let check = machine.run(["pam-jwt", "check"]).expect_code(1);
        assert_eq!(check.stdout.matches("error: ").count(), 1, "{check}");
        assert!(check.stdout.contains(words), "{words}: {check}");
        // Nothing is written over it, and the list says what is wrong with it.
        for undo in [&[][..], &["--undo"]] {
            let revoke = machine
                .command(["pam-jwt", "revoke", "--sub", "alice"])
                .args(undo);
            let output = revoke.run().expect_code(2);
            assert!(output.stderr.contains(words), "{words}: {output}");
        }
        let list = machine.run(["pam-jwt", "revocations"]);
        let list = list.expect_code(if at_list { 2 } else { 1 });
        assert!(list.stderr.contains(words), "{words}: {list}");
        // An entry is about its own tokens alone.
        if !at_list {
            let bob = "echo 'bob:x:1500:1500::/:/bin/sh' >> /etc/passwd";
            let _ = sh(&machine, &format!("grep -q ^bob: /etc/passwd || {bob}"));
            let bobs = machine.token(["bob"]);
            let host = machine
                .command([HOST, "sshd", "bob", "/etc/pam.alone"])
                .stdin(bobs);
            let output = host.run().expect_success();
            assert!(
                output.stdout.contains("authenticate PAM_SUCCESS"),
                "{fault}: {output}"
            );
        }
        let _ = sh(&machine, &format!("rm -rf {STATE}; mv /root/state {STATE}"));
        refused(&machine, &token, "revoked", "sub ");
    }
    let _ = machine.run(["pam-jwt", "check"]).expect_success();
    let _ = sh(&machine, &format!("rm -r {STATE}"));
    accepted(&machine, &token);
}

#[test]
fn where_nothing_can_be_written_nothing_is_said_to_be_revoked() {
    let machine = machine();
    let token = machine.token(["alice"]);
    let revoke = || machine.run(["pam-jwt", "revoke", "--sub", "alice"]);
    for (options, then, words) in [
        (
            "size=16k",
            "head -c 1M /dev/zero >LIST/.filler 2>/dev/null || true",
            "No space left",
        ),
        ("size=1m,nr_inodes=2", "", "No space left"),
        ("size=1m,nr_inodes=3", "", "No space left"),
        (
            "size=1m",
            "mount -o remount,ro STATE",
            "Read-only file system",
        ),
    ] {
        let mount = format!(
            "mkdir -p {STATE}; mount -t tmpfs -o mode=755,{options} tmpfs {STATE}; \
             mkdir -m 755 {LIST}; {}",
            then.replace("LIST", LIST).replace("STATE", STATE)
        );
        let _ = sh(&machine, &mount);
        let failed = revoke().expect_code(2);
        assert!(failed.stderr.contains(words), "{options}: {failed}");
        assert_eq!(failed.stdout, "");
        accepted(&machine, &token);
        // To list is still possible; what could not be taken away is told.
        let list = machine.run(["pam-jwt", "revocations"]);
        assert_eq!(list.stdout, "nothing is revoked\n", "{list}");
        let _ = sh(&machine, &format!("umount {STATE}"));
    }
    let _ = revoke().expect_success();
    refused(&machine, &token, "revoked", "sub ");
}

/// strace kills the command at the n-th of these calls that touch the list, or has it fail.
#[test]
fn a_command_that_is_interrupted_anywhere_leaves_an_entry_or_none() {
    let machine = machine();
    let token = machine.token(["alice"]);
    let mut counts = BTreeMap::new();
    for args in [&["--sub", "alice"][..], &["--undo", "--sub", "alice"]] {
        let is_undo = args[0] == "--undo";
        for call in [
            "mkdirat", "openat", "flock", "write", "fchmod", "fsync", "renameat", "unlinkat",
        ] {
            for how in ["signal=SIGKILL", "error=EIO"] {
                for number in 1.. {
                    let _ = sh(&machine, &format!("rm -rf {STATE}"));
                    if is_undo {
                        let revoke = ["pam-jwt", "revoke", "--sub", "alice"];
                        let _ = machine.run(revoke).expect_success();
                    }
                    let inject = format!("inject={call}:{how}:when={number}");
                    let strace = ["strace", "-f", "-o", "/tmp/trace", "-e", &inject];
                    let paths = ["-P", "/var/lib", "-P", STATE, "-P", LIST];
                    let files = format!("{LIST}/.new");
                    let lock = format!("{LIST}/.lock");
                    let interrupted = machine
                        .command(strace)
                        .args(paths)
                        .args(["-P", &files, "-P", &lock, "pam-jwt", "revoke"])
                        .args(args)
                        .run();
                    let trace = machine.read("/tmp/trace");
                    let is_through = !trace.contains("INJECTED") && !trace.contains("SIGKILL");
                    if is_through {
                        let _ = interrupted.expect_success();
                        break;
                    }
                    // Either the old or the new; a command that says that it was done did it.
                    let output = login(&machine, &token);
                    let is_revoked = !output.stdout.contains("authenticate PAM_SUCCESS");
                    if interrupted.code() == Some(0) {
                        assert_ne!(is_revoked, is_undo, "{call} {how} {number}");
                    }
                    let state = if is_revoked { "revoked" } else { "not revoked" };
                    *counts.entry((args[0], state)).or_insert(0) += 1;
                    let found = machine
                        .log()
                        .into_iter()
                        .rev()
                        .find(|line| line.message.contains("pam_jwt(sshd:auth)"));
                    let reason = if is_revoked {
                        "reason=revoked"
                    } else {
                        "reason=allowed"
                    };
                    let line = found.expect("a line").message;
                    assert!(line.contains(reason), "{call} {how} {number}: {line}");
                    // The next one does what it was to do.
                    let revoke = ["pam-jwt", "revoke", "--sub", "alice"];
                    let _ = machine.run(revoke).expect_success();
                    refused(&machine, &token, "revoked", "sub ");
                }
            }
        }
    }
    tell(&format!(
        "revoke and undo, interrupted at each call: {counts:?}"
    ));
    assert_eq!(counts.len(), 4, "{counts:?}");
}

#[test]
fn while_an_entry_comes_and_goes_a_login_is_accepted_or_refused_as_revoked() {
    let machine = machine();
    let _sshd = machine.sshd(&["MaxStartups 200", "LoginGraceTime 0"]);
    let token = machine.token(["alice"]);
    machine.write("/root/on", "", 0o600);
    let toggle = "while [ -e /root/on ]; do
        pam-jwt revoke --sub alice >/dev/null; pam-jwt revoke --sub alice --because again >/dev/null
        pam-jwt revoke --undo --sub alice >/dev/null; done";
    let mark = machine.mark();
    let logins: Vec<machine::Login> = std::thread::scope(|scope| {
        let toggling = scope.spawn(|| sh(&machine, toggle));
        let login = || machine.ssh("alice").answers([&*token]).command("id -un");
        let threads: Vec<_> = (0..50).map(|_| scope.spawn(login)).collect();
        let logins = threads
            .into_iter()
            .map(|thread| thread.join().expect("a login"));
        let logins = logins.collect();
        let _ = sh(&machine, "rm /root/on");
        toggling.join().expect("the loop");
        logins
    });
    let mut reasons = BTreeMap::new();
    for line in machine.log_since(mark) {
        let reason = line.message.split(" reason=").nth(1);
        if let Some(reason) = reason.and_then(|rest| rest.split(' ').next()) {
            *reasons.entry(reason.to_owned()).or_insert(0) += 1;
        }
    }
    let succeeded = logins
        .iter()
        .filter(|login| login.code() == Some(0))
        .count();
    let of = |reason: &str| reasons.get(reason).copied().unwrap_or(0);
    tell(&format!(
        "50 logins while an entry comes and goes: {reasons:?}"
    ));
    assert_eq!(of("allowed"), succeeded);
    assert_eq!(of("allowed") + of("revoked"), 50, "{reasons:?}");
    // Whatever came before: now it is there, or not.
    let _ = machine
        .run(["pam-jwt", "revoke", "--sub", "alice"])
        .expect_success();
    refused(&machine, &token, "revoked", "sub ");
}

/// Instructions, not time, so that it is the same on any machine.
#[test]
fn what_a_login_costs_does_not_depend_on_how_much_is_revoked() {
    let machine = machine();
    let token = machine.token(["alice"]);
    let cost = |logins: usize| -> u64 {
        let count = [
            "valgrind",
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            HOST,
            "--repeat",
        ];
        let logins = logins.to_string();
        let host = machine
            .command(count)
            .args([&*logins, "sshd", "alice", "/etc/pam.alone"]);
        let output = host.stdin(&*token).run().expect_success();
        assert!(
            output.stdout.contains("authenticate PAM_SUCCESS"),
            "{output}"
        );
        let collected = output.stderr.split("Collected : ").nth(1);
        let count = collected.and_then(|rest| rest.split_whitespace().next());
        count
            .and_then(|count| count.parse().ok())
            .unwrap_or_else(|| panic!("{output}"))
    };
    // Of one login, without what comes once for the process.
    let of_one = || (cost(11) - cost(1)) / 10;
    let mut costs = vec![("no list".to_owned(), of_one())];
    let one = ["pam-jwt", "revoke", "--sub", "nobody"];
    let _ = machine.run(one).expect_success();
    costs.push(("1 entry".to_owned(), of_one()));
    let entry = sh(&machine, &format!("cat {LIST}/sub-*"));
    for count in [1_000, 100_000] {
        machine.inside(|| {
            for number in 0..count {
                let path = format!("{LIST}/jti-{number:064x}");
                std::fs::write(path, &entry).expect("an entry");
            }
        });
        costs.push((format!("{count} entries"), of_one()));
    }
    tell(&format!("instructions of a login: {costs:?}"));
    // To look for four names in a directory takes something, how many others are there nothing.
    let [none, one, .., many] = &*costs else {
        panic!("{costs:?}")
    };
    assert!(many.1 < one.1 + one.1 / 100, "{costs:?}");
    assert!(many.1 < none.1 + none.1 / 10, "{costs:?}");
    // None of them is one, and that is told; what is one is still found.
    let list = machine.run(["pam-jwt", "revocations"]).expect_code(1);
    assert_eq!(list.stderr.lines().count(), 100_000);
    accepted(&machine, &token);
    let _ = machine
        .run(["pam-jwt", "revoke", "--issuer", ISSUER, "--sub", "alice"])
        .expect_success();
    refused(&machine, &token, "revoked", "sub ");
}
