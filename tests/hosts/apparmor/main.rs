//! The AppArmor profiles allow what the programs do: strace sees it, and each path, program and
//! capability is held against the rules. (The kernel of a test need not have AppArmor.)

mod glob;
mod judge;
mod rules;
mod trace;

use judge::{missing, traces};
use machine::{Machine, Visitor, wait_until};
use rules::Profile;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use trace::CALLS;

const TRACES: &str = "/run/traces";

const ISSUER: &str = "http://127.0.0.1:8420";
const PUBLIC: &str = "https://as.example.org:8443";

const SCOPES: &str = "
[scopes.read]
description = \"read what is yours\"
audiences = [\"https://api.example.org\"]
";

/// pam_faillock and pam_unix.
const STACK: &str = "auth required pam_faillock.so preauth silent deny=2 unlock_time=600
auth sufficient pam_unix.so
auth [default=die] pam_faillock.so authfail deny=2 unlock_time=600
account required pam_faillock.so
@include common-account
@include common-password
";

const PASSWORD: &str = "correct horse battery";

/// A profile as it is packaged, with all that it includes.
#[track_caller]
fn profile(name: &str) -> Profile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/apparmor");
    let parser = Command::new("apparmor_parser")
        .args(["--preprocess", name])
        .current_dir(path)
        .output()
        .expect("apparmor_parser is there: make test-packages");
    let error = String::from_utf8_lossy(&parser.stderr);
    assert!(parser.status.success(), "{error}");
    Profile::parse(&String::from_utf8_lossy(&parser.stdout))
}

/// What a script of root's prints.
#[track_caller]
fn says(machine: &Machine, script: &str) -> String {
    let output = machine.run(["sh", "-ec", script]).expect_success();
    output.stdout.trim_end().to_owned()
}

/// A command that is traced.
fn traced(name: &str, command: &str) -> String {
    format!("strace -ff -y -s 4096 -e {CALLS} -o {TRACES}/{name} {command}")
}

/// A machine with alice, bob and a client of the server; and what shows who that is.
fn machine() -> (Machine, String) {
    let machine = Machine::ready();
    machine.account("bob");
    machine.password("alice", PASSWORD);
    machine.password("bob", PASSWORD);
    machine.services(&["pam-jwt-authserver"]);
    machine.write("/etc/pam.d/pam-jwt-authserver", STACK, 0o644);
    let settings = format!("issuer = \"{ISSUER}\"\n{SCOPES}");
    machine.write("/etc/pam-jwt/authserver.toml", settings, 0o644);
    let prepare = format!(
        "mkdir {TRACES}; chmod 1777 {TRACES}; install -d -m 700 /etc/pam-jwt/private
        systemd-sysusers /usr/lib/sysusers.d/pam-jwt-*.conf
        systemd-tmpfiles --create /usr/lib/tmpfiles.d/pam-jwt-*.conf
        pam-jwt keys rotate >&2"
    );
    says(&machine, &prepare);
    let secret = secret_of(&machine, "host --introspects");
    machine.write("/etc/pam-jwt/private/host.secret", secret, 0o600);
    let secret = secret_of(
        &machine,
        "app --grant password --grant token-exchange --scope read \
            --auth-method client_secret_post",
    );
    (machine, format!("client_id=app&client_secret={secret}"))
}

/// That of a new client.
#[track_caller]
fn secret_of(machine: &Machine, client: &str) -> String {
    let added = says(machine, &format!("pam-jwt --json clients add {client}"));
    let added: Value = serde_json::from_str(&added).expect("JSON");
    added["client_secret"]
        .as_str()
        .expect("a secret")
        .to_owned()
}

/// What comes of asking for a token.
fn token(machine: &Machine, at: &str, form: &str) -> (u16, Value) {
    let url = format!("{at}/token");
    let answer = machine.curl(["--data", form, &url]);
    (answer.status, answer.json())
}

fn login(account: &str, password: &str, client: &str) -> String {
    let password = password.replace(' ', "+");
    format!("grant_type=password&username={account}&password={password}&{client}")
}

/// Waits until a server answers that a script has started in the background.
#[track_caller]
fn start(machine: &Machine, script: &str, at: &str) {
    says(
        machine,
        &format!("{{ {script}; }} >>/run/log 2>&1 </dev/null &"),
    );
    let health = format!("{at}/health");
    wait_until("the server answers", || {
        let answer = machine.try_curl([health.as_str()]);
        answer.is_ok_and(|answer| answer.status == 200)
    });
}

#[track_caller]
fn stop(machine: &Machine) {
    says(machine, "kill $(pgrep -x pam-jwt-authser | head -n 1)");
    machine.wait_until("! pgrep -x pam-jwt-authser");
    machine.wait_until("! pgrep -x strace");
}

#[test]
fn the_profiles_allow_what_the_programs_do() {
    let (machine, client) = machine();
    people_log_in(&machine, &client);
    let public = each_part_is_started_by_itself(&machine, &client);
    it_is_an_issuer_to_fetch_from(&machine, &public);
    stop(&machine);
    let lines = traces(&machine, TRACES);
    for name in ["pam-jwt-fetch", "pam-jwt-authserver"] {
        let missing = missing(&machine, &profile(name), &lines);
        assert!(
            missing.is_empty(),
            "packaging/apparmor/{name} lacks:\n{}\n{}",
            missing.join("\n"),
            machine.read("/run/log")
        );
    }
}

/// The server is started by root, and does what it does.
fn people_log_in(machine: &Machine, client: &str) {
    start(machine, &traced("server", "pam-jwt-authserver"), ISSUER);
    let ask = |form: &str| token(machine, ISSUER, form);
    let logged_in = ask(&login("alice", PASSWORD, client));
    assert_eq!(logged_in.0, 200, "{}", logged_in.1);
    assert_eq!(ask(&login("bob", "wrong", client)).0, 400);
    says(
        machine,
        "faillock --user bob --reset; chage --lastday 0 bob",
    );
    let mut visitor = Visitor::new(machine, ISSUER);
    let page = visitor.log_in("/device", "bob", PASSWORD, "another horse entirely");
    assert!(page.contains("logged in as <strong>bob"), "{page}");
    let own = machine.command(["jwt-ssh", "token", "--scope", "read"]);
    let _ = own.user("alice").run().expect_success();
    let subject = machine.token(["alice"]);
    let exchanged = ask(&format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={subject}&\
         subject_token_type=urn:ietf:params:oauth:token-type:jwt&{client}"
    ));
    assert_eq!(exchanged.0, 200, "{}", exchanged.1);
    // A change is seen, and SIGHUP heard.
    let taken = || machine.read("/run/log").matches("are taken as").count();
    says(machine, "pam-jwt keys rotate >&2");
    wait_until("the next key is taken", || taken() > 0);
    let before = taken();
    says(machine, "kill -HUP $(pgrep -x pam-jwt-authser | head -n 1)");
    wait_until("the settings are taken again", || taken() > before);
    stop(machine);
}

/// As by its units, with TLS; a token of the server.
fn each_part_is_started_by_itself(machine: &Machine, client: &str) -> String {
    let (certificate, key) = machine.certificate("as.example.org");
    let settings = format!(
        "issuer = \"{PUBLIC}\"
        [tls]
        certificate = \"/etc/pam-jwt/tls/chain.pem\"
        key = \"/etc/pam-jwt/tls/key.pem\"
        {SCOPES}"
    );
    let listen = "listen = [\"127.0.0.1:8443\"]\n";
    machine.write(
        "/etc/pam-jwt/authserver.toml",
        format!("{listen}{settings}"),
        0o644,
    );
    let user = "pam-jwt-authserver";
    let socket = "/run/pam-jwt-authserver-pam";
    let monitor = traced(
        "monitor",
        &format!(
            "systemd-socket-activate --accept --inetd --listen {socket} \
                /usr/sbin/pam-jwt-authserver --monitor-only"
        ),
    );
    let network = traced(
        "network",
        &format!(
            "setpriv --reuid {user} --regid {user} --clear-groups \
                /usr/sbin/pam-jwt-authserver --monitor {socket}"
        ),
    );
    let script = format!(
        "install -d /etc/pam-jwt/tls; cp {certificate} /etc/pam-jwt/tls/chain.pem
        install -m 600 {key} /etc/pam-jwt/tls/key.pem
        {monitor} & echo $! >/run/monitor.pid
        until [ -S {socket} ]; do sleep 0.01; done; chown {user} {socket}
        {network} || true; kill $(pgrep -x systemd-socket-)"
    );
    start(machine, &script, PUBLIC);
    let (status, answer) = token(machine, PUBLIC, &login("alice", PASSWORD, client));
    assert_eq!(status, 200, "{answer}");
    answer["access_token"].as_str().expect("a token").to_owned()
}

/// Root fetches, the user does that root gives it away to, and a login has it done.
fn it_is_an_issuer_to_fetch_from(machine: &Machine, token: &str) {
    let issuer = format!(
        "issuer = \"{PUBLIC}\"
discover = true
audience = [\"https://api.example.org\"]
[introspection]
client_id = \"host\"
client_secret_file = \"/etc/pam-jwt/private/host.secret\"
prefix = \"opaque-\"
[[allow]]
account = \"{{sub}}\"
services = [\"sshd\"]
"
    );
    machine.write("/etc/pam-jwt/issuers.d/server.toml", issuer, 0o644);
    machine.write("/etc/pam.alone/sshd", "auth required pam_jwt.so\n", 0o644);
    let user = "setpriv --reuid pam-jwt-fetch --regid pam-jwt-fetch --clear-groups";
    for (name, command) in [
        ("root", "pam-jwt-fetch --now".to_owned()),
        ("user", format!("{user} pam-jwt-fetch --now")),
        ("json", format!("{user} pam-jwt-fetch --now --json")),
    ] {
        says(machine, &traced(name, &command));
    }
    let fetched = says(machine, "cd /var/lib/pam-jwt/fetched; find . -type f");
    assert!(
        fetched.contains(".keys\n") && fetched.contains("/status/"),
        "{fetched}"
    );
    let host = env!("CARGO_BIN_EXE_pam-host");
    let host = traced("login", &format!("{host} sshd alice /etc/pam.alone"));
    for (secret, reason) in [
        (token, "allowed"),
        (&*format!("opaque-{}", "0".repeat(30)), "token_inactive"),
    ] {
        let mark = machine.mark();
        let login = machine.command(["sh", "-c", &host]).stdin(secret).run();
        let line = machine.wait_for_log(mark, " reason=").message;
        assert!(
            line.contains(&format!(" reason={reason} ")),
            "{line}\n{login}"
        );
    }
}
