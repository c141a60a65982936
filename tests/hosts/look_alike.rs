//! From outside, an account that exists and one that does not look alike: whoever
//! sends a secret that opens nothing sees the same prompts, as many of them, the same
//! messages and the same end of ssh. For an account that does not exist sshd hands
//! junk of the same length to PAM in place of what was typed.
//!
//! How long a refusal takes is not compared: libpam draws that by lot, and pam_unix
//! computes a hash only where there is one.
//!
//! One message is meant to differ: who holds a token that would open an account at
//! another time is told so. An issuer that is trusted vouches for that account.

use machine::{ISSUER, Login, Machine, PIECE, Sshd, in_pieces, tell, wait_until};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Mutex;

/// Each exists in its own way.
const KNOWN: [&str; 5] = ["alice", "root", "locked", "expired", "nologin"];

const UNKNOWN: &str = "mallory";

/// Logins at a time: they wait most of the time.
const AT_A_TIME: usize = 32;

const METHODS: [&str; 2] = ["keyboard-interactive", "password"];

/// A machine with alice, who has a password, as root has.
fn machine() -> Machine {
    let machine = Machine::ready();
    for account in ["alice", "root"] {
        machine.password(account, "correct horse");
    }
    machine
}

/// Makes the others that are known.
fn make_accounts(machine: &Machine) {
    for account in ["locked", "expired", "nologin"] {
        machine.account(account);
        machine.password(account, "correct horse");
    }
    for usermod in [
        "usermod --lock locked",
        "usermod --expiredate 1 expired",
        "usermod --shell /usr/sbin/nologin nologin",
    ] {
        let _ = machine.run(usermod.split(' ')).expect_success();
    }
}

/// The answers that give secrets that open nothing, by their names.
type Secrets = BTreeMap<String, Vec<String>>;

fn garbage(length: usize) -> String {
    format!("ey{}", "J".repeat(length - 2))
}

fn long_password(length: usize) -> String {
    let mut password = format!("no{}", " x".repeat(length));
    password.truncate(length);
    password
}

/// One of each kind.
fn a_few(machine: &Machine) -> Secrets {
    let foreign = machine.token(["alice", "--audience", "ssh://other"]);
    [
        ("a wrong password", "wrong horse".to_owned()),
        ("a token for another host", foreign),
        ("garbage of 500 bytes", garbage(500)),
    ]
    .map(|(name, secret)| (name.to_owned(), vec![secret]))
    .into()
}

/// Secrets in pieces. What is asked, and what is told at the end, may depend on no more than
/// how long they are.
fn in_pieces_of_500(machine: &Machine) -> Secrets {
    let mut secrets = Secrets::new();
    for length in [500, 1000, 1023, 1500, 60_000, 70_000] {
        let password = long_password(length);
        let mut of_length = vec![("garbage", garbage(length)), ("a password", password)];
        if length < 65_536 {
            let token = machine.token_of(length, ["alice", "--audience", "ssh://other"]);
            of_length.push(("a token for another host", token));
        }
        for (name, secret) in of_length {
            let name = format!("{name} of {length} bytes in pieces");
            secrets.insert(name, in_pieces(&secret));
        }
    }
    secrets
}

fn many(machine: &Machine) -> Secrets {
    let mut secrets = a_few(machine);
    let mut insert = |name: String, secret| secrets.insert(name, vec![secret]);
    insert("nothing".to_owned(), String::new());
    for length in [16, 511, 1000, 1023] {
        insert(format!("garbage of {length} bytes"), garbage(length));
    }
    for length in [500, 511, 1000, 1023] {
        let password = long_password(length);
        insert(format!("a wrong password of {length} bytes"), password);
    }
    for length in [500, 1000, 1023] {
        let token = machine.token_of(length, ["alice", "--audience", "ssh://other"]);
        insert(format!("a token for another host of {length} bytes"), token);
    }
    // Good, and would open alice.
    let cut = machine.token_of(1500, ["alice"]);
    insert("a token that ssh cuts".to_owned(), cut);

    let keygen = "pam-jwt keygen --alg EdDSA --out /root/stranger.jwk";
    let _ = machine.run(keygen.split(' ')).expect_success();
    let by_a_stranger = "alice --key /root/stranger.jwk --audience ssh://machine --issuer";
    let token = machine.token(by_a_stranger.split(' ').chain([ISSUER]));
    secrets.insert("a token by a stranger".to_owned(), vec![token]);
    machine.account("bob");
    let token = expired_token(machine, "bob");
    secrets.insert("an expired token of bob's".to_owned(), vec![token]);
    secrets
}

/// A token that was good, with no leeway from here on.
fn expired_token(machine: &Machine, account: &str) -> String {
    machine.write("/etc/pam-jwt/pam-jwt.toml", "leeway = \"0s\"\n", 0o644);
    let token = machine.token([account, "--lifetime", "1s"]);
    let verify = ["pam-jwt", "verify", "--user", account, "--service", "sshd"];
    let verdict = || machine.command(verify).stdin(token.as_str()).run().stdout;
    wait_until("the token expires", || {
        verdict().contains("REFUSED: expired")
    });
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

/// Has each of the accounts send each of the secrets, `attempts` times, by each method,
/// and answers how many logins that were.
fn expect_alike(
    machine: &Machine,
    accounts: &[&str],
    secrets: &Secrets,
    attempts: usize,
    asked: Asked,
) -> usize {
    let mut logins = Vec::new();
    for secret in secrets {
        for method in METHODS {
            // There is one answer by password: what is in pieces is for the other method.
            if method == "password" && secret.1.len() > 1 {
                continue;
            }
            logins.extend(accounts.iter().map(|account| (secret, method, *account)));
        }
    }
    let count = logins.len();
    let queue = Mutex::new(logins.into_iter());
    let next = || queue.lock().expect("the queue").next();
    // For each secret and method, who saw what.
    let seen = Mutex::new(BTreeMap::<_, BTreeMap<String, Vec<&str>>>::new());
    let work = || {
        while let Some(((name, answers), method, account)) = next() {
            let prompts = attempts * asked(answers, method);
            // Of a longer answer ssh makes one of 1023 bytes.
            let lengths: Vec<usize> = answers.iter().map(|it| it.len().min(1023)).collect();
            let is_as_cut = matches!(lengths[..], [511 | 1023]);
            // A prompt beyond the last answer is answered with nothing.
            let mut answers = answers.clone();
            answers.resize(prompts / attempts, String::new());
            let login = machine
                .ssh(account)
                .answers(vec![answers; attempts].concat())
                .option(&format!("PreferredAuthentications={method}"))
                .option(&format!("NumberOfPasswordPrompts={attempts}"))
                .option("LogLevel=VERBOSE")
                .command("id -un");
            let transcript = transcript(&login, account);
            assert_eq!(login.code(), Some(255), "{name} by {method}:\n{login}");
            assert_eq!(login.prompts.len(), prompts, "{name} by {method}:\n{login}");
            // What is told of a cut is told to all; by password sshd 9.2 tells nothing.
            if method != "password" {
                let told = login.stderr.contains("it was cut at");
                assert_eq!(told, is_as_cut, "{name}:\n{login}");
            }
            let mut seen = seen.lock().expect("the transcripts");
            let of_case = seen.entry((name, method)).or_default();
            of_case.entry(transcript).or_default().push(account);
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..AT_A_TIME {
            threads.spawn(work);
        }
    });
    for ((name, method), transcripts) in seen.into_inner().expect("the transcripts") {
        assert_eq!(transcripts.len(), 1, "{name} by {method}: {transcripts:#?}");
    }
    count
}

/// How many prompts these answers end.
type Asked = fn(answers: &[String], method: &str) -> usize;

/// Where pam_jwt asks: one of 500 bytes none, until there are more than 64 KiB.
fn by_pam_jwt(answers: &[String], method: &str) -> usize {
    let full = answers.iter().take_while(|answer| answer.len() == PIECE);
    match method {
        "password" => 1,
        _ => (full.count() + 1).min(65_536 / PIECE + 1),
    }
}

/// Where pam_unix asks.
fn once(_: &[String], _: &str) -> usize {
    1
}

/// sshd for all of them at once.
fn sshd(machine: &Machine) -> Sshd<'_> {
    machine.sshd(&["PermitRootLogin yes", "MaxStartups 100"])
}

#[test]
fn known_and_unknown_accounts_look_alike() {
    let machine = machine();
    make_accounts(&machine);
    let secrets = many(&machine);
    let _sshd = sshd(&machine);
    let accounts = [&KNOWN[..], &[UNKNOWN]].concat();
    let count = expect_alike(&machine, &accounts, &secrets, 1, by_pam_jwt);
    tell(&format!(
        "{count} refused logins with {} secrets",
        secrets.len()
    ));
}

#[test]
fn in_pieces_they_look_alike_too() {
    let machine = machine();
    let secrets = in_pieces_of_500(&machine);
    let _sshd = sshd(&machine);
    let accounts = ["alice", "root", UNKNOWN];
    let count = expect_alike(&machine, &accounts, &secrets, 1, by_pam_jwt);
    tell(&format!("{count} refused logins in pieces"));
}

#[test]
fn who_holds_an_expired_token_of_the_account_itself_is_told_so() {
    let machine = machine();
    let token = expired_token(&machine, "alice");
    let _sshd = sshd(&machine);
    let seen = |account| {
        let ssh = machine.ssh(account).answers([token.as_str()]).kbdint();
        let login = ssh.option("LogLevel=INFO").command("id -un");
        assert_eq!(
            (login.code(), login.prompts.len()),
            (Some(255), 1),
            "{login}"
        );
        login.stderr
    };
    assert!(seen("alice").contains("\nYour token expired "));
    assert!(!seen("root").contains("token"));
}

#[test]
fn every_further_attempt_looks_alike_too() {
    let machine = machine();
    let _sshd = sshd(&machine);
    expect_alike(
        &machine,
        &["alice", UNKNOWN],
        &a_few(&machine),
        3,
        by_pam_jwt,
    );
}

#[test]
fn in_other_stacks_they_look_alike_too() {
    let token_only = "auth requisite pam_jwt.so\nauth required pam_permit.so\n";
    let both = "auth required pam_jwt.so\nauth required pam_unix.so\n";
    let behind_pam_unix = "auth sufficient pam_unix.so\nauth sufficient pam_jwt.so\n\
                           auth requisite pam_deny.so\n";
    let broken = "auth sufficient pam_jwt.so config=/nowhere\n@include common-auth\n";
    let misspelt = "auth sufficient pam_jwt.so typo\n@include common-auth\n";
    std::thread::scope(|threads| {
        let stacks: [(_, Asked); 5] = [
            (token_only, by_pam_jwt),
            (both, by_pam_jwt),
            (behind_pam_unix, once),
            (broken, by_pam_jwt),
            (misspelt, once),
        ];
        for (stack, asked) in stacks {
            threads.spawn(move || {
                println!("{stack}");
                let machine = machine();
                machine.write("/etc/pam.d/sshd", stack, 0o644);
                let _sshd = sshd(&machine);
                let accounts = ["alice", "root", UNKNOWN];
                expect_alike(&machine, &accounts, &a_few(&machine), 1, asked);
            });
        }
    });
}

#[test]
fn on_the_console_they_look_alike_too() {
    let machine = machine();
    machine.pam_line("login", "auth sufficient pam_jwt.so");
    let foreign = |bytes| machine.token_of(bytes, ["alice", "--audience", "ssh://other"]);
    let (token, long) = (foreign(450), foreign(6500));
    // The terminal cuts the last at 4095 bytes.
    for (lines, is_told) in [
        (vec![token], false),
        (in_pieces(&long), false),
        (vec![long], true),
    ] {
        let mut screens = Vec::new();
        for account in ["alice", UNKNOWN] {
            let mut login = machine.terminal(["login"]);
            login.expect("login: ").send_line(account);
            for line in &lines {
                login.expect("token").expect(": ").send_line(line);
            }
            login.expect("Login incorrect").expect("login: ");
            screens.push(login.printed().replace(account, "ACCOUNT"));
        }
        assert_eq!(screens[0], screens[1]);
        assert_eq!(screens[0].contains("it was cut at 4095"), is_told);
    }
}

/// Checklist: A.26
#[test]
fn a_name_that_is_no_text_is_asked_like_any_other_and_refused() {
    let machine = Machine::ready();
    let _sshd = sshd(&machine);
    let asked = |name: &[u8]| {
        machine.write(
            "/run/ask",
            "#!/bin/sh\necho \"$1\" >&2\necho secret\n",
            0o755,
        );
        let ssh = "ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
                   -o PreferredAuthentications=keyboard-interactive \
                   -o NumberOfPasswordPrompts=1 127.0.0.1 -l";
        let output = machine
            .command(ssh.split_whitespace())
            .arg(OsStr::from_bytes(name))
            .env("SSH_ASKPASS", "/run/ask")
            .env("SSH_ASKPASS_REQUIRE", "force")
            .run()
            .expect_code(255);
        let seen = output
            .stderr
            .replace(&*String::from_utf8_lossy(name), "ACCOUNT");
        seen.replace("m\\344llory", "ACCOUNT")
    };
    let mark = machine.mark();
    let text = asked(b"mallory");
    assert!(
        text.contains("(ACCOUNT@127.0.0.1) Password or token: "),
        "{text}"
    );
    assert_eq!(asked(b"m\xe4llory"), text);
    machine.wait_for_log(
        mark,
        "result=refused reason=account_name_invalid account=unknown service=sshd",
    );
}
