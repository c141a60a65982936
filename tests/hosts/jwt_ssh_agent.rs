//! The process that holds the token for jwt-ssh: whom it answers, what can be seen of it, and
//! what is left when it has ended.

use machine::{Machine, Output, Terminal, wait_until};

#[track_caller]
fn expect_quiet(output: Output, stdout: &str) {
    assert_eq!(output.code(), Some(0), "{output}");
    assert_eq!((&*output.stdout, &*output.stderr), (stdout, ""), "{output}");
}

/// Processes of carol's that hold a token, and directories where they are asked for it.
fn agents(machine: &Machine) -> (String, String) {
    let pids = "pgrep -u carol -x jwt-ssh || true";
    let places = "ls -d /tmp/jwt-ssh.* 2>/dev/null || true";
    let run = |text| machine.run(["sh", "-c", text]).expect_success().stdout;
    (run(pids), run(places))
}

#[track_caller]
fn wait_until_no_agent_is_left(machine: &Machine) {
    wait_until("no agent is left", || {
        agents(machine) == (String::new(), String::new())
    });
}

/// A session of jwt-ssh that is logged in by a key, so that its agent waits to be asked.
fn session_with_an_agent(machine: &Machine, options: &[&str]) -> Terminal {
    let key = machine.ssh_key("alice");
    machine.write_as("carol", "/home/carol/key", machine.read(&key), 0o600);
    let command = [
        &["jwt-ssh", "-i", "key"],
        options,
        &["alice@machine", "echo in; cat"],
    ]
    .concat();
    let text = format!(
        "cd; exec {}",
        command.join(" ").replace("echo in; cat", "'echo in; cat'")
    );
    let mut session = machine
        .command(["sh", "-c", &text])
        .user("carol")
        .terminal();
    session.expect("in\r\n");
    session
}

#[test]
fn the_agent_answers_only_its_own_ssh_and_ends_with_it() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&[]);
    let token = machine.token_of(1500, ["alice"]);
    machine.write("/home/carol/token", &token, 0o644);
    let session = session_with_an_agent(&machine, &["--token-file", "token"]);
    let (pid, place) = agents(&machine);
    let (pid, place) = (pid.trim(), place.trim());
    let modes = format!("stat -c '%a %U %F' {place} {place}/socket");
    expect_quiet(
        machine.run(["sh", "-c", &modes]),
        "700 carol directory\n600 carol socket\n",
    );
    // Its memory and environment are not even carol's to read.
    for file in ["mem", "environ", "maps"] {
        let read = format!("head -c 1 /proc/{pid}/{file}");
        let read = machine.command(["sh", "-c", &read]).user("carol").run();
        assert!(read.stderr.contains("Permission denied"), "{file}: {read}");
    }
    // Neither carol, nor root, nor anybody else is answered by hand.
    let socket = format!("{place}/socket");
    for user in ["carol", "alice", "root"] {
        let ask = machine.command(["jwt-ssh-askpass", "(alice@machine) token: "]);
        let ask = ask.env("JWT_SSH_SOCKET", &socket);
        let ask = if user == "root" { ask } else { ask.user(user) };
        let answer = ask.run();
        assert_ne!(answer.code(), Some(0), "{user}: {answer}");
        assert_eq!(answer.stdout, "", "{user}: {answer}");
    }
    drop(session);
    wait_until_no_agent_is_left(&machine);
}

/// A token from a command is in the memory of the agent, and nowhere else.
#[test]
fn the_token_is_in_no_argument_environment_or_file() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&[]);
    let token = machine.token_of(1500, ["alice"]);
    // Out of carol's reach but for the program that gives it.
    machine.write("/run/vault/token", &token, 0o644);
    let command = [
        "jwt-ssh",
        "--token-command",
        "cat /run/vault/token",
        "alice@machine",
        "echo in; cat",
    ];
    let mut session = machine.command(command).user("carol").terminal();
    session.expect("in\r\n");
    // The signature, which makes it worth having, in any form of a string.
    let part = &token[token.len() - 40..];
    let search = "
        cat >/dev/shm/part
        cd /proc; grep -lasF -f /dev/shm/part [0-9]*/cmdline [0-9]*/environ
        find /run /tmp /home /var/tmp /root -path /run/.machine -prune -o -type f \
            -exec grep -lasF -f /dev/shm/part {} +";
    let output = machine.command(["sh", "-c", search]).stdin(part).run();
    assert_eq!(output.stdout, "/run/vault/token\n", "{output}");
    drop(session);
    wait_until_no_agent_is_left(&machine);
}

/// What ssh starts later has the variables still, and by then somebody else may have made a
/// directory of that name: nothing in it is run or believed.
#[test]
fn whoever_takes_the_place_of_the_agent_later_is_not_believed() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&[]);
    let token = machine.token(["alice"]);
    let text = "
        cd; jwt-ssh -o PermitLocalCommand=yes -o LocalCommand='env >seen' alice@machine true
        . ./seen; echo \"$SSH_ASKPASS $JWT_SSH_SOCKET\"";
    let text = text.replace(
        ". ./seen;",
        "eval $(grep -E '^(SSH_ASKPASS|JWT_SSH_SOCKET)=' seen);",
    );
    let seen = machine
        .carol_with(&token, &["sh", "-c", &text])
        .run()
        .expect_success();
    let (askpass, socket) = seen.stdout.trim().split_once(' ').expect("two paths");
    assert_eq!(askpass, "/usr/bin/jwt-ssh-askpass");
    wait_until_no_agent_is_left(&machine);
    // alice makes the same place, with a socket that anybody may connect to.
    let directory = socket.trim_end_matches("/socket");
    let listen = "import os, socket, sys
os.umask(0)
os.mkdir(sys.argv[1])
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1] + '/socket')
listener.listen()
print('listening', flush=True)
while True:
    listener.accept()[0].sendall(b'Aplanted')";
    let mut planted = machine
        .command(["python3", "-c", listen, directory])
        .user("alice")
        .terminal();
    planted.expect("listening");
    let answer = machine
        .command([askpass, "(alice@machine) token: "])
        .user("carol")
        .env("JWT_SSH_SOCKET", socket)
        .run();
    assert_ne!(answer.code(), Some(0), "{answer}");
    assert!(!answer.stdout.contains("planted"), "{answer}");
    assert!(
        answer.stderr.contains("belongs to another user"),
        "{answer}"
    );
}

/// A directory that others can change is none for a socket, and settings of others decide
/// nothing.
#[test]
fn what_others_can_change_is_not_trusted() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&[]);
    let token = machine.token(["alice"]);
    machine
        .run(["mkdir", "-m", "777", "/srv/open"])
        .expect_success();
    for theirs in ["/home/alice", "/srv/open"] {
        let text = "cd; jwt-ssh -o PermitLocalCommand=yes -o LocalCommand='echo $JWT_SSH_SOCKET >at' \
                    alice@machine true; cat at";
        let at = machine
            .carol_with(&token, &["sh", "-c", text])
            .env("XDG_RUNTIME_DIR", theirs)
            .run()
            .expect_success();
        assert!(at.stdout.starts_with("/tmp/jwt-ssh."), "{at}");
    }
    let settings = "[[host]]\nmatch = \"*\"\naudience = \"ssh://machine\"\n";
    machine.write("/home/carol/.config/jwt-ssh/config.toml", settings, 0o666);
    let login = machine
        .carol_with(&token, &["jwt-ssh", "alice@machine", "true"])
        .run();
    assert_eq!(login.code(), Some(255), "{login}");
    assert!(
        login.stderr.contains("not a file of your own")
            || login.stderr.contains("others may write"),
        "{login}"
    );
}

/// Where the askpass waits for what is typed nobody looks at it, and when ssh is killed it ends
/// and leaves the terminal as it was.
#[test]
fn an_askpass_hides_what_is_typed_and_ends_with_its_ssh() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&[]);
    let text = "
        cd; stty -a >before; jwt-ssh alice@machine
        while pgrep -x jwt-ssh-askpass >/dev/null; do :; done
        stty -a | cmp - before && echo as it was";
    let mut shell = machine.command(["sh", "-c", text]).user("carol").terminal();
    shell.expect("Password or token: ");
    for file in ["mem", "environ", "maps"] {
        let read = format!("head -c 1 /proc/$(pgrep -u carol -x jwt-ssh-askpass)/{file}");
        let read = machine.command(["sh", "-c", &read]).user("carol").run();
        assert!(read.stderr.contains("Permission denied"), "{file}: {read}");
    }
    machine
        .run(["pkill", "-KILL", "-u", "carol", "-x", "ssh"])
        .expect_success();
    shell.expect("as it was");
}
