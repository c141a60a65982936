//! Status lists that are fetched.

use crate::{FETCHED, fetch, issuer_of, machine, outcome, outcome_of};
use machine::{Issuer, Machine};

const URI: &str = "https://issuer.test/lists/1";

/// Has the issuer serve a list of its own.
fn serve(machine: &Machine, issuer: &Issuer<'_>, kid: &str, uri: &str, args: &str) -> String {
    let make = [
        "pam-jwt",
        "status-list",
        "make",
        "--size",
        "1000",
        "--uri",
        uri,
    ];
    let key = issuer.key_file(kid);
    let make = machine
        .command(make)
        .args(["--issuer", &issuer.url, "--key", &key]);
    let list = make
        .args(args.split_whitespace())
        .run()
        .expect_success()
        .stdout;
    issuer.put("/lists/1", &list);
    list
}

fn token_of(issuer: &Issuer<'_>, account: &str, index: u64) -> String {
    let status = format!(r#"status={{"status_list":{{"idx":{index},"uri":"{URI}"}}}}"#);
    issuer.token_for(account, "first", &["--claim", &status])
}

#[test]
fn a_list_that_the_issuer_names_is_fetched_and_heeded() {
    let machine = machine();
    let issuer = issuer_of(&machine, "discover = true\nstatus = \"require\"");
    issuer.key("other");
    let _ = machine.run(["install", "-d", "/srv/issuer.test/www/lists"]);
    let [valid, revoked] = [3, 7].map(|index| token_of(&issuer, "alice", index));
    issuer.put("/aggregation", &format!(r#"{{"status_lists":["{URI}"]}}"#));
    let first_list = serve(&machine, &issuer, "first", URI, "--set 7=1 --ttl 1h");
    let first = fetch(&machine, &[]).expect_success();
    assert!(
        first.stdout.contains("1 status list, 1 of them fetched"),
        "{first}"
    );
    assert_eq!(outcome(&machine, &valid), "allowed");
    assert_eq!(outcome(&machine, &revoked), "status_invalid");
    // Half of its ttl later the next one is fetched; a bad one changes nothing.
    machine.set_clock("+31m");
    let _ = serve(&machine, &issuer, "other", URI, "--set 3=1");
    let refused = fetch(&machine, &[]).expect_code(1);
    assert!(
        refused
            .stdout
            .contains("none of the issuer's keys is meant"),
        "{refused}"
    );
    let _ = serve(
        &machine,
        &issuer,
        "first",
        "https://issuer.test/lists/2",
        "--set 3=1",
    );
    let refused = fetch(&machine, &["--now"]).expect_code(1);
    assert!(
        refused.stdout.contains("what is there is the list"),
        "{refused}"
    );
    for fault in ["page", "huge", "cut"] {
        issuer.fault(&format!(r#"{{"kind":"{fault}","path":"/lists/1"}}"#));
        let refused = fetch(&machine, &["--now"]).expect_code(1);
        assert!(
            refused
                .stdout
                .contains("failed: https://issuer.test/lists/1: "),
            "{refused}"
        );
    }
    issuer.fault("");
    assert_eq!(outcome(&machine, &valid), "allowed");
    let _ = serve(&machine, &issuer, "first", URI, "--set 3=1");
    let _ = fetch(&machine, &["--now"]).expect_success();
    assert_eq!(outcome(&machine, &valid), "status_invalid");
    assert_eq!(outcome(&machine, &revoked), "allowed");
    // An older one is not taken for news.
    issuer.put("/lists/1", &first_list);
    let older = fetch(&machine, &["--now"]).expect_code(1);
    assert!(older.stdout.contains("it is older than"), "{older}");
    assert_eq!(outcome(&machine, &valid), "status_invalid");
}

/// What somebody else wrote, or wrote to, is no list: its tokens are refused until the next one.
#[test]
fn a_fetched_list_that_was_tampered_with_is_none() {
    let machine = machine();
    let issuer = issuer_of(&machine, "discover = true\nstatus = \"require\"");
    let _ = machine.run(["install", "-d", "/srv/issuer.test/www/lists"]);
    let [valid, revoked] = [3, 7].map(|index| token_of(&issuer, "alice", index));
    issuer.put("/aggregation", &format!(r#"{{"status_lists":["{URI}"]}}"#));
    let _ = serve(&machine, &issuer, "first", URI, "--set 7=1 --ttl 1h");
    let _ = fetch(&machine, &[]).expect_success();
    let list = machine.run(["sh", "-c", &format!("ls {FETCHED}/status/*")]);
    let list = list.expect_success().stdout;
    let list = list.trim_end();
    for script in [
        "chown nobody $0",
        "chmod 666 $0",
        "truncate -s -1 $0",
        "truncate -s 0 $0",
        "printf '\\377\\377\\377\\377' | dd of=$0 conv=notrunc",
        "mv $0 /root/list; ln -s /root/list $0",
        "rm $0; mkfifo $0",
        "rm $0",
    ] {
        assert_eq!(outcome(&machine, &valid), "allowed", "before {script}");
        assert_eq!(outcome(&machine, &revoked), "status_invalid");
        let _ = machine.run(["sh", "-ec", script, list]).expect_success();
        for token in [&valid, &revoked] {
            assert_eq!(outcome(&machine, token), "status_unknown", "{script}");
        }
        let mend = machine.run(["rm", "-rf", list]);
        let _ = mend.expect_success();
        let _ = fetch(&machine, &["--now"]).expect_success();
    }
}

#[test]
fn a_list_that_was_fetched_speaks_for_alice_and_not_for_root() {
    let machine = machine();
    let issuer = issuer_of(&machine, "");
    let key = "/etc/pam-jwt/keys/first.jwk";
    let install = [
        "install",
        "-D",
        "-m",
        "644",
        "/srv/issuer.test/first.pub.jwk",
        key,
    ];
    let _ = machine.run(install).expect_success();
    issuer.trust(&format!(
        "keys = [\"{key}\"]\nstatus = \"require\"\nstatus_lists = [\"{URI}\"]"
    ));
    let _ = machine.run(["install", "-d", "/srv/issuer.test/www/lists"]);
    let _ = serve(&machine, &issuer, "first", URI, "--set 7=1");
    let [alice, root, revoked] = [("alice", 3), ("root", 3), ("root", 7)]
        .map(|(account, index)| token_of(&issuer, account, index));
    assert_eq!(outcome(&machine, &alice), "status_unknown");
    let fetched = fetch(&machine, &[]).expect_success();
    assert!(
        fetched.stdout.contains("1 status list, 1 of them fetched"),
        "{fetched}"
    );
    assert_eq!(outcome(&machine, &alice), "allowed");
    assert_eq!(outcome_of(&machine, "root", &root), "key_fetched");
    assert_eq!(outcome_of(&machine, "root", &revoked), "status_invalid");
    // Where root has loaded it too, it speaks for root.
    let load = [
        "pam-jwt",
        "status-list",
        "load",
        "/srv/issuer.test/www/lists/1",
    ];
    let _ = machine.run(load).expect_success();
    assert_eq!(outcome_of(&machine, "root", &root), "allowed");
}
