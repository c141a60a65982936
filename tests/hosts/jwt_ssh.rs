//! jwt-ssh: a token of any length over the unmodified ssh, and over what runs ssh. In all
//! else it is ssh.

use machine::{Command, LENGTHS, Machine, Output};

/// A script of carol's, likewise.
fn script<'m>(machine: &'m Machine, token: &str, script: &str) -> Command<'m> {
    machine.carol_with(token, &["sh", "-ec", script])
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
        expect_quiet(machine.carol_with(&token, &login).run(), "alice\n");
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
            let output = machine.carol_with(&token, &["sh", "-c", &text]).run();
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
    let mut shell = machine
        .carol_with(&token, &["jwt-ssh", "alice@machine"])
        .terminal();
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
    let mut ssh = machine
        .carol_with(
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
        let mut shell = machine.carol_with("", &shell).terminal();
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
    expect_quiet(machine.carol_with(&token, &login).run(), "alice\n");
}

/// BatchMode means that nobody is asked, and a token needs nobody.
#[test]
fn in_batch_mode_a_token_logs_in_and_nobody_is_asked() {
    let machine = Machine::with_client();
    let _sshd = machine.sshd(&["PasswordAuthentication no"]);
    let token = machine.token(["alice"]);
    let batch = ["jwt-ssh", "-oBatchMode=yes", "alice@machine", "id -un"];
    let ssh = machine.carol_with(&token, &batch).terminal().wait();
    assert_eq!(ssh.code(), Some(255), "{ssh}");
    assert!(
        ssh.stdout.contains("Host key verification failed."),
        "{ssh}"
    );
    assert!(!ssh.stdout.contains("continue connecting"), "{ssh}");

    let known = ["-oStrictHostKeyChecking=accept-new", "-oLogLevel=ERROR"];
    let batch = [&batch[..1], &known, &batch[1..]].concat();
    let ssh = machine.carol_with(&token, &batch).terminal().wait();
    assert_eq!((ssh.code(), &*ssh.stdout), (Some(0), "alice\r\n"), "{ssh}");
    // What else it means to Debian's ssh stays.
    let ssh = machine
        .run(["ssh", "-G", "-oBatchMode=yes", "machine"])
        .stdout;
    let alive = ssh
        .lines()
        .find_map(|line| line.strip_prefix("serveraliveinterval "));
    let alive = format!("ServerAliveInterval={}", alive.expect("an option of ssh's"));
    let local = [
        "-oPermitLocalCommand=yes",
        "-oLocalCommand=tr '\\0' ' ' </proc/$PPID/cmdline",
    ];
    let look = [&batch[..1], &local, &batch[1..]].concat();
    let ssh = machine.carol_with(&token, &look).run().expect_success();
    assert!(ssh.stdout.contains(&alive), "{alive}: {ssh}");
    let refused = machine
        .carol_with(&machine.token(["bob"]), &batch)
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
    let login = machine
        .carol_with(&token, &["jwt-ssh", "alice@machine", "true"])
        .run();
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
    let login = machine.carol_with(&token, &command).run();
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

    let mut ssh = machine.carol_with(&token, &command).terminal();
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
                let command = machine.carol_with(&token, &["jwt-ssh", "alice@machine", &command]);
                threads.spawn(move || (number, command.run()))
            })
            .collect();
        for login in logins {
            let (number, output) = login.join().expect("a login");
            expect_quiet(output, &format!("session {number}\n"));
        }
    });
}
