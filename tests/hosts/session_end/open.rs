//! A session that is open, and what is known of it.

use std::path::Path;
use std::time::SystemTime;

use machine::{Machine, Terminal};
use serde_json::Value;

use crate::{now, says, wait_until};

/// What alice starts, whose pids are written down: her shell, something in the background,
/// and something that has left her terminal and its session.
const START: &str = "echo $$ $(printenv BEARER_TOKEN_FILE) >began; sleep 1000 & \
    setsid sh -c 'echo $$ >left; exec sleep 1000' </dev/null >/dev/null 2>&1 & \
    while ! [ -s left ]; do :; done; echo $(cat began left) >started; echo rea''dy";

/// A session of alice's with processes in it.
pub(crate) struct Open<'m> {
    machine: &'m Machine,
    pub(crate) terminal: Terminal,
    /// Her shell, and what has left.
    pub(crate) pids: Vec<u32>,
    /// The file that BEARER_TOKEN_FILE names.
    token: String,
    /// systemd's unit with all of it.
    pub(crate) scope: String,
}

impl<'m> Open<'m> {
    /// One whose shell waits at this terminal.
    pub(crate) fn at(machine: &'m Machine, mut terminal: Terminal) -> Open<'m> {
        terminal.send_line(START).expect("ready");
        let started = says(machine, "cd ~alice && cat started && rm began left started");
        let words: Vec<&str> = started.split(' ').collect();
        let [shell, token, left] = words[..] else {
            panic!("started: {started:?}");
        };
        let pids = [shell, left].map(|pid| pid.parse().expect("a pid"));
        let scopes = pids.map(|pid| scope_of(machine, pid));
        assert_eq!(scopes[0], scopes[1]);
        assert!(scopes[0].starts_with("session-"), "{scopes:?}");
        let open = Open {
            machine,
            terminal,
            pids: pids.to_vec(),
            token: token.to_owned(),
            scope: scopes[0].clone(),
        };
        assert_eq!(open.files(), 2, "{token}");
        open
    }

    /// How long systemd lets it run, as systemd says it.
    pub(crate) fn limit(&self) -> String {
        let show = format!("systemctl show -P RuntimeMaxUSec {}", self.scope);
        says(self.machine, &show)
    }

    /// Whether one of its processes is there.
    pub(crate) fn runs(&self) -> bool {
        self.pids.iter().any(|pid| is_there(self.machine, *pid))
    }

    /// When it ends, as `pam-jwt sessions` says it.
    pub(crate) fn ends(&self) -> Value {
        let listed = says(self.machine, "pam-jwt sessions --json");
        let report: Value = serde_json::from_str(&listed).expect("JSON");
        let all = report["sessions"].as_array().expect("a list");
        let own = all.iter().find(|one| one["token_file"] == self.token);
        own.expect("a session that is open")["ends"].clone()
    }

    /// How many files there are of it: its token, and what is recorded.
    fn files(&self) -> usize {
        let id = Path::new(&self.token).file_name().expect("a token's file");
        let find = format!("find /run/pam-jwt -name '*{}'", id.to_string_lossy());
        says(self.machine, &find).lines().count()
    }

    /// Waits until nothing of it is left in /run.
    #[track_caller]
    pub(crate) fn leaves_nothing(&self) {
        wait_until("its token is gone", || self.files() == 0);
    }

    /// Waits until all processes are gone and the session with them; after how many seconds
    /// since then the processes were.
    pub(crate) fn ended(&self, since: SystemTime, expires: u64) -> f64 {
        wait_until(&format!("{} ends", self.scope), || !self.runs());
        let after = since.elapsed().expect("a clock").as_secs_f64();
        assert!(now() >= expires, "{after} s, before {expires}");
        let active = format!("systemctl is-active {}", self.scope);
        wait_until(&active, || says(self.machine, &active) == "inactive");
        let sessions = says(self.machine, "loginctl --no-legend list-sessions");
        let id = self
            .scope
            .trim_start_matches("session-")
            .trim_end_matches(".scope");
        assert!(
            !sessions.split_whitespace().any(|word| word == id),
            "{sessions}"
        );
        after
    }
}

/// Whether a process is there, by its pid in the machine.
pub(crate) fn is_there(machine: &Machine, pid: u32) -> bool {
    machine.inside(|| Path::new(&format!("/proc/{pid}")).exists())
}

/// The innermost unit that a process is in.
pub(crate) fn scope_of(machine: &Machine, pid: u32) -> String {
    let cgroup = machine.read(&format!("/proc/{pid}/cgroup"));
    let unit = cgroup.trim_end().rsplit('/').next();
    unit.unwrap_or_default().to_owned()
}
