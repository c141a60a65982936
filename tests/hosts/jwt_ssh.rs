//! jwt-ssh: a token of any length over the unmodified ssh, and over what runs ssh. In all
//! else it is ssh.

use machine::{Command, LENGTHS, Machine, Output, Terminal};
use std::time::{Duration, Instant};

/// A command of carol's, with a token in the file that BEARER_TOKEN_FILE names.
fn carols<'m>(machine: &'m Machine, token: &str, command: &[&str]) -> Command<'m> {
    machine.write("/home/carol/token", token, 0o644);
    machine
        .command(command)
        .user("carol")
        .env("BEARER_TOKEN_FILE", "/home/carol/token")
}

/// A script of carol's, likewise.
fn script<'m>(machine: &'m Machine, token: &str, script: &str) -> Command<'m> {
    carols(machine, token, &["sh", "-ec", script])
}

#[track_caller]
fn expect_quiet(output: Output, stdout: &str) {
    assert_eq!(output.code(), Some(0), "{output}");
    assert_eq!((&*output.stdout, &*output.stderr), (stdout, ""), "{output}");
}

#[test]
fn tokens_of_any_length_log_in() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&["PasswordAuthentication no"]);
    for bytes in LENGTHS {
        let token = machine.token_of(bytes, ["alice"]);
        let login = ["jwt-ssh", "alice@machine", "id -un"];
        expect_quiet(carols(&machine, &token, &login).run(), "alice\n");
    }
}

/// What runs ssh runs jwt-ssh just as well.
#[test]
fn scp_sftp_rsync_and_git_log_in_with_tokens_of_any_length() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&["PasswordAuthentication no", "Subsystem sftp internal-sftp"]);
    let prepare = "
        mkdir data; echo content > data/file
        git init -q repository; cd repository; git config user.name c; git config user.email c
        git commit -q --allow-empty -m 'one commit'";
    let home = |script: &str| format!("cd; {script}");
    let run = |token: &str, text: &str| script(&machine, token, &home(text)).run();
    let _ = run("", prepare).expect_success();
    let bare = "git init -q --bare /home/alice/repository";
    let _ = machine
        .command(["sh", "-c", bare])
        .user("alice")
        .run()
        .expect_success();
    for bytes in LENGTHS {
        let token = machine.token_of(bytes, ["alice"]);
        for (script, printed) in [
            (
                "scp -q -S jwt-ssh data/file alice@machine:copy
                 scp -q -S jwt-ssh alice@machine:copy back; cat back",
                "content\n",
            ),
            // The protocol of before OpenSSH 9.
            (
                "scp -q -O -S jwt-ssh alice@machine:copy old; cat old",
                "content\n",
            ),
            (
                "echo 'get copy got' | sftp -q -b - -S jwt-ssh alice@machine >log
                 cat got",
                "content\n",
            ),
            (
                "rsync -a -e jwt-ssh data alice@machine:tree
                 rsync -a -e 'jwt-ssh --token-file /home/carol/token' alice@machine:tree/ synced
                 cat synced/data/file",
                "content\n",
            ),
            (
                "export GIT_SSH=jwt-ssh; rm -rf clone
                 git -C repository push -q -f alice@machine:repository HEAD:refs/heads/main
                 git clone -q -b main alice@machine:repository clone; git -C clone log --format=%s",
                "one commit\n",
            ),
        ] {
            let output = run(&token, script);
            assert_eq!(output.code(), Some(0), "{bytes}: {output}");
            assert_eq!(
                (&*output.stdout, &*output.stderr),
                (printed, ""),
                "{bytes}: {output}"
            );
        }
    }
}

/// Each of these, by ssh with a key and by jwt-ssh with a token.
#[test]
fn status_streams_and_signals_are_those_of_ssh() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&[]);
    let key = machine.ssh_key("alice");
    machine.write_as("carol", "/home/carol/key", machine.read(&key), 0o600);
    let token = machine.token_of(1500, ["alice"]);
    let ssh = "ssh -i /home/carol/key";
    for text in [
        "SSH alice@machine 'exit 7'",
        "SSH alice@machine 'kill -9 $$'",
        "SSH -l alice machine 'echo out; echo err >&2'",
        "head -c 3000000 /dev/zero | SSH alice@machine 'cat; echo end' | sha256sum",
        "echo ignored | SSH -n alice@machine cat",
        "SSH -o RemoteCommand='id -un' alice@machine",
        "SSH -W localhost:22 alice@machine </dev/null | cut -c 1-7",
        "SSH alice@nowhere.invalid true",
        "SSH -p 1 alice@machine true",
        "SSH -o NoSuchOption=1 alice@machine",
        "SSH -Z alice@machine",
        "SSH -V",
        "SSH -Q kex",
        "SSH -G -p 7 alice@machine",
        "SSH -oBatchMode=no -G machine",
        "SSH -- alice@machine 'echo --force --token-file'",
        "SSH -f -L 4711:localhost:22 alice@machine true; echo $?",
        "mkfifo p; SSH alice@machine 'echo $$; exec sleep 1000' >p & read r <p; kill -TERM $!; wait $!",
        "mkfifo p; SSH alice@machine 'echo $$; exec sleep 1000' >p & read r <p
         cat /proc/$!/comm; readlink /proc/$!/exe; kill -HUP $!; wait $!",
    ] {
        let run = |ssh: &str| {
            let text = format!("cd; rm -f p; {}", text.replace("SSH", ssh));
            let output = carols(&machine, &token, &["sh", "-c", &text]).run();
            // -G names the key that is only ssh's here.
            let stdout = output
                .stdout
                .lines()
                .filter(|line| !line.starts_with("identityfile"));
            (
                output.status,
                stdout.collect::<Vec<_>>().join("\n"),
                output.stderr,
            )
        };
        assert_eq!(run("jwt-ssh"), run(ssh), "{text}");
    }
}

#[test]
fn the_terminal_is_that_of_ssh() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&[]);
    let token = machine.token_of(1500, ["alice"]);
    let mut shell = carols(&machine, &token, &["jwt-ssh", "alice@machine"]).terminal();
    shell
        .expect("$ ")
        .send_line("stty -a | grep -c ' echo ';  tty; id -un");
    shell.expect("1\r\n/dev/pts/").expect("alice\r\n");
    shell
        .expect("$ ")
        .send_line("cat")
        .send_line("hello")
        .expect("hello\r\nhello\r\n");
    // Ctrl-C is for the far end.
    shell.send("\x03").expect("^C").expect("$ ");
    shell.send_line("exit 3").expect("closed");
    let output = shell.wait();
    assert_eq!(output.code(), Some(3), "{output}");
}

/// What is not for the token is asked on the terminal, in ssh's words.
#[test]
fn other_questions_are_asked_on_the_terminal() {
    let machine = Machine::with_client();
    machine.password("alice", "correct horse");
    let _sshd = machine.sshd(&["PasswordAuthentication no"]);
    let mut ssh = carols(
        &machine,
        &machine.token(["bob"]),
        &["jwt-ssh", "alice@machine", "id -un"],
    )
    .terminal();
    ssh.expect("Are you sure you want to continue connecting (yes/no/[fingerprint])? ");
    ssh.send_line("yes").expect("yes\r\n");
    // The token was given once, and is bob's.
    ssh.expect("machine asks again: it did not accept the token");
    ssh.expect("(alice@machine) Password or token: ")
        .send_line("correct horse");
    ssh.expect("alice\r\n");
    let output = ssh.wait();
    assert_eq!(output.code(), Some(0), "{output}");
    assert!(!output.stdout.contains("horse"), "{output}");
}

#[test]
fn whoever_gives_up_at_a_question_has_the_terminal_as_it_was() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&[]);
    let text = "stty -a >before; trap : INT QUIT; jwt-ssh alice@machine; echo status $?;
                stty -a | cmp - before && echo as it was";
    for key in ["\x03", "\x1c"] {
        let text = format!("cd; {text}");
        // A test that was started in the background has them ignored.
        let shell = ["env", "--default-signal=INT,QUIT", "sh", "-c", &text];
        let mut shell = carols(&machine, "", &shell).terminal();
        shell
            .expect("there is no token")
            .expect("Password or token: ")
            .send(key);
        shell.expect("status ").expect("as it was");
    }
}

/// A jump host that takes tokens too has a run of its own, with an agent of its own.
#[test]
fn a_jump_host_can_have_a_jwt_ssh_of_its_own() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&["PasswordAuthentication no"]);
    let token = machine.token_of(1500, ["alice"]);
    let jump = "ProxyCommand=jwt-ssh -W %h:%p alice@machine";
    let login = ["jwt-ssh", "-o", jump, "alice@machine", "id -un"];
    expect_quiet(carols(&machine, &token, &login).run(), "alice\n");
}

/// BatchMode means that nobody is asked, and a token needs nobody.
#[test]
fn in_batch_mode_a_token_logs_in_and_nobody_is_asked() {
    let machine = Machine::with_client();
    let _sshd = machine.sshd(&["PasswordAuthentication no"]);
    let token = machine.token(["alice"]);
    let batch = ["jwt-ssh", "-oBatchMode=yes", "alice@machine", "id -un"];
    let ssh = carols(&machine, &token, &batch).terminal().wait();
    assert_eq!(ssh.code(), Some(255), "{ssh}");
    assert!(
        ssh.stdout.contains("Host key verification failed."),
        "{ssh}"
    );
    assert!(!ssh.stdout.contains("continue connecting"), "{ssh}");

    let known = ["-oStrictHostKeyChecking=accept-new", "-oLogLevel=ERROR"];
    let batch = [&batch[..1], &known, &batch[1..]].concat();
    let ssh = carols(&machine, &token, &batch).terminal().wait();
    assert_eq!((ssh.code(), &*ssh.stdout), (Some(0), "alice\r\n"), "{ssh}");
    let refused = carols(&machine, &machine.token(["bob"]), &batch)
        .terminal()
        .wait();
    assert_eq!(refused.code(), Some(255), "{refused}");
    assert!(refused.stdout.contains("Permission denied"), "{refused}");
    assert!(!refused.stdout.contains("token: "), "{refused}");
}

/// Nobody can answer twice, so nobody is asked twice.
#[test]
fn without_a_terminal_a_refused_token_is_one_attempt() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&["PasswordAuthentication no"]);
    let mark = machine.mark();
    let token = machine.token_of(1500, ["bob"]);
    let login = carols(&machine, &token, &["jwt-ssh", "alice@machine", "true"]).run();
    assert_eq!(login.code(), Some(255), "{login}");
    let denied = "alice@machine: Permission denied (publickey,keyboard-interactive).";
    assert!(login.stderr.contains(denied), "{login}");
    machine.wait_for_log(mark, "Connection closed by authenticating user alice");
    let log = machine.log_since(mark);
    let attempts = log
        .iter()
        .filter(|line| line.message.contains("result=refused"));
    assert_eq!(attempts.count(), 1, "{log:#?}");
    let passwords = log
        .iter()
        .filter(|line| line.message.contains("authentication failure"));
    assert_eq!(passwords.count(), 1, "{log:#?}");
}

#[test]
fn by_the_method_password_a_long_token_ends_in_one_clear_message() {
    let machine = Machine::with_client();
    machine.password("alice", "correct horse");
    let _sshd = machine.known_sshd(&["KbdInteractiveAuthentication no"]);
    let token = machine.token_of(1500, ["alice"]);
    let command = ["jwt-ssh", "alice@machine", "id -un"];
    let word = "jwt-ssh: machine asks by the method `password`, which takes no token longer than \
                1023 bytes";
    let advice = "KbdInteractiveAuthentication yes";
    let login = carols(&machine, &token, &command).run();
    assert_eq!(login.code(), Some(255), "{login}");
    assert!(
        login.stderr.starts_with(word) && login.stderr.contains(advice),
        "{login}"
    );
    assert_eq!(
        login.stderr.matches("jwt-ssh: machine asks").count(),
        1,
        "{login}"
    );

    let mut ssh = carols(&machine, &token, &command).terminal();
    ssh.expect(word).expect(advice);
    for secret in ["wrong horse", "correct horse"] {
        ssh.expect("alice@machine's password: ").send_line(secret);
    }
    ssh.expect("alice\r\n");
    let output = ssh.wait();
    assert_eq!(
        output.stdout.matches("jwt-ssh: machine asks").count(),
        1,
        "{output}"
    );
}

#[test]
fn ten_sessions_at_once_with_one_token() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&["MaxStartups 100"]);
    let token = machine.token_of(6500, ["alice"]);
    // None ends before all are in.
    let wait =
        "mkdir -p here; touch here/$0; while [ $(ls here | wc -l) -lt 10 ]; do sleep 0.1; done";
    std::thread::scope(|threads| {
        let logins: Vec<_> = (0..10)
            .map(|number| {
                let command = format!("sh -c '{wait}; echo session $0' {number}");
                let command = carols(&machine, &token, &["jwt-ssh", "alice@machine", &command]);
                threads.spawn(move || (number, command.run()))
            })
            .collect();
        for login in logins {
            let (number, output) = login.join().expect("a login");
            expect_quiet(output, &format!("session {number}\n"));
        }
    });
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
    let deadline = Instant::now() + Duration::from_secs(60);
    while agents(machine) != (String::new(), String::new()) {
        assert!(Instant::now() < deadline, "{:?}", agents(machine));
    }
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
    let seen = carols(&machine, &token, &["sh", "-c", &text])
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
        let at = carols(&machine, &token, &["sh", "-c", text])
            .env("XDG_RUNTIME_DIR", theirs)
            .run()
            .expect_success();
        assert!(at.stdout.starts_with("/tmp/jwt-ssh."), "{at}");
    }
    let settings = "[[host]]\nmatch = \"*\"\naudience = \"ssh://machine\"\n";
    machine.write("/home/carol/.config/jwt-ssh/config.toml", settings, 0o666);
    let login = carols(&machine, &token, &["jwt-ssh", "alice@machine", "true"]).run();
    assert_eq!(login.code(), Some(255), "{login}");
    assert!(
        login.stderr.contains("not a file of your own")
            || login.stderr.contains("others may write"),
        "{login}"
    );
}
