//! The real sudo with `-A` and jwt-ssh-askpass: who may have the token of a user without
//! jwt-ssh, and what happens where it is not given or not accepted.

#[path = "jwt_ssh_token/server.rs"]
mod server;

use machine::{Command, LENGTHS, Machine, Output};
use serde_json::json;

const ASKPASS: &str = "/usr/bin/jwt-ssh-askpass";
const TOKEN: &str = "/home/alice/token";

/// A machine where alice may run anything, and pam_jwt stands before pam_unix.
fn alice_may_sudo() -> Machine {
    let machine = Machine::ready();
    machine.password("alice", "correct horse");
    machine.pam_line("sudo", "auth sufficient pam_jwt.so");
    machine.services(&["sudo", "sshd"]);
    machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);
    machine
}

/// A program of alice's that has jwt-ssh-askpass to ask, and a token in a file.
fn with_askpass<'m>(machine: &'m Machine, argv: &[&str], token: &str) -> Command<'m> {
    machine.write(TOKEN, token, 0o644);
    machine
        .command(argv)
        .user("alice")
        .env("BEARER_TOKEN_FILE", TOKEN)
        .env("SUDO_ASKPASS", ASKPASS)
        .env("SSH_ASKPASS", ASKPASS)
        .env("SSH_ASKPASS_REQUIRE", "force")
}

/// Nothing is remembered from the last time.
const SUDO: [&str; 5] = ["sudo", "-k", "-A", "id", "-un"];

fn sudo<'m>(machine: &'m Machine, token: &str) -> Command<'m> {
    with_askpass(machine, &SUDO, token)
}

#[track_caller]
fn is_root(output: &Output) {
    let seen = (output.code(), &*output.stdout, &*output.stderr);
    assert_eq!(seen, (Some(0), "root\n", ""), "{output}");
}

#[test]
fn tokens_of_any_length_open_sudo() {
    let machine = alice_may_sudo();
    for bytes in LENGTHS {
        let token = machine.token_of(bytes, ["alice"]);
        machine.services(&["sudo"]);
        is_root(&sudo(&machine, &token).run());
    }
}

#[test]
fn the_token_comes_from_where_tools_find_it() {
    let machine = alice_may_sudo();
    let token = machine.token_of(1500, ["alice"]);
    machine.services(&["sudo"]);
    let place = "install -o alice -m 700 -d /run/user/alice &&
        install -o alice -m 600 /dev/stdin /run/user/alice/bt_u$(id -u alice)";
    let place = machine.command(["sh", "-c", place]).stdin(token);
    let _ = place.run().expect_success();
    let sudo = machine.command(SUDO).user("alice");
    let sudo = sudo
        .env("SUDO_ASKPASS", ASKPASS)
        .env("XDG_RUNTIME_DIR", "/run/user/alice");
    is_root(&sudo.run());
}

/// Each piece is asked for by an askpass of its own, and a job has no token twice.
#[test]
fn the_identity_of_a_job_is_not_given_in_pieces() {
    let machine = alice_may_sudo();
    let long = format!("f={}", "x".repeat(900));
    for (arguments, opens) in [
        (&["alice"][..], true),
        (&["alice", "--claim", &long], false),
    ] {
        let minted = || machine.token(arguments.iter().copied());
        assert_eq!(minted().len() < 500, opens);
        let (output, heads) = server::serve(
            &machine,
            |_, to| {
                let body = json!({ "value": minted() }).to_string();
                let answer = server::answer("200 OK", &body);
                to.write_all(answer.as_bytes()).expect("a client");
            },
            |port| {
                let sudo = machine.command(SUDO).user("alice");
                sudo.env("SUDO_ASKPASS", ASKPASS)
                    .env(
                        "ACTIONS_ID_TOKEN_REQUEST_URL",
                        format!("http://127.0.0.1:{port}/"),
                    )
                    .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret")
                    .run()
            },
        );
        assert_eq!(heads.len(), 1, "{heads:?}");
        if opens {
            is_root(&output);
        } else {
            assert_eq!(output.code(), Some(1), "{output}");
            assert!(output.stderr.contains("BEARER_TOKEN_FILE"), "{output}");
        }
    }
}

/// Whoever asks has to act as root, as sudo does: an ssh passes on what a server says.
#[test]
fn no_program_of_the_users_gets_the_token() {
    let machine = alice_may_sudo();
    let _sshd = machine.known_sshd(&["PasswordAuthentication no"]);
    let token = machine.token(["alice"]);
    let only_sudo = "jwt-ssh: only sudo may ask without jwt-ssh";

    let by_hand = [ASKPASS, "token: "];
    // The harness is not alice: `timeout` is root's.
    for by_hand in [
        &by_hand[..],
        &["sh", "-c", "jwt-ssh-askpass 'token: ' || exit 1"],
    ] {
        let output = with_askpass(&machine, by_hand, &token).run();
        assert_eq!((output.code(), &*output.stdout), (Some(1), ""), "{output}");
        assert!(output.stderr.starts_with(only_sudo), "{output}");
    }
    // A program of hers that is called so.
    let named = "cd; cp /bin/sh sudo; ./sudo -c \"jwt-ssh-askpass 'token: ' || exit 1\"";
    let output = with_askpass(&machine, &["sh", "-c", named], &token).run();
    assert_eq!((output.code(), &*output.stdout), (Some(1), ""), "{output}");
    assert!(output.stderr.starts_with(only_sudo), "{output}");

    // What is left behind becomes the child of a process of root's.
    let left_behind = "cd; mkfifo answer; setsid --fork sh -c '
        parent() { sed -n \"s/^PPid:.//p\" /proc/$$/status; }
        until grep -q \"^Uid:.0\" /proc/$(parent)/status; do :; done
        exec jwt-ssh-askpass \"token: \"' >answer 2>&1 & cat answer";
    let output = with_askpass(&machine, &["sh", "-c", left_behind], &token).run();
    assert!(output.stdout.starts_with(only_sudo), "{output}");
    assert!(!output.stdout.contains(&token), "{output}");

    // What works with jwt-ssh and would work with this token.
    let ssh = ["ssh", "alice@machine", "id", "-un"];
    let jwt_ssh = [&["jwt-ssh"], &ssh[1..]].concat();
    let login = with_askpass(&machine, &jwt_ssh, &token).run();
    assert_eq!(
        (login.code(), &*login.stdout),
        (Some(0), "alice\n"),
        "{login}"
    );
    let mark = machine.mark();
    let login = with_askpass(&machine, &ssh, &token).run();
    assert_eq!((login.code(), &*login.stdout), (Some(255), ""), "{login}");
    assert!(login.stderr.starts_with(only_sudo), "{login}");
    machine.wait_for_log(mark, "Connection closed by authenticating user alice");
    let log = machine.log_since(mark);
    assert!(
        !log.iter().any(|line| line.message.contains("pam_jwt(")),
        "a token came to the module: {log:#?}"
    );

    // On a terminal she is asked herself.
    let mut login = with_askpass(&machine, &ssh, &token).terminal();
    login
        .expect(only_sudo)
        .expect("(alice@machine) Password or token: ")
        .send_line("correct horse");
    login.expect("alice\r\n");
    let _ = login.wait().expect_success();

    // Where the user is root, whoever asks is.
    let askpass = machine.command(by_hand).env("BEARER_TOKEN_FILE", TOKEN);
    let output = askpass.run();
    assert_eq!((output.code(), &*output.stdout), (Some(1), ""), "{output}");
    assert!(
        output.stderr.contains("root's token is not given"),
        "{output}"
    );
}

#[test]
fn a_token_that_would_be_refused_is_not_given_and_its_user_is_told() {
    let machine = alice_may_sudo();
    let valid = machine.token(["alice"]);
    for (token, clock, told) in [
        (
            machine.token(["alice", "--audience", "ssh://other"]),
            "+0h",
            "it is for ssh://other, not for ssh://machine.",
        ),
        (valid.clone(), "+2h", "it expired 1h"),
    ] {
        machine.set_clock(clock);
        let told = format!("jwt-ssh: the token was not given to sudo: {told}");
        let mark = machine.mark();
        let output = sudo(&machine, &token).run();
        assert_eq!((output.code(), &*output.stdout), (Some(1), ""), "{output}");
        assert!(output.stderr.starts_with(&told), "{output}");
        assert_eq!(output.stderr.matches(&told).count(), 1, "{output}");
        assert!(
            !output.stderr.contains("--force"),
            "sudo has none: {output}"
        );
        machine.wait_for_log(mark, "pam_jwt(sudo:auth): result=refused reason=no_answer");

        let mut on_terminal = sudo(&machine, &token).terminal();
        on_terminal
            .expect(&told)
            .expect("Password or token: ")
            .send_line("correct horse");
        let output = on_terminal.wait().expect_success();
        assert!(output.stdout.contains("root"), "{output}");
        assert!(!output.stdout.contains("horse"), "{output}");
    }
    machine.set_clock("+0h");
    is_root(&sudo(&machine, &valid).run());
}

#[test]
fn a_question_for_the_password_alone_goes_to_the_terminal() {
    let machine = Machine::ready();
    machine.password("alice", "correct horse");
    machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);
    let mut on_terminal = sudo(&machine, &machine.token(["alice"])).terminal();
    on_terminal
        .expect("[sudo] password for alice: ")
        .send_line("correct horse");
    let output = on_terminal.wait().expect_success();
    assert!(output.stdout.contains("root"), "{output}");
    assert!(!output.stdout.contains("jwt-ssh"), "{output}");
    assert!(!output.stdout.contains("horse"), "{output}");

    // In words of hers that look like pam_jwt's it is still pam_unix's.
    let mut in_her_words = sudo(&machine, &machine.token(["alice"]))
        .env("SUDO_PROMPT", "token: ")
        .terminal();
    in_her_words.expect("token: ").send_line("correct horse");
    let output = in_her_words.wait().expect_success();
    assert!(output.stdout.contains("root"), "{output}");
}

/// sudo asks three times, and each time the same token is all that there is.
#[test]
fn with_faillock_a_refused_token_counts_as_often_as_sudo_asks() {
    let machine = alice_may_sudo();
    let head = machine.read("/usr/share/doc/pam-jwt/pam.d/faillock");
    let stack = format!("{head}@include common-account\nsession required pam_permit.so\n");
    machine.write("/etc/pam.d/sudo", stack, 0o644);
    machine.write("/etc/security/faillock.conf", "deny = 3\n", 0o644);
    let failures = || {
        let shown = machine.run(["faillock", "--user", "alice"]);
        let shown = shown.expect_success().stdout;
        let valid = shown.lines().filter(|line| line.trim_end().ends_with('V'));
        valid.count()
    };
    let bobs = machine.token_of(1500, ["bob"]);
    let alices = machine.token(["alice"]);
    let refused = |token: &str| {
        let output = sudo(&machine, token).run();
        assert_eq!((output.code(), &*output.stdout), (Some(1), ""), "{output}");
    };

    // What is not given is one.
    refused(&machine.token(["alice", "--audience", "ssh://other"]));
    assert_eq!(failures(), 1);
    is_root(&sudo(&machine, &alices).run());
    let _ = machine.run(["faillock", "--user", "alice", "--reset"]);

    refused(&bobs);
    assert_eq!(failures(), 3);
    refused(&alices);
    let _ = machine.run(["faillock", "--user", "alice", "--reset"]);

    // As logging-in.md says.
    let once = "Defaults passwd_tries = 1";
    assert!(include_str!("../../packaging/doc/logging-in.md").contains(once));
    machine.write("/etc/sudoers.d/once", format!("{once}\n"), 0o440);
    refused(&bobs);
    assert_eq!(failures(), 1);
    is_root(&sudo(&machine, &alices).run());
}
