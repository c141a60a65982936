//! The unit of pam-jwt-authserver at work on a booted Debian: with all that it takes away, PAM
//! does what it does, and the server is there at once.

use machine::{Machine, Visitor, tell, wait_until};
use serde_json::Value;
use std::time::Instant;

/// Where it listens by its settings, and where its socket unit does.
const PORT: u16 = 8420;
const SOCKET_PORT: u16 = 443;

const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

const ISSUER: &str = "http://127.0.0.1:8420";

const SETTINGS: &str = "issuer = \"http://127.0.0.1:8420\"
[scopes.read]
description = \"read what is yours\"
audiences = [\"https://api.example.org\"]
";

const PASSWORD: &str = "correct horse battery";

/// As faillock(8) says: who was wrong twice waits, also with the right password.
const STACK: &str = "auth required pam_faillock.so preauth silent deny=2 unlock_time=600
auth sufficient pam_unix.so
auth [default=die] pam_faillock.so authfail deny=2 unlock_time=600
account required pam_faillock.so
@include common-account
@include common-password
";

/// What a script of root's prints.
#[track_caller]
fn says(machine: &Machine, script: &str) -> String {
    let output = machine.run(["sh", "-ec", script]).expect_success();
    output.stdout.trim_end().to_owned()
}

/// What comes of a login by name and password (RFC 6749 §4.3).
fn login(machine: &Machine, client: &str, account: &str, password: &str) -> (u16, Value) {
    let password = password.replace(' ', "+");
    let body = format!("grant_type=password&username={account}&password={password}&{client}");
    let length = body.len();
    let request = format!(
        "POST /token HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}"
    );
    let answer = machine.ask(PORT, &request).expect("an answer");
    (answer.status, answer.json())
}

/// A booted machine with alice, bob and the server, and what shows who its client is.
fn booted(release: &str) -> (Machine, String) {
    let machine = Machine::boot_debian(release);
    machine.make_ready();
    machine.account("bob");
    machine.password("alice", PASSWORD);
    machine.password("bob", PASSWORD);
    machine.write("/etc/pam-jwt/authserver.toml", SETTINGS, 0o644);
    machine.write("/etc/pam.d/pam-jwt-authserver", STACK, 0o644);
    let add = "pam-jwt keys rotate >&2
        pam-jwt --json clients add old --grant password --scope read \
            --auth-method client_secret_post";
    let added: Value = serde_json::from_str(&says(&machine, add)).expect("JSON");
    let secret = added["client_secret"].as_str().expect("a secret");
    let client = format!("client_id=old&client_secret={secret}");
    says(&machine, "systemctl daemon-reload");
    (machine, client)
}

#[track_caller]
fn start(machine: &Machine, unit: &str) {
    let start = format!("systemctl start {unit} || {{ journalctl --no-pager -u {unit}; exit 1; }}");
    says(machine, &start);
}

#[test]
fn bookworms_unit_lets_pam_do_its_work() {
    the_unit_lets_pam_do_its_work("bookworm");
}

#[test]
fn trixies_unit_lets_pam_do_its_work() {
    the_unit_lets_pam_do_its_work("trixie");
}

fn the_unit_lets_pam_do_its_work(release: &str) {
    let (machine, client) = booted(release);
    let began = Instant::now();
    start(&machine, "pam-jwt-authserver.service");
    // The unit is started when it serves (Type=notify).
    let health = |port| Some(machine.ask(port, HEALTH)?.status);
    assert_eq!(health(PORT), Some(200));
    let answered = began.elapsed();
    let moment = |name: &str| {
        let show = format!("systemctl show --value -p {name} pam-jwt-authserver.service");
        let text = says(&machine, &show);
        text.parse::<u64>().expect("microseconds")
    };
    let executed = moment("ExecMainStartTimestampMonotonic");
    let serves = moment("ActiveEnterTimestampMonotonic") - executed;
    tell(&format!(
        "{release}: it serves {} ms after it was executed; systemctl start to the first answer \
         took {} ms",
        serves / 1000,
        answered.as_millis()
    ));

    let (status, tokens) = login(&machine, &client, "alice", PASSWORD);
    assert_eq!(status, 200, "{tokens}");
    // pam_faillock counts.
    for _ in 0..2 {
        assert_eq!(login(&machine, &client, "bob", "wrong").0, 400);
    }
    let counted = says(&machine, "faillock --user bob");
    assert_eq!(counted.matches(" RHOST ").count(), 2, "{counted}");
    assert!(counted.contains("127.0.0.1"), "{counted}");
    assert_eq!(login(&machine, &client, "bob", PASSWORD).0, 400);
    says(&machine, "faillock --user bob --reset");
    assert_eq!(login(&machine, &client, "bob", PASSWORD).0, 200);
    // pam_unix changes an expired password, which is written beside the others and replaces them.
    says(&machine, "chage --lastday 0 bob");
    let refused = login(&machine, &client, "bob", PASSWORD);
    assert_eq!(refused.0, 400, "a password alone does not change itself");
    let mut visitor = Visitor::new(&machine, ISSUER);
    let (old, new) = (PASSWORD, "another horse entirely");
    let page = visitor.log_in("/device", "bob", old, new);
    assert!(page.contains("logged in as <strong>bob"), "{page}");
    assert_eq!(login(&machine, &client, "bob", old).0, 400);
    assert_eq!(login(&machine, &client, "bob", new).0, 200);
    let shadow = says(&machine, "stat -c '%a %U:%G' /etc/shadow");
    assert_eq!(shadow, "640 root:shadow");

    // What was changed is taken up here as well, and the key is what the unit leaves readable.
    let added = says(
        &machine,
        "pam-jwt --json clients add job --audience https://a",
    );
    let added: Value = serde_json::from_str(&added).expect("JSON");
    let secret = added["client_secret"].as_str().expect("a secret");
    wait_until("the new client is known", || {
        let client = format!("client_id=job&client_secret={secret}");
        login(&machine, &client, "alice", "x").1["error"] == "unauthorized_client"
    });
    says(&machine, "systemctl reload pam-jwt-authserver.service");
    let owner = says(
        &machine,
        "ps -o user:20= -C pam-jwt-authser | sort | uniq -c | tr -s ' '
         stat -c '%U %a' /var/lib/pam-jwt-authserver /run/pam-jwt-authserver/local",
    );
    tell(&owner);
    assert!(owner.contains("\npam-jwt-authserver 700\n"), "{owner}");
    says(&machine, "systemctl stop pam-jwt-authserver.service");
    let result = "systemctl show -p Result -p ExecMainStatus pam-jwt-authserver.service";
    assert_eq!(says(&machine, result), "Result=success\nExecMainStatus=0");

    // systemd listens, and the first who comes starts it, as often as it was stopped.
    start(&machine, "pam-jwt-authserver.socket");
    let state = "systemctl show --value -p ActiveState pam-jwt-authserver.service";
    for _ in 0..2 {
        assert_eq!(says(&machine, state), "inactive");
        assert_eq!(health(SOCKET_PORT), Some(200));
        assert_eq!(says(&machine, state), "active");
        // It listens nowhere else, whatever the settings say.
        assert_eq!(health(PORT), None);
        says(&machine, "systemctl stop pam-jwt-authserver.service 2>&1");
    }

    let rating = "systemd-analyze security --no-pager pam-jwt-authserver.service | tail -n 1";
    let rating = says(&machine, rating);
    tell(&rating);
    let level = rating
        .split_whitespace()
        .find_map(|word| word.parse::<f64>().ok());
    // It is root, with the capabilities of a login.
    assert!(level.is_some_and(|level| level <= 4.0), "{rating}");
}
