//! The real sudo, on a terminal: the account is the caller's.

use machine::Machine;

#[test]
fn a_token_of_the_caller_opens_sudo_where_a_rule_names_it() {
    let machine = Machine::ready();
    machine.pam_line("sudo", "auth sufficient pam_jwt.so");
    machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);
    let token = machine.token(["alice"]);

    let sudo = || {
        machine
            .command(["sudo", "-k", "id", "-un"])
            .user("alice")
            .terminal()
    };
    let mark = machine.mark();
    let mut refused = sudo();
    refused.expect("Password or token: ").send_line(&token);
    machine.wait_for_log(
        mark,
        "pam_jwt(sudo:auth): result=refused reason=service_not_allowed account=alice service=sudo",
    );
    drop(refused);

    let trust = machine.read("/etc/pam-jwt/issuers.d/local.toml");
    machine.write(
        "/etc/pam-jwt/issuers.d/local.toml",
        trust.replace("\"login\"", "\"sudo\""),
        0o644,
    );
    let mut accepted = sudo();
    accepted.expect("Password or token: ").send_line(&token);
    let output = accepted.wait().expect_success();
    assert!(output.stdout.trim_end().ends_with("root"), "{output}");
}
