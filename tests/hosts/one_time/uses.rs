//! One login and its replays, one after the other and all at once.

use super::{HOST, RECORDS, one_time_machine};
use machine::{Machine, tell};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

/// One process that logs in through libpam as soon as its standard input closes.
fn waiting(token: &str) -> Child {
    let child = Command::new(HOST)
        .args(["sshd", "alice", "/etc/pam.alone"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut stdin = child.stdin.as_ref().expect("its input");
    stdin.write_all(token.as_bytes()).expect("the token");
    child
}

/// Lets them all go at once, and counts how they ended.
fn released(mut waiting: Vec<Child>) -> BTreeMap<String, usize> {
    for child in &mut waiting {
        drop(child.stdin.take());
    }
    let mut outcomes = BTreeMap::new();
    for mut child in waiting {
        let mut events = String::new();
        let stdout = child.stdout.as_mut().expect("its output");
        stdout.read_to_string(&mut events).expect("its events");
        assert!(child.wait().expect("its end").success(), "{events}");
        let outcome = events.lines().find(|line| line.starts_with("authenticate"));
        let outcome = outcome.expect("an outcome").to_owned();
        *outcomes.entry(outcome).or_default() += 1;
    }
    outcomes
}

/// How often each reason was logged.
fn reasons(machine: &Machine) -> BTreeMap<String, usize> {
    let mut reasons = BTreeMap::new();
    for line in machine.log() {
        let reason = line.message.split(" reason=").nth(1);
        if let Some(reason) = reason.and_then(|rest| rest.split(' ').next()) {
            *reasons.entry(reason.to_owned()).or_default() += 1;
        }
    }
    reasons
}

/// Checklist: A.27
#[test]
fn of_a_thousand_processes_that_use_one_token_one_gets_in() {
    let machine = one_time_machine();
    let token = machine.token(["alice"]);
    let outcomes = machine.inside(|| released((0..1000).map(|_| waiting(&token)).collect()));
    let counts = [
        ("authenticate PAM_AUTH_ERR", 999),
        ("authenticate PAM_SUCCESS", 1),
    ];
    let counts = counts.map(|(outcome, count)| (outcome.to_owned(), count));
    assert_eq!(outcomes, BTreeMap::from(counts));
    let reasons = reasons(&machine);
    let counts = [("allowed", 1), ("already_used", 999)];
    let counts = counts.map(|(reason, count)| (reason.to_owned(), count));
    assert_eq!(reasons, BTreeMap::from(counts));
    tell(&format!("1000 processes with one token: {reasons:?}"));
    // ... and with a token each, all of them.
    let tokens: Vec<String> = (0..100).map(|_| machine.token(["alice"])).collect();
    let outcomes = machine.inside(|| released(tokens.iter().map(|token| waiting(token)).collect()));
    assert_eq!(outcomes["authenticate PAM_SUCCESS"], 100);
}

/// Checklist: A.27
#[test]
fn of_fifty_logins_through_sshd_with_one_token_one_gets_in() {
    let machine = one_time_machine();
    let _sshd = machine.sshd(&["MaxStartups 200", "LoginGraceTime 0"]);
    let token = machine.token(["alice"]);
    let logins: Vec<machine::Login> = std::thread::scope(|scope| {
        let login = || machine.ssh("alice").answers([&*token]).command("id -un");
        let threads: Vec<_> = (0..50).map(|_| scope.spawn(login)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a login"))
            .collect()
    });
    let (accepted, refused): (Vec<_>, Vec<_>) =
        logins.iter().partition(|login| login.code() == Some(0));
    assert_eq!((accepted.len(), refused.len()), (1, 49));
    assert_eq!(accepted[0].stdout, "alice\n");
    let reasons = reasons(&machine);
    assert_eq!((reasons["allowed"], reasons["already_used"]), (1, 49));
    tell(&format!(
        "50 logins through sshd with one token: {reasons:?}"
    ));
}

/// Checklist: A.27
#[test]
fn a_replay_is_told_to_the_user_and_its_first_use_to_the_log() {
    let machine = one_time_machine();
    let _sshd = machine.sshd(&[]);
    let token = machine.token(["alice"]);
    let verify = |code| {
        let verify = ["pam-jwt", "verify", "--user", "alice", "--service", "sshd"];
        let verify = machine.command(verify).stdin(&*token).run();
        verify.expect_code(code)
    };
    // To explain a token is not to use it.
    for _ in 0..2 {
        let explained = verify(0).stdout;
        assert!(
            explained.contains("has opened no login here yet"),
            "{explained}"
        );
    }
    let login = || {
        // Of what a server says ssh is silent below that.
        let ssh = machine.ssh("alice").option("LogLevel=INFO");
        ssh.answers([&*token]).command("id -un")
    };
    let first = login();
    assert_eq!(first.code(), Some(0), "{first}");
    let replay = login();
    assert_eq!(replay.code(), Some(255), "{replay}");
    let told = "Your token was used already; get a new one.";
    assert!(replay.stderr.contains(told), "{replay}");
    let line = |text: &str| {
        let line = replay.log.iter().find(|line| line.message.contains(text));
        line.unwrap_or_else(|| panic!("{text}\n{replay}"))
            .message
            .clone()
    };
    let audit = line("result=refused reason=already_used");
    let detail = audit.split(" detail=").nth(1).expect("a detail");
    assert!(
        detail.starts_with("\"used ") && detail.ends_with(") from 127.0.0.1\""),
        "{audit}"
    );
    let explained = verify(1).stdout;
    assert!(
        explained.contains("REFUSED: already_used") && explained.contains("from 127.0.0.1"),
        "{explained}"
    );
    // At su too, and nothing of when and where.
    machine.pam_line("su", "auth sufficient pam_jwt.so");
    machine.services(&["sshd", "su"]);
    machine.account("bob");
    let su = machine.command(["su", "alice", "-c", "id -un"]).user("bob");
    let su = su.stdin(format!("{token}\n")).run();
    assert_ne!(su.code(), Some(0), "{su}");
    assert!(su.stderr.contains(told), "{su}");
    assert!(!su.stderr.contains("127.0.0.1"), "{su}");
}

/// Checklist: A.27
#[test]
fn sudo_and_su_use_a_token_up_as_well() {
    let machine = one_time_machine();
    machine.account("bob");
    machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);
    machine.services(&["sudo", "su"]);
    for service in ["sudo", "su"] {
        machine.pam_line(service, "auth sufficient pam_jwt.so");
    }
    let token = machine.token(["alice"]);
    let answer = format!("{token}\n");
    let sudo = || {
        let sudo = machine.command(["sudo", "-k", "-S", "id", "-un"]);
        sudo.user("alice").stdin(&*answer).run()
    };
    let su = || {
        let su = machine.command(["su", "alice", "-c", "id -un"]);
        su.user("bob").stdin(&*answer).run()
    };
    let first = sudo().expect_success();
    assert_eq!(first.stdout, "root\n", "{first}");
    assert_ne!(sudo().code(), Some(0));
    let mark = machine.mark();
    assert_ne!(su().code(), Some(0));
    let line = machine.wait_for_log(mark, "pam_jwt(su:auth): result=refused reason=already_used");
    assert!(
        line.message.contains("from this machine"),
        "{}",
        line.message
    );
}

/// Checklist: A.27
#[test]
fn what_is_refused_is_not_used_up_and_what_fits_another_rule_is() {
    let machine = one_time_machine();
    let file = "/etc/pam-jwt/issuers.d/local.toml";
    let one_rule = machine.read(file);
    let another = "[[allow]]\naccount = \"alice\"\nservices = [\"sshd\"]\n";
    machine.append(file, another);
    machine.account("bob");
    let _sshd = machine.sshd(&[]);
    let token = machine.token(["alice"]);
    let login =
        |account: &str, token: &str| machine.ssh(account).answers([token]).command("id -un");
    assert_eq!(login("bob", &token).code(), Some(255));
    let records = |days: &str| {
        let list = format!("ls -A {RECORDS}/{days} 2>/dev/null | wc -l");
        machine.run(["sh", "-c", &list]).stdout.trim().to_owned()
    };
    assert_eq!(records(""), "0");
    let first = login("alice", &token);
    assert_eq!(first.code(), Some(0), "{first}");
    assert_eq!(records("*"), "1");
    let again = login("alice", &token);
    assert_eq!(again.code(), Some(255), "{again}");
    // A token that lives longer than max_age is for the other rule alone, as often as it likes.
    let long = machine.token(["alice", "--lifetime", "61m"]);
    for _ in 0..2 {
        let accepted = login("alice", &long);
        assert_eq!(accepted.code(), Some(0), "{accepted}");
    }
    assert_eq!(records("*"), "1");
    // ... and without that rule for none.
    machine.write(file, one_rule, 0o644);
    let mark = machine.mark();
    let refused = login("alice", &long);
    assert_eq!(refused.code(), Some(255), "{refused}");
    machine.wait_for_log(mark, "reason=lifetime_too_long");
}
