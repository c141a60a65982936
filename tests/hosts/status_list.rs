//! Token status lists: made, loaded, looked into by real logins, replaced meanwhile, and
//! everything that is no list.

use machine::{Machine, Output, tell};
use std::process::Command;

const URI: &str = "https://login.example.org/lists/1";

fn machine_with(status: &str) -> Machine {
    let machine = Machine::ready();
    let file = "/etc/pam-jwt/issuers.d/local.toml";
    if !status.is_empty() {
        let text = machine.read(file);
        let text = text.replacen(
            "\n[[allow]]",
            &format!("\nstatus = \"{status}\"\n\n[[allow]]"),
            1,
        );
        machine.write(file, text, 0o644);
    }
    machine
}

/// A token for alice with this place in the list.
fn token(machine: &Machine, index: u64) -> String {
    let status = format!(r#"status={{"status_list":{{"idx":{index},"uri":"{URI}"}}}}"#);
    machine.token(["alice", "--claim", &status])
}

fn status_list(machine: &Machine, args: &str) -> Output {
    machine.run(
        ["pam-jwt", "status-list"]
            .into_iter()
            .chain(args.split(' ')),
    )
}

/// Makes a list in /root/list.jwt.
fn make(machine: &Machine, args: &str) {
    let list = status_list(machine, &format!("make --uri {URI} {args}")).expect_success();
    machine.write("/root/list.jwt", list.stdout, 0o644);
}

fn load(machine: &Machine, args: &str) {
    make(machine, args);
    let _ = status_list(machine, "load /root/list.jwt").expect_success();
}

/// What becomes of the token in a login through sshd, which `pam-jwt verify` says as well.
fn outcome(machine: &Machine, token: &str) -> String {
    let mark = machine.mark();
    // Of what a server says ssh is silent below that.
    let ssh = machine.ssh("alice").option("LogLevel=INFO");
    let login = ssh.answers([token]).command("id -un");
    let line = machine.wait_for_log(mark, " reason=");
    let reason = line.message.split(" reason=").nth(1).expect("a reason");
    let reason = reason.split(' ').next().expect("a word").to_owned();
    assert_eq!(login.code() == Some(0), reason == "allowed", "{login}");
    assert!(!login.stderr.contains("token"), "{login}");
    let verify = [
        "pam-jwt",
        "--json",
        "verify",
        "--user",
        "alice",
        "--service",
        "sshd",
    ];
    let verify = machine.command(verify).stdin(token).run();
    let wanted = format!("\"reason\": \"{reason}\"");
    assert!(verify.stdout.contains(&wanted), "{wanted}: {verify}");
    reason
}

/// The same through libpam, where nobody waits after a refusal.
fn outcome_at_once(machine: &Machine, token: &str) -> String {
    let mark = machine.mark();
    let host = [
        env!("CARGO_BIN_EXE_pam-host"),
        "sshd",
        "alice",
        "/etc/pam.alone",
    ];
    let _ = machine.command(host).stdin(token).run().expect_success();
    let line = machine.wait_for_log(mark, " reason=");
    let reason = line.message.split(" reason=").nth(1).expect("a reason");
    reason.split(' ').next().expect("a word").to_owned()
}

/// Checklist: A.29
#[test]
fn a_login_heeds_the_list_of_its_issuer() {
    let machine = machine_with("require");
    let _sshd = machine.sshd(&[]);
    let [valid, invalid, suspended] = [1, 2, 3].map(|index| token(&machine, index));
    assert_eq!(outcome(&machine, &valid), "status_unknown");
    // A list of another uri (sub) says nothing of it.
    let other = status_list(&machine, &format!("make --uri {URI}1 --size 1000"));
    machine.write("/root/list.jwt", other.expect_success().stdout, 0o644);
    let _ = status_list(&machine, "load /root/list.jwt").expect_success();
    assert_eq!(outcome(&machine, &valid), "status_unknown");
    load(&machine, "--bits 2 --size 1000 --set 2=1 --set 3=2");
    assert_eq!(outcome(&machine, &valid), "allowed");
    assert_eq!(outcome(&machine, &invalid), "status_invalid");
    assert_eq!(outcome(&machine, &suspended), "status_invalid");
    assert_eq!(outcome(&machine, &token(&machine, 999)), "allowed");
    assert_eq!(outcome(&machine, &token(&machine, 1000)), "status_unknown");
    assert_eq!(
        outcome(&machine, &machine.token(["alice"])),
        "status_missing"
    );
    // A new list, at the next login.
    load(&machine, "--bits 8 --size 1000 --set 1=1");
    assert_eq!(outcome(&machine, &valid), "status_invalid");
    assert_eq!(outcome(&machine, &suspended), "allowed");
    // The list itself is no token to log in with.
    let list = machine.read("/root/list.jwt");
    let list = list.trim_end();
    assert_eq!(outcome(&machine, list), "type_not_accepted");
    // A key that is taken out of trust takes its lists with it.
    let script = "pam-jwt keygen --alg EdDSA --out /root/new.jwk >/dev/null
        install -m 644 /root/new.pub.jwk /etc/pam-jwt/keys/new.jwk
        sed -i 's|^keys *=.*|keys = [\"/etc/pam-jwt/keys/new.jwk\"]|' /etc/pam-jwt/issuers.d/local.toml
        install -m 600 /root/new.jwk /etc/pam-jwt/private/local.jwk";
    machine.run(["sh", "-ec", script]).expect_success();
    assert_eq!(outcome(&machine, &token(&machine, 3)), "status_unknown");
}

/// Checklist: A.29
#[test]
fn what_is_missing_or_stale_follows_the_issuers_file() {
    for (mode, unknown, missing) in [
        ("require", "status_unknown", "status_missing"),
        ("if-present", "allowed", "allowed"),
        ("", "allowed", "allowed"),
    ] {
        let machine = machine_with(mode);
        machine.set_clock("2040-01-01 12:00:00");
        let sshd = machine.sshd(&[]);
        let token_of = |index| token(&machine, index);
        assert_eq!(outcome(&machine, &token_of(1)), unknown, "{mode}");
        let bare = machine.token(["alice"]);
        assert_eq!(outcome(&machine, &bare), missing, "{mode}");
        load(&machine, "--size 8 --set 2=1 --lifetime 1h");
        assert_eq!(outcome(&machine, &token_of(1)), "allowed", "{mode}");
        assert_eq!(outcome(&machine, &token_of(2)), "status_invalid", "{mode}");
        drop(sshd);
        machine.set_clock("2040-01-01 13:00:00");
        let _sshd = machine.sshd(&[]);
        assert_eq!(outcome(&machine, &token_of(1)), unknown, "{mode}");
        assert_eq!(outcome(&machine, &token_of(2)), "status_invalid", "{mode}");
        let loaded = status_list(&machine, "loaded").expect_success().stdout;
        assert!(
            loaded.contains("STALE since 2040-01-01T13:00:00Z"),
            "{loaded}"
        );
        let check = machine.run(["pam-jwt", "--json", "check"]);
        assert_eq!(
            check.stdout.contains("status_list_stale"),
            mode == "require",
            "{check}"
        );
        // By its ttl too, however long it lives.
        load(&machine, "--size 8 --lifetime 30d --ttl 10m");
        assert_eq!(outcome(&machine, &token_of(1)), "allowed", "{mode}");
        let loaded = status_list(&machine, "--json loaded")
            .expect_success()
            .stdout;
        assert!(loaded.contains("\"stale\": false"), "{loaded}");
    }
}

/// Checklist: A.29
#[test]
fn what_is_no_list_is_not_loaded_and_the_one_before_stays() {
    let machine = machine_with("require");
    machine.set_clock("2040-01-01 12:00:00");
    let stack = "auth required pam_jwt.so\n";
    machine.write("/etc/pam.alone/sshd", stack, 0o644);
    let [valid, invalid] = [1, 2].map(|index| token(&machine, index));
    load(&machine, "--size 8 --set 2=1");
    let good = machine.read("/root/list.jwt");
    let sign = |typ: &str, claims: &str| {
        // Signed with the right key by the machine's own command, but what it says is wrong.
        let script = include_str!("../foreign/sign_list.py");
        let signed = machine
            .command([machine_python().as_str(), "-c", script, typ, claims])
            .run()
            .expect_success();
        machine.write("/root/list.jwt", signed.stdout, 0o644);
    };
    let refused = |words: &str| {
        let output = status_list(&machine, "load /root/list.jwt").expect_code(2);
        assert!(output.stderr.contains(words), "{words}: {output}");
        assert_eq!(outcome_at_once(&machine, &valid), "allowed", "{words}");
        assert_eq!(
            outcome_at_once(&machine, &invalid),
            "status_invalid",
            "{words}"
        );
    };
    let lst = "eNrbuRgAAhcBXQ";
    let list = |bits: &str, lst: &str| format!(r#""status_list":{{"bits":{bits},"lst":"{lst}"}}"#);
    let (sub, iat) = (format!(r#""sub":"{URI}""#), r#""iat":2209032000"#);
    for (typ, claims, words) in [
        (
            "JWT",
            format!("{{{sub},{iat},{}}}", list("1", lst)),
            "typ is not statuslist+jwt",
        ),
        (
            "statuslist+jwt",
            format!("{{{iat},{}}}", list("1", lst)),
            "its sub",
        ),
        (
            "statuslist+jwt",
            format!("{{{sub},{}}}", list("1", lst)),
            "its iat",
        ),
        (
            "statuslist+jwt",
            format!("{{{sub},{iat},{}}}", list("3", lst)),
            "status_list.bits",
        ),
        (
            "statuslist+jwt",
            format!("{{{sub},{iat},{}}}", list("1", "eNrbuRgAAhcBXQ==")),
            "status_list.lst",
        ),
        (
            "statuslist+jwt",
            format!("{{{sub},{iat},{}}}", list("1", "eNrbuRgAAhcB")),
            "cannot be unpacked",
        ),
        (
            "statuslist+jwt",
            format!("{{{sub},{iat},{}}}", list("1", "eNrbuRgAAhcBXQAA")),
            "behind its lst",
        ),
        (
            "statuslist+jwt",
            format!("{{{sub},\"iat\":2209032031,{}}}", list("1", lst)),
            "not valid yet",
        ),
        (
            "statuslist+jwt",
            format!("{{{sub},{iat},\"exp\":2209031970,{}}}", list("1", lst)),
            "expired",
        ),
        (
            "statuslist+jwt",
            format!("{{{sub},\"iat\":2209031999,{}}}", list("1", lst)),
            "issued at",
        ),
        (
            "statuslist+jwt",
            format!("{{{sub},{iat},\"iss\":\"https://x\",{}}}", list("1", lst)),
            "names the issuer",
        ),
        (
            "statuslist+jwt",
            format!("{{{sub},{iat},\"ttl\":0,{}}}", list("1", lst)),
            "its ttl",
        ),
    ] {
        sign(typ, &claims);
        refused(words);
    }
    let good = good.trim_end();
    for (text, words) in [
        (
            good.get(..good.len() / 2).expect("half").to_owned(),
            "2 parts instead of three",
        ),
        (
            good.get(..good.len() - 4).expect("most").to_owned(),
            "signature",
        ),
        (good.replacen('.', ".e30", 1), "the payload"),
        (format!("{good}.x"), "parts"),
        (String::new(), "1 parts instead of three"),
        ("hello".to_owned(), "1 parts instead of three"),
    ] {
        machine.write("/root/list.jwt", text, 0o644);
        refused(words);
    }
    // By a key that nobody trusts, and by one that is trusted for another issuer.
    let script = "pam-jwt keygen --alg EdDSA --out /root/other.jwk >/dev/null
        install -m 644 /root/other.pub.jwk /etc/pam-jwt/keys/other.jwk
        pam-jwt status-list make --key /root/other.jwk --issuer https://login.example.org \
            --uri https://login.example.org/lists/1 --size 8 >/root/list.jwt";
    machine.run(["sh", "-ec", script]).expect_success();
    refused("none of the issuer's keys");
    let other = "issuer = \"https://other\"\naudience = [\"x\"]\nkeys = [\"/etc/pam-jwt/keys/other.jwk\"]\n";
    machine.write("/etc/pam-jwt/issuers.d/other.toml", other, 0o644);
    refused("none of the issuer's keys");
    // What the other issuer says of that uri is about its own tokens.
    let script = "pam-jwt status-list make --key /root/other.jwk --issuer https://other \
        --uri https://login.example.org/lists/1 --size 8 --set 1=1 >/root/list.jwt
        pam-jwt status-list load /root/list.jwt";
    machine.run(["sh", "-ec", script]).expect_success();
    assert_eq!(outcome_at_once(&machine, &valid), "allowed");

    // Half a file, where logins look.
    let halve = "for file in /var/lib/pam-jwt/status/*; do truncate -s -1 $file; done";
    machine.run(["sh", "-ec", halve]).expect_success();
    assert_eq!(outcome_at_once(&machine, &valid), "status_unknown");
    let loaded = status_list(&machine, "loaded").expect_code(1);
    assert!(
        loaded.stderr.contains("is broken; load the list again"),
        "{loaded}"
    );
    machine.write("/root/list.jwt", good, 0o644);
    let _ = status_list(&machine, "load /root/list.jwt").expect_success();
    assert_eq!(outcome_at_once(&machine, &valid), "allowed");
}

fn machine_python() -> String {
    let target = std::env::var("CARGO_TARGET_DIR")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../target").to_owned());
    format!("{target}/foreign/bin/python3")
}

/// A gigabyte of zeros in a megabyte, to a process that may have half as much.
///
/// Checklist: A.29
#[test]
fn a_bomb_is_refused_within_bounds() {
    let machine = machine_with("");
    let script = include_str!("../foreign/sign_list.py");
    let signed = machine
        .command([
            machine_python().as_str(),
            "-c",
            script,
            "statuslist+jwt",
            "bomb",
        ])
        .run()
        .expect_success();
    machine.write("/root/list.jwt", signed.stdout, 0o644);
    let load = [
        "prlimit",
        "--as=536870912",
        "pam-jwt",
        "status-list",
        "load",
        "/root/list.jwt",
    ];
    let output = machine.run(load).expect_code(2);
    assert!(output.stderr.contains("more than 128 MiB"), "{output}");
}

/// What nobody who is trusted has signed is not even read as JSON, which as zeros in an array
/// takes up many times its size.
///
/// Checklist: A.29
#[test]
fn what_is_signed_by_nobody_is_refused_before_it_is_unpacked() {
    let machine = machine_with("");
    // {"alg":"EdDSA"} . {"a":[0,0, ... 0]} . 64 zeros
    let zeros = "MCwwLDAs".repeat(4_000_000);
    let list = format!(
        "eyJhbGciOiJFZERTQSJ9.eyJhIjpb{zeros}MF19.{}",
        "A".repeat(86)
    );
    machine.write("/root/list.jwt", list, 0o644);
    for command in ["load", "show"] {
        let limited = [
            "prlimit",
            "--as=268435456",
            "pam-jwt",
            "status-list",
            command,
        ];
        let limited = machine.command(limited).arg("/root/list.jwt");
        let output = limited.run().expect_code(2);
        assert!(output.stderr.contains("signature"), "{output}");
    }
}

/// Every login finds the list before or the list after, whole.
///
/// Checklist: A.29
#[test]
fn a_list_is_replaced_while_logins_read_it() {
    let machine = machine_with("require");
    let stack = "auth required pam_jwt.so\n";
    machine.write("/etc/pam.alone/sshd", stack, 0o644);
    for (name, args) in [
        ("a", "--size 1000000"),
        ("b", "--size 1000000 --set 5=1 --bits 4"),
    ] {
        make(&machine, args);
        machine
            .run(["mv", "/root/list.jwt", &format!("/root/{name}.jwt")])
            .expect_success();
    }
    let _ = status_list(&machine, "load /root/a.jwt").expect_success();
    let token = token(&machine, 5);
    let loads = "while [ ! -e /run/stop ]; do for list in b a; do
        pam-jwt status-list load --force /root/$list.jwt >/dev/null; done; done";
    let mut loading = machine
        .inside(|| Command::new("sh").args(["-ec", loads]).spawn())
        .expect("a process");
    let logins = format!("/etc/pam.alone\talice\t{token}\n").repeat(2000);
    let output = machine
        .command([env!("CARGO_BIN_EXE_pam-host"), "--batch", "sshd"])
        .stdin(logins)
        .run()
        .expect_success();
    machine.write("/run/stop", "", 0o644);
    assert!(loading.wait().expect("its end").success());
    let accepted = output.stdout.matches("authenticate PAM_SUCCESS").count();
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for line in machine.log() {
        if let Some(rest) = line.message.split(" reason=").nth(1) {
            let reason = rest.split(' ').next().expect("a word").to_owned();
            *counts.entry(reason).or_default() += 1;
        }
    }
    tell(&format!(
        "2000 logins while the list is replaced: {counts:?}"
    ));
    let reasons: Vec<&String> = counts.keys().collect();
    assert_eq!(reasons, ["allowed", "status_invalid"]);
    assert_eq!((counts["allowed"], counts.values().sum()), (accepted, 2000));
}
