//! One-time tokens where the disk, the clock or the process fails: whatever happens, none
//! opens two logins, and what cannot be recorded opens none.

use super::{RECORDS, STATE, accepted, is_accepted, login, one_time_machine, refused, sh};
use machine::{Machine, tell};

/// The day in which a token of an hour ends, as the records name it, and its record's path.
fn record_of(machine: &Machine, token: &str) -> [String; 2] {
    let inspect = machine.command(["pam-jwt", "--json", "jws", "inspect"]);
    let inspect = inspect.stdin(token).run().expect_success().stdout;
    let report: serde_json::Value = serde_json::from_str(&inspect).expect("JSON");
    let claims = &report["payload"];
    let text = |name: &str| claims[name].as_str().expect("text").to_owned();
    let day = claims["exp"].as_u64().expect("a time") / 86_400;
    let part = |text: &str| {
        format!(
            "printf '\\0\\0\\0\\0\\0\\0\\0\\{:o}%s' '{text}'",
            text.len()
        )
    };
    let hash = format!(
        "{{ {}; {}; }} | sha256sum",
        part(&text("iss")),
        part(&text("jti"))
    );
    let hash = sh(machine, &hash);
    let hash = hash.split(' ').next().expect("a hash");
    [
        format!("{RECORDS}/{day}"),
        format!("{RECORDS}/{day}/{hash}"),
    ]
}

/// Checklist: A.27
#[test]
fn where_nothing_can_be_written_nothing_is_opened() {
    let machine = one_time_machine();
    let token = machine.token(["alice"]);
    let tmpfs = |options: &str, then: &str| {
        sh(
            &machine,
            &format!(
                "mkdir -p {STATE}; mount -t tmpfs -o mode=755,{options} tmpfs {STATE}; {then}"
            ),
        );
    };
    let unmount = || sh(&machine, &format!("umount {STATE}"));
    let fill = format!("head -c 1M /dev/zero >{STATE}/filler 2>/dev/null || true");
    for (options, then, words) in [
        ("size=16k", &*fill, "No space left on device"),
        ("size=1m,nr_inodes=1", "", "No space left on device"),
        ("size=1m,nr_inodes=2", "", "No space left on device"),
        ("size=1m,nr_inodes=3", "", "No space left on device"),
        ("size=1m,ro", "", "Read-only file system"),
    ] {
        tmpfs(options, then);
        refused(&machine, &[], &token, "use_unrecorded", words);
        unmount();
    }
    // Read-only with everything there already.
    let [day, _] = record_of(&machine, &token);
    tmpfs(
        "size=1m",
        &format!("mkdir -m 700 -p {RECORDS} {day}; mount -o remount,ro {STATE}"),
    );
    refused(
        &machine,
        &[],
        &token,
        "use_unrecorded",
        "Read-only file system",
    );
    // What could not be recorded was not used, where nothing was made of it.
    unmount();
    accepted(&machine, &token);
    refused(&machine, &[], &token, "already_used", "used ");
}

/// Checklist: A.27
#[test]
fn what_stands_in_the_place_of_records_opens_nothing() {
    let machine = one_time_machine();
    for (make, reason, words) in [
        (
            "mkdir -p DAY; mkdir RECORD",
            "already_used",
            "not written down",
        ),
        (
            "mkdir -p DAY; ln -s /etc/passwd RECORD",
            "already_used",
            "not written down",
        ),
        (
            "mkdir -p DAY; mkfifo RECORD",
            "already_used",
            "not written down",
        ),
        (
            "mkdir -p RECORDS; touch DAY",
            "use_unrecorded",
            "not a directory",
        ),
        (
            "mkdir -p RECORDS; ln -s /tmp DAY",
            "use_unrecorded",
            "symbolic link",
        ),
        (
            "mkdir -p DAY; chmod 777 DAY",
            "use_unrecorded",
            "chmod go-w",
        ),
        (
            "mkdir -p RECORDS; chown alice RECORDS",
            "use_unrecorded",
            "/used ",
        ),
        ("mkdir -p STATE; touch RECORDS", "use_unrecorded", "/used "),
        (
            "mkdir -p STATE; ln -s /tmp RECORDS",
            "use_unrecorded",
            "symbolic link",
        ),
        ("mkdir -p RECORDS/floor", "use_unrecorded", "floor"),
    ] {
        let token = machine.token(["alice"]);
        let [day, record] = record_of(&machine, &token);
        let make = make
            .replace("DAY", &day)
            .replace("RECORDS", RECORDS)
            .replace("RECORD", &record)
            .replace("STATE", STATE);
        sh(&machine, &format!("rm -rf {STATE}; {make}"));
        refused(&machine, &[], &token, reason, words);
        sh(&machine, &format!("rm -rf {STATE}"));
        accepted(&machine, &token);
    }
}

/// strace makes the kernel fail the n-th call of each kind that touches the records.
///
/// Checklist: A.27
#[test]
fn a_disk_that_fails_at_any_call_opens_nothing_twice() {
    let machine = one_time_machine();
    let mut counts = (0, 0);
    for call in [
        "openat",
        "mkdirat",
        "fchmod",
        "write",
        "fsync",
        "newfstatat",
        "fstat",
        "getdents64",
    ] {
        for number in 1.. {
            let token = machine.token(["alice"]);
            let [day, record] = record_of(&machine, &token);
            sh(&machine, &format!("rm -rf {STATE}"));
            let trace = format!("/tmp/{call}.{number}");
            let inject = format!("inject={call}:error=EIO:when={number}");
            let mut strace = vec!["strace", "-o", &trace, "-e", &inject];
            for path in ["/var/lib", STATE, RECORDS, &day, &record] {
                strace.extend(["-P", path]);
            }
            let mark = machine.mark();
            let output = login(&machine, &strace, &token).expect_success();
            if !machine.read(&trace).contains("(INJECTED)") {
                assert!(is_accepted(&output), "{call}: {output}");
                assert!(
                    number > 1 || call == "fstat" || call == "newfstatat",
                    "{call} is never called"
                );
                break;
            }
            let replay = login(&machine, &[], &token).expect_success();
            if is_accepted(&output) {
                // It failed where all was done and old records are looked for.
                assert!(
                    matches!(call, "openat" | "getdents64" | "newfstatat" | "fstat"),
                    "{call} {number}"
                );
                assert!(!is_accepted(&replay), "{call} {number}");
                counts.0 += 1;
            } else {
                let line = machine.wait_for_log(mark, "result=refused reason=").message;
                // The directory above is walked through to what is revoked, too.
                assert!(
                    line.contains("=use_unrecorded ") || line.contains("=revocations_unreadable "),
                    "{call} {number}: {line}"
                );
                counts.1 += 1;
            }
            accepted(&machine, &machine.token(["alice"]));
        }
    }
    tell(&format!(
        "EIO at each call: {} refused, {} accepted after the record was safe",
        counts.1, counts.0
    ));
    assert!(counts.1 > 10);
}

/// strace kills the host program at the n-th of these calls, wherever that is.
///
/// Checklist: A.27
#[test]
fn a_host_that_is_killed_at_any_call_leaves_a_token_that_opens_one_login_at_most() {
    let machine = one_time_machine();
    let (mut unused, mut used) = (0, 0);
    // strace counts the calls of each kind by themselves.
    for call in [
        "mkdirat",
        "openat",
        "fchmod",
        "write",
        "fsync",
        "getdents64",
    ] {
        for number in 1.. {
            let token = machine.token(["alice"]);
            sh(&machine, &format!("rm -rf {STATE}"));
            let inject = format!("inject={call}:signal=SIGKILL:when={number}");
            let trace = format!("trace={call}");
            let strace = ["strace", "-o", "/tmp/trace", "-e", &trace, "-e", &inject];
            let output = login(&machine, &strace, &token);
            if is_accepted(&output) {
                assert!(number > 1, "{call} is never called");
                break;
            }
            assert_eq!(output.code(), None, "{output}");
            let again = login(&machine, &[], &token).expect_success();
            if is_accepted(&again) {
                unused += 1;
            } else {
                used += 1;
            }
            refused(&machine, &[], &token, "already_used", "used");
            accepted(&machine, &machine.token(["alice"]));
        }
    }
    tell(&format!(
        "SIGKILL at each call: the token was unused {unused} times, used up {used} times"
    ));
    assert!(unused > 10 && used > 10);
}

/// Checklist: A.27
#[test]
fn a_clock_that_runs_ahead_and_is_set_back_opens_nothing_twice() {
    let machine = one_time_machine();
    let at = |time: &str| machine.set_clock(time);
    at("2040-01-01 12:00:00");
    let first = machine.token(["alice"]);
    accepted(&machine, &first);
    refused(&machine, &[], &first, "already_used", "from 127.0.0.1");
    // By less than a day and five minutes beyond the end of its day: nothing is dropped.
    at("2040-01-03 00:04:59");
    accepted(&machine, &machine.token(["alice"]));
    at("2040-01-01 12:00:00");
    refused(&machine, &[], &first, "already_used", "from 127.0.0.1");
    // By more: its day is dropped, and nothing of it opens anything any more.
    at("2040-01-03 00:05:00");
    accepted(&machine, &machine.token(["alice"]));
    at("2040-01-01 12:00:00");
    refused(&machine, &[], &first, "records_dropped", "");
    refused(
        &machine,
        &[],
        &machine.token(["alice"]),
        "records_dropped",
        "",
    );
    // What ends on a day of which nothing was dropped works, and so does all else later.
    at("2040-01-01 23:30:00");
    accepted(&machine, &machine.token(["alice"]));
    at("2040-01-02 12:00:00");
    let later = machine.token(["alice"]);
    accepted(&machine, &later);
    refused(&machine, &[], &later, "already_used", "");
}

/// Checklist: A.27
#[test]
fn among_a_million_records_a_token_is_found_and_another_is_not() {
    let machine = one_time_machine();
    let (used, fresh) = (machine.token(["alice"]), machine.token(["alice"]));
    // A million names are more than the machine's own /var holds everywhere.
    sh(
        &machine,
        &format!("mkdir -p {STATE}; mount -t tmpfs -o mode=755,nr_inodes=0 tmpfs {STATE}"),
    );
    accepted(&machine, &used);
    let [day, _] = record_of(&machine, &fresh);
    machine.inside(|| {
        for number in 0..1_000_000 {
            std::fs::File::create(format!("{day}/{number:064x}")).expect("a record");
        }
    });
    refused(&machine, &[], &used, "already_used", "from 127.0.0.1");
    accepted(&machine, &fresh);
    refused(&machine, &[], &fresh, "already_used", "from 127.0.0.1");
    // When their day is over they are dropped, a part at a time.
    let count = || {
        sh(&machine, &format!("ls -f {day} | wc -l"))
            .parse::<u64>()
            .expect("a number")
    };
    let before = count();
    machine.set_clock("2099-01-01 00:00:00");
    accepted(&machine, &machine.token(["alice"]));
    let dropped = before - count();
    assert!(
        (1..=256).contains(&dropped),
        "{dropped} dropped by one login"
    );
}
