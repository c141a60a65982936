//! What the process that speaks to strangers may do, should one of them take it over.

use super::{installed, network_process};
use machine::{AuthServer, Machine};

/// A field of /proc/PID/status.
#[track_caller]
fn status(machine: &Machine, pid: &str, field: &str) -> String {
    let status = machine.read(&format!("/proc/{pid}/status"));
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let value = line.and_then(|line| line.strip_prefix(':'));
    value
        .expect("there is such a field")
        .trim()
        .replace('\t', " ")
}

#[test]
fn the_network_process_has_nothing_that_root_has() {
    let machine = installed();
    let server = AuthServer::on(&machine).tls().start();
    let _ = server.service_token();
    let network = network_process(&machine);
    let of = |field| status(&machine, &network, field);
    let id = machine.run(["id", "-u", "pam-jwt-authserver"]).stdout;
    let id = id.trim();
    assert_ne!(id, "0");
    assert_eq!(of("Uid"), format!("{id} {id} {id} {id}"));
    assert!(!of("Gid").split(' ').any(|gid| gid == "0"), "{}", of("Gid"));
    assert_eq!(of("Groups"), "");
    for field in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(of(field), "0000000000000000", "{field}");
    }
    assert_eq!(of("NoNewPrivs"), "1");
    // A filter (seccomp(2)).
    assert_eq!(of("Seccomp"), "2");
    let log = server.log();
    assert!(log.contains("confined by seccomp and, "), "{log}");
    // Without Landlock, also what this user could read.
    for path in [
        "/etc/shadow",
        "/etc/pam-jwt/authserver-keys/first.jwk",
        "/etc/pam-jwt/clients.d/service.toml",
        "/run/certificates/as.example.org.key",
    ] {
        machine.run(["test", "-s", path]).expect_success();
        let read = [
            "setpriv",
            "--reuid",
            id,
            "--clear-groups",
            "--regid",
            id,
            "cat",
            path,
        ];
        let read = machine.run(read);
        assert!(read.stderr.contains("Permission denied"), "{path}: {read}");
    }
    // Nobody of its own user looks into it, or has its keys by ptrace(2).
    let environment = format!("/proc/{network}/environ");
    let look = [
        "setpriv",
        "--reuid",
        id,
        "--clear-groups",
        "--regid",
        id,
        "cat",
        &environment,
    ];
    let look = machine.run(look);
    assert!(look.stderr.contains("Permission denied"), "{look}");
    // Its descriptors are sockets, its store, and what the runtime waits with: no settings, and
    // no file of root's.
    let list = format!("ls -l /proc/{network}/fd | sed -n 's/.*-> //p' | sort -u");
    let descriptors = machine.run(["sh", "-c", &list]).expect_success().stdout;
    let is_known = |line: &str| {
        let known = [
            "socket:",
            "anon_inode:",
            "pipe:",
            "/dev/null",
            "/run/authserver/",
        ];
        known.iter().any(|known| line.starts_with(known))
            || line.starts_with("/var/lib/pam-jwt-authserver/store.db")
    };
    assert!(descriptors.lines().all(is_known), "{descriptors}");
    // The monitor, which reads and starts all that, listens nowhere.
    let listens = machine.run(["ss", "-Htlnp"]).expect_success().stdout;
    let monitor = format!("pid={},", server.pid());
    assert!(listens.contains(&format!("pid={network},")), "{listens}");
    assert!(!listens.contains(&monitor), "{listens}");
    server.stop();
}
