//! A user who sets variables of the PAM transaction, as `pam_env.so user_readenv=1` lets them
//! (Debian 12 has it in sshd's stack), wherever that line stands: nothing fresher, stronger or
//! longer comes of it.

use super::{
    ENDS, ISSUE, PASSWORD, RUN, SETTINGS, Steps, claims, files, logs_runtime, machine_with,
    runtime, settled, sh, su,
};
use machine::{LogLine, Login, Machine, Sshd};
use serde_json::{Map, Value, json};

/// Where pam_env stands, by what sed does to the stack.
const PLACES: [(&str, &str); 4] = [
    ("below", "$a session required pam_env.so user_readenv=1"),
    ("above", "1i session required pam_env.so user_readenv=1"),
    ("auth first", "1i auth required pam_env.so user_readenv=1"),
    (
        "auth last",
        "/^auth optional pam_jwt/a auth required pam_env.so user_readenv=1",
    ),
];

/// A key in a security key, which no login here has.
const LIE: &str = "publickey sk-ssh-ed25519@openssh.com AAAA";

/// A session line of root's, which keeps what a session has got.
const KEEP: &str = "#!/bin/sh\n\
    [ $PAM_TYPE = open_session ] || exit 0\n\
    [ -z \"$BEARER_TOKEN_FILE\" ] || cat \"$BEARER_TOKEN_FILE\" >/root/kept\n";

/// The kinds of logins.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Password,
    Token,
    Key,
}

struct Attack {
    machine: Machine,
    key: String,
    /// What opens a session for a hundred seconds.
    token: String,
}

impl Attack {
    fn new() -> Self {
        let machine = machine_with("");
        let more = "methods = [\"password\", \"token\", \"none\", \"publickey\"]\n\
            password_services = [\"sshd\"]\n";
        machine.write(SETTINGS, format!("{ENDS}{ISSUE}{more}"), 0o644);
        machine.write("/etc/keep", KEEP, 0o755);
        // The lines that look stand at once below ours, and refuse nothing.
        sh(
            &machine,
            "cd /etc/pam.d
            sed -i 's/^session optional pam_jwt.so issue$/session required pam_jwt.so issue\\n\
            session optional pam_exec.so quiet seteuid \\/etc\\/keep/' sshd su",
        );
        logs_runtime(&machine, &["/etc/pam.d/sshd", "/etc/pam.d/su"]);
        sh(&machine, "cp /etc/pam.d/sshd /etc/pam.d/su /root");
        let key = machine.ssh_key("alice");
        let token = silver(&machine, "100s");
        Self {
            machine,
            key,
            token,
        }
    }

    /// Puts pam_env into its place in a stack.
    fn place(&self, service: &str, sed: &str) {
        sh(
            &self.machine,
            &format!("sed '{sed}' /root/{service} >/etc/pam.d/{service}"),
        );
    }

    fn set(&self, lines: &str) {
        let path = "/home/alice/.pam_environment";
        self.machine.write_as("alice", path, lines, 0o600);
    }

    fn login(&self, by: By) -> Login {
        let _ = sh(&self.machine, ": >/root/kept");
        let ssh = self.machine.ssh("alice");
        let ssh = match by {
            By::Password => ssh.answers([PASSWORD]),
            By::Token => ssh.answers([&*self.token]),
            By::Key => ssh
                .option("PreferredAuthentications=publickey")
                .option(&format!("IdentityFile={}", self.key)),
        };
        ssh.command("env")
    }

    /// The token that the last session had.
    fn kept(&self) -> Option<Map<String, Value>> {
        let kept = self.machine.read("/root/kept");
        (!kept.is_empty()).then(|| claims(&self.machine, kept.trim_end()))
    }

    fn now(&self) -> u64 {
        sh(&self.machine, "date +%s").parse().expect("a time")
    }
}

/// A token of somebody who logged in an hour ago.
fn silver(machine: &Machine, lifetime: &str) -> String {
    let now: u64 = sh(machine, "date +%s").parse().expect("a time");
    let time = format!("auth_time={}", now - 3600);
    let claims = ["acr=silver", &time, "amr=[\"otp\"]"];
    let claims = claims.iter().flat_map(|claim| ["--claim", claim]);
    machine.token(["alice", "--lifetime", lifetime].into_iter().chain(claims))
}

fn logged<'l>(login: &'l Login, text: &str) -> Option<&'l LogLine> {
    login.log.iter().find(|line| line.message.contains(text))
}

/// What a login by `by` got, if it was let in: no more than it would have without any of it.
fn is_no_better(attack: &Attack, by: By, login: &Login, started: u64, what: &str) {
    let has_session = login.code() == Some(0);
    assert!(
        has_session || login.code() == Some(255) || login.code() == Some(254),
        "{login}"
    );
    if has_session {
        let line = logged(login, "runtime_max_sec=").expect("the line");
        match runtime(line) {
            Some(seconds) if by == By::Token => assert!((1..=100).contains(&seconds), "{what}"),
            limit => assert_eq!((limit, by == By::Token), (None, false), "{what}"),
        }
    }
    let Some(issued) = attack.kept() else { return };
    let number = |claims: &Map<String, Value>, name: &str| claims[name].as_u64().expect("a number");
    match by {
        By::Token => {
            let opened = claims(&attack.machine, &attack.token);
            assert!(number(&issued, "exp") <= number(&opened, "exp"), "{what}");
            for name in ["auth_time", "acr", "amr"] {
                assert_eq!(issued.get(name), opened.get(name), "{what}: {name}");
            }
        }
        By::Password | By::Key => {
            let amr = if by == By::Password { "pwd" } else { "swk" };
            // Of a key sshd speaks to nobody before the session's first line, which therefore is
            // to be ours (`pam-jwt check`).
            if !(by == By::Key && what.starts_with("methods, pam_env above")) {
                assert_eq!(issued["amr"], json!([amr]), "{what}");
            }
            assert!((started..=number(&issued, "iat")).contains(&number(&issued, "auth_time")));
            assert!(!issued.contains_key("acr"), "{what}");
        }
    }
}

/// Each value of each variable, wherever pam_env stands, for a login of each kind.
fn each(attack: &Attack, values: &[(&str, String)], accepts: impl Fn(&str, &str, By) -> bool) {
    let _sshd: Sshd = attack.machine.sshd(&[]);
    for (place, sed) in PLACES {
        attack.place("sshd", sed);
        for (what, lines) in values {
            for by in [By::Password, By::Token, By::Key] {
                attack.set(lines);
                let case = format!("{what}, pam_env {place}, {by:?}");
                let started = attack.now();
                let login = attack.login(by);
                is_no_better(attack, by, &login, started, &case);
                if place == "below" {
                    assert!(attack.kept().is_some(), "{case}\n{login}");
                }
                // The shell has what the user has set there, and no more.
                let has = |text: &str| text.contains("PAM_JWT_HANDOFF");
                assert!(has(lines) || !has(&login.stdout), "{case}\n{login}");
                let accepted = login.code() == Some(0);
                assert_eq!(accepted, accepts(what, place, by), "{case}\n{login}");
            }
        }
    }
}

#[test]
fn a_hand_off_that_the_user_names_gives_a_session_nothing() {
    let attack = Attack::new();
    // Of the same account and service, by a token that is better in every way.
    let now = attack.now();
    let time = format!("auth_time={now}");
    let gold = [
        "alice",
        "--claim",
        "acr=gold",
        "--claim",
        &time,
        "--claim",
        "amr=[\"hwk\"]",
    ];
    let gold = attack.machine.token(gold);
    let bobs = attack.machine.token(["bob"]);
    let mut live = Vec::new();
    let mut named = |account: &str, token: &str| {
        let mut steps = Steps::of(&attack.machine, "sshd", account);
        steps.succeeds(&format!("child sshd {account} {token}"));
        let name = steps.variable("PAM_JWT_HANDOFF").expect("the variable");
        live.push(steps);
        format!("PAM_JWT_HANDOFF DEFAULT={name}\n")
    };
    let old = {
        let mut steps = Steps::of(&attack.machine, "sshd", "alice");
        steps.succeeds(&format!("child sshd alice {gold}"));
        let name = steps.variable("PAM_JWT_HANDOFF").expect("the variable");
        steps.succeeds("setcred");
        format!("PAM_JWT_HANDOFF DEFAULT={name}\n")
    };
    let values = [
        ("another's", named("bob", &bobs)),
        ("a live one", named("alice", &gold)),
        ("an old one", old),
        (
            "garbage",
            "PAM_JWT_HANDOFF DEFAULT=../../etc/passwd\n".to_owned(),
        ),
        (
            "guessed",
            format!("PAM_JWT_HANDOFF DEFAULT={}\n", "0".repeat(32)),
        ),
        ("none", "PAM_JWT_HANDOFF DEFAULT= OVERRIDE=\n".to_owned()),
    ];
    each(&attack, &values, |what, place, by| {
        // Elsewhere ours has taken the record before. Nothing is known of a password whose
        // record is not named any more, and no token is issued then.
        place != "auth first" || what == "none" && by != By::Token
    });
}

#[test]
fn what_the_user_says_of_methods_and_sessions_changes_neither_token_nor_end() {
    let attack = Attack::new();
    let values = [
        ("methods", format!("SSH_AUTH_INFO_0 DEFAULT=\"{LIE}\"\n")),
        (
            "no methods",
            "SSH_AUTH_INFO_0 DEFAULT= OVERRIDE=\n".to_owned(),
        ),
        ("a session", "XDG_SESSION_ID DEFAULT=7\n".to_owned()),
        (
            "no session",
            "XDG_SESSION_ID DEFAULT= OVERRIDE=\n".to_owned(),
        ),
    ];
    each(&attack, &values, |what, place, by| {
        // It then looks as if pam_systemd stood above, and the session had no end.
        let is_before = matches!((place, by), ("above" | "auth first", _));
        !(what == "a session" && by == By::Token && is_before)
    });
}

/// Elsewhere nobody but the user sets what sshd would: it is no login by key, and none of now.
#[test]
fn what_the_user_says_of_methods_makes_no_login_of_a_su_that_asked_nobody() {
    let attack = Attack::new();
    let machine = &attack.machine;
    let lie = format!("SSH_AUTH_INFO_0 DEFAULT=\"{LIE}\"\n");
    for (place, sed) in PLACES {
        attack.place("su", sed);
        for (lines, what) in [("", "nothing"), (&*lie, "methods")] {
            attack.set(lines);
            let case = format!("{what}, pam_env {place}");
            sh(machine, ": >/root/kept; su alice -c true");
            if let Some(issued) = attack.kept() {
                for name in ["auth_time", "amr", "acr"] {
                    assert!(!issued.contains_key(name), "{case}: {issued:?}");
                }
            }
            let is_read = !matches!((what, place), ("nothing", _) | (_, "below" | "auth last"));
            assert_eq!(attack.kept().is_none(), is_read, "{case}");
            // Bob is asked, which is all that is known of him.
            for (by, answer) in [(By::Password, PASSWORD), (By::Token, &attack.token)] {
                sh(machine, ": >/root/kept");
                let _ = su(machine, answer, "true").expect_success();
                let issued = attack.kept().unwrap_or_default();
                let opened = claims(machine, &attack.token);
                let opened = |name: &str| opened.get(name).filter(|_| by == By::Token);
                assert_eq!(issued.get("amr"), opened("amr"), "{case}, {by:?}");
                assert_eq!(issued.get("acr"), opened("acr"), "{case}, {by:?}");
            }
        }
    }
}

/// What the variable says at the session's end is nothing to go by.
#[test]
fn a_file_that_the_user_calls_the_sessions_token_is_neither_written_nor_taken_away() {
    let attack = Attack::new();
    let machine = &attack.machine;
    machine.write("/root/secret", "root's", 0o600);
    machine.write_as("bob", "/home/bob/secret", "bob's", 0o600);
    machine.write_as("alice", "/home/alice/own", "alice's", 0o600);
    // Sessions that go on meanwhile, with tokens of their own.
    let others: Vec<Steps> = ["alice", "bob"]
        .into_iter()
        .map(|account| {
            let mut steps = Steps::of(machine, "sudo", account);
            steps.succeeds("open_session");
            steps
        })
        .collect();
    let tokens = files(machine, &format!("{RUN}/[0-9]*"));
    assert_eq!(tokens.len(), 2);
    let all = files(machine, RUN);
    let mut paths = vec!["/root/secret", "/home/bob/secret", "/home/alice/own"];
    paths.extend(tokens.iter().map(String::as_str));
    let seen = || {
        sh(
            machine,
            &format!("stat -c '%n %i %a %u %s %y' {}", paths.join(" ")),
        )
    };
    let before = seen();
    let mut values: Vec<(&str, String)> = paths
        .iter()
        .map(|path| (*path, format!("BEARER_TOKEN_FILE DEFAULT={path}\n")))
        .collect();
    for other in [
        "/home/alice/none",
        RUN,
        "/home/alice/.ssh",
        "/run/pam-jwt/sessions/x",
    ] {
        values.push((other, format!("BEARER_TOKEN_FILE DEFAULT={other}\n")));
    }
    values.push(("unset", "BEARER_TOKEN_FILE DEFAULT= OVERRIDE=\n".to_owned()));
    each(&attack, &values, |_, _, _| true);
    assert_eq!(seen(), before);
    // ... while those that were ours are gone, and no others.
    settled(machine, &all);
    sh(
        machine,
        "test ! -e /home/alice/none; test -d /home/alice/.ssh",
    );
    drop(others);
}
