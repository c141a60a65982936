//! Certificates for servers in a machine, by an authority of the test's own.

use crate::Machine;

const DIRECTORY: &str = "/run/certificates";

impl Machine {
    /// A certificate for a server called `name`, which also gets an address on the machine's
    /// loopback: the paths of the certificate and of its key, which is root's. The authority
    /// that signs them is added to those that the machine trusts; its own certificate and
    /// key, ca.pem and ca.key, are beside them.
    pub fn certificate(&self, name: &str) -> (String, String) {
        let script = include_str!("../provider/certificate.sh");
        self.run(["mkdir", "-p", DIRECTORY]).expect_success();
        self.run(["env", "-C", DIRECTORY, "sh", "-c", script, "sh", name])
            .expect_success();
        self.append("/etc/hosts", format!("127.0.0.1 {name}\n"));
        let path = |ending| format!("{DIRECTORY}/{name}.{ending}");
        (path("pem"), path("key"))
    }
}
