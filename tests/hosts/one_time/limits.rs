//! One-time tokens where the host program is held short, where old records are being
//! dropped as it fails, and where the power goes.

use super::{RECORDS, STATE, accepted, is_accepted, login, one_time_machine, refused, sh};
use machine::{Machine, tell};

/// A day of three records that is due to be dropped.
const OLD_DAY: &str = "mkdir -p -m 755 STATE; mkdir -p -m 700 RECORDS; mkdir -m 700 RECORDS/20000; \
    touch RECORDS/20000/1 RECORDS/20000/2 RECORDS/20000/3";

/// How many records of the old day there are, and the floor.
fn old_day(machine: &Machine) -> (u64, u64) {
    let records = sh(machine, "ls RECORDS/20000 2>/dev/null | wc -l");
    let floor = sh(machine, "stat -c %s RECORDS/floor 2>/dev/null || echo 0");
    let number = |text: String| text.parse().expect("a number");
    (number(records), number(floor))
}

/// Whoever starts su or sudo chooses the limits that it runs under. Beyond the one on the
/// size of files the kernel kills (SIGXFSZ).
#[test]
fn a_limit_on_the_size_of_files_refuses_and_kills_nobody() {
    let machine = one_time_machine();
    for limit in [0, 20, 511, 512, 20_000, 20_001] {
        sh(&machine, &format!("rm -rf STATE; {OLD_DAY}"));
        let token = machine.token(["alice"]);
        let limit_option = format!("--fsize={limit}");
        let before = ["prlimit", &limit_option];
        if limit < 512 {
            refused(&machine, &before, &token, "use_unrecorded", "(ulimit -f)");
            accepted(&machine, &token);
        } else {
            let output = login(&machine, &before, &token).expect_success();
            assert!(is_accepted(&output), "{limit}: {output}");
            let left = old_day(&machine);
            let expected = if limit < 20_001 { (3, 0) } else { (0, 20_001) };
            assert_eq!(left, expected, "{limit}");
        }
        refused(&machine, &[], &token, "already_used", "");
    }

    machine.account("bob");
    machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);
    machine.services(&["sudo", "su"]);
    // A su that fails writes to it, and is killed for that under any stack.
    sh(&machine, "rm -f /var/log/btmp");
    for (service, account, command) in [
        ("su", "bob", "su alice -c 'id -un'"),
        ("sudo", "alice", "sudo -k -S id -un"),
    ] {
        machine.pam_line(service, "auth sufficient pam_jwt.so");
        let answer = format!("{}\n", machine.token(["alice"]));
        let run = |script: &str| {
            let command = machine.command(["sh", "-c", script]).user(account);
            command.stdin(&*answer).run()
        };
        let mark = machine.mark();
        run(&format!("ulimit -f 0; {command}")).expect_code(1);
        machine.wait_for_log(
            mark,
            &format!("pam_jwt({service}:auth): result=refused reason=use_unrecorded"),
        );
        run(command).expect_success();
    }
}

#[test]
fn whatever_the_umask_is_the_records_are_roots_alone() {
    let machine = one_time_machine();
    for umask in ["000", "077", "777"] {
        sh(&machine, "rm -rf STATE");
        let token = machine.token(["alice"]);
        let script = format!("umask {umask}; exec \"$@\"");
        let before = ["sh", "-c", &script, "sh"];
        assert!(is_accepted(&login(&machine, &before, &token)), "{umask}");
        let modes = sh(&machine, "stat -c %a STATE RECORDS");
        assert_eq!(modes, "755\n700", "{umask}");
        assert_eq!(sh(&machine, "find RECORDS -perm /077"), "", "{umask}");
        refused(&machine, &[], &token, "already_used", "");
    }
}

/// Nothing is dropped before the floor is above it, whatever call fails or is the last.
///
/// Checklist: A.27
#[test]
fn a_drop_that_fails_or_ends_at_any_call_has_raised_the_floor_first() {
    let machine = one_time_machine();
    let old = format!("{RECORDS}/20000");
    let floor = format!("{RECORDS}/floor");
    let mut counts = (0, 0);
    for fault in ["error=EIO", "signal=SIGKILL"] {
        for call in ["openat", "pwrite64", "fsync", "getdents64", "unlinkat"] {
            for number in 1.. {
                sh(&machine, &format!("rm -rf STATE; {OLD_DAY}"));
                let token = machine.token(["alice"]);
                let trace = format!("/tmp/{call}.{number}");
                let inject = format!("inject={call}:{fault}:when={number}");
                let mut strace = vec!["strace", "-o", &trace, "-e", &inject];
                for path in [RECORDS, &old, &floor] {
                    strace.extend(["-P", path]);
                }
                let output = login(&machine, &strace, &token);
                let (records, floor) = old_day(&machine);
                assert!(
                    records == 3 || floor == 20_001,
                    "{call} {fault} {number}: {records}, {floor}"
                );
                if records == 3 {
                    counts.0 += 1;
                } else {
                    counts.1 += 1;
                }
                let text = machine.read(&trace);
                // The next one goes on where this one ended.
                accepted(&machine, &machine.token(["alice"]));
                assert_eq!(old_day(&machine), (0, 20_001), "{call} {fault} {number}");
                if !text.contains("INJECTED") && !text.contains("killed by SIGKILL") {
                    assert!(is_accepted(&output), "{call} {fault}: {output}");
                    assert!(number > 1, "{call} is never called");
                    break;
                }
            }
        }
    }
    tell(&format!(
        "a fault at each call of a drop: nothing was dropped {} times, and behind the floor {} times",
        counts.0, counts.1
    ));
    assert!(counts.0 > 5 && counts.1 > 5);
}

/// A disk that is full of records that are due is not full for ever.
#[test]
fn what_is_due_is_dropped_also_where_nothing_can_be_recorded() {
    let machine = one_time_machine();
    sh(
        &machine,
        "mkdir -p STATE; mount -t tmpfs -o mode=755,nr_inodes=9 tmpfs STATE",
    );
    sh(&machine, &format!("{OLD_DAY}; touch RECORDS/floor"));
    sh(&machine, "cd RECORDS/20000; ! touch 4 5 6 7 8 9 2>&1");
    let token = machine.token(["alice"]);
    refused(
        &machine,
        &[],
        &token,
        "use_unrecorded",
        "No space left on device",
    );
    accepted(&machine, &token);
    refused(&machine, &[], &token, "already_used", "");
}

/// In what order what is brought onto the disk, each time: another process may have made
/// any of them and not be so far.
///
/// Checklist: A.27
#[test]
fn a_record_and_all_that_leads_to_it_is_synced_before_the_login() {
    let machine = one_time_machine();
    for _ in 0..2 {
        let token = machine.token(["alice"]);
        let strace = [
            "strace",
            "-y",
            "-o",
            "/tmp/trace",
            "-e",
            "trace=fsync,write",
        ];
        assert!(is_accepted(&login(&machine, &strace, &token)));
        let trace = machine.read("/tmp/trace");
        let (before, _) = trace.split_once("PAM_SUCCESS").expect("a success");
        let path = |line: &str| {
            let path = line.split(['<', '>']).nth(1)?.to_owned();
            (line.starts_with("fsync(") && line.ends_with(" = 0")).then_some(path)
        };
        let synced: Vec<String> = before.lines().filter_map(path).collect();
        // The last five: what a first login makes is synced as it is made.
        let synced = &synced[synced.len() - 5..];
        let record = synced[0].rsplit_once('/').expect("a record in a day");
        assert_eq!(record.1.len(), 64, "{synced:?}");
        assert_eq!(synced[1], record.0);
        assert_eq!(synced[2..], [RECORDS, STATE, "/var/lib"]);
    }
    // A file system that is only read has no fsync for directories, and needs none.
    let token = machine.token(["alice"]);
    let inject = "inject=fsync:error=EINVAL";
    let strace = ["strace", "-o", "/tmp/trace", "-e", inject];
    let strace: Vec<&str> = [&strace[..], &["-P", STATE, "-P", "/var/lib"]].concat();
    assert!(is_accepted(&login(&machine, &strace, &token)));
    let trace = machine.read("/tmp/trace");
    assert_eq!(trace.matches("(INJECTED)").count(), 2, "{trace}");
}

/// What is on an ext4 disk at the moment of the login is all that a machine has left of it
/// when the power goes then: the token is used up there as well, and the floor stands.
///
/// Checklist: A.27
#[test]
fn a_token_stays_used_when_the_power_goes() {
    let machine = one_time_machine();
    let mount = |disk: &str| {
        // commit: the file system brings nothing onto the disk by itself meanwhile.
        let options = "loop,commit=300";
        sh(&machine, &format!("mount -o {options} {disk} STATE"));
    };
    sh(
        &machine,
        "mknod /dev/loop-control c 10 237; \
         for n in $(seq 0 63); do mknod /dev/loop$n b 7 $n; done; \
         truncate -s 16M /run/disk; mkfs.ext4 -q /run/disk; mkdir -p STATE",
    );
    mount("/run/disk");
    sh(
        &machine,
        &format!("chmod 755 STATE; {OLD_DAY}; sync -f STATE"),
    );
    let token = machine.token(["alice"]);
    accepted(&machine, &token);
    assert_eq!(old_day(&machine), (0, 20_001));
    sh(
        &machine,
        "touch STATE/not-synced; cp /run/disk /run/left; umount STATE",
    );
    mount("/run/left");
    assert_eq!(sh(&machine, "ls STATE | grep -v lost+found"), "used");
    assert_eq!(old_day(&machine).1, 20_001);
    let from = "from 127.0.0.1";
    refused(&machine, &[], &token, "already_used", from);
    accepted(&machine, &machine.token(["alice"]));
}
