//! `jwt-ssh status`, and the words that are jwt-ssh's own.

use super::*;

fn status<'m>(machine: &'m Machine, token: &str, arguments: &[&str]) -> Command<'m> {
    let command = machine.command(["jwt-ssh", "status"]).args(arguments);
    let command = command.user("carol");
    match token {
        "" => command,
        token => command.env("BEARER_TOKEN", token),
    }
}

fn parsed(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

#[test]
fn status_says_what_would_be_sent() {
    let machine = Machine::with_client();
    machine.set_clock("2040-01-01 00:00:00");
    let audiences = ["--audience", "ssh://machine", "--audience", "x"];
    let token = machine.token(["alice", "--lifetime", "65m"].into_iter().chain(audiences));
    let bytes = token.len();
    let about = format!(
        "from     the environment variable BEARER_TOKEN\n\
         issuer   {}\n\
         subject  alice\n\
         for      ssh://machine, x\n\
         expires  2040-01-01T01:05:00Z, in 1h 5m\n\
         size     {bytes} bytes, at one prompt\n",
        machine::ISSUER
    );
    let last = |arguments: &[&str], code: i32, last: &str| {
        let output = status(&machine, &token, arguments).run().expect_code(code);
        assert_eq!(
            output.stdout,
            format!("{about}verdict  {last}\n"),
            "{output}"
        );
        assert_eq!(output.stderr, "");
    };
    last(
        &[],
        0,
        "valid now; name a host to see whether it would be sent there",
    );
    last(&["alice@machine"], 0, "would be sent to alice@machine");
    last(&["machine"], 0, "would be sent to carol@machine");
    let other = "would not be sent: it is for ssh://machine, x, not for ssh://localhost. If the host \
                 goes by another name in tokens, say so under [[host]] in \
                 ~/.config/jwt-ssh/config.toml; --force sends it once";
    last(&["alice@localhost"], 1, other);
    last(
        &["--force", "alice@localhost"],
        0,
        "would be sent to alice@localhost",
    );
    settings(&machine, "[[host]]\nmatch = \"local*\"\naudience = \"x\"\n");
    last(&["alice@localhost"], 0, "would be sent to alice@localhost");

    let output = status(&machine, &token, &["--json", "alice@machine"])
        .run()
        .expect_success();
    let expected = json!({
        "from": "the environment variable BEARER_TOKEN", "iss": machine::ISSUER, "sub": "alice",
        "aud": ["ssh://machine", "x"], "exp": 2_208_992_700_u64, "nbf": null, "expires_in": 3900,
        "bytes": bytes, "login": null, "key": null, "user": "alice", "host": "machine", "would_be_sent": true, "reason": null,
    });
    assert_eq!(parsed(&output), expected);

    machine.set_clock("2040-01-01 01:06:00");
    let output = status(&machine, &token, &[]).run().expect_code(1);
    let ago = "expires  2040-01-01T01:05:00Z, 1m ago\n";
    assert!(output.stdout.contains(ago), "{output}");
    assert!(
        output
            .stdout
            .ends_with("verdict  would not be sent: it expired 1m ago; get a new one\n"),
        "{output}"
    );
    let output = status(&machine, &token, &["--json", "--force", "machine"])
        .run()
        .expect_code(1);
    let parsed = parsed(&output);
    assert_eq!(
        (&parsed["would_be_sent"], &parsed["reason"]),
        (&json!(false), &json!("expired"))
    );
    assert_eq!(parsed["expires_in"], json!(0));
}

#[test]
fn status_without_a_token_or_an_answer_has_codes_of_its_own() {
    let machine = Machine::with_client();
    let output = status(&machine, "", &[]).run().expect_code(1);
    assert!(output.stdout.starts_with("there is no token: "), "{output}");
    let output = status(&machine, "", &["--json", "machine"])
        .run()
        .expect_code(1);
    let report = parsed(&output);
    assert_eq!(report["would_be_sent"], json!(false), "{output}");
    assert!(
        report["error"]
            .as_str()
            .unwrap_or_default()
            .starts_with("there is no token: ")
    );
    let output = status(&machine, "hunter2", &[]).run().expect_code(1);
    assert!(
        output.stdout.contains("is no token: ") && !output.stdout.contains("hunter"),
        "{output}"
    );

    let token = machine.token(["alice"]);
    for arguments in [
        &["-oProxyCommand=id"][..],
        &["--", "-oProxyCommand=id"],
        &["machine", "id"],
        &["--token-file", "x", "--token-command", "id"],
        &[""],
    ] {
        let output = status(&machine, &token, arguments).run().expect_code(2);
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{output}"
        );
    }
    settings(&machine, "[[host]]\n");
    let output = status(&machine, &token, &["--json"]).run().expect_code(2);
    let error = parsed(&output)["error"].to_string();
    assert!(
        error.contains("config.toml: TOML parse error at line 1"),
        "{output}"
    );
}

/// A token says of itself what whoever made it likes.
#[test]
fn what_a_token_says_does_not_reach_the_terminal_as_it_is() {
    let machine = Machine::with_client();
    let odd = "\u{1b}[2J\u{202e}\nverdict  would be sent to root@bank";
    let token =
        unsigned(&json!({ "iss": odd, "sub": odd, "aud": [odd], "exp": 9_999_999_999_u64 }));
    let shown = r"\u{1b}[2J\u{202e}\u{a}verdict  would be sent to root@bank";
    let output = status(&machine, &token, &["machine"]).run().expect_code(1);
    assert_eq!(output.stdout.matches(shown).count(), 4, "{output}");
    assert_eq!(output.stdout.lines().count(), 7, "{output}");
    let output = status(&machine, &token, &["--json", "machine"])
        .run()
        .expect_code(1);
    assert_eq!(parsed(&output)["sub"], json!(odd));
    assert!(
        output.stdout.contains(r"\u001b[2J\u202e\nverdict"),
        "{output}"
    );
    let complaint = r"printf '\033[2J' >&2; exit 1";
    let output = status(&machine, "", &["--token-command", complaint])
        .run()
        .expect_code(1);
    assert!(
        output.stdout.ends_with("exit status: 1: \\u{1b}[2J\n"),
        "{output}"
    );
}

#[test]
fn the_first_word_alone_may_be_a_subcommand() {
    let machine = machine();
    let _sshd = sshd(&machine);
    let token = machine.token(["alice"]);
    let mark = machine.mark();
    for word in ["login", "logout", "token"] {
        let output = machine
            .command(["jwt-ssh", word, "machine"])
            .user("carol")
            .env("BEARER_TOKEN", &token);
        let output = output.run().expect_code(2);
        let told = "error: unexpected argument 'machine' found";
        assert!(output.stderr.contains(told), "{output}");
    }
    let log = machine.log_since(mark);
    assert!(
        !log.iter().any(|line| line.message.contains("127.0.0.1")),
        "{log:?}"
    );
    machine.append("/etc/hosts", "127.0.0.1 status login\n");
    let known = "sed 's/^machine/machine,status,login/' -i /etc/ssh/ssh_known_hosts";
    machine.run(["sh", "-c", known]).expect_success();
    server_goes_by(&machine, &["ssh://status", "ssh://login"]);
    for host in ["status", "login"] {
        let audience = format!("ssh://{host}");
        let token = machine.token(["alice", "--audience", &audience]);
        for options in [
            &["--"][..],
            &["-l", "alice", "--"],
            &["-oUser=alice"],
            &["--force"],
        ] {
            let host = if options[0] == "-l" || options[0] == "-oUser=alice" {
                host.to_owned()
            } else {
                format!("alice@{host}")
            };
            expect_login(
                to(&machine, options, &host)
                    .env("BEARER_TOKEN", &token)
                    .run(),
            );
        }
    }
}
