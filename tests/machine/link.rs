//! Two machines that reach each other, and nobody else.

use std::process;

use crate::Machine;
use crate::machine::PATH;

impl Machine {
    /// Lays a cable from this machine, which has `address` on it, to `other`, which has
    /// `far`. Both know each other's name. Neither end is ever outside the two, and there
    /// is no route to anywhere else.
    ///
    /// # Panics
    ///
    /// If there is one already, or both machines have the same name.
    pub fn link(&self, address: &str, other: &Machine, far: &str) {
        assert_ne!(self.name(), other.name(), "a name means one machine");
        let [here, there] = [self, other].map(|machine| machine.namespaces().network());
        // Either end is called what it leads to.
        let veth = ["ip", "link", "add", "name", other.name(), "type", "veth"];
        let end = ["peer", "name", self.name(), "netns", &there];
        within(&here, &[&veth[..], &end].concat());
        for (network, machine, own, neighbour, beyond) in [
            (&here, self, address, other, far),
            (&there, other, far, self, address),
        ] {
            let device = neighbour.name();
            let given = ["ip", "address", "add", own, "peer", beyond, "dev", device];
            within(network, &given);
            within(network, &["ip", "link", "set", "dev", device, "up"]);
            machine.append("/etc/hosts", format!("{beyond} {device}\n"));
        }
    }
}

/// Runs a command of this machine's in a network: a small Debian has none for that.
fn within(network: &str, command: &[&str]) {
    let done = process::Command::new("nsenter")
        .env("PATH", PATH)
        .arg(format!("--net={network}"))
        .args(command)
        .status()
        .expect("nsenter: `make packages`");
    assert!(done.success(), "{command:?}: {done}");
}
