//! `--token-command`.

use super::*;

/// What a command may print: a token for alice.
fn with_token(machine: &Machine) {
    let token = machine.token_of(1500, ["alice"]);
    machine.write_as("carol", "/home/carol/token", token, 0o600);
}

#[test]
fn a_command_is_told_the_host_and_the_audience() {
    let machine = machine();
    let _sshd = sshd(&machine);
    with_token(&machine);
    settings(
        &machine,
        "[[host]]\nmatch = \"machine\"\naudience = [\"ssh://machine\", \"x\"]\n",
    );
    let command = r#"echo "$JWT_SSH_HOST $JWT_SSH_AUDIENCE" >~/asked; cat; cat ~/token"#;
    let other = machine.token(["bob"]);
    let options = ["--token-command", command];
    let login = login(&machine, &options).env("BEARER_TOKEN", &other);
    // What is on standard input is for the far end.
    expect_login(login.stdin("id").run());
    assert_eq!(machine.read("/home/carol/asked"), "machine ssh://machine\n");
}

#[test]
fn a_command_that_fails_is_told_of() {
    let machine = machine();
    let _sshd = sshd(&machine);
    with_token(&machine);
    for (command, word) in [
        (
            "cat ~/token; echo log in first >&2; exit 3",
            "--token-command: exit status: 3: log in first",
        ),
        (
            "echo log in first >&2",
            "--token-command: it printed nothing: log in first",
        ),
        ("no-such-program", "--token-command: exit status: 127: "),
        ("kill $$", "--token-command: signal: 15"),
        ("echo no token", "what --token-command holds is no token: "),
        ("cat /dev/zero", "--token-command: "),
        (
            r"printf '\033[2Jx\007' >&2; exit 1",
            r"exit status: 1: \u{1b}[2Jx\u{7}",
        ),
        (
            "head -c 300000 /dev/zero | tr '\\0' x >&2; exit 1",
            "exit status: 1: xxx",
        ),
    ] {
        let command = login(&machine, &["--token-command", command]);
        let output = expect_not_sent(&machine, command, &[word]);
        assert!(!output.stderr.contains("eyJ"), "{output}");
    }
}

#[test]
fn a_command_can_ask_at_the_terminal() {
    let machine = machine();
    let _sshd = sshd(&machine);
    with_token(&machine);
    let command =
        r#"printf "PIN: " >/dev/tty; read -r pin </dev/tty; [ "$pin" = 42 ] && cat ~/token"#;
    for (pin, shown) in [
        ("42", "alice\r\n"),
        ("43", "jwt-ssh: --token-command: exit status: 1"),
    ] {
        let mut ssh = login(&machine, &["--token-command", command]).terminal();
        ssh.expect("PIN: ").send_line(pin).expect(shown);
    }
}

#[test]
fn a_command_runs_only_if_a_token_is_asked_for() {
    let machine = machine();
    let _sshd = sshd(&machine);
    with_token(&machine);
    let key = machine.ssh_key("alice");
    machine.write_as("carol", "/home/carol/key", machine.read(&key), 0o600);
    let ran = |line: &str| {
        let text = format!("rm -f ran; jwt-ssh --token-command 'touch ran; cat token' {line}");
        let output = script(&machine, &text).run();
        let ran = machine.inside(|| std::fs::exists("/home/carol/ran").unwrap_or(false));
        (output.code(), ran)
    };
    assert_eq!(ran("-i key alice@machine true"), (Some(0), false));
    assert_eq!(ran("-G alice@machine"), (Some(0), false));
    assert_eq!(ran("-V"), (Some(0), false));
    assert_eq!(ran("-p 1 alice@machine true"), (Some(255), false));
    assert_eq!(ran("alice@machine true"), (Some(0), true));
}

#[test]
fn a_file_and_a_command_at_once_are_a_mistake() {
    let machine = machine();
    let _sshd = sshd(&machine);
    let mark = machine.mark();
    for options in [
        &[
            "--token-file",
            "t",
            "--token-command",
            "touch /home/carol/ran",
        ][..],
        &["--token-file="],
        &["--token-fil=t"],
        &["--forced"],
    ] {
        let output = login(&machine, options).run().expect_code(255);
        assert!(output.stderr.starts_with("error: "), "{output}");
    }
    let log = machine.log_since(mark);
    assert!(
        !log.iter().any(|line| line.message.contains("127.0.0.1")),
        "{log:?}"
    );
}
