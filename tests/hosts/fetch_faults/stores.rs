//! The disk is full, or the program ends at the worst moment: a login finds the keys of before
//! or the new ones, whole.

use crate::{FETCHED, fetch, issuer_of, machine, outcome, stored};
use machine::{Issuer, Machine};

/// Publishes the key of `kid` under forty names more, so that they do not fit a page.
fn publish_many(issuer: &Issuer<'_>, machine: &Machine) {
    let jwk = machine.read("/srv/issuer.test/first.pub.jwk");
    let named = |at: usize| jwk.replace("\"first\"", &format!("\"name-{at}\""));
    let many: Vec<String> = (0..40).map(named).chain([jwk.clone()]).collect();
    issuer.put("/jwks", &format!(r#"{{"keys":[{}]}}"#, many.join(",")));
}

#[test]
fn where_the_disk_is_full_the_keys_of_before_stay() {
    let machine = machine();
    let issuer = issuer_of(&machine, "discover = true");
    let mount = format!(
        "mount -t tmpfs -o size=64k,mode=755,uid=pam-jwt-fetch,gid=pam-jwt-fetch fetched {FETCHED}"
    );
    let _ = machine.run(["sh", "-ec", &mount]).expect_success();
    let _ = fetch(&machine, &[]).expect_success();
    let token = issuer.token("first", &[]);
    let keys = stored(&machine, "keys");
    publish_many(&issuer, &machine);
    for (left, is_noted) in [(4096, true), (0, false)] {
        let fill =
            format!("cd {FETCHED}; cat /dev/zero >fill 2>/dev/null || :; truncate -s -{left} fill");
        let _ = machine.run(["sh", "-ec", &fill]).expect_success();
        let full = fetch(&machine, &["--now"]).expect_code(1);
        assert!(full.stdout.contains("No space left on device"), "{full}");
        assert_eq!(stored(&machine, "keys"), keys);
        let noted = stored(&machine, "state").contains("No space left on device");
        assert!(noted || !is_noted, "{}", stored(&machine, "state"));
        assert_eq!(outcome(&machine, &token), "allowed");
    }
    let _ = machine
        .run(["rm", &format!("{FETCHED}/fill")])
        .expect_success();
    let room = fetch(&machine, &["--now"]).expect_success();
    assert!(room.stdout.contains("41 keys, 40 of them new"), "{room}");
    assert_eq!(outcome(&machine, &token), "allowed");
    let left = machine.run(["sh", "-c", &format!("ls -A {FETCHED} | grep new")]);
    assert_eq!(left.stdout, "");
}

#[test]
fn whenever_it_is_killed_a_login_finds_whole_keys() {
    let machine = machine();
    let issuer = issuer_of(&machine, "discover = true");
    let _ = fetch(&machine, &[]).expect_success();
    let token = issuer.token("first", &[]);
    let old = stored(&machine, "keys");
    publish_many(&issuer, &machine);
    // Of the keys file, then of the directory, and of the notes.
    for (call, time, is_new) in [
        ("fsync", 1, false),
        ("rename", 1, false),
        ("fsync", 2, true),
        ("rename", 2, true),
    ] {
        let inject = format!("inject={call}:signal=KILL:when={time}");
        let trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject];
        let killed = machine
            .command(trace)
            .args(["pam-jwt-fetch", "--now"])
            .run();
        assert_ne!(killed.code(), Some(0), "{killed}");
        let keys = stored(&machine, "keys");
        assert_eq!(keys != old, is_new, "{inject}: {killed}");
        assert_eq!(keys.contains("name-39"), is_new);
        assert_eq!(outcome(&machine, &token), "allowed", "{inject}");
    }
    let _ = fetch(&machine, &["--now"]).expect_success();
    let left = machine.run(["sh", "-c", &format!("ls -A {FETCHED} | grep new")]);
    assert_eq!(left.stdout, "");
    assert_eq!(outcome(&machine, &token), "allowed");
}

#[test]
fn of_several_that_run_at_once_each_finds_order() {
    let machine = machine();
    let issuer = issuer_of(&machine, "discover = true");
    let _ = issuer.requests();
    let many = "for i in 1 2 3 4; do pam-jwt-fetch & done; wait";
    let many = machine.run(["sh", "-c", many]).expect_success();
    // One fetches, and for the others nothing is left to do.
    assert_eq!(many.stdout.matches("1 of them new").count(), 1, "{many}");
    assert_eq!(many.stdout.matches("not due").count(), 3, "{many}");
    assert_eq!(issuer.requests().len(), 3);
}
