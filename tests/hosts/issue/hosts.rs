//! The order of phases at each host, and the life of the token's file in it.

use crate::login::{HOSTS, Host, SHOW, Session, Shown, is_util_linux, ssh};
use crate::phases::{Call, Trail};
use crate::{ISSUER, PASSWORD, claims, issue, made, now, sh};
use machine::Machine;
use serde_json::json;
use std::collections::BTreeMap;

/// The phases of a session that a password opens: the process, the phase, and what there is at
/// its end. Where a child ends the transaction it is the user already, who may not look.
fn phases(host: Host, util_linux: bool) -> &'static [&'static str] {
    match host {
        Host::SshPassword => &[
            "1 authenticate, handoff",
            "1 acct_mgmt, handoff",
            "1 setcred establish",
            "1 open_session, token",
            "2 setcred establish, token",
            "1 close_session",
            "1 setcred delete",
            "1 end",
        ],
        Host::SshKeyboard => &[
            "1 authenticate, handoff",
            "1 acct_mgmt, handoff",
            "2 setcred establish",
            "2 open_session, token",
            "3 setcred establish, token",
            "2 close_session",
            "2 setcred delete",
            "2 end",
        ],
        Host::Su | Host::SuLogin => &[
            "1 authenticate, handoff",
            "1 acct_mgmt, handoff",
            "1 setcred establish, token",
            "1 open_session, token",
            "2 end silent, by the user",
            "1 close_session",
            "1 setcred delete",
            "1 end",
        ],
        Host::Sudo => &[
            "1 authenticate, handoff",
            "1 acct_mgmt, handoff",
            "1 setcred reinitialize, token",
            "1 open_session, token",
            "1 close_session",
            "1 setcred delete",
            "1 end silent",
        ],
        Host::Login if util_linux => &[
            "1 authenticate, handoff",
            "1 acct_mgmt, handoff",
            "1 setcred establish, token",
            "1 open_session, token",
            "1 setcred reinitialize, token",
            "2 end silent, by the user",
            "1 setcred delete",
            "1 close_session",
            "1 end",
        ],
        Host::Login => &[
            "1 authenticate, handoff",
            "1 acct_mgmt, handoff",
            "1 open_session, token",
            "1 setcred establish, token",
            "2 end silent, by the user",
            "1 close_session",
            "1 end",
        ],
    }
}

/// sshd, where a key opens the session.
const PUBLICKEY: [&str; 7] = [
    "1 acct_mgmt",
    "1 setcred establish",
    "1 open_session, token",
    "2 setcred establish, token",
    "1 close_session",
    "1 setcred delete",
    "1 end",
];

const CRON: [&str; 7] = [
    "1 acct_mgmt",
    "1 setcred establish, token",
    "1 open_session, token",
    "2 setcred reinitialize, token",
    "1 setcred delete",
    "1 close_session",
    "1 end",
];

/// The calls in which the session has its token: all from the first one on to where it ends,
/// with one and the same file.
pub fn calls_with_token(trail: &Trail) -> Vec<&Call> {
    let has = |call: &&Call| call.tokens.as_ref().is_some_and(|files| !files.is_empty());
    // Whom no directory is open to has nothing to say.
    let seen = trail.0.iter().filter(|call| call.tokens.is_some());
    let with: Vec<&Call> = seen
        .clone()
        .skip_while(|call| !has(call))
        .take_while(has)
        .collect();
    let first = with.first().expect("a token");
    for call in &with {
        assert_eq!(call.tokens, first.tokens, "{trail:#?}");
        assert_eq!(call.sessions, first.sessions, "{trail:#?}");
        assert_eq!(call.handoff, None, "{trail:#?}");
        assert_eq!(call.token_file, first.token_file, "{trail:#?}");
    }
    let last = with.last().expect("a token");
    assert_eq!(last.place, "above", "{trail:#?}");
    assert!(
        last.phase == "close_session" || last.flag == "delete",
        "{trail:#?}"
    );
    assert_eq!(seen.filter(has).count(), with.len(), "{trail:#?}");
    with
}

/// The token is the session's: where it is, who reads it, and what it says; and nothing of it
/// is left.
fn is_the_sessions(machine: &Machine, account: &str, service: &str, session: &Session) {
    let trail = &session.trail;
    let with = calls_with_token(trail);
    let (first, last) = (with[0], with[with.len() - 1]);
    let uid = sh(machine, &format!("id -u {account}"));
    assert_eq!(first.user.as_deref(), Some(account));
    assert_eq!(first.service, service);

    // One file, which the session's record belongs to, and the process that will close it.
    let only = |files: &Option<BTreeMap<String, String>>| {
        let files = files.as_ref().expect("root looks");
        assert_eq!(files.len(), 1, "{trail:#?}");
        files
            .first_key_value()
            .map(|(name, file)| (name.clone(), file.clone()))
            .expect("one")
    };
    let (id, file) = only(&first.tokens);
    assert!(file.starts_with(&format!("400 {uid} ")), "{file}");
    let (record, file) = only(&first.sessions);
    assert!(
        record.starts_with(&format!("{uid}.{}.", last.pid)),
        "{record}"
    );
    assert!(record.ends_with(&format!(".{id}")), "{record}");
    assert!(file.starts_with("600 0 "), "{file}");
    let path = format!("/run/pam-jwt/{uid}/{id}");
    assert_eq!(first.token_file.as_deref(), Some(&*path), "{trail:#?}");

    let shown = session.shown.as_ref().expect("a token");
    assert_eq!(shown.account, account);
    assert_eq!(shown.file, path);
    assert_eq!(shown.access, ["400", account, "711", "root"]);

    let claims = claims(machine, &shown.token);
    let number = |name: &str| claims[name].as_u64().expect("a time");
    for (name, value) in [
        ("iss", json!(ISSUER)),
        ("sub", json!(account)),
        ("aud", json!("ssh://other")),
        ("client_id", json!(format!("pam:{service}"))),
        ("sid", json!(id)),
    ] {
        assert_eq!(claims[name], value, "{claims:?}");
    }
    assert!(!claims["jti"].as_str().expect("a jti").is_empty());
    assert_eq!(number("exp") - number("iat"), 8 * 3600);
    machine.wait_for_log(
        session.mark,
        &format!("result=issued reason=issued account={account} service={service}"),
    );

    let left = format!("find /run/pam-jwt -type f -o -name {uid}");
    assert_eq!(sh(machine, &left), "");
}

/// Every host that asks for a password.
fn every_host(machine: &Machine) {
    let util_linux = is_util_linux(machine);
    for host in HOSTS {
        let before = now(machine);
        let session = host.session(machine, PASSWORD);
        assert_eq!(session.trail.steps(), phases(host, util_linux), "{host:?}");
        is_the_sessions(machine, host.account(), host.service(), &session);
        let claims = claims(machine, session.token());
        let at = claims["auth_time"].as_u64().expect("a time");
        assert!((before..=claims["iat"].as_u64().expect("a time")).contains(&at));
        assert!(!claims.contains_key("amr") && !claims.contains_key("acr"));
    }
}

#[test]
fn the_token_is_there_from_the_first_phase_of_the_session_to_its_last_here() {
    every_host(&made(Machine::boot(), ""));
}

#[test]
fn the_token_is_there_from_the_first_phase_of_the_session_to_its_last_in_the_other_release() {
    every_host(&made(Machine::boot_other_debian(), ""));
}

/// A login by key, at which PAM is asked for nothing.
fn by_key(machine: &Machine) {
    let key = machine.ssh_key("alice");
    issue(machine, "methods = [\"publickey\"]");
    let session = Session::of(machine, || {
        let login = ssh(machine, &[], |ssh| {
            ssh.option("PreferredAuthentications=publickey")
                .option(&format!("IdentityFile={key}"))
        });
        login.to_string()
    });
    assert_eq!(session.trail.steps(), PUBLICKEY);
    is_the_sessions(machine, "alice", "sshd", &session);
}

#[test]
fn a_session_that_a_key_opens_has_its_token_as_long_here() {
    by_key(&made(Machine::boot(), ""));
}

#[test]
fn a_session_that_a_key_opens_has_its_token_as_long_in_the_other_release() {
    by_key(&made(Machine::boot_other_debian(), ""));
}

/// A job that runs when the daemon starts: nobody waits for the next minute.
#[test]
fn a_job_of_crons_has_a_token_as_long_as_it_runs() {
    let machine = made(Machine::boot(), "password_services = [\"cron\"]");
    machine.write(
        "/etc/crontab",
        format!("@reboot alice {SHOW} >/tmp/shown\n"),
        0o644,
    );
    let session = Session::of(&machine, || {
        let mark = machine.mark();
        sh(
            &machine,
            "rm -f /etc/cron.d/* && $(command -v cron || command -v crond)",
        );
        let _ = Trail::of(&machine, mark);
        machine.read("/tmp/shown")
    });
    assert_eq!(session.trail.steps(), CRON);
    is_the_sessions(&machine, "alice", "cron", &session);
    let claims = claims(&machine, session.token());
    for absent in ["auth_time", "amr", "acr"] {
        assert!(!claims.contains_key(absent), "{claims:?}");
    }
}

/// While the session is there, whose token is nobody else's to read, nor its owner's to replace.
#[test]
fn nobody_else_reads_the_token() {
    let machine = made(Machine::boot(), "");
    let mark = machine.mark();
    let mut su = machine.terminal(["su", "alice"]);
    su.expect("$ ")
        .send_line(&format!("{SHOW}; echo shown all"));
    su.expect("\nshown all");
    let shown = Shown::of(&su.printed()).expect("a token");
    let (directory, name) = shown.file.rsplit_once('/').expect("a path");
    for (user, tries) in [
        ("bob", format!("cat {}", shown.file)),
        ("bob", format!("ls {directory}")),
        ("bob", format!("echo x >>{}", shown.file)),
        ("alice", format!("ls {directory}")),
        ("alice", format!("rm -f {}", shown.file)),
        ("alice", format!("mv {} {directory}/other", shown.file)),
        ("alice", format!("echo x >{directory}/{name}.x")),
        ("alice", "ls /run/pam-jwt/sessions".to_owned()),
        ("alice", "ls /run/pam-jwt/handoff".to_owned()),
    ] {
        let output = machine.command(["sh", "-c", &tries]).user(user).run();
        assert_ne!(output.code(), Some(0), "{user}: {output}");
        assert_eq!(output.stdout, "", "{user}: {output}");
    }
    let found = machine.command(["cat", &shown.file]).user("alice").run();
    assert_eq!(found.expect_success().stdout, shown.token);
    su.send_line("exit");
    su.wait().expect_success();
    let _ = Trail::of(&machine, mark);
    machine.run(["cat", &shown.file]).expect_code(1);
}
