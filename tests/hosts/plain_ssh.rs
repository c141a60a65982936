//! Tokens of any length without jwt-ssh: what logging-in.md and the manual tell users to do,
//! taken from their text, and the drop-in for sshd, each tried with the real programs.

use machine::{Command, Machine, PIECE, in_pieces};

const DOCUMENT: &str = include_str!("../../packaging/doc/logging-in.md");

/// In bytes: what is one piece, ends with a piece, and has several.
const LENGTHS: [usize; 5] = [300, 500, 1000, 1500, 6500];

/// A script of carol's, in her home, with this token in ~/token.
fn carols<'m>(machine: &'m Machine, token: &str, script: &str) -> Command<'m> {
    machine.write("/home/carol/token", format!("{token}\n"), 0o644);
    let script = format!("cd; {script}");
    machine.command(["sh", "-c", &script]).user("carol")
}

/// What is told: the script, and the command that has ssh run it.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    script: String,
    command: String,
}

/// Finds it in a text whose code is indented in one way throughout.
fn told(text: &str) -> Told {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let end = |line: &&str| line.is_empty() || line.starts_with("```");
    let block = |first: &str, nth: usize| -> String {
        let starts = lines.iter().enumerate();
        let mut starts = starts.filter(|(_, line)| line.starts_with(first));
        let start = starts.nth(nth).expect(first).0;
        let block = lines[start..].iter().take_while(|line| !end(line));
        block.map(|line| format!("{line}\n")).collect()
    };
    Told {
        script: block("#!/bin/sh", 0),
        command: block("SSH_ASKPASS=", 0),
    }
}

/// The page as man shows it.
fn manual(machine: &Machine) -> String {
    let page = "/usr/share/man/man1/jwt-ssh.1";
    let groff = machine.run(["groff", "-man", "-Tutf8", "-P-cbou", page]);
    groff.expect_success().stdout
}

/// carol's ssh as she is told to start it.
fn by_script<'m>(machine: &'m Machine, token: &str, told: &Told) -> Command<'m> {
    machine.write("/home/carol/askpass", &told.script, 0o755);
    let command = told.command.trim_end();
    let ssh = command.strip_suffix("HOST").expect("ends with the host");
    carols(machine, token, &format!("{ssh} alice@machine id -un"))
}

#[test]
fn the_script_logs_in_with_tokens_of_any_length() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&["PasswordAuthentication no"]);
    let script = told(DOCUMENT);
    assert!(script.script.lines().count() <= 4, "{}", script.script);
    assert_eq!(told(&manual(&machine)), script, "the manual");
    let help = machine.run(["jwt-ssh", "--help"]).expect_success();
    assert_eq!(told(&help.stdout), script, "--help");
    for bytes in LENGTHS {
        let token = machine.token_of(bytes, ["alice"]);
        let login = by_script(&machine, &token, &script).run();
        assert_eq!(
            (login.code(), &*login.stdout, &*login.stderr),
            (Some(0), "alice\n", ""),
            "{bytes}: {login}"
        );
    }

    // One that is refused is sent once.
    let mark = machine.mark();
    let token = machine.token_of(1500, ["bob"]);
    let login = by_script(&machine, &token, &script).run();
    assert_eq!(login.code(), Some(255), "{login}");
    machine.wait_for_log(mark, "Connection closed by authenticating user alice");
    let log = machine.log_since(mark);
    let refused = log.iter().filter(|line| line.message.contains("result="));
    assert_eq!(refused.count(), 1, "{log:#?}");
}

/// A server writes the prompt, so it is text from anybody.
#[test]
fn the_script_answers_nothing_but_questions_for_the_token() {
    let machine = Machine::with_client();
    let script = told(DOCUMENT).script;
    machine.write("/home/carol/askpass", script, 0o755);
    let token = machine.token_of(1500, ["alice"]);
    let shells = ["dash", "bash", "bash --posix", "busybox sh"];
    let is_there = |shell: &&&str| {
        let name = shell.split(' ').next().expect("a name");
        let script = format!("command -v {name}");
        machine.run(["sh", "-c", &script]).code() == Some(0)
    };
    let shells: Vec<&&str> = shells.iter().filter(is_there).collect();
    assert!(shells.len() >= 3, "{shells:?}");
    for shell in &shells {
        let ask = |prompt: &str| {
            let script = format!("{shell} askpass \"$PROMPT\"");
            let ask = carols(&machine, &token, &script).env("PROMPT", prompt);
            ask.run()
        };
        for (prompt, at) in [
            ("token: ", 0),
            ("(alice@machine) Password or token: ", 0),
            ("token[500]: ", 500),
            ("(alice@machine) Hello [all].\ntoken[1000]: ", 1000),
            ("token[7]: token[500]: ", 500),
            ("token[7]: token: ", 0),
        ] {
            let output = ask(prompt).expect_success();
            let piece = &token[at..at + PIECE];
            assert_eq!(output.stdout, format!("{piece}\n"), "{shell}: {prompt:?}");
        }
        for prompt in ["token[1500]: ", "token[60000]: "] {
            let output = ask(prompt).expect_success();
            assert_eq!(output.stdout.trim_end(), "", "{shell}: {prompt:?}");
        }
        for prompt in [
            "",
            ": ",
            "token",
            "token:",
            "token: \n",
            "Token: ",
            "Password: ",
            "alice@machine's password: ",
            "Enter passphrase for key '/home/carol/token': ",
            "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
            "token[]: ",
            "token[-500]: ",
            "token[+500]: ",
            "token[0x10]: ",
            "token[500x2]: ",
            "token[500 -o x]: ",
            "token[500] ]: ",
            "token[500]]: ",
            "token[*]: ",
            "token[5?0]: ",
            "token[5\n00]: ",
            "token[500[0]: ",
            "token[99999999999999999999999999]: ",
            "token500]: ",
            "[500]: ",
            "500]: ",
            "token[$(touch hit)]: ",
            "token[`touch hit`]: ",
            "token[a[$(touch hit)]]: ",
            "token[PATH]: ",
            "-n token[of=hit]: ",
            "$(touch hit)token[$(touch hit): ",
        ] {
            let output = ask(prompt);
            assert_ne!(output.code(), Some(0), "{shell}: {prompt:?}: {output}");
            assert_eq!(output.stdout, "", "{shell}: {prompt:?}");
        }
    }
    let made = machine.run(["find", "/home/carol", "-name", "hit"]);
    assert_eq!(made.expect_success().stdout, "");
}

/// The lines that carol is told to paste: those of `fold`, and an empty one where the last
/// has 500 bytes.
fn folded(machine: &Machine, token: &str) -> Vec<String> {
    assert!(DOCUMENT.contains("`fold -w 500 ~/token`"), "what is played");
    let fold = carols(machine, token, "fold -w 500 ~/token");
    let fold = fold.run().expect_success().stdout;
    let mut lines: Vec<String> = fold.lines().map(str::to_owned).collect();
    if lines.last().is_some_and(|last| last.len() == PIECE) {
        lines.push(String::new());
    }
    assert_eq!(lines, in_pieces(token));
    lines
}

#[test]
fn by_hand_each_line_of_fold_answers_a_prompt() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&["PasswordAuthentication no"]);
    for bytes in LENGTHS {
        let token = machine.token_of(bytes, ["alice"]);
        let lines = folded(&machine, &token);
        let mut ssh = carols(&machine, &token, "exec ssh alice@machine id -un").terminal();
        let mut prompt = "(alice@machine) Password or token: ".to_owned();
        for (number, line) in (1..).zip(&lines) {
            ssh.expect(&prompt).send_line(line);
            prompt = format!("(alice@machine) token[{}]: ", number * PIECE);
        }
        ssh.expect("alice\r\n");
        let output = ssh.wait().expect_success();
        assert!(!output.stdout.contains(&lines[0]), "it is shown: {output}");
    }
}

#[test]
fn by_hand_a_token_in_one_line_is_cut_and_whoever_pasted_it_is_told_what_to_do() {
    let machine = Machine::with_client();
    let _sshd = machine.known_sshd(&["PasswordAuthentication no"]);
    let token = machine.token_of(1400, ["alice"]);
    let mark = machine.mark();
    let mut ssh = carols(&machine, &token, "exec ssh alice@machine id -un").terminal();
    ssh.expect("(alice@machine) Password or token: ")
        .send_line(&token);
    ssh.expect(
        "it was cut at 1023 bytes on its way: give it in lines of 500 bytes (fold -w 500), or use \
         jwt-ssh.",
    );
    machine.wait_for_log(mark, "result=refused reason=token_cut");
    // She is asked again, and may do so at once.
    let lines = folded(&machine, &token);
    ssh.expect("(alice@machine) Password or token: ")
        .send_line(&lines[0]);
    for (number, line) in (1..).zip(&lines[1..]) {
        ssh.expect(&format!("token[{}]: ", number * PIECE))
            .send_line(line);
    }
    ssh.expect("alice\r\n");
    ssh.wait().expect_success();
}

#[test]
fn sudo_reads_the_lines_of_fold() {
    let command = "(fold -w 500 ~/token; echo) | sudo -S ";
    assert!(DOCUMENT.contains(command), "what is played");
    let machine = Machine::with_client();
    machine.pam_line("sudo", "auth sufficient pam_jwt.so");
    machine.write("/etc/sudoers.d/carol", "carol ALL=(ALL) ALL\n", 0o440);
    for bytes in LENGTHS {
        let token = machine.token_of(bytes, ["carol"]);
        machine.services(&["sudo"]);
        let sudo = carols(&machine, &token, &format!("{command} id -un"));
        let output = sudo.run().expect_success();
        assert_eq!(output.stdout, "root\n", "{bytes}: {output}");
    }
}

const DROP_IN: &str = "/usr/share/doc/pam-jwt/sshd_config.d/pam-jwt.conf";

/// What sshd makes of a drop-in that stands before a configuration that says otherwise.
fn settings(machine: &Machine, drop_in: &str) -> String {
    machine.write("/root/drop-in", drop_in, 0o644);
    let config = "Include /root/drop-in\nUsePAM no\nKbdInteractiveAuthentication no\n\
        PasswordAuthentication yes\nHostKey /root/key\n";
    machine.write("/root/sshd_config", config, 0o644);
    let key = "test -e /root/key || ssh-keygen -q -t ed25519 -N '' -f /root/key";
    machine.run(["sh", "-c", key]).expect_success();
    let test = ["/usr/sbin/sshd", "-T", "-f", "/root/sshd_config"];
    let test = machine.run(test).expect_success();
    assert_eq!(test.stderr, "", "{test}");
    test.stdout
}

#[test]
fn sshd_takes_the_drop_in() {
    let machine = Machine::with_client();
    let drop_in = machine.read(DROP_IN);
    let uncommented = drop_in.replace("\n#PasswordAuthentication", "\nPasswordAuthentication");
    assert_ne!(drop_in, uncommented);
    for (text, yes, by_password) in [
        ("", "no", "yes"),
        (drop_in.as_str(), "yes", "yes"),
        (uncommented.as_str(), "yes", "no"),
    ] {
        let settings = settings(&machine, text);
        for setting in [
            format!("usepam {yes}"),
            format!("kbdinteractiveauthentication {yes}"),
            format!("passwordauthentication {by_password}"),
        ] {
            assert!(settings.lines().any(|line| line == setting), "{settings}");
        }
    }
    // All that it says is said above.
    let says = uncommented.lines();
    let says = says.filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(says.count(), 3, "{uncommented}");
}

#[test]
fn with_the_drop_in_a_token_logs_in_and_without_it_does_not() {
    let machine = Machine::with_client();
    let place = "/etc/ssh/sshd_config.d/10-pam-jwt.conf";
    let token = machine.token_of(1500, ["alice"]);
    let login = || {
        let config = [
            &*format!("Include {place}"),
            "UsePAM no",
            "KbdInteractiveAuthentication no",
        ];
        let _sshd = machine.sshd(&config);
        machine
            .ssh("alice")
            .answers(in_pieces(&token))
            .command("id -un")
    };
    let without = login();
    assert_eq!(without.code(), Some(255), "{without}");
    machine.write(place, machine.read(DROP_IN), 0o644);
    let with = login();
    assert_eq!((with.code(), &*with.stdout), (Some(0), "alice\n"), "{with}");
}
