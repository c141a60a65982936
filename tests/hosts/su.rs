//! The real su, which is setuid and hands the module its caller's environment.

use machine::Machine;

#[test]
fn nothing_in_the_callers_environment_reaches_the_module() {
    let machine = Machine::ready();
    machine.account("bob");
    machine.pam_line("su", "auth sufficient pam_jwt.so");
    let trust = machine.read("/etc/pam-jwt/issuers.d/local.toml");
    machine.write(
        "/etc/pam-jwt/issuers.d/local.toml",
        trust.replace("\"login\"", "\"su\""),
        0o644,
    );
    let token = machine.token(["bob"]);
    // Of this one aws-lc makes an abort, unless it does not see it.
    let abort = ("OPENSSL_ia32cap", "|0xffffffffffffffff");
    for (name, value) in [
        abort,
        ("RUST_BACKTRACE", "full"),
        ("SSLKEYLOGFILE", "/tmp/x"),
    ] {
        let su = machine
            .command(["su", "bob", "-c", "id -un"])
            .user("alice")
            .env(name, value);
        let mut su = su.terminal();
        su.expect("Password or token: ").send_line(&token);
        let output = su.wait().expect_success();
        assert!(
            output.stdout.trim_end().ends_with("bob"),
            "{name}: {output}"
        );
    }
}
