//! `pam-jwt-authserver` at work: what is changed while it runs, what it bears, what it logs and
//! counts, and how little its network process may do.

mod changes;
mod confined;
mod ends;
mod limits;
mod told;

use machine::{AuthServer, Machine};

/// Where the metrics are, for servers whose settings begin with [`METRICS`].
const METRICS_URL: &str = "http://127.0.0.1:9100/metrics";

/// The line for that.
const METRICS: &str = "metrics = \"127.0.0.1:9100\"\n";

fn installed() -> Machine {
    let machine = Machine::boot();
    machine.install();
    machine
}

/// A number that the server tells of: the whole name, with its labels.
#[track_caller]
fn metric(machine: &Machine, name: &str) -> Option<u64> {
    let text = machine.curl([METRICS_URL]).expect(200).body;
    let name = format!("pam_jwt_authserver_{name} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&name))?;
    Some(value.parse().expect("a number"))
}

/// The pid of the process that speaks to the network.
#[track_caller]
fn network_process(machine: &Machine) -> String {
    let found = machine.run(["pgrep", "-f", "^pam-jwt-authserver network-process"]);
    let found = found.expect_success().stdout;
    let mut lines = found.lines();
    let pid = lines.next().expect("a network process").to_owned();
    assert_eq!(lines.next(), None, "{found}");
    pid
}

/// Whether this client's secret gets it a token.
fn gets_a_token(server: &AuthServer<'_>, client: &str, secret: &str) -> bool {
    let user = format!("{client}:{secret}");
    let grant = [("grant_type", "client_credentials")];
    server.post("/token", &["--user", &user], &grant).status == 200
}
