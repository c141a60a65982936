//! A machine whose users log in at it with jwt-ssh.

use crate::{Command, Machine, Sshd};

impl Machine {
    /// A machine with alice, whose tokens open her account, and carol, who has the client.
    #[must_use]
    pub fn with_client() -> Machine {
        let machine = Machine::ready();
        machine.account("carol");
        machine
    }

    /// sshd, whose host key everybody knows.
    pub fn known_sshd(&self, config: &[&str]) -> Sshd<'_> {
        let sshd = self.sshd(config);
        let mark = self.mark();
        let scan = "ssh-keyscan -t ed25519 machine 2>/dev/null > /etc/ssh/ssh_known_hosts";
        self.run(["sh", "-c", scan]).expect_success();
        // Its line is none of a test's.
        self.wait_for_log(mark, "Connection closed by 127.0.0.1");
        sshd
    }

    /// Like [`Machine::write`], for a file of somebody else's.
    pub fn write_as(&self, owner: &str, path: &str, contents: impl AsRef<[u8]>, mode: u32) {
        self.write(path, contents, mode);
        self.run(["chown", owner, path]).expect_success();
    }

    /// A command of carol's, with a token in the file that BEARER_TOKEN_FILE names.
    pub fn carol_with<'m>(&'m self, token: &str, command: &[&str]) -> Command<'m> {
        self.write("/home/carol/token", token, 0o644);
        self.command(command)
            .user("carol")
            .env("BEARER_TOKEN_FILE", "/home/carol/token")
    }
}
