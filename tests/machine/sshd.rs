//! The real sshd in a machine.

use crate::Machine;
use crate::machine::Kind;

const CONFIG: &str = "/etc/ssh/sshd_config";
const DROP_IN: &str = "/etc/ssh/sshd_config.d/machine.conf";
const HOST_KEY: &str = "/etc/ssh/machine_ed25519_key";
const PID_FILE: &str = "/run/sshd.pid";

/// sshd, listening on port 22 of the machine's loopback until this is dropped.
/// Sessions that are open then go on. In a booted machine it is that of ssh.service.
#[must_use = "sshd stops when this is dropped"]
pub struct Sshd<'m> {
    machine: &'m Machine,
}

impl<'m> Sshd<'m> {
    pub(crate) fn start(machine: &'m Machine, config: &[&str]) -> Sshd<'m> {
        let exists = machine.inside(|| std::fs::exists(HOST_KEY).unwrap_or(false));
        if !exists {
            let keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f"];
            machine
                .run(keygen.into_iter().chain([HOST_KEY]))
                .expect_success();
        }

        // The first value of an option holds, and Debian includes what is in sshd_config.d first.
        let (host_key, pid_file) = (format!("HostKey {HOST_KEY}"), format!("PidFile {PID_FILE}"));
        let mut lines: Vec<&str> = config.to_vec();
        lines.extend([
            "Port 22",
            "ListenAddress 127.0.0.1",
            &host_key,
            &pid_file,
            "UsePAM yes",
            "KbdInteractiveAuthentication yes",
            "PasswordAuthentication yes",
            "UseDNS no",
        ]);
        // Since 9.8 a client whose logins fail is shut out for a while; every test is one client.
        let penalties = "PerSourcePenalties no";
        let test = [
            "/usr/sbin/sshd",
            "-t",
            "-f",
            "/dev/null",
            "-h",
            HOST_KEY,
            "-o",
            penalties,
        ];
        if machine.run(test).code() == Some(0) {
            lines.push(penalties);
        }
        let (file, start) = match machine.kind() {
            Kind::Overlay => (CONFIG, "/usr/sbin/sshd"),
            // Which systemd would not start for the sixth time in ten seconds.
            Kind::Booted => (
                DROP_IN,
                "systemctl reset-failed ssh.service; systemctl restart ssh.service",
            ),
        };
        machine.write(file, lines.join("\n") + "\n", 0o644);

        let mark = machine.mark();
        machine.run(["sh", "-c", start]).expect_success();
        machine.wait_for_log(mark, "Server listening on 127.0.0.1 port");
        Sshd { machine }
    }

    /// The pid of the listening sshd, in the machine.
    #[must_use]
    pub fn pid(&self) -> u32 {
        let text = self.machine.read(PID_FILE);
        text.trim()
            .parse()
            .unwrap_or_else(|_| panic!("{PID_FILE} holds {text:?}"))
    }
}

impl Drop for Sshd<'_> {
    fn drop(&mut self) {
        // It removes its pid file, and then ends.
        let stop = match self.machine.kind() {
            Kind::Overlay => format!(
                "read -r pid <{PID_FILE} && kill $pid && while kill -0 $pid; do :; done 2>/dev/null"
            ),
            Kind::Booted => "systemctl stop ssh.service".to_owned(),
        };
        let _ = self.machine.run(["sh", "-c", &stop]);
    }
}
