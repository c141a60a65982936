//! A machine on which one logs in with a browser.

use crate::issuer::{Issuer, NAME};
use machine::Machine;

/// The services of its rule, each with pam_jwt before what it has.
pub const SERVICES: [&str; 4] = ["sshd", "su", "sudo", "login"];

/// The helper.
pub const PROGRAM: &str = "/usr/sbin/pam-jwt-fetch";

/// The user's file for the issuer.
pub const FILE: &str = "/etc/pam-jwt/issuers.d/browser.toml";

/// A machine and its issuer.
pub struct World {
    pub machine: Machine,
    pub issuer: Issuer,
}

impl World {
    /// One like this machine.
    pub fn new() -> World {
        World::of(Machine::boot())
    }

    /// Sets it up, with alice, who may use sudo, and bob.
    pub fn of(machine: Machine) -> World {
        machine.make_ready();
        machine.account("bob");
        machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);
        for service in &SERVICES[1..] {
            machine.pam_line(service, "auth sufficient pam_jwt.so");
        }
        let script = "pam-jwt keygen --alg EdDSA --out /root/issuer.jwk
            install -m 644 /root/issuer.pub.jwk /etc/pam-jwt/keys/
            id pam-jwt-fetch 2>/dev/null || useradd --system --user-group pam-jwt-fetch
            install -d -m 755 /var/lib/pam-jwt
            install -d -m 755 -o pam-jwt-fetch -g pam-jwt-fetch /var/lib/pam-jwt/fetched";
        machine.run(["sh", "-ec", script]).expect_success();
        let world = World {
            issuer: Issuer::start(&machine),
            machine,
        };
        world.trust("");
        world
    }

    /// Writes the issuer's file, with more in its `[device]`.
    pub fn trust(&self, more: &str) {
        let text = format!(
            "issuer = \"{NAME}\"\naudience = [\"ssh://{{hostname}}\"]\n\
             keys = [\"/etc/pam-jwt/keys/issuer.pub.jwk\"]\n\
             [[allow]]\naccount = \"{{sub}}\"\nservices = {SERVICES:?}\n\
             [device]\nclient_id = \"this machine\"\n{more}\n"
        );
        self.machine.write(FILE, text, 0o644);
    }

    /// A token of the issuer's for somebody.
    pub fn token(&self, account: &str) -> String {
        self.machine.token([account, "--key", "/root/issuer.jwk"])
    }

    /// Somebody confirms.
    pub fn confirms(&self, account: &str) {
        self.issuer.confirms(&self.token(account));
    }

    /// bob's su to `account`, at the prompt behind which he has typed nothing.
    pub fn su(&self, account: &str) -> machine::Terminal {
        let su = ["su", account, "-c", "echo I am $(id -un)"];
        let mut su = self.machine.command(su).user("bob").terminal();
        su.expect("Password or token: ").send_line("");
        su
    }

    /// Waits until no helper runs any more.
    pub fn expect_no_helper(&self) {
        self.machine.wait_until("! pgrep -x pam-jwt-fetch");
    }
}
