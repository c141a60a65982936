//! A session's token, and what a login tells its session, where something is in the way: the
//! key, the disk, the clock, a user who plants or sets things, and a host that is killed.

mod clock;
mod environment;
mod faults;
mod handoff;
mod killed;
mod many;
mod mismatch;
mod others;
mod places;

use machine::{Command, LogLine, Machine, Output, Terminal, wait_until};
use serde_json::{Map, Value};

/// Where all of it is kept.
const RUN: &str = "/run/pam-jwt";
const HANDOFF: &str = "/run/pam-jwt/handoff";
const SESSIONS: &str = "/run/pam-jwt/sessions";
const SETTINGS: &str = "/etc/pam-jwt/pam-jwt.toml";
const KEY: &str = "/etc/pam-jwt/private/local.jwk";

const HOST: &str = env!("CARGO_BIN_EXE_pam-host");
/// The stacks of pam-host, in which every phase has a line of pam_jwt's.
const ALONE: &str = "/etc/pam.alone";
const PASSWORD: &str = "correct horse";

const STACK: &str = "auth sufficient pam_jwt.so\n\
    auth [success=ok default=die] pam_unix.so try_first_pass\n\
    auth optional pam_jwt.so issue\n\
    account required pam_permit.so\n\
    session required pam_jwt.so issue\n\
    session required pam_permit.so\n";

const ISSUE: &str = "[issue]\n\
    issuer = \"https://machine.example.org\"\n\
    audience = [\"ssh://other\"]\n\
    services = [\"sshd\", \"su\", \"sudo\"]\n";

/// A machine that issues tokens in sshd, su and sudo to alice and bob, whose password is
/// [`PASSWORD`]; `above` stands above its `[issue]`.
fn machine_with(above: &str) -> Machine {
    let machine = Machine::ready();
    machine.account("bob");
    for account in ["alice", "bob"] {
        machine.password(account, PASSWORD);
    }
    machine.services(&["sshd", "su", "sudo"]);
    machine.write(SETTINGS, format!("{above}{ISSUE}"), 0o644);
    for service in ["sshd", "su", "sudo"] {
        machine.write(&format!("{ALONE}/{service}"), STACK, 0o644);
    }
    // Debian's own stacks, with the lines that services.md adds.
    sh(
        &machine,
        "cd /etc/pam.d
        sed -i '1i auth sufficient pam_jwt.so' sudo
        sed -i '/pam_rootok/a auth sufficient pam_jwt.so' su
        sed -i 's/^@include common-auth$/&\\nauth optional pam_jwt.so issue/' sshd su sudo
        sed -i '1i session optional pam_jwt.so issue' sshd su sudo
        echo 'alice ALL=(ALL) ALL' >/etc/sudoers.d/alice",
    );
    machine
}

/// One in which a session of these services ends with its token.
const ENDS: &str = "end_with_token = [\"sshd\", \"su\", \"sudo\"]\n";

/// Has these stacks log, by runtime.c, for how long pam_systemd is to let a session live.
fn logs_runtime(machine: &Machine, stacks: &[&str]) {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/hosts/issue_faults/runtime.c");
    let cc = [
        "cc",
        "-shared",
        "-fPIC",
        "-o",
        "/run/runtime.so",
        source,
        "-lpam",
    ];
    let _ = machine.run(cc).expect_success();
    let line = "s,^session .* pam_jwt.so issue$,&\\nsession optional /run/runtime.so,";
    let sed = machine.command(["sed", "-i", line]).args(stacks);
    let _ = sed.run().expect_success();
}

/// What such a line says: the seconds, if the session has an end.
fn runtime(line: &LogLine) -> Option<u64> {
    let text = line.message.split("runtime_max_sec=").nth(1).expect("it");
    let text = text.trim_end_matches('.');
    (text != "infinity").then(|| text.parse().expect("seconds"))
}

fn sh(machine: &Machine, script: &str) -> String {
    let output = machine.run(["sh", "-ec", script]).expect_success();
    output.stdout.trim_end().to_owned()
}

/// The files there are below /run/pam-jwt, by their paths.
fn files(machine: &Machine, below: &str) -> Vec<String> {
    let find = format!("find {below} -type f 2>/dev/null | sort");
    let all = sh(machine, &find);
    all.lines().map(str::to_owned).collect()
}

/// Waits until these are the files below /run/pam-jwt: sshd closes a session when its client
/// has ended already.
#[track_caller]
fn settled(machine: &Machine, expected: &[String]) {
    wait_until("what is expected is there", || {
        files(machine, RUN) == expected
    });
}

fn uid(machine: &Machine, account: &str) -> String {
    sh(machine, &format!("id -u {account}"))
}

/// The claims of a token.
fn claims(machine: &Machine, token: &str) -> Map<String, Value> {
    let inspect = machine.command(["pam-jwt", "--json", "jws", "inspect"]);
    let report = inspect.stdin(token).run().expect_success().stdout;
    let report: Value = serde_json::from_str(&report).expect("JSON");
    report["payload"].as_object().expect("claims").clone()
}

/// A login of pam-host's that is taken phase by phase.
struct Steps(Terminal);

impl Steps {
    fn of(machine: &Machine, service: &str, account: &str) -> Self {
        Self(Self::command(machine, service, account).terminal())
    }

    /// With a clock of its own, as faketime(1) has it, once the machine's was set.
    fn under(machine: &Machine, clock: &str, service: &str, account: &str) -> Self {
        let command = Self::command(machine, service, account);
        Self(command.env("FAKETIME", clock).terminal())
    }

    fn command<'m>(machine: &'m Machine, service: &str, account: &str) -> Command<'m> {
        // A shell is its parent, as it has one in the machine.
        let shell = ["sh", "-c", "\"$@\" || exit", "sh"];
        let host = [HOST, "--steps", service, account, ALONE];
        machine.command(shell).args(host)
    }

    /// Takes one step; the lines that it printed.
    #[track_caller]
    fn step(&mut self, step: &str) -> Vec<String> {
        let before = self.0.printed().len();
        self.0.send_line(step).expect("\r\ndone\r\n");
        let printed = self.0.printed();
        let lines = printed.get(before..).unwrap_or_default().lines();
        // The first is what was typed.
        let lines = lines.map(|line| line.trim_end().to_owned()).skip(1);
        lines.take_while(|line| line != "done").collect()
    }

    /// Takes a step whose result is this code.
    #[track_caller]
    fn returns(&mut self, step: &str, code: &str) -> &mut Self {
        let lines = self.step(step);
        let name = step.split(' ').next().expect("a name");
        let result = lines.last().map(String::as_str).unwrap_or_default();
        assert_eq!(result, format!("{name} {code}"), "{lines:#?}");
        self
    }

    #[track_caller]
    fn succeeds(&mut self, step: &str) -> &mut Self {
        self.returns(step, "PAM_SUCCESS")
    }

    /// A variable of the transaction's environment.
    fn variable(&mut self, name: &str) -> Option<String> {
        let name = format!("env {name}=");
        let lines = self.step("environment");
        let mut values = lines.iter().filter_map(|line| line.strip_prefix(&name));
        values.next().map(str::to_owned)
    }
}

/// su by bob to alice, who types this, and runs a command.
fn su(machine: &Machine, answer: &str, command: &str) -> Output {
    let su = machine.command(["su", "alice", "-c", command]).user("bob");
    su.stdin(format!("{answer}\n")).run()
}
