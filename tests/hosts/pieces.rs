//! Tokens of any length through the real ssh, su and sudo, in pieces of 500 bytes, and
//! what comes in one answer all the same. login has a file of its own.

use machine::{LENGTHS, Login, Machine, Ssh, Terminal, in_pieces, prompts};

/// What is told after an answer of this length, at which programs cut.
fn advice(bytes: usize) -> String {
    format!(
        "If that was a token, it was cut at {bytes} bytes on its way: give it in lines of 500 \
         bytes (fold -w 500), or use jwt-ssh."
    )
}

fn is_alice(login: &Login, what: &str) {
    let seen = (login.code(), login.stdout.trim_end());
    assert_eq!(seen, (Some(0), "alice"), "{what}: {login}");
}

fn is_refused(login: &Login, what: &str) {
    let seen = (login.code(), login.stdout.as_str());
    assert_eq!(seen, (Some(255), ""), "{what}: {login}");
}

fn ssh_prompts(secret: &str) -> Vec<String> {
    let prompts = prompts(secret).into_iter();
    prompts
        .map(|prompt| format!("(alice@127.0.0.1) {prompt}"))
        .collect()
}

/// The audit lines of a login.
fn reasons(login: &Login) -> Vec<&str> {
    let lines = login.log.iter().map(|line| line.message.as_str());
    lines
        .filter(|line| line.starts_with("pam_jwt(sshd:auth): "))
        .filter_map(|line| {
            line.split(' ')
                .find_map(|word| word.strip_prefix("reason="))
        })
        .collect()
}

#[test]
fn ssh_takes_tokens_of_every_length_in_pieces() {
    let machine = Machine::ready();
    let _sshd = machine.sshd(&[]);
    for bytes in LENGTHS {
        let token = machine.token_of(bytes, ["alice"]);
        let login = machine.ssh("alice").answers(in_pieces(&token));
        let login = login.command("id -un");
        is_alice(&login, &format!("{bytes} bytes"));
        assert_eq!(login.prompts, ssh_prompts(&token), "{login}");
        assert_eq!(reasons(&login), ["allowed"], "{login}");
    }
    // One that is another's is refused whole, and nobody asks again.
    for bytes in [1000, 1500, 60_000] {
        let token = machine.token_of(bytes, ["bob"]);
        let login = machine.ssh("alice").answers(in_pieces(&token));
        let login = login.command("id -un");
        is_refused(&login, &format!("{bytes} bytes"));
        assert_eq!(login.prompts, ssh_prompts(&token), "{login}");
        assert_eq!(reasons(&login), ["account_not_allowed"], "{login}");
    }
}

#[test]
fn one_answer_of_any_other_length_is_a_token_too() {
    let machine = Machine::ready();
    let _sshd = machine.sshd(&[]);
    for bytes in [501, 999, 1000, 1023] {
        let token = machine.token_of(bytes, ["alice"]);
        for ask in [Ssh::kbdint, Ssh::password] {
            let login = ask(machine.ssh("alice").answers([token.as_str()])).command("id -un");
            is_alice(&login, &format!("{bytes} bytes"));
            assert_eq!(login.prompts.len(), 1, "{login}");
        }
    }
}

/// Under `password` there is one answer, and it is given to every prompt.
#[test]
fn a_secret_of_exactly_500_bytes_works_by_either_method() {
    let machine = Machine::ready();
    let password = "correct horse ".repeat(36)[..500].to_owned();
    machine.password("alice", &password);
    let _sshd = machine.sshd(&[]);
    let token = machine.token_of(500, ["alice"]);
    let wrong = password.replace("horse", "house");
    for (ask, asked) in [(Ssh::kbdint as fn(_) -> _, 2), (Ssh::password, 1)] {
        for secret in [&token, &password] {
            let login = ask(machine.ssh("alice").answers([secret.as_str()])).command("id -un");
            is_alice(&login, secret);
            assert_eq!(login.prompts.len(), asked, "{login}");
        }
        let login = ask(machine.ssh("alice").answers([wrong.as_str()])).command("id -un");
        is_refused(&login, "a wrong password");
    }
}

#[test]
fn who_sends_a_token_that_ssh_cuts_is_told_so() {
    let machine = Machine::ready();
    let _sshd = machine.sshd(&[]);
    let token = machine.token_of(1500, ["alice"]);
    for ask in [Ssh::kbdint, Ssh::password] {
        let ssh = machine.ssh("alice").answers([token.as_str()]);
        let login = ask(ssh).option("LogLevel=INFO").command("id -un");
        is_refused(&login, "cut");
        assert_eq!(login.prompts.len(), 1, "{login}");
        assert_eq!(reasons(&login), ["token_cut"], "{login}");
        // Under `password` sshd 9.2 keeps to itself what modules say of a failure.
        let told = login.stderr.matches(&advice(1023)).count();
        let by_password = login.prompts == ["alice@127.0.0.1's password: "];
        assert!(told == 1 || by_password && told == 0, "{login}");
    }
}

#[test]
fn a_host_that_wants_silence_gets_it() {
    let machine = Machine::ready();
    machine.write("/etc/pam.alone/sshd", "auth required pam_jwt.so\n", 0o644);
    let token = machine.token_of(1500, ["alice"])[..1023].to_owned();
    let events = |options: &[&str]| {
        let host = machine.command([env!("CARGO_BIN_EXE_pam-host")]);
        let host = host.args(options).args(["sshd", "alice", "/etc/pam.alone"]);
        host.stdin(token.as_str()).run().expect_success().stdout
    };
    let end = "authenticate PAM_AUTH_ERR\n";
    let asked = "echo_off Password or token: \n";
    assert_eq!(events(&["--silent"]), format!("{asked}{end}"));
    let told = format!("{asked}error {}\n{end}", advice(1023));
    assert_eq!(events(&[]), told);
}

/// A machine where alice runs su and sudo, and tokens open both.
fn alices() -> Machine {
    let machine = Machine::ready();
    machine.account("bob");
    for service in ["su", "sudo"] {
        machine.pam_line(service, "auth sufficient pam_jwt.so");
    }
    machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);
    machine.services(&["su", "sudo"]);
    machine
}

fn sudo<'m>(machine: &'m Machine, options: &[&str]) -> machine::Command<'m> {
    let sudo = machine.command(["sudo", "-k"]).args(options);
    sudo.args(["sh", "-c", "echo I am $(id -un)"]).user("alice")
}

fn su(machine: &Machine) -> Terminal {
    let su = machine.command(["su", "bob", "-c", "echo I am $(id -un)"]);
    su.user("alice").terminal()
}

#[test]
fn su_takes_tokens_of_every_length_on_a_terminal() {
    let machine = alices();
    for bytes in LENGTHS {
        let mut su = su(&machine);
        su.send_in_pieces(&machine.token_of(bytes, ["bob"]));
        let output = su.wait().expect_success();
        assert!(output.stdout.contains("I am bob"), "{bytes}: {output}");
    }
    let mut refused = su(&machine);
    refused.send_in_pieces(&machine.token_of(1500, ["alice"]));
    let output = refused.wait().expect_code(1);
    assert!(!output.stdout.contains("I am"), "{output}");

    // A terminal has lines of 4095 bytes.
    let mut cut = su(&machine);
    cut.expect("Password or token: ");
    cut.send_line(&machine.token_of(6500, ["bob"]));
    let output = cut.wait().expect_code(1);
    assert!(output.stdout.contains(&advice(4095)), "{output}");
}

#[test]
fn sudo_takes_tokens_of_every_length_on_a_terminal_and_from_standard_input() {
    let machine = alices();
    for bytes in LENGTHS {
        let token = machine.token_of(bytes, ["alice"]);
        let mut on_terminal = sudo(&machine, &[]).terminal();
        on_terminal.send_in_pieces(&token);
        let output = on_terminal.wait().expect_success();
        assert!(output.stdout.contains("I am root"), "{bytes}: {output}");

        let lines = in_pieces(&token).join("\n") + "\n";
        let output = sudo(&machine, &["-S"]).stdin(lines).run().expect_success();
        assert_eq!(output.stdout, "I am root\n", "{bytes}");
    }
}

#[test]
fn a_token_that_ends_in_the_middle_opens_nothing() {
    let machine = alices();
    let token = machine.token_of(1500, ["alice"]);
    let (first, _) = token.split_at(500);
    let mark = machine.mark();
    let output = sudo(&machine, &["-S"]).stdin(format!("{first}\n")).run();
    assert_eq!(output.expect_code(1).stdout, "");
    machine.wait_for_log(
        mark,
        "pam_jwt(sudo:auth): result=refused reason=no_answer account=alice service=sudo",
    );
    let _sshd = machine.sshd(&[]);
    // The client sends nothing where its askpass fails, which is an answer.
    let login = machine.ssh("alice").answers([first]).command("id -un");
    is_refused(&login, "no second piece");
    assert_eq!(reasons(&login), ["token_malformed"], "{login}");
}
