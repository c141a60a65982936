//! From the first installation to the last file.

use crate::in_each_release;
use crate::place::{PACKAGES, UNITS, apt, files, install, install_older, says, stacks};
use machine::{ISSUER, Machine, Terminal, wait_until};

const PASSWORD: &str = "correct horse";

/// For sessions that have a token and end with the one that opened them.
const SETTINGS: &str = "end_with_token = [\"sshd\"]

[issue]
issuer = \"https://login.example.org\"
audience = [\"ssh://elsewhere\"]
services = [\"sshd\", \"login\"]
";

const AUTHSERVER: &str = "issuer = \"http://127.0.0.1:8420\"\n";

#[test]
fn packages_come_and_go_without_a_login_noticing() {
    in_each_release(|machine| {
        machine.account("alice");
        machine.password("alice", PASSWORD);
        let _sshd = machine.sshd(&[]);
        let (stacks_before, files_before) = (stacks(machine), files(machine));

        install_older(machine);
        nothing_has_changed(machine, &stacks_before);

        enable(machine);
        a_token_opens_a_session_that_has_one(machine);
        a_session_ends_with_its_token(machine);
        the_server_serves(machine);
        an_upgrade_disturbs_no_session(machine);

        remove(machine, &stacks_before);
        purge(machine, &stacks_before, &files_before);
    });
}

/// The stacks without the server's own, which is of a service that nobody else asks for.
#[track_caller]
fn without_own(stacks: &str) -> String {
    let (before, rest) = stacks
        .split_once("== pam-jwt-authserver\n")
        .expect("the server's stack");
    let (_, behind) = rest.split_once("\n== ").expect("a stack behind it");
    format!("{before}== {behind}")
}

/// A login with the password, as it was before.
#[track_caller]
fn password_login(machine: &Machine) {
    let login = machine.ssh("alice").answers([PASSWORD]).command("id -un");
    assert_eq!(login.stdout, "alice\n", "{login:?}");
    let su = machine.command(["su", "alice", "-s", "/bin/sh", "-c", "id -un"]);
    assert_eq!(su.run().expect_success().stdout, "alice\n");
}

/// Installed, and nothing asked for: logins go as before, nothing runs, nothing is enabled.
fn nothing_has_changed(machine: &Machine, before: &str) {
    assert_eq!(without_own(&stacks(machine)), before);
    password_login(machine);
    let refused = machine.ssh("alice").answers(["wrong"]).command("id -un");
    assert_eq!(refused.code(), Some(255), "{refused:?}");
    let prompt = refused.prompts.first().expect("a prompt");
    assert!(prompt.ends_with("Password: "), "{prompt}");

    for unit in UNITS {
        let state = machine.run(["systemctl", "is-active", unit]).stdout;
        assert_eq!(state, "inactive\n", "{unit}");
        let enabled = machine.run(["systemctl", "is-enabled", unit]).stdout;
        assert!(
            ["disabled\n", "static\n"].contains(&enabled.as_str()),
            "{unit}: {enabled}"
        );
    }
    says(
        machine,
        "pam-jwt --version && pam-jwt-fetch --version && jwt-ssh --version",
    );
}

/// As an administrator does, by Debian's own means.
fn enable(machine: &Machine) {
    machine
        .run(["pam-jwt", "init", "--issuer", ISSUER])
        .expect_success();
    machine.write("/etc/pam-jwt/pam-jwt.toml", SETTINGS, 0o644);
    // Before common-auth has it: afterwards there is nothing to put into a file of its own.
    machine.run(["pam-jwt", "enable", "sudo"]).expect_success();
    says(
        machine,
        r"systemctl start 'run-pam\x2djwt.mount' pam-jwt-sessions.timer",
    );
    machine
        .command([
            "pam-auth-update",
            "--package",
            "--enable",
            "jwt",
            "jwt-issue",
        ])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()
        .expect_success();
    let lines = |file: &str| {
        let path = format!("/etc/pam.d/{file}");
        let text = machine.read(&path);
        let lines = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        lines
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    let at = |lines: &[String], module: &str| {
        let at = lines.iter().position(|line| line.contains(module));
        at.unwrap_or_else(|| panic!("no {module}: {lines:?}"))
    };
    let auth = lines("common-auth");
    assert!(
        at(&auth, "pam_jwt.so") < at(&auth, "pam_unix.so"),
        "{auth:?}"
    );
    assert!(
        at(&auth, "pam_jwt.so issue") > at(&auth, "pam_permit.so"),
        "{auth:?}"
    );
    let session = lines("common-session");
    assert!(
        at(&session, "pam_jwt.so") < at(&session, "pam_systemd.so"),
        "{session:?}"
    );
    assert!(
        at(&session, "pam_jwt.so issue") < at(&session, "pam_systemd.so"),
        "{session:?}"
    );
    // It reads them as libpam does.
    machine.run(["pam-jwt", "check"]).expect_success();
}

fn a_token_opens_a_session_that_has_one(machine: &Machine) {
    let token = machine.token(["alice"]);
    let print = "cat \"$BEARER_TOKEN_FILE\"";
    let login = machine
        .ssh("alice")
        .answers([token.as_str()])
        .command(print);
    let issued = login.stdout.clone();
    assert!(issued.starts_with("eyJ") && issued != token, "{login:?}");
    // A password is as good as it was, and the session it opens has a token too.
    let login = machine.ssh("alice").answers([PASSWORD]).command(print);
    assert!(login.stdout.starts_with("eyJ"), "{login:?}");
    let forged = token.replacen('.', ".A", 1);
    let login = machine
        .ssh("alice")
        .answers([forged.as_str()])
        .command("id");
    assert_eq!(login.code(), Some(255), "{login:?}");
}

fn a_session_ends_with_its_token(machine: &Machine) {
    let token = machine.token(["alice", "--lifetime", "8s"]);
    let mark = machine.mark();
    let login = machine
        .ssh("alice")
        .answers([token.as_str()])
        .command("exec sleep 600");
    assert_ne!(login.code(), Some(0), "{login:?}");
    machine.wait_for_log(
        mark,
        "pam_unix(sshd:session): session closed for user alice",
    );
    says(machine, "! pgrep -u alice -x sleep");
}

fn the_server_serves(machine: &Machine) {
    machine.write("/etc/pam-jwt/authserver.toml", AUTHSERVER, 0o644);
    machine.run(["pam-jwt", "keys", "rotate"]).expect_success();
    says(machine, "systemctl start pam-jwt-authserver.service");
    let request = "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = machine.ask(8420, request).expect("an answer");
    assert_eq!(answer.status, 200);
}

/// A session that is open while all is replaced goes on, and closes as it should.
fn an_upgrade_disturbs_no_session(machine: &Machine) {
    let token = machine.token(["alice", "--lifetime", "1h"]);
    let mut session: Terminal = machine
        .ssh("alice")
        .option("RequestTTY=force")
        .answers([token.as_str()])
        .terminal();
    session
        .expect("$ ")
        .send_line("echo file=$BEARER_TOKEN_FILE=");
    let file = session.expect("file=/").until("=").trim_end().to_owned();
    says(machine, &format!("test -s /{file}"));
    let server = "systemctl show --value -p MainPID pam-jwt-authserver.service";
    let before = says(machine, server);

    install(machine);

    let version = "dpkg-query --show --showformat='${Version}' libpam-jwt";
    assert_ne!(says(machine, version), "0.0.9-1");
    session
        .send_line("echo still $((6 * 7))")
        .expect("still 42");
    says(machine, &format!("test -s /{file}"));
    let another = machine
        .ssh("alice")
        .answers([token.as_str()])
        .command("id -un");
    assert_eq!(another.stdout, "alice\n", "{another:?}");
    // What ran runs, by its new file; the settings that were written stay.
    assert_ne!(says(machine, server), before);
    assert_eq!(
        says(machine, "systemctl is-active pam-jwt-authserver.service"),
        "active"
    );
    assert_eq!(machine.read("/etc/pam-jwt/pam-jwt.toml"), SETTINGS);

    session.send_line("exit");
    let _ = session.wait();
    wait_until("the session's token is gone", || {
        !machine.inside(|| std::fs::exists(format!("/{file}")).unwrap_or(true))
    });
}

fn remove(machine: &Machine, before: &str) {
    let sudo = machine.read("/etc/pam.d/sudo");
    assert!(sudo.contains("# by pam-jwt enable"), "{sudo}");
    apt(machine, &format!("remove {}", PACKAGES.join(" ")));
    let after = stacks(machine);
    // Its stack is configuration, which goes at the purge.
    assert_eq!(without_own(&after), before);
    password_login(machine);
    says(machine, "! systemctl is-active pam-jwt-authserver.service");
}

fn purge(machine: &Machine, stacks_before: &str, files_before: &[String]) {
    // One of them alone takes what is its own, and nothing else.
    apt(machine, "purge pam-jwt-authserver");
    says(
        machine,
        "! ls -d /etc/pam-jwt/authserver* && test -e /etc/pam-jwt/pam-jwt.toml",
    );
    // The other two have no settings, and are gone already.
    apt(machine, "purge pam-jwt-tools");
    assert_eq!(stacks(machine), stacks_before);
    let left: Vec<String> = files(machine);
    let more: Vec<&String> = left
        .iter()
        .filter(|file| !files_before.contains(file))
        .collect();
    let less: Vec<&String> = files_before
        .iter()
        .filter(|file| !left.contains(file))
        .collect();
    assert!(
        more.is_empty() && less.is_empty(),
        "left behind: {more:#?}\ngone: {less:#?}"
    );
    says(
        machine,
        "! find /run -path '*pam-jwt*' ! -path '/run/systemd/*' | grep .",
    );
    password_login(machine);
}
