//! The real login, on a terminal.

use machine::Machine;

#[test]
fn a_token_logs_in_on_the_console() {
    let machine = Machine::ready();
    machine.pam_line("login", "auth sufficient pam_jwt.so");
    let token = machine.token(["alice"]);
    let mut login = machine.terminal(["login"]);
    login.expect("login: ").send_line("alice");
    login.expect("Password or token: ").send_line(&token);
    login.expect("$ ").send_line("id -un; exit");
    let output = login.wait();
    assert!(
        output.stdout.contains("\nalice\r") || output.stdout.contains("\nalice\n"),
        "{output}"
    );
}
