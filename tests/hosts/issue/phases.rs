//! What phases.c tells of a login: the phases in their order, and the token's life in them.

use crate::library;
use machine::{Machine, Mark};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;

/// Where it is in a machine.
const MODULE: &str = "/etc/phases.so";

/// One call of the module.
#[derive(Debug, Deserialize)]
pub struct Call {
    pub pid: u32,
    pub euid: u32,
    /// Where in the stack it stands: `above` everything, or `below`.
    #[serde(rename = "where")]
    pub place: String,
    pub phase: String,
    /// Of setcred which one; of the transaction's end, whether it is `silent`.
    pub flag: String,
    pub service: String,
    pub user: Option<String>,
    /// BEARER_TOKEN_FILE
    pub token_file: Option<String>,
    /// PAM_JWT_HANDOFF
    pub handoff: Option<String>,
    /// The account's tokens: mode, owner and inode of each file. None where the process may
    /// not look.
    pub tokens: Option<BTreeMap<String, String>>,
    pub sessions: Option<BTreeMap<String, String>>,
    pub handoffs: Option<BTreeMap<String, String>>,
}

/// All calls of one login, in their order.
#[derive(Debug)]
pub struct Trail(pub Vec<Call>);

/// Puts the module above and below all others, and pam_jwt's lines where services.md has them.
pub fn install(machine: &Machine) {
    static LIBRARY: OnceLock<Vec<u8>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| library("issue/phases.c", &[]));
    machine.write(MODULE, library, 0o644);
    for service in ["sshd", "su", "sudo", "sudo-i", "login", "cron"] {
        // cron is not everywhere.
        let path = format!("/etc/pam.d/{service}");
        let Some(theirs) = machine.inside(|| fs::read_to_string(&path).ok()) else {
            continue;
        };
        let asks = "@include common-auth\n";
        let ours = format!(
            "auth sufficient pam_jwt.so\n{asks}\
             auth optional pam_jwt.so issue\n\
             auth optional {MODULE} below\n"
        );
        let theirs = theirs.replace("auth sufficient pam_jwt.so\n", "");
        assert!(theirs.contains(asks), "{theirs}");
        let stack = format!(
            "auth optional {MODULE} above\n\
             account optional {MODULE} above\n\
             session optional {MODULE} above\n\
             session optional pam_jwt.so issue\n\
             {}\n\
             account optional {MODULE} below\n\
             session optional {MODULE} below\n",
            theirs.replace(asks, &ours)
        );
        machine.write(&path, stack, 0o644);
    }
}

impl Call {
    /// From a line of the log, if it is one of the module's.
    fn read(line: &str) -> Option<Self> {
        let json = line.strip_prefix("phase ")?;
        Some(serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}")))
    }
}

impl Trail {
    /// That of the login after `mark`, once it has come to its end.
    pub fn of(machine: &Machine, mark: Mark) -> Self {
        let closes = machine.wait_for_log(mark, "phase {\"phase\":\"close_session\"");
        let closes = Call::read(&closes.message).expect("it is one");
        machine.wait_for_log(
            mark,
            &format!("phase {{\"phase\":\"end\",\"pid\":{},", closes.pid),
        );
        let log = machine.log_since(mark);
        Self(
            log.iter()
                .filter_map(|line| Call::read(&line.message))
                .collect(),
        )
    }

    /// A line for each phase: the process, numbered as they come, what is called, and what
    /// there is when it ends.
    pub fn steps(&self) -> Vec<String> {
        let mut pids = Vec::new();
        let mut steps: Vec<(String, String)> = Vec::new();
        for call in &self.0 {
            if !pids.contains(&call.pid) {
                pids.push(call.pid);
            }
            let process = pids.iter().take_while(|pid| **pid != call.pid).count() + 1;
            let step = format!("{process} {} {}", call.phase, call.flag);
            let step = step.trim_end().to_owned();
            let mut left = String::new();
            if call.euid != 0 {
                left += ", by the user";
            }
            for (what, files) in [("token", &call.tokens), ("handoff", &call.handoffs)] {
                if files.as_ref().is_some_and(|files| !files.is_empty()) {
                    left = format!("{left}, {what}");
                }
            }
            match steps.last_mut() {
                Some((last, then)) if *last == step && call.place == "below" => *then = left,
                _ => steps.push((step, left)),
            }
        }
        let lines = steps.into_iter().map(|(step, left)| step + &left);
        lines.collect()
    }
}
