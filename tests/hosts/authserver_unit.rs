//! The units of pam-jwt-authserver at work on a booted Debian: with all that they take away, PAM
//! does what it does, the server is there at once, and comes back whichever of its processes ends.

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

const SERVICE: &str = "pam-jwt-authserver.service";

/// Root's part of it, one for each start.
const MONITOR: &str = "pam-jwt-authserver-pam@*.service";

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

/// What systemd says of the server.
#[track_caller]
fn of_unit(machine: &Machine, property: &str) -> String {
    says(
        machine,
        &format!("systemctl show --value -p {property} {SERVICE}"),
    )
}

fn health(machine: &Machine, port: u16) -> Option<u16> {
    Some(machine.ask(port, HEALTH)?.status)
}

#[test]
fn bookworms_units_let_pam_do_its_work() {
    the_units_let_pam_do_its_work("bookworm");
}

#[test]
fn trixies_units_let_pam_do_its_work() {
    the_units_let_pam_do_its_work("trixie");
}

fn the_units_let_pam_do_its_work(release: &str) {
    let (machine, client) = booted(release);
    settings_that_are_no_good_are_told_of(&machine);
    it_serves_once_it_is_started(&machine, release);
    // The program is another one by now, and this one goes on.
    let upgrade = "cd /usr/sbin; cp pam-jwt-authserver new; mv new pam-jwt-authserver";
    says(&machine, upgrade);
    people_log_in(&machine, &client);
    each_process_has_what_is_its_own(&machine);
    it_comes_back(&machine, &client);
    says(&machine, &format!("systemctl stop {SERVICE}"));
    assert_eq!(of_unit(&machine, "Result"), "success");
    assert_eq!(of_unit(&machine, "ExecMainStatus"), "0");
    nothing_is_left(&machine);
    systemd_listens_for_it(&machine);
    they_are_rated(&machine, release);
}

fn settings_that_are_no_good_are_told_of(machine: &Machine) {
    let wrong = format!("{SETTINGS}nonsense = 1\n");
    machine.write("/etc/pam-jwt/authserver.toml", wrong, 0o644);
    let start = machine.run(["systemctl", "start", SERVICE]);
    assert_ne!(start.code(), Some(0), "{start}");
    // Nothing would be better a second later.
    assert_eq!(of_unit(machine, "NRestarts"), "0");
    assert_eq!(of_unit(machine, "ExecMainStatus"), "1");
    let log = says(
        machine,
        &format!("journalctl --no-pager -o cat -u {SERVICE}"),
    );
    assert!(log.contains("nonsense"), "{log}");
    machine.write("/etc/pam-jwt/authserver.toml", SETTINGS, 0o644);
}

fn it_serves_once_it_is_started(machine: &Machine, release: &str) {
    let began = Instant::now();
    start(machine, SERVICE);
    // The unit is started when it serves (Type=notify).
    assert_eq!(health(machine, PORT), Some(200));
    let answered = began.elapsed();
    let moment = |name: &str| of_unit(machine, name).parse::<u64>().expect("microseconds");
    let executed = moment("ExecMainStartTimestampMonotonic");
    let serves = moment("ActiveEnterTimestampMonotonic") - executed;
    tell(&format!(
        "{release}: it serves {} ms after it was executed; systemctl start to the first answer \
         took {} ms",
        serves / 1000,
        answered.as_millis()
    ));
}

fn people_log_in(machine: &Machine, client: &str) {
    let login = |account: &str, password: &str| login(machine, client, account, password);
    let (status, tokens) = login("alice", PASSWORD);
    assert_eq!(status, 200, "{tokens}");
    // pam_faillock counts.
    for _ in 0..2 {
        assert_eq!(login("bob", "wrong").0, 400);
    }
    let counted = says(machine, "faillock --user bob");
    assert_eq!(counted.matches(" RHOST ").count(), 2, "{counted}");
    assert!(counted.contains("127.0.0.1"), "{counted}");
    assert_eq!(login("bob", PASSWORD).0, 400);
    says(machine, "faillock --user bob --reset");
    assert_eq!(login("bob", PASSWORD).0, 200);
    // pam_unix changes an expired password, which is written beside the others and replaces them.
    says(machine, "chage --lastday 0 bob");
    let refused = login("bob", PASSWORD);
    assert_eq!(refused.0, 400, "a password alone does not change itself");
    let mut visitor = Visitor::new(machine, ISSUER);
    let (old, new) = (PASSWORD, "another horse entirely");
    let page = visitor.log_in("/device", "bob", old, new);
    assert!(page.contains("logged in as <strong>bob"), "{page}");
    assert_eq!(login("bob", old).0, 400);
    assert_eq!(login("bob", new).0, 200);
    let shadow = says(machine, "stat -c '%a %U:%G' /etc/shadow");
    assert_eq!(shadow, "640 root:shadow");
    // Who is on the machine is known by the uid.
    let token = machine.command(["jwt-ssh", "token", "--scope", "read"]);
    let token = token.user("alice").run().expect_success().stdout;
    assert_eq!(token.matches('.').count(), 2, "{token}");
}

fn each_process_has_what_is_its_own(machine: &Machine) {
    // What was changed is taken up here as well, and the key is what the unit leaves readable.
    let added = says(
        machine,
        "pam-jwt --json clients add job --audience https://a",
    );
    let added: Value = serde_json::from_str(&added).expect("JSON");
    let secret = added["client_secret"].as_str().expect("a secret");
    wait_until("the new client is known", || {
        let client = format!("client_id=job&client_secret={secret}");
        login(machine, &client, "alice", "x").1["error"] == "unauthorized_client"
    });
    let taken = "journalctl --no-pager -o cat -u pam-jwt-authserver | grep -c 'are taken as'";
    let before = says(machine, taken);
    says(machine, &format!("systemctl reload {SERVICE}"));
    wait_until("the settings are taken again", || {
        says(machine, taken) != before
    });
    // A login that was refused lasts for a moment.
    machine.wait_until("[ $(pgrep -c pam-jwt-authser) = 2 ]");
    let owner = says(
        machine,
        "ps -o user:20= -C pam-jwt-authser | sort | uniq -c | tr -s ' '
         stat -c '%U %a' /var/lib/pam-jwt-authserver /run/pam-jwt-authserver-pam",
    );
    assert_eq!(
        owner,
        " 1 pam-jwt-authserver\n 1 root\npam-jwt-authserver 700\npam-jwt-authserver 600"
    );
}

/// Also where it is killed, or the other one is.
fn it_comes_back(machine: &Machine, client: &str) {
    for unit in [SERVICE, MONITOR] {
        let killed = of_unit(machine, "MainPID");
        says(machine, &format!("systemctl kill -s KILL '{unit}'"));
        wait_until("another process serves", || {
            of_unit(machine, "MainPID") != killed && health(machine, PORT) == Some(200)
        });
        assert_eq!(login(machine, client, "alice", PASSWORD).0, 200, "{unit}");
    }
    says(machine, &format!("systemctl restart {SERVICE}"));
    assert_eq!(login(machine, client, "alice", PASSWORD).0, 200);
}

#[track_caller]
fn nothing_is_left(machine: &Machine) {
    machine.wait_until("! pgrep pam-jwt-authser");
    let units = "systemctl list-units --no-legend --state=active 'pam-jwt-authserver*'";
    assert_eq!(says(machine, units), "");
    says(machine, "! ls /run/pam-jwt-authserver-pam");
}

/// The first who comes starts it, as often as it was stopped.
fn systemd_listens_for_it(machine: &Machine) {
    start(machine, "pam-jwt-authserver.socket");
    for _ in 0..2 {
        assert_eq!(of_unit(machine, "ActiveState"), "inactive");
        assert_eq!(health(machine, SOCKET_PORT), Some(200));
        assert_eq!(of_unit(machine, "ActiveState"), "active");
        // It listens nowhere else, whatever the settings say.
        assert_eq!(health(machine, PORT), None);
        says(machine, &format!("systemctl stop {SERVICE} 2>&1"));
    }
}

/// How much of the machine each has, by systemd's measure: 10 is all of it.
fn they_are_rated(machine: &Machine, release: &str) {
    for (unit, most) in [
        ("pam-jwt-authserver", 2.0),
        ("pam-jwt-fetch", 2.0),
        // It is root, with the capabilities of a login.
        ("pam-jwt-authserver-pam@1", 3.0),
    ] {
        let rating = format!("systemd-analyze security --no-pager {unit}.service | tail -n 1");
        let rating = says(machine, &rating);
        tell(&format!("{release}: {rating}"));
        let level = rating
            .split_whitespace()
            .find_map(|word| word.parse::<f64>().ok());
        assert!(level.is_some_and(|level| level <= most), "{rating}");
    }
}
