//! The documents: every command in them is typed where they say, and what they show is what
//! comes. A command that no test plays has no place in them (`claims`).

mod bastion;
mod ci_jobs;
mod claims;
mod cluster;
mod document;
mod fleet;
#[path = "../recipes/mint.rs"]
mod mint;
mod one_machine;
mod player;
mod reference;
#[path = "../jwt_ssh_token/server.rs"]
mod server;

use machine::{Machine, Terminal};
use serde_json::Value;
use std::collections::BTreeSet;

/// The text of a document.
macro_rules! page {
    ($name:literal) => {
        include_str!(concat!("../../../packaging/doc/", $name))
    };
}
pub(crate) use page;

/// A Debian whose sshd takes tokens, as one-machine.md leaves it.
fn host(release: &str, name: &str) -> Machine {
    let machine = Machine::boot_debian_named(release, name);
    machine.install();
    let drop_in = "cp /usr/share/doc/pam-jwt/sshd_config.d/pam-jwt.conf \
        /etc/ssh/sshd_config.d/10-pam-jwt.conf; systemctl reload ssh";
    machine.run(["sh", "-ec", drop_in]).expect_success();
    let init = ["pam-jwt", "init", "--issuer"];
    let init = machine
        .command(init)
        .arg(format!("https://{name}.example.org"));
    init.run().expect_success();
    enable(&machine);
    machine
}

/// Serves these documents at their addresses, from `outside`, which `machines` find at these
/// addresses.
fn publish(outside: &Machine, web: &Value, machines: &[(&Machine, &str)]) -> Terminal {
    outside.write("/root/web.json", web.to_string(), 0o600);
    let addresses = web.as_object().expect("an object").keys();
    let hosts = addresses.filter_map(|address| address.split(['/', ':']).nth(3));
    let hosts: BTreeSet<&str> = hosts.collect();
    for host in &hosts {
        outside.certificate(host);
    }
    let authority = outside.read("/run/certificates/ca.pem");
    for (machine, address) in machines {
        let names: String = hosts
            .iter()
            .map(|host| format!("{address} {host}\n"))
            .collect();
        machine.append("/etc/hosts", names);
        machine.write("/etc/ssl/certs/ca-certificates.crt", &authority, 0o644);
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/hosts/recipes/web.py");
    let server = ["python3", script, "/root/web.json", "/run/certificates"];
    let mut server = outside.command(server).terminal();
    server.expect("ready");
    server
}

/// Gives each machine an address that all others know.
fn network(machines: &[&Machine]) {
    for (i, one) in machines.iter().enumerate() {
        for (j, other) in machines.iter().enumerate().skip(i + 1) {
            let [here, there] = [1, 2].map(|end| format!("10.{i}.{j}.{end}"));
            one.link(&here, other, &there);
        }
    }
}

/// Tells the ssh clients of `machine` whose host keys these are.
fn knows(machine: &Machine, hosts: &[&Machine]) {
    let line = |host: &&Machine| {
        let key = host.read("/etc/ssh/ssh_host_ed25519_key.pub");
        format!("{} {key}", host.name())
    };
    let lines: String = hosts.iter().map(line).collect();
    machine.write("/etc/ssh/ssh_known_hosts", lines, 0o644);
}

/// Lets root of `machine` into the hosts by a key.
fn administers(machine: &Machine, hosts: &[&Machine]) {
    knows(machine, hosts);
    let keygen = [
        "ssh-keygen",
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-f",
        "/root/.ssh/id_ed25519",
    ];
    machine
        .run(["install", "-d", "-m", "700", "/root/.ssh"])
        .expect_success();
    machine.run(keygen).expect_success();
    let key = machine.read("/root/.ssh/id_ed25519.pub");
    for host in hosts {
        host.write("/root/.ssh/authorized_keys", &key, 0o600);
    }
}

/// Has a machine's sshd take tokens.
fn enable(machine: &Machine) {
    let enable = ["pam-jwt", "enable", "sshd"];
    machine.run(enable).expect_success();
}
