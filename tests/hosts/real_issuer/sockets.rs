//! Which sockets the programs of a login make and connect, as strace sees it.

use machine::{Machine, Sshd, Terminal};
use std::collections::{BTreeMap, BTreeSet};

const TRACE: &str = "/tmp/sockets";

/// What sshd was started as, and what it executes itself as.
const SSHD: [&str; 3] = [
    "/usr/sbin/sshd",
    "/usr/lib/openssh/sshd-session",
    "/usr/lib/openssh/sshd-auth",
];

/// Follows a listening sshd and all that comes of it.
pub struct Watch<'m> {
    machine: &'m Machine,
    strace: Terminal,
}

/// By program, its calls of socket(2) and where connect(2) led.
#[derive(Debug, Default)]
pub struct Sockets(BTreeMap<String, BTreeSet<String>>);

impl Sockets {
    /// Those of a program.
    pub fn of(&self, program: &str) -> BTreeSet<String> {
        self.0.get(program).cloned().unwrap_or_default()
    }

    /// Whether the helper has a connection to the provider.
    pub fn reach_the_provider(&self) -> bool {
        let is_its = |socket: &String| {
            socket.contains("sa_family=AF_INET,") && socket.contains("htons(443)")
        };
        self.of("/usr/sbin/pam-jwt-fetch").iter().any(is_its)
    }
}

pub fn watch<'m>(machine: &'m Machine, sshd: &Sshd<'_>) -> Watch<'m> {
    let calls = "trace=socket,connect,execve";
    let pid = sshd.pid().to_string();
    let strace = ["strace", "-f", "-e", calls, "-o", TRACE, "-p", &pid];
    let mut strace = machine.terminal(strace);
    strace.expect("attached");
    Watch { machine, strace }
}

impl Watch<'_> {
    /// Lets go of them.
    pub fn end(mut self) -> Sockets {
        self.strace.send("\u{3}");
        let _ = self.strace.wait();
        of(&self.machine.read(TRACE))
    }
}

/// A process is sshd's until it executes something else.
fn of(trace: &str) -> Sockets {
    let mut programs = BTreeMap::new();
    let mut sockets = Sockets::default();
    for line in trace.lines() {
        let (pid, call) = line.split_once(' ').expect("a pid");
        let call = call.trim_start();
        let between = |start: &str, end: &[char]| {
            let rest = call.split_once(start)?.1;
            Some(rest.split(end).next()?.trim_end().to_owned())
        };
        if call.starts_with("execve(") {
            let program = between("execve(\"", &['"']).expect("a path");
            programs.insert(pid, program);
            continue;
        }
        let what = match call.split_once('(') {
            Some(("socket", _)) => between("socket(", &[')', '<']),
            Some(("connect", _)) => between("{", &['}']),
            // What has become of a call, a signal, an end.
            _ => continue,
        };
        let program = programs.get(pid).map_or(SSHD[0], String::as_str);
        let program = if SSHD.contains(&program) {
            "sshd"
        } else {
            program
        };
        let what = what.unwrap_or_else(|| panic!("{line}"));
        sockets
            .0
            .entry(program.to_owned())
            .or_default()
            .insert(what);
    }
    sockets
}

#[test]
fn a_trace_is_read() {
    let trace = "7   socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC, 0) = 3
7   connect(3, {sa_family=AF_UNIX, sun_path=\"/dev/log\"}, 110) = 0
8   execve(\"/usr/sbin/sshd\", [\"sshd\", \"-R\"], 0x5 /* 1 var */) = 0
8   socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT <unfinished ...>
8   --- SIGCHLD {si_signo=SIGCHLD} ---
9   execve(\"/bin/sh\", [\"sh\", \"-c\", \"connect(\"], 0x5 /* 1 var */ <unfinished ...>
9   connect(4, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0
9   +++ exited with 0 +++
";
    let found = of(trace);
    let sshd = [
        "AF_NETLINK, SOCK_RAW, NETLINK_AUDIT",
        "AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC, 0",
    ];
    assert!(
        sshd.iter().all(|socket| found.of("sshd").contains(*socket)),
        "{found:#?}"
    );
    assert_eq!(found.of("sshd").len(), 3, "{found:#?}");
    let inet = "sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr(\"127.0.0.1\")";
    assert!(found.of("/bin/sh").contains(inet), "{found:#?}");
}
