//! The whole server in a machine, and one that has taken its network process over.

use super::machine;
use machine::{AuthServer, Machine, Output};

/// What has taken over the network process: it has that one's socket to the monitor.
const TAKEN_OVER: &str = include_str!("taken_over.py");

/// A machine in which the server's network process can be taken over.
pub fn installed() -> Machine {
    let machine = machine();
    machine.install();
    machine.write("/usr/local/bin/taken-over", TAKEN_OVER, 0o755);
    machine
}

/// A server whose settings have more.
pub fn start<'m>(machine: &'m Machine, more: &str) -> AuthServer<'m> {
    let settings = format!("[local]\nenabled = false\n{more}\n");
    AuthServer::on(machine).settings(&settings).start()
}

/// Runs something with the network process's socket to the monitor.
pub fn taken_over(machine: &Machine, what: &str) -> Output {
    let taken_over = machine.command(["/usr/local/bin/taken-over", what]);
    taken_over.run().expect_success()
}

/// The server's processes of this kind, by their pids.
pub fn processes(machine: &Machine, kind: &str) -> Vec<String> {
    let pattern = format!("^pam-jwt-authserver {kind}");
    let found = machine.run(["pgrep", "-f", &pattern]);
    found.stdout.lines().map(str::to_owned).collect()
}
