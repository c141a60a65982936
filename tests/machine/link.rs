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
        let made = process::Command::new("nsenter")
            .env("PATH", PATH)
            .arg(format!("--net={here}"))
            .args(["ip", "link", "add", "name", other.name(), "type", "veth"])
            .args(["peer", "name", self.name(), "netns", &there])
            .status()
            .expect("nsenter: `make packages`");
        assert!(made.success(), "no veth device: {made}");
        for (machine, own, neighbour, beyond) in
            [(self, address, other, far), (other, far, self, address)]
        {
            let device = neighbour.name();
            let script = format!(
                "ip address add {own} peer {beyond} dev {device} && ip link set dev {device} up"
            );
            let _ = machine.run(["sh", "-c", &script]).expect_success();
            machine.append("/etc/hosts", format!("{beyond} {device}\n"));
        }
    }
}
