//! The real sshd in a machine: its own, or several as hosts of their own.

use crate::Machine;
use crate::machine::Kind;

const SSHD: &str = "/usr/sbin/sshd";
const CONFIG: &str = "/etc/ssh/sshd_config";
const DROP_IN: &str = "/etc/ssh/sshd_config.d/machine.conf";
const KNOWN_HOSTS: &str = "/etc/ssh/ssh_known_hosts";

/// What is different from one sshd of a machine to the next.
struct Place<'a> {
    name: &'a str,
    address: &'a str,
    /// The PAM service.
    service: &'a str,
    /// Where its configuration is written.
    config: &'a str,
    pid_file: String,
    /// Whether it is that of ssh.service.
    unit: bool,
}

/// sshd, listening on port 22 of the machine's loopback until this is dropped.
/// Sessions that are open then go on. In a booted machine it is that of ssh.service.
#[must_use = "sshd stops when this is dropped"]
pub struct Sshd<'m> {
    machine: &'m Machine,
    name: String,
    pid_file: String,
    stop: String,
}

impl<'m> Sshd<'m> {
    pub(crate) fn start(machine: &'m Machine, config: &[&str]) -> Sshd<'m> {
        let unit = machine.kind() == Kind::Booted;
        let place = Place {
            name: machine.name(),
            address: "127.0.0.1",
            service: "sshd",
            config: if unit { DROP_IN } else { CONFIG },
            pid_file: "/run/sshd.pid".to_owned(),
            unit,
        };
        Sshd::listen(machine, place, config)
    }

    /// One that other programs of the machine find by its name, as a host of its own.
    pub(crate) fn start_host(
        machine: &'m Machine,
        name: &str,
        service: &str,
        config: &[&str],
    ) -> Sshd<'m> {
        let address = format!("127.0.1.{}", machine.serial() + 1);
        machine.append("/etc/hosts", format!("{address} {name}\n"));
        let place = Place {
            name,
            address: &address,
            service,
            config: &format!("/etc/ssh/{name}.sshd_config"),
            pid_file: format!("/run/{name}.sshd.pid"),
            unit: false,
        };
        let sshd = Sshd::listen(machine, place, config);
        sshd.known_to(machine);
        sshd
    }

    fn listen(machine: &'m Machine, place: Place, config: &[&str]) -> Sshd<'m> {
        let host_key = key_file(place.name);
        let exists = machine.inside(|| std::fs::exists(&host_key).unwrap_or(false));
        if !exists {
            let keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f"];
            machine
                .run(keygen.into_iter().chain([host_key.as_str()]))
                .expect_success();
        }

        // The first value of an option holds, and Debian includes what is in sshd_config.d first.
        let mut lines: Vec<String> = config.iter().map(|line| (*line).to_owned()).collect();
        lines.extend([
            format!("ListenAddress {}", place.address),
            format!("HostKey {host_key}"),
            format!("PidFile {}", place.pid_file),
        ]);
        let rest = [
            "Port 22",
            "UsePAM yes",
            "KbdInteractiveAuthentication yes",
            "PasswordAuthentication yes",
            "UseDNS no",
        ];
        lines.extend(rest.map(str::to_owned));
        // Since 9.8 a client whose logins fail is shut out for a while; every test is one client.
        let penalties = "PerSourcePenalties no".to_owned();
        if knows(machine, &host_key, &penalties) {
            lines.push(penalties);
        }
        // Since then there is an option for the PAM service, which before was sshd's own name.
        let mut program = SSHD.to_owned();
        if place.service != "sshd" {
            let service = format!("PAMServiceName {}", place.service);
            if knows(machine, &host_key, &service) {
                lines.push(service);
            } else {
                program = format!("/run/{}", place.service);
                machine.run(["ln", "-sf", SSHD, &program]).expect_success();
            }
        }
        machine.write(place.config, lines.join("\n") + "\n", 0o644);

        let (start, stop) = if place.unit {
            (
                // Which systemd would not start for the sixth time in ten seconds.
                "systemctl reset-failed ssh.service; systemctl restart ssh.service".to_owned(),
                "systemctl stop ssh.service".to_owned(),
            )
        } else {
            (
                format!("{program} -f {}", place.config),
                // It removes its pid file, and then ends.
                format!(
                    "read -r pid <{} && kill $pid && while kill -0 $pid; do :; done 2>/dev/null",
                    place.pid_file
                ),
            )
        };
        let mark = machine.mark();
        machine.run(["sh", "-c", &start]).expect_success();
        machine.wait_for_log(mark, &format!("Server listening on {} port", place.address));
        Sshd {
            machine,
            name: place.name.to_owned(),
            pid_file: place.pid_file,
            stop,
        }
    }

    /// Tells every ssh client in `machine` its host key, by its name.
    pub fn known_to(&self, machine: &Machine) {
        let key = self.machine.read(&format!("{}.pub", key_file(&self.name)));
        let others = machine.inside(|| std::fs::read_to_string(KNOWN_HOSTS).unwrap_or_default());
        let line = format!("{} {key}", self.name);
        machine.write(KNOWN_HOSTS, others + &line, 0o644);
    }

    /// The pid of the listening sshd, in the machine.
    #[must_use]
    pub fn pid(&self) -> u32 {
        // It listens a moment before it writes it down.
        self.machine
            .wait_until(&format!("[ -s {} ]", self.pid_file));
        let text = self.machine.read(&self.pid_file);
        text.trim()
            .parse()
            .unwrap_or_else(|_| panic!("{} holds {text:?}", self.pid_file))
    }
}

impl Drop for Sshd<'_> {
    fn drop(&mut self) {
        let _ = self.machine.run(["sh", "-c", &self.stop]);
    }
}

fn key_file(name: &str) -> String {
    format!("/etc/ssh/{name}_ed25519_key")
}

/// Whether this machine's sshd has an option.
fn knows(machine: &Machine, host_key: &str, option: &str) -> bool {
    let test = [SSHD, "-t", "-f", "/dev/null", "-h", host_key];
    let test = machine.command(test).args(["-o", option]).run();
    test.code() == Some(0)
}
