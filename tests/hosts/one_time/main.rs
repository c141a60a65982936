//! One-time tokens: of all logins that use one, ever and at once, one succeeds, whatever the
//! disk, the clock or the process does meanwhile.

mod faults;
mod limits;
mod uses;

use machine::{Machine, Output};

/// Where everything is that a machine remembers of tokens, and of these.
const STATE: &str = "/var/lib/pam-jwt";
const RECORDS: &str = "/var/lib/pam-jwt/used";

const HOST: &str = env!("CARGO_BIN_EXE_pam-host");

/// A machine whose rule for alice is for tokens of one use.
fn one_time_machine() -> Machine {
    let machine = Machine::ready();
    machine.append(
        "/etc/pam-jwt/issuers.d/local.toml",
        "one_time = true\nmax_age  = \"1h\"\n",
    );
    let stack = "auth required pam_jwt.so\n";
    machine.write("/etc/pam.alone/sshd", stack, 0o644);
    machine
}

/// A login through libpam, of a process that starts with `before`.
fn login(machine: &Machine, before: &[&str], token: &str) -> Output {
    let host = [HOST, "sshd", "alice", "/etc/pam.alone"];
    let argv = before.iter().chain(&host);
    machine.command(argv).stdin(token).run()
}

fn is_accepted(output: &Output) -> bool {
    output.stdout.contains("authenticate PAM_SUCCESS")
}

fn accepted(machine: &Machine, token: &str) {
    let output = login(machine, &[], token).expect_success();
    assert!(is_accepted(&output), "{output}");
}

/// The login is refused, the host program ends as it should, and the log says why.
fn refused(machine: &Machine, before: &[&str], token: &str, reason: &str, words: &str) {
    let mark = machine.mark();
    let output = login(machine, before, token).expect_success();
    let outcome = "authenticate PAM_AUTH_ERR";
    assert!(output.stdout.contains(outcome), "{output}");
    let line = machine.wait_for_log(mark, &format!("result=refused reason={reason} "));
    assert!(line.message.contains(words), "{words}: {}", line.message);
}

/// A script in which RECORDS and STATE stand for the directories.
fn sh(machine: &Machine, script: &str) -> String {
    let script = script.replace("RECORDS", RECORDS).replace("STATE", STATE);
    let output = machine.run(["sh", "-ec", &script]).expect_success();
    output.stdout.trim_end().to_owned()
}
