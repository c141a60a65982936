//! jwt-ssh: a token of any length over the unmodified ssh, and over what runs ssh.

use machine::{Command, Machine, Sshd};

/// A machine with sshd, alice, whose tokens open her account, and carol, who has the
/// client: her ssh knows the machine's host key.
fn machine() -> Machine {
    let machine = Machine::ready();
    machine.account("carol");
    machine
}

fn sshd(machine: &Machine) -> Sshd<'_> {
    let sshd = machine.sshd(&["PasswordAuthentication no"]);
    let scan = "ssh-keyscan -t ed25519 machine 2>/dev/null > /etc/ssh/ssh_known_hosts";
    machine.run(["sh", "-c", scan]).expect_success();
    sshd
}

/// `jwt-ssh` of carol's with a token in a file.
fn jwt_ssh<'m>(machine: &'m Machine, token: &str, arguments: &[&str]) -> Command<'m> {
    machine.write("/home/carol/token", token, 0o644);
    machine
        .command(["jwt-ssh"])
        .args(arguments)
        .user("carol")
        .env("BEARER_TOKEN_FILE", "/home/carol/token")
}

#[test]
fn tokens_of_any_length_log_in() {
    let machine = machine();
    let _sshd = sshd(&machine);
    for bytes in [300, 500, 1000, 1023, 1024, 1500, 4096, 6500, 60_000] {
        let token = machine.token_of(bytes, ["alice"]);
        let login = jwt_ssh(&machine, &token, &["alice@machine", "id -un"])
            .run()
            .expect_success();
        assert_eq!(
            (login.stdout.as_str(), login.stderr.as_str()),
            ("alice\n", ""),
            "{bytes}"
        );
    }
}
