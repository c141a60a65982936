//! What the helper is started with, and what its start leaves of a host program.

use crate::faults::{ALONE, alone, fetch_program};
use crate::world::{PROGRAM, World};
use machine::tell;
use std::collections::BTreeSet;

const HOST: &str = env!("CARGO_BIN_EXE_pam-host");

/// A helper that writes down what it is, as a shell sees it. Of its descriptors the one above
/// nine is the shell's own, with the script.
const REPORT: &str = r#"#!/bin/sh
ls -l /proc/$$/fd >/tmp/descriptors &
wait
{
    echo "arguments $*"
    id
    pwd
    umask
    env
    sed -n 's/.* \([0-9]*\) -> \([/a-z]*\).*/fd \1 \2/p' /tmp/descriptors
    while read -r line; do
        case $line in SigBlk* | SigIgn* | CapEff* | CapPrm* | CapAmb* | NoNewPrivs* | Groups*) echo "$line" ;; esac
    done </proc/$$/status
    grep -E 'core|file size|processes' /proc/$$/limits
    read -r stat </proc/$$/stat
    echo "session $([ "$(echo "$stat" | cut -d' ' -f6)" = $$ ] && echo own)"
    echo "terminal $(echo "$stat" | cut -d' ' -f7)"
} >/tmp/report 2>&1
"#;

fn report(world: &World, command: &[&str]) -> String {
    let machine = &world.machine;
    let _ = machine.run(["rm", "-f", "/tmp/report"]).expect_success();
    let host = command.iter().chain(&[HOST, "su", "alice", ALONE]);
    let host = machine.command(host).stdin("\n").run().expect_success();
    assert!(host.stdout.contains("authenticate PAM_AUTH_ERR"), "{host}");
    machine.read("/tmp/report")
}

#[test]
fn the_helper_is_a_lesser_user_with_two_pipes_and_nothing_else() {
    let world = alone();
    let path = "/usr/local/sbin/report";
    world.machine.write(path, REPORT, 0o755);
    fetch_program(&world, path);
    let seen = report(&world, &["env", "SECRET=x"]);
    println!("{seen}");
    for line in [
        "arguments --helper",
        "groups=",
        "/",
        "0022",
        "fd 0 pipe\nfd 1 pipe\nfd 10 /usr/local/sbin/report\nGroups:\n",
        "CapEff:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "CapAmb:\t0000000000000000",
        "NoNewPrivs:\t1",
        "SigBlk:\t0000000000000000",
        "SigIgn:\t0000000000000000",
        "session own",
        "terminal 0",
    ] {
        assert!(seen.contains(line), "{line}\n{seen}");
    }
    assert!(!seen.contains("SECRET"), "{seen}");
    assert!(seen.contains("(pam-jwt-fetch) gid="), "{seen}");
    // What the host has done to signals, has open and would hand down is its own, also where
    // the kernel cannot close all descriptors at once.
    let odd = [
        "sh",
        "-c",
        "trap '' HUP INT QUIT PIPE TERM CHLD; exec 7</etc/shadow 8>/dev/null
         ulimit -c unlimited; umask 077
         exec setpriv --inh-caps +net_raw --ambient-caps +net_raw \"$@\"",
        "sh",
    ];
    assert_eq!(report(&world, &odd), report(&world, &[]));
    // Nothing else is traced, since it closes a million one by one then.
    let slow = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-o",
        "/tmp/calls",
        "-e",
        "trace=close_range",
        "-e",
        "inject=close_range:error=ENOSYS",
    ];
    let both: Vec<&str> = slow.iter().chain(&odd).copied().collect();
    assert_eq!(report(&world, &both), report(&world, &[]));
}

/// The calls of a process between fork and exec.
const ALLOWED: [&str; 18] = [
    "set_robust_list",
    "rt_sigaction",
    "rt_sigprocmask",
    "dup2",
    "dup3",
    "close_range",
    "poll",
    "ppoll",
    "setsid",
    "umask",
    "chdir",
    "prlimit64",
    "setgroups",
    "setresgid",
    "setresuid",
    "prctl",
    "getppid",
    "execve",
];

#[test]
fn the_login_opens_no_socket_and_its_helper_does() {
    let world = alone();
    let machine = &world.machine;
    let traced = |answer: &str| {
        let strace = ["strace", "-f", "-o", "/tmp/calls"];
        let strace = strace.iter().chain(&[HOST, "su", "alice", ALONE]);
        let host = machine.command(strace).stdin(format!("{answer}\n")).run();
        let host = host.expect_success();
        assert!(host.stdout.contains("authenticate PAM_SUCCESS"), "{host}");
        machine.read("/tmp/calls")
    };
    let typed = Traced::of(&traced(&world.token("alice")));
    world.confirms("alice");
    let calls = traced("");
    // Not all that runs as root may lift the limits that it was given, but it is tried.
    let lifted = "RLIMIT_FSIZE, {rlim_cur=RLIM64_INFINITY";
    assert!(calls.contains(lifted), "{calls}");
    let browser = Traced::of(&calls);
    // The log's and the account database's, and what libpam tells the audit log.
    let inherent = ["AF_UNIX", "NETLINK_AUDIT", "NETLINK_ROUTE"];
    for socket in &browser.sockets {
        assert!(inherent.iter().any(|one| socket.contains(one)), "{socket}");
    }
    assert_eq!(browser.sockets, typed.sockets);
    assert!(typed.before_exec.is_empty() && typed.helpers_sockets == 0);
    assert!(browser.helpers_sockets > 0);
    tell(&format!("between fork and exec: {:?}", browser.before_exec));
    for name in &browser.before_exec {
        assert!(ALLOWED.contains(&name.as_str()), "{name}");
    }
    assert!(browser.before_exec.contains("setresuid"));
}

/// What strace saw.
struct Traced {
    /// That the host program opened, or connected to something.
    sockets: Vec<String>,
    /// The calls of its children until they were other programs.
    before_exec: BTreeSet<String>,
    /// How many connections to the network the other programs opened.
    helpers_sockets: usize,
}

impl Traced {
    fn of(calls: &str) -> Traced {
        let host = calls.split(' ').next().expect("a pid");
        let mut traced = Traced {
            sockets: Vec::new(),
            before_exec: BTreeSet::new(),
            helpers_sockets: 0,
        };
        // A child that is no other program yet; the helper's threads are its own.
        let mut child = "";
        for line in calls.lines() {
            let (pid, call) = line.split_once(' ').expect("a pid");
            let call = call.trim_start();
            let name = call.split('(').next().unwrap_or_default();
            // Signals are no calls, and what was interrupted is told in two lines.
            let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if !name.chars().all(is_name) {
                continue;
            }
            if pid == host {
                if matches!(name, "socket" | "connect" | "socketpair") {
                    let (call, _) = call.rsplit_once(" = ").expect("a result");
                    // The number of a descriptor depends on what is open.
                    let (before, behind) = call.split_once([',', '(']).expect("arguments");
                    let behind = behind.trim_start_matches(|c: char| c.is_ascii_digit());
                    traced.sockets.push(format!("{before} {behind}"));
                }
                continue;
            }
            if traced.before_exec.is_empty() {
                child = pid;
            }
            if pid != child {
                traced.helpers_sockets += usize::from(name == "socket" && call.contains("AF_INET"));
                continue;
            }
            traced.before_exec.insert(name.to_owned());
            if name == "execve" {
                child = "";
            }
        }
        traced
    }
}

/// Whatever the host program does with its children, signals and descriptors.
#[test]
fn a_host_program_is_as_it_was() {
    let world = alone();
    let machine = &world.machine;
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/hosts/device/host.c");
    let cc = ["cc", "-Wall", "-Werror", "-o", "/tmp/host", source, "-lpam"];
    let _ = machine.run(cc).expect_success();
    let login = |how: &str, answer: &str| {
        let host = ["/tmp/host", ALONE, "alice", "/tmp/seen", how, answer];
        let _ = machine.run(host).expect_success();
        machine.read("/tmp/seen")
    };
    let well = "unchanged\nchildren none\nSIGPIPE 0\n";
    for how in ["", "ignore", "nocldwait", "reap", "closed", "threads"] {
        // It logs in twice.
        world.confirms("alice");
        world.confirms("alice");
        let seen = login(how, "");
        assert_eq!(seen.matches("authenticate 0\n").count(), 2, "{how}: {seen}");
        assert!(seen.ends_with(well), "{how}: {seen}");
        world.issuer.refuses("access_denied");
        world.issuer.refuses("access_denied");
        let seen = login(how, "");
        assert_eq!(seen.matches("authenticate 7\n").count(), 2, "{how}: {seen}");
        assert!(seen.ends_with(well), "{how}: {seen}");
    }
    // A helper that is gone before it has read what it was asked.
    let path = "/usr/local/sbin/deaf";
    machine.write(path, "#!/bin/sh\nexec <&-\necho x\n", 0o755);
    fetch_program(&world, path);
    for how in ["", "ignore", "nocldwait", "reap", "closed", "threads"] {
        let seen = login(how, "");
        assert_eq!(seen.matches("authenticate 7\n").count(), 2, "{how}: {seen}");
        assert!(seen.ends_with(well), "{how}: {seen}");
    }
    // No descriptor is left for a pipe, or for both, or for what holds the process.
    fetch_program(&world, PROGRAM);
    let mark = machine.mark();
    world.issuer.begins_with("");
    for limit in 4..24 {
        let seen = login(&format!("limit={limit}"), "");
        assert!(seen.ends_with(well), "{limit}: {seen}");
        assert!(!seen.contains("authenticate 0"), "{limit}: {seen}");
    }
    for call in ["pipe", "pidfd_open"] {
        machine.wait_for_log(mark, &format!("{call}: Too many open files"));
    }
    // No process is left for it, or the kernel cannot hold one.
    for (call, name, error) in [
        ("clone", "fork", "EAGAIN"),
        ("pidfd_open", "pidfd_open", "ENOSYS"),
    ] {
        let mark = machine.mark();
        let (trace, inject) = (
            format!("trace={call}"),
            format!("inject={call}:error={error}"),
        );
        let strace = [
            "strace",
            "-f",
            "-o",
            "/tmp/calls",
            "-e",
            &trace,
            "-e",
            &inject,
        ];
        let host = ["/tmp/host", ALONE, "alice", "/tmp/seen"];
        let _ = machine.run(strace.iter().chain(&host)).expect_success();
        let seen = machine.read("/tmp/seen");
        assert_eq!(
            seen.matches("authenticate 7\n").count(),
            2,
            "{call}: {seen}"
        );
        assert!(seen.ends_with(well), "{call}: {seen}");
        machine.wait_for_log(mark, &format!("pam-jwt-fetch: {name}: "));
    }
    world.expect_no_helper();
}
