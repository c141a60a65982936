//! "Auth to session", sentence by sentence. pam-host goes from phase to phase here, in one
//! process or as sshd in two; what sshd does itself is in the other files.

use super::{
    ENDS, HANDOFF, PASSWORD, RUN, SESSIONS, Steps, claims, files, machine_with, sh, su, uid,
};
use machine::Machine;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) const VARIABLE: &str = "PAM_JWT_HANDOFF";

/// sshd's way: authenticates in a child, of which the environment is left.
pub(super) fn told(machine: &Machine, answer: &str) -> Steps {
    let mut steps = Steps::of(machine, "sshd", "alice");
    steps.succeeds(&format!("child sshd alice {answer}"));
    steps
}

/// The record that the variable names, as it is on the disk.
pub(super) fn record(machine: &Machine, steps: &mut Steps) -> (String, Value) {
    let name = steps.variable(VARIABLE).expect("the variable");
    let text = machine.read(&format!("{HANDOFF}/{name}"));
    (name, serde_json::from_str(&text).expect("JSON"))
}

#[test]
fn authenticate_writes_a_record_under_a_name_of_its_own_and_puts_that_into_one_variable() {
    let machine = machine_with("");
    let token = machine.token(["alice"]);
    let mut names = BTreeSet::new();
    for _ in 0..20 {
        let mut steps = Steps::of(&machine, "sshd", "alice");
        steps.succeeds(&format!("authenticate {token}"));
        let lines = steps.step("environment");
        let variables: Vec<_> = lines.iter().filter(|line| line.contains("env ")).collect();
        assert_eq!(variables.len(), 1, "{lines:#?}");
        let name = steps.variable(VARIABLE).expect("the variable");
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        assert!(name.len() == 32 && name.bytes().all(is_digit), "{name}");
        let stat = sh(&machine, &format!("stat -c '%a %u %F' {HANDOFF}/{name}"));
        assert_eq!(stat, "600 0 regular file");
        names.insert(name);
    }
    assert_eq!(names.len(), 20);
    assert_eq!(sh(&machine, &format!("stat -c '%a %u' {HANDOFF}")), "700 0");
}

#[test]
fn the_record_says_where_and_who_and_by_which_token() {
    let machine = machine_with("");
    let now: u64 = sh(&machine, "date +%s").parse().expect("a time");
    let time = format!("auth_time={}", now - 60);
    let token = machine.token([
        "alice",
        "--claim",
        "acr=gold",
        "--claim",
        &time,
        "--claim",
        "amr=[\"otp\",\"pwd\"]",
    ]);
    let before = machine.read("/proc/uptime");
    let mut steps = Steps::of(&machine, "sshd", "alice");
    steps.succeeds(&format!("authenticate {token}"));
    let after = machine.read("/proc/uptime");
    let (_, record) = record(&machine, &mut steps);
    let boot = machine.read("/proc/sys/kernel/random/boot_id");
    assert_eq!(record["boot"], boot.trim_end());
    assert_eq!(record["account"], "alice");
    assert_eq!(record["uid"].to_string(), uid(&machine, "alice"));
    assert_eq!(record["service"], "sshd");
    // Both processes, each with its 22nd field of /proc/PID/stat.
    for (pid, start) in [("pid", "start"), ("ppid", "pstart")] {
        let stat = machine.read(&format!("/proc/{}/stat", record[pid]));
        let fields: Vec<&str> = stat.rsplit(") ").next().expect("").split(' ').collect();
        assert_eq!(record[start].to_string(), fields[19], "{stat}");
    }
    let name = machine.read(&format!("/proc/{}/comm", record["pid"]));
    assert_eq!(name, "pam-host\n");
    let seconds = |text: &str| -> u64 {
        let whole = text.split('.').next().expect("seconds");
        whole.parse().expect("a number")
    };
    let uptime = record["uptime"].as_u64().expect("seconds");
    assert!((seconds(&before)..=seconds(&after)).contains(&uptime));
    let claims = claims(&machine, &token);
    for name in ["iss", "sub", "jti", "exp", "auth_time", "acr", "amr"] {
        assert_eq!(record["token"][name], claims[name], "{name}");
    }
    assert_eq!(record["token"]["auth_time"], now - 60);
    // ... and no part of the token itself.
    let signature = token.rsplit('.').next().expect("a part");
    assert!(!record.to_string().contains(signature));
}

#[test]
fn before_it_writes_authenticate_takes_away_what_an_earlier_one_has_told() {
    let machine = machine_with("");
    let token = machine.token(["alice"]);
    let mut steps = Steps::of(&machine, "sshd", "alice");
    steps.succeeds(&format!("authenticate {token}"));
    let first = steps.variable(VARIABLE).expect("the variable");
    steps.succeeds(&format!("authenticate {token}"));
    let second = steps.variable(VARIABLE).expect("the variable");
    assert_ne!(first, second);
    assert_eq!(files(&machine, HANDOFF), [format!("{HANDOFF}/{second}")]);
    // What is refused tells nothing: the session that follows knows of no login.
    steps.returns("authenticate nonsense", "PAM_AUTH_ERR");
    assert_eq!(steps.variable(VARIABLE), None);
    assert_eq!(files(&machine, HANDOFF), [""; 0]);
    let mark = machine.mark();
    steps.succeeds("open_session");
    let issued = issued(&machine, &mut steps);
    assert!(!issued.contains_key("auth_time"), "{issued:?}");
    let line = machine.wait_for_log(mark, "reason=issued ");
    assert!(!line.message.contains("opened by"), "{}", line.message);
    // Nor does a token that no rule allows, though all else of it is right.
    let mut steps = Steps::of(&machine, "sshd", "alice");
    let bobs = machine.token(["bob"]);
    steps.returns(&format!("authenticate {bobs}"), "PAM_AUTH_ERR");
    assert_eq!(steps.variable(VARIABLE), None);
    assert_eq!(files(&machine, HANDOFF), [""; 0]);
    // A variable that somebody else set before is none of this login's.
    let mut steps = Steps::of(&machine, "sshd", "alice");
    steps.succeeds(&format!("putenv {VARIABLE}={second}"));
    steps.returns("authenticate nonsense", "PAM_AUTH_ERR");
    assert_eq!(steps.variable(VARIABLE), None);
}

/// The claims of the token that a transaction has.
fn issued(machine: &Machine, steps: &mut Steps) -> serde_json::Map<String, Value> {
    let path = steps.variable("BEARER_TOKEN_FILE").expect("a token");
    claims(machine, &machine.read(&path))
}

#[test]
fn the_first_of_setcred_and_open_session_takes_the_record_and_the_variable_away() {
    let machine = machine_with("");
    let token = machine.token(["alice"]);
    let jti = claims(&machine, &token)["jti"].clone();
    for (first, then) in [("setcred", "open_session"), ("open_session", "setcred")] {
        for child in [true, false] {
            let mut steps = Steps::of(&machine, "sshd", "alice");
            let step = if child {
                "child sshd alice"
            } else {
                "authenticate"
            };
            steps.succeeds(&format!("{step} {token}"));
            assert_eq!(files(&machine, HANDOFF).len(), 1);
            steps.succeeds(first);
            assert_eq!(files(&machine, HANDOFF), [""; 0], "{first}");
            assert_eq!(steps.variable(VARIABLE), None);
            // Kept for the phases to come.
            let mark = machine.mark();
            steps.succeeds(then).succeeds("reinitialize");
            assert_eq!(steps.variable(VARIABLE), None);
            let records = files(&machine, SESSIONS);
            let record: Value = serde_json::from_str(&machine.read(&records[0])).expect("JSON");
            assert_eq!((records.len(), &record["opened_by"]["jti"]), (1, &jti));
            let log = machine.log_since(mark);
            assert!(
                !log.iter().any(|line| line.message.contains("handoff")),
                "{log:#?}"
            );
            steps.succeeds("close_session").succeeds("delete_cred");
            assert_eq!(files(&machine, RUN), [""; 0]);
        }
    }
}

#[test]
fn the_environment_of_whoever_starts_su_is_never_looked_at() {
    let machine = machine_with("");
    let token = machine.token(["alice"]);
    let mut other = told(&machine, &token);
    let live = other.variable(VARIABLE).expect("the variable");
    for (answer, by) in [(PASSWORD, "password"), (&*token, "token")] {
        for value in ["garbage", &*live] {
            let command = "cat $BEARER_TOKEN_FILE; echo; echo handoff=$PAM_JWT_HANDOFF";
            let mark = machine.mark();
            let su = machine.command(["su", "alice", "-c", command]).user("bob");
            let su = su.env(VARIABLE, value).stdin(format!("{answer}\n"));
            let output = su.run().expect_success();
            let (issued, rest) = output.stdout.split_once('\n').expect("two lines");
            let issued = claims(&machine, issued);
            assert_eq!(issued.contains_key("auth_time"), by == "password");
            // What su does with its caller's environment is su's: without `-` it stays.
            assert_eq!(rest, format!("handoff={value}\n"), "{output}");
            let log = machine.log_since(mark);
            assert!(
                !log.iter().any(|line| line.message.contains("handoff")),
                "{log:#?}"
            );
        }
    }
    // The other login's is still its own.
    other.succeeds("setcred").succeeds("open_session");
    let su = su(&machine, &token, "env").expect_success();
    assert!(!su.stdout.contains(VARIABLE), "{su}");
}

#[test]
fn where_the_session_ends_with_its_token_nobody_is_let_in_whose_record_cannot_be_written() {
    let machine = machine_with(ENDS);
    let token = machine.token(["alice"]);
    sh(
        &machine,
        &format!("mkdir -p {RUN}; mount -t tmpfs -o mode=755,ro tmpfs {RUN}"),
    );
    let mark = machine.mark();
    let mut steps = Steps::of(&machine, "sshd", "alice");
    steps.returns(&format!("authenticate {token}"), "PAM_AUTH_ERR");
    assert_eq!(steps.variable(VARIABLE), None);
    let line = machine.wait_for_log(mark, "result=refused reason=handoff_unwritten ");
    assert!(line.message.contains("Read-only"), "{}", line.message);
    let log = machine.log_since(mark);
    let accepted = |line: &machine::LogLine| line.message.contains("result=accepted");
    assert!(!log.iter().any(accepted), "{log:#?}");
    // A password is asked for as before: that session does not end.
    steps.succeeds(&format!("authenticate {PASSWORD}"));
    sh(&machine, &format!("umount {RUN}"));
    let mut steps = Steps::of(&machine, "sshd", "alice");
    steps.succeeds(&format!("authenticate {token}"));
}

#[test]
fn where_the_session_ends_with_its_token_there_is_none_once_no_time_is_left() {
    let machine = machine_with(&format!("leeway = \"5m\"\n{ENDS}"));
    let now: u64 = sh(&machine, "date +%s").parse().expect("a time");
    // Accepted within the leeway, after its exp.
    let token = machine.token(["alice", "--lifetime", "10s"]);
    machine.set_clock("+60s");
    let mut steps = told(&machine, &token);
    steps.succeeds("setcred");
    let mark = machine.mark();
    steps.returns("open_session", "PAM_PERM_DENIED");
    let line = machine.wait_for_log(mark, "result=refused reason=no_time_left ");
    let exp = line.message.split("exp=").nth(1).expect("exp");
    let digits: String = exp.chars().take_while(char::is_ascii_digit).collect();
    assert!(digits.parse::<u64>().expect("a time") < now + 60);
    assert_eq!(files(&machine, SESSIONS), [""; 0]);
    assert_eq!(steps.variable("BEARER_TOKEN_FILE"), None);
}
