//! The unit of pam-jwt-authserver at work on a booted Debian: with all that it takes away, PAM
//! does what it does, and the server is there at once.

use machine::{Machine, tell, wait_until};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

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

/// The head and the body of an answer; nothing, where there is none.
fn answer(machine: &Machine, request: &str) -> Option<(String, String)> {
    let mut answer = String::new();
    let asked = machine.inside(|| {
        let mut stream = TcpStream::connect("127.0.0.1:8420")?;
        stream.write_all(request.as_bytes())?;
        stream.read_to_string(&mut answer)
    });
    asked.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.to_owned(), body.to_owned()))
}

/// The status and the body.
fn ask(machine: &Machine, request: &str) -> Option<(u16, String)> {
    let (head, body) = answer(machine, request)?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body))
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
    let (status, body) = ask(machine, &request).expect("an answer");
    let json = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
    (status, json)
}

/// Somebody at the pages.
struct Browser<'m> {
    machine: &'m Machine,
    cookies: BTreeMap<String, String>,
}

impl<'m> Browser<'m> {
    fn new(machine: &'m Machine) -> Self {
        Self {
            machine,
            cookies: BTreeMap::new(),
        }
    }

    /// The page to which a request leads in the end.
    fn visit(&mut self, method: &str, address: &str, body: &str) -> String {
        let path = address.strip_prefix(ISSUER).unwrap_or(address);
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:8420\r\nConnection: close\r\n\
             Origin: {ISSUER}\r\nCookie: {}\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
            cookies.join("; "),
            body.len()
        );
        let (head, body) = answer(self.machine, &request).expect("an answer");
        let mut next = None;
        for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
            match name.to_ascii_lowercase().as_str() {
                "set-cookie" => {
                    let cookie = value.split(';').next().expect("a cookie");
                    let (name, value) = cookie.split_once('=').expect("a cookie");
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
                "location" => next = Some(value.to_owned()),
                _ => {}
            }
        }
        match next {
            Some(next) => self.visit("GET", &next, ""),
            None => body,
        }
    }

    /// Logs in for a device's sake: answers what is asked until nothing is.
    fn log_in(&mut self, account: &str, old: &str, new: &str) -> String {
        let mut page = self.visit("GET", "/device", "");
        for _ in 0..5 {
            if page.contains("logged in as") {
                break;
            }
            let hidden = attributes(&page, "<input type=\"hidden\"", "name")
                .into_iter()
                .zip(attributes(&page, "<input type=\"hidden\"", "value"));
            let labels = page.split("<label for=\"").skip(1);
            let typed = labels.filter_map(|label| {
                let (name, label) = label.split_once("\">")?;
                let label = label.split_once('<')?.0.to_lowercase();
                let is_new = label.contains("new");
                let text = match name {
                    "account" => account,
                    _ if is_new => new,
                    _ => old,
                };
                Some((name.to_owned(), text.replace(' ', "+")))
            });
            let form: Vec<String> = hidden
                .chain(typed)
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let action = attributes(&page, "<form", "action");
            page = self.visit("POST", &action[0], &form.join("&"));
        }
        page
    }
}

/// The attribute of this name of all elements that begin so.
fn attributes(page: &str, element: &str, name: &str) -> Vec<String> {
    let begin = format!(" {name}=\"");
    let elements = page.split(element).skip(1);
    let values = elements.filter_map(|rest| {
        let (_, value) = rest.split_once('>')?.0.split_once(&begin)?;
        Some(value.split_once('"')?.0.to_owned())
    });
    values.collect()
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
    let health = "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    // The unit is started when it serves (Type=notify).
    assert_eq!(ask(&machine, health).map(|(status, _)| status), Some(200));
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
    let mut browser = Browser::new(&machine);
    let (old, new) = (PASSWORD, "another horse entirely");
    let page = browser.log_in("bob", old, new);
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

    let rating = "systemd-analyze security --no-pager pam-jwt-authserver.service | tail -n 1";
    let rating = says(&machine, rating);
    tell(&rating);
    let level = rating
        .split_whitespace()
        .find_map(|word| word.parse::<f64>().ok());
    // It is root, with the capabilities of a login.
    assert!(level.is_some_and(|level| level <= 4.0), "{rating}");
}
