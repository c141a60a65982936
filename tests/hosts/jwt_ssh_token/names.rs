//! By which names hosts go: ssh's configuration, and jwt-ssh's.

use super::*;

/// carol's ssh knows the machine by three names.
fn with_names(machine: &Machine) {
    let config = "
        Host web
            HostName machine
            User alice
        Host nine
            HostName machine
            HostKeyAlias WEB9.example.org
            User alice
        Host ten
            HostName machine
            HostKeyAlias web10.example.org
            User alice\n";
    machine.write("/home/carol/.ssh/config", config, 0o644);
    let known =
        "sed 's/^machine/machine,web9.example.org,web10.example.org/' -i /etc/ssh/ssh_known_hosts";
    machine.run(["sh", "-c", known]).expect_success();
}

#[test]
fn the_host_is_the_one_that_ssh_names() {
    let machine = machine();
    let _sshd = sshd(&machine);
    with_names(&machine);
    let token = machine.token(["alice"]);
    let with_token =
        |options: &[&str], host: &str| to(&machine, options, host).env("BEARER_TOKEN", &token);
    for (options, host) in [
        (&[][..], "web"),
        (&[], "alice@MACHINE"),
        (&[], "ssh://alice@machine:22"),
        (&["-l", "alice"], "machine"),
        (&["-oHostName=machine"], "alice@something"),
        (&["-oHostKeyAlias=machine"], "alice@127.0.0.1"),
    ] {
        expect_login(with_token(options, host).run());
    }
    for (options, host, name) in [
        (&[][..], "nine", "web9.example.org"),
        (&[], "alice@localhost", "localhost"),
        (&[], "alice@127.0.0.1", "127.0.0.1"),
        (&["-oHostKeyAlias=other"], "alice@machine", "other"),
    ] {
        let known = ["-oStrictHostKeyChecking=accept-new", "-oLogLevel=ERROR"];
        let command = with_token(&[&known, options].concat(), host);
        let words = [
            &*format!(
                "the token was not sent to {name}: it is for ssh://machine, not for ssh://{name}."
            ),
            "[[host]] in ~/.config/jwt-ssh/config.toml",
        ];
        expect_not_sent(&machine, command, &words);
    }
}

#[test]
fn the_settings_say_by_which_names_hosts_go_in_tokens() {
    let machine = machine();
    let _sshd = sshd(&machine);
    with_names(&machine);
    server_goes_by(
        &machine,
        &["ssh://web9", "fleet", "fleet/web10.example.org"],
    );
    settings(
        &machine,
        "# A host with a name of its own\n\
         [[host]]\nmatch = \"WEB?.example.org\"\naudience = \"ssh://{short}\"\n\
         [[host]]\nmatch = [\"nowhere\", \"*.example.org\"]\naudience = [\"fleet\", \"fleet/{host}\"]\n",
    );
    for (host, audience, wanted) in [
        ("web", "ssh://machine", "ssh://machine"),
        ("nine", "ssh://web9", "ssh://web9"),
        ("ten", "fleet", "fleet or fleet/web10.example.org"),
        (
            "ten",
            "fleet/web10.example.org",
            "fleet or fleet/web10.example.org",
        ),
    ] {
        let token = machine.token(["alice", "--audience", audience]);
        expect_login(to(&machine, &[], host).env("BEARER_TOKEN", &token).run());
        let other = machine.token(["alice", "--audience", "ssh://web10"]);
        let command = to(&machine, &[], host).env("BEARER_TOKEN", &other);
        let word = format!("it is for ssh://web10, not for {wanted}.");
        expect_not_sent(&machine, command, &[&word]);
    }
}

#[test]
fn settings_that_do_not_load_are_shown_and_nothing_is_connected_to() {
    let machine = machine();
    let _sshd = sshd(&machine);
    let token = machine.token(["alice"]);
    for (text, shown) in [
        (
            "[[host]]\nmatch = \"a\"\naudiences = \"b\"\n",
            "at line 3, column 1\n  |\n3 | audiences = \"b\"\n  | ^",
        ),
        ("[[host]]\nmatch = \"a\"\n", "missing field `audience`"),
        (
            "[[host]]\nmatch = 7\naudience = \"b\"\n",
            "at line 2, column 9\n  |\n2 | match = 7\n  |         ^",
        ),
        (
            "[[host]]\nmatch = \"!a\"\naudience = \"b\"\n",
            "2 | match = \"!a\"\n  |         ^",
        ),
        (
            "[[host]]\nmatch = \"a\"\naudience = \"{name}\"\n",
            "3 | audience = \"{name}\"\n  |            ^",
        ),
        ("[[host]\n", "at line 1, column "),
    ] {
        settings(&machine, text);
        let mark = machine.mark();
        for command in [login(&machine, &[]), login(&machine, &["--force"])] {
            let output = command.env("BEARER_TOKEN", &token).run().expect_code(255);
            let path = "jwt-ssh: /home/carol/.config/jwt-ssh/config.toml: ";
            assert!(output.stderr.starts_with(path), "{output}");
            assert!(output.stderr.contains(shown), "{output}");
        }
        let log = machine.log_since(mark);
        assert!(
            !log.iter().any(|line| line.message.contains("127.0.0.1")),
            "{log:?}"
        );
    }
    machine
        .run(["chmod", "0", "/home/carol/.config/jwt-ssh/config.toml"])
        .expect_success();
    let output = login(&machine, &[])
        .env("BEARER_TOKEN", &token)
        .run()
        .expect_code(255);
    assert!(output.stderr.contains("Permission denied"), "{output}");
    // What logs in nowhere does not need them.
    let output = script(&machine, "jwt-ssh -G machine")
        .run()
        .expect_success();
    assert!(output.stdout.contains("\nhostname machine\n"), "{output}");
}
