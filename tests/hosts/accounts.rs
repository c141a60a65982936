//! Where the system's account database does not answer, nobody is let in by it, and who
//! is found elsewhere is.

use machine::Machine;

/// A machine that asks a database which is down, after /etc/passwd.
fn machine() -> Machine {
    let machine = Machine::ready();
    machine.write("/etc/pam.alone/sshd", "auth required pam_jwt.so\n", 0o644);
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/hosts/no_accounts.c");
    let cc = ["cc", "-shared", "-fPIC", "-Wall", "-Werror", "-o"];
    let library = "/usr/lib/libnss_silent.so.2";
    let cc = machine.command(cc).args([library, source]);
    let _ = cc.run().expect_success();
    let _ = machine.run(["ldconfig"]).expect_success();
    machine.write("/etc/nsswitch.conf", "passwd: files silent\n", 0o644);
    machine
}

fn login(machine: &Machine, account: &str) -> String {
    let host = env!("CARGO_BIN_EXE_pam-host");
    let token = machine.token([account]);
    let host = machine.command([host, "sshd", account, "/etc/pam.alone"]);
    let output = host.stdin(format!("{token}\n")).run().expect_success();
    let event = output.stdout.lines().nth(1).map(str::to_owned);
    event.expect("what authenticate came to")
}

#[test]
fn an_account_that_cannot_be_looked_up_is_refused_with_that_reason() {
    let machine = machine();
    assert_eq!(login(&machine, "alice"), "authenticate PAM_SUCCESS");
    let mark = machine.mark();
    assert_eq!(login(&machine, "carol"), "authenticate PAM_AUTH_ERR");
    let line = machine.wait_for_log(mark, "reason=account_lookup_failed");
    assert!(
        line.message.contains("account=unknown") && line.message.contains("Connection refused"),
        "{line}"
    );
}
