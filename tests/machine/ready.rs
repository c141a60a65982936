//! A machine on which pam-jwt is set up as one-machine.md says.

use crate::Machine;

/// The issuer that [`Machine::ready`] trusts, which is itself.
pub const ISSUER: &str = "https://login.example.org";

impl Machine {
    /// Boots a machine with pam-jwt installed and initialised, its line in
    /// /etc/pam.d/sshd, and alice, whom no password lets in.
    #[must_use]
    pub fn ready() -> Machine {
        let machine = Machine::boot();
        machine.make_ready();
        machine
    }

    /// Makes one that is booted what [`Machine::ready`] is.
    pub fn make_ready(&self) {
        self.install();
        let _ = self
            .run(["pam-jwt", "init", "--issuer", ISSUER])
            .expect_success();
        self.account("alice");
        self.pam_line("sshd", "auth sufficient pam_jwt.so");
    }

    /// Puts a line into /etc/pam.d/SERVICE, above what is there.
    pub fn pam_line(&self, service: &str, line: &str) {
        let path = format!("/etc/pam.d/{service}");
        let rest = self.read(&path);
        self.write(&path, format!("{line}\n{rest}"), 0o644);
    }

    /// A token from `pam-jwt issue ARGS`.
    #[must_use]
    pub fn token<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> String {
        let output = self
            .command(["pam-jwt", "issue"])
            .args(args)
            .run()
            .expect_success();
        output.stdout.trim_end().to_owned()
    }

    /// Has tokens of the machine's own issuer, and those of [`Machine::token_of`], open
    /// these services, and no others.
    pub fn services(&self, services: &[&str]) {
        let script = "sed -i \"s/^services *=.*/services = $0/\" /etc/pam-jwt/issuers.d/*.toml";
        let list = format!("{services:?}");
        self.run(["sh", "-c", script, &list]).expect_success();
    }

    /// Gives an account a key pair for ssh; the private key is root's, at the path
    /// that is returned.
    #[must_use]
    pub fn ssh_key(&self, account: &str) -> String {
        let key = format!("/root/{account}.key");
        let make = format!(
            "ssh-keygen -q -t ed25519 -N '' -f {key} &&
            install -d -o {account} -m 700 /home/{account}/.ssh &&
            install -o {account} -m 600 {key}.pub /home/{account}/.ssh/authorized_keys"
        );
        self.run(["sh", "-c", &make]).expect_success();
        key
    }
}
