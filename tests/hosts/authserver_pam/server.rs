//! The whole server in a machine: the monitor, which starts the rest, and one that has taken its
//! network process over.

use super::{machine, program};
use machine::{Machine, Output, wait_until};
use std::fs::File;
use std::process::{Child, Command, Stdio};

/// What has taken over the network process: it has that one's socket to the monitor.
const TAKEN_OVER: &str = include_str!("taken_over.py");

/// An Ed25519 key (RFC 8037 appendix A.1).
const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"one","alg":"EdDSA","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// A server, which is killed when this is dropped.
pub struct Server {
    pub machine: Machine,
    monitor: Child,
}

impl Server {
    /// A server whose settings have more.
    pub fn start(more: &str) -> Self {
        let machine = machine();
        let settings = format!(
            "issuer = \"http://localhost:8080\"\nlisten = [\"127.0.0.1:8080\"]\n\
             [local]\nenabled = false\n{more}\n"
        );
        machine.write("/etc/pam-jwt/authserver.toml", settings, 0o600);
        machine.write("/etc/pam-jwt/authserver-keys/one.jwk", KEY, 0o600);
        let script = "id pam-jwt-authserver 2>/dev/null ||
                useradd --system --user-group pam-jwt-authserver
            install -d -m 700 -o pam-jwt-authserver -g pam-jwt-authserver \
                /var/lib/pam-jwt-authserver /run/pam-jwt-authserver";
        let _ = machine.run(["sh", "-ec", script]).expect_success();
        machine.write("/usr/local/bin/taken-over", TAKEN_OVER, 0o755);
        let monitor = machine.inside(|| {
            let journal = File::create("/run/journal").unwrap();
            // As with sockets of systemd's, there is a descriptor more than the three.
            Command::new("sh")
                .args(["-c", "exec \"$0\" 7</etc/shadow"])
                .arg(program())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(journal)
                .spawn()
        });
        let monitor = monitor.expect("the program: `make build`");
        let server = Self { machine, monitor };
        wait_until("the server serves", || server.journal().contains("serving"));
        server
    }

    /// What was said to the journal.
    pub fn journal(&self) -> String {
        self.machine.read("/run/journal")
    }

    /// Runs something with the network process's socket to the monitor.
    pub fn taken_over(&self, what: &str) -> Output {
        let taken_over = self.machine.command(["/usr/local/bin/taken-over", what]);
        taken_over.run().expect_success()
    }

    /// The processes of this kind, by their pids.
    pub fn processes(&self, kind: &str) -> Vec<String> {
        let pattern = format!("^pam-jwt-authserver {kind}");
        let found = self.machine.run(["pgrep", "-f", &pattern]);
        found.stdout.lines().map(str::to_owned).collect()
    }

    /// Sends the monitor a signal.
    pub fn signal(&self, signal: &str) {
        let pid = self.monitor.id().to_string();
        let kill = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(kill.unwrap().success());
    }

    /// Waits for its end: the exit status, if it was no signal.
    pub fn ended(&mut self) -> Option<i32> {
        let mut status = None;
        wait_until("the monitor ends", || {
            status = self.monitor.try_wait().unwrap();
            status.is_some()
        });
        status.and_then(|status| status.code())
    }

    /// Whether it runs.
    pub fn runs(&mut self) -> bool {
        self.monitor.try_wait().unwrap().is_none()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
    }
}
