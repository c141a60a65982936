//! Certificates for servers in a machine, by an authority of the test's own.

use crate::Machine;

const DIRECTORY: &str = "/run/certificates";

/// The authority's certificate, beside which its key is.
pub(crate) const AUTHORITY: &str = "/run/certificates/ca.pem";

/// What Debian's programs trust.
const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";

impl Machine {
    /// A certificate for a server called `name`, which also gets an address on the machine's
    /// loopback: the paths of the certificate and of its key, which is root's. It is by an
    /// authority that is made for the first one, and which this machine then trusts.
    pub fn certificate(&self, name: &str) -> (String, String) {
        let exists = self.inside(|| std::path::Path::new(AUTHORITY).exists());
        self.run(["mkdir", "-p", DIRECTORY]).expect_success();
        let script = include_str!("../provider/certificate.sh");
        self.run(["env", "-C", DIRECTORY, "sh", "-c", script, "sh", name])
            .expect_success();
        if !exists {
            self.trust(&self.read(AUTHORITY));
        }
        self.append("/etc/hosts", format!("127.0.0.1 {name}\n"));
        let path = |ending| format!("{DIRECTORY}/{name}.{ending}");
        (path("pem"), path("key"))
    }

    /// Has the machine's programs trust one more authority.
    pub(crate) fn trust(&self, authority: &str) {
        let others = self.inside(|| std::fs::read_to_string(TRUSTED).unwrap_or_default());
        self.write(TRUSTED, others + authority, 0o644);
    }
}
