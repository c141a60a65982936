//! What the process that speaks to strangers may do, should one of them take it over.

use super::{installed, network_process};
use machine::{AuthServer, Machine, tell, wait_until};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

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

/// The version of the kernel's Landlock, 0 where it has none (landlock_create_ruleset(2)).
fn landlock(machine: &Machine) -> u32 {
    let ask = "import ctypes; print(max(0, ctypes.CDLL(None).syscall(444, None, 0, 1)))";
    let version = machine.run(["python3", "-c", ask]).expect_success().stdout;
    version.trim().parse().expect("a number")
}

/// The version since which it also bounds whom a process signals and whose abstract sockets it
/// connects to.
const SCOPED: u32 = 6;

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
    let how = match landlock(&machine) {
        0 => "as this kernel has no Landlock, not to its files",
        1..SCOPED => "to its files, by what this kernel has of Landlock",
        _ => "to its files, by Landlock",
    };
    let log = server.log();
    assert!(
        log.contains(&format!("confined by seccomp and, {how}\n")),
        "{log}"
    );
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

/// What runs in the network process, and what the kernel lets it do there.
#[test]
fn whoever_takes_the_network_process_over_has_its_store_and_what_everybody_reads() {
    let machine = installed();
    let landlock = landlock(&machine);
    if landlock == 0 {
        tell("NOT TRIED: this kernel has no Landlock");
        return;
    }
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/hosts/authserver_operation/taken_over.c"
    );
    let library = "/usr/local/lib/taken_over.so";
    let cc = [
        "cc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, source,
    ];
    machine.run(cc).expect_success();
    for path in ["/srv/everybodys", "/etc/everybodys"] {
        machine.write(path, "for everybody to read and to write", 0o666);
    }
    let _elsewhere = machine.inside(|| {
        let name = SocketAddr::from_abstract_name("elsewhere").expect("a name");
        UnixListener::bind_addr(&name).expect("a socket")
    });
    machine.write("/etc/ld.so.preload", format!("{library}\n"), 0o644);
    let server = AuthServer::on(&machine).start();
    machine.run(["rm", "/etc/ld.so.preload"]).expect_success();
    // Another process of the user's, which is none of the server's.
    let user = "pam-jwt-authserver";
    let sleep = "setpriv --reuid $0 --regid $0 --clear-groups sleep 1000 >/dev/null 2>&1 &
        echo $! >/etc/another.pid";
    machine.run(["sh", "-c", sleep, user]).expect_success();
    machine.wait_until(&format!("pgrep -u {user} -x sleep"));
    let network = network_process(&machine);
    let signal = |name: &str| {
        machine.run(["kill", "-s", name, &network]).expect_success();
    };

    signal("USR1");
    server.wait_for_log("tried: all\n");
    let tried = [
        "read what everybody reads: done",
        "read elsewhere: EACCES",
        "list elsewhere: EACCES",
        "list the root: EACCES",
        "write elsewhere: EACCES",
        "write what everybody reads: EACCES",
        "make a file in /tmp: EACCES",
        "make a file beside the store: done",
        "make a pipe beside the store: EPERM",
        "become itself: EPERM",
        "have a socket of another family: EPERM",
        "connect to an abstract socket: EPERM",
        "signal another of the user: EPERM",
    ];
    let scoped = if landlock < SCOPED { 2 } else { 0 };
    let log = server.log();
    let told: Vec<&str> = log
        .lines()
        .filter_map(|line| line.strip_prefix("tried: "))
        .take(tried.len() - scoped)
        .collect();
    assert_eq!(told, tried.split_at(tried.len() - scoped).0);
    // It serves on, until it runs another program.
    let _ = server.service_token();
    signal("USR2");
    wait_until("it has ended", || !server.runs());
    let log = server.log();
    assert!(
        log.contains("the network process has ended: signal: 31"),
        "{log}"
    );
    assert!(!log.contains("tried: run"), "{log}");
}

/// That it was used would have to be noted where root alone may write: none is taken.
///
/// Checklist: C.14, A.27
#[test]
fn a_token_of_one_use_is_exchanged_for_nothing() {
    let machine = installed();
    machine.account("alice");
    let init = ["pam-jwt", "init", "--issuer", machine::ISSUER];
    machine.run(init).expect_success();
    machine.services(&["pam-jwt-authserver"]);
    let server = AuthServer::on(&machine).start();
    let exchange = |token: &str| {
        let grant = "urn:ietf:params:oauth:grant-type:token-exchange";
        let form = [
            ("grant_type", grant),
            ("subject_token", token),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ];
        server.post("/token", &["--user", &server.basic("service")], &form)
    };
    let token = machine.token(["alice"]);
    for _ in 0..2 {
        exchange(&token).expect(200);
    }
    // Also where its rule has it become others.
    machine.append(
        "/etc/pam-jwt/issuers.d/local.toml",
        "one_time = true\nmax_age = \"1h\"\nmay_issue = true\n",
    );
    let token = machine.token(["alice"]);
    for _ in 0..2 {
        let refused = exchange(&token).expect(400).json();
        assert_eq!(refused["error"], "invalid_request", "{refused}");
    }
    let log = server.log();
    let reason = "token: result=refused reason=use_unrecorded account=alice ";
    assert_eq!(log.matches(reason).count(), 2, "{log}");
    server.stop();
}
