//! From outside, an account that exists and one that does not look alike: whoever
//! sends a secret that opens nothing sees the same prompts, as many of them, the same
//! messages and the same end of ssh. For an account that does not exist sshd hands
//! junk of the same length to PAM in place of what was typed.
//!
//! How long a refusal takes is not compared: libpam draws that by lot, and pam_unix
//! computes a hash only where there is one.
//!
//! One message is meant to differ: who holds a token that would open an account at
//! another time is told so. That token names the account.

use machine::{ISSUER, Login, Machine};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Each exists in its own way.
const KNOWN: [&str; 5] = ["alice", "root", "locked", "expired", "nologin"];

const UNKNOWN: [&str; 2] = ["mallory", "o"];

/// Logins at a time: they wait most of the time.
const AT_A_TIME: usize = 16;

const METHODS: [&str; 2] = ["keyboard-interactive", "password"];

fn with_accounts() -> Machine {
    let machine = Machine::ready();
    for account in KNOWN {
        if account != "root" && account != "alice" {
            machine.account(account);
        }
        machine.password(account, "correct horse");
    }
    machine.account("bob");
    for usermod in [
        "usermod --lock locked",
        "usermod --expiredate 1 expired",
        "usermod --shell /usr/sbin/nologin nologin",
    ] {
        let _ = machine.run(usermod.split(' ')).expect_success();
    }
    machine
}

/// What opens nothing, by its name.
fn secrets(machine: &Machine) -> BTreeMap<String, String> {
    let keygen = ["pam-jwt", "keygen", "--alg", "EdDSA", "--out"];
    let _ = machine
        .run(keygen.into_iter().chain(["/root/stranger.jwk"]))
        .expect_success();
    let strangers = ["--key", "/root/stranger.jwk", "--issuer", ISSUER];
    let audience = ["--audience", "ssh://machine"];
    let mut secrets: BTreeMap<String, String> = [
        ("nothing", String::new()),
        ("a wrong password", "wrong horse".to_owned()),
        (
            "a token by a stranger",
            machine.token(["alice"].into_iter().chain(strangers).chain(audience)),
        ),
        (
            "a token for another host",
            machine.token(["alice", "--audience", "ssh://other"]),
        ),
        ("an expired token of bob's", expired_token(machine, "bob")),
    ]
    .map(|(name, secret)| (name.to_owned(), secret))
    .into();
    for length in [16, 500, 511, 1000] {
        let garbage = format!("ey{}", "J".repeat(length - 2));
        secrets.insert(format!("garbage of {length} bytes"), garbage);
        let password = format!("no{}", " x".repeat(length / 2 - 1));
        secrets.insert(format!("a wrong password of {length} bytes"), password);
    }
    secrets
}

/// A token that was good, with no leeway from here on.
fn expired_token(machine: &Machine, account: &str) -> String {
    machine.write("/etc/pam-jwt/pam-jwt.toml", "leeway = \"0s\"\n", 0o644);
    let token = machine.token([account, "--lifetime", "1s"]);
    let verify = ["pam-jwt", "verify", "--user", account, "--service", "sshd"];
    let verdict = || machine.command(verify).stdin(token.as_str()).run().stdout;
    while !verdict().contains("REFUSED: expired") {}
    token
}

/// All that shows from outside, the account's name taken out.
fn transcript(login: &Login, account: &str) -> String {
    let seen = format!(
        "prompts: {:#?}\nstdout: {}\nstderr: {}\n{}\n",
        login.prompts, login.stdout, login.stderr, login.status
    );
    seen.replace(&format!("{account}@127.0.0.1"), "ACCOUNT@127.0.0.1")
}

#[test]
fn known_and_unknown_accounts_look_alike() {
    let machine = with_accounts();
    let secrets = secrets(&machine);
    let _sshd = machine.sshd(&["PermitRootLogin yes", "MaxStartups 100"]);

    let mut logins = Vec::new();
    for (name, secret) in &secrets {
        for method in METHODS {
            for account in KNOWN.into_iter().chain(UNKNOWN) {
                logins.push((name, secret, method, account));
            }
        }
    }
    let count = logins.len();
    let queue = Mutex::new(logins.into_iter());
    let next = || queue.lock().expect("the queue").next();
    let seen = Mutex::new(BTreeMap::<_, BTreeMap<String, Vec<&str>>>::new());
    std::thread::scope(|threads| {
        for _ in 0..AT_A_TIME {
            threads.spawn(|| {
                while let Some((name, secret, method, account)) = next() {
                    let login = machine
                        .ssh(account)
                        .answers([secret.as_str()])
                        .option(&format!("PreferredAuthentications={method}"))
                        .option("LogLevel=VERBOSE")
                        .command("id -un");
                    let transcript = transcript(&login, account);
                    let mut seen = seen.lock().expect("the transcripts");
                    let of_case = seen.entry((name, method)).or_default();
                    of_case.entry(transcript).or_default().push(account);
                }
            });
        }
    });
    let seen = seen.into_inner().expect("the transcripts");
    println!(
        "{count} logins with {} secrets by {} methods",
        secrets.len(),
        METHODS.len()
    );
    println!("{seen:#?}");
    for ((name, method), transcripts) in seen {
        assert_eq!(transcripts.len(), 1, "{name} by {method}: {transcripts:#?}");
    }
}
