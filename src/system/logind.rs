//! The sessions of systemd-logind, which are what it can end: each has a control group of its
//! own, the scope of systemd's in which its processes are.

use std::fs;
use std::io;
use std::path::Path;

/// What pam_systemd itself looks for to know whether logind runs.
const RUNS: &str = "/run/systemd/seats";

/// Why logind would not end a session that this process opens by itself, if it would not: it
/// makes none inside another.
pub fn ends_nothing() -> Option<String> {
    if !runs() {
        return Some("systemd-logind does not run here, so nothing ends the session".to_owned());
    }
    match groups("self") {
        Ok(groups) => inside(&groups),
        Err(error) => Some(format!("/proc: {error}")),
    }
}

/// Whether it runs here.
#[must_use]
pub fn runs() -> bool {
    Path::new(RUNS).exists()
}

/// The control group of the session that a process is in.
///
/// # Errors
/// Where /proc does not say.
pub fn session_of(pid: u32) -> io::Result<Option<String>> {
    let groups = groups(&pid.to_string())?;
    Ok(scope(&groups).map(str::to_owned))
}

/// cgroups(7)
fn groups(process: &str) -> io::Result<String> {
    fs::read_to_string(format!("/proc/{process}/cgroup"))
}

/// What a process with these control groups is in that keeps logind from making a session.
fn inside(groups: &str) -> Option<String> {
    if let Some((_, unit)) = scope(groups).and_then(|path| path.rsplit_once('/')) {
        return Some(format!("it is inside another, {unit}, and ends with it"));
    }
    let is_manager = |unit: &&str| unit.starts_with("user@") && unit.ends_with(".service");
    let unit = path(groups)?.split('/').find(is_manager)?;
    // systemd 252 makes none there, 257 does.
    let words = "where not every systemd-logind makes a session";
    Some(format!("it is inside {unit}, {words}"))
}

/// The session's scope.
fn scope(groups: &str) -> Option<&str> {
    let path = path(groups)?;
    let (_, unit) = path.rsplit_once('/')?;
    (unit.starts_with("session-") && unit.ends_with(".scope")).then_some(path)
}

/// The control group below user.slice, where logind has all sessions: in the one hierarchy
/// there is, or, where there are those of version 1, in one of the two that systemd may have.
fn path(groups: &str) -> Option<&str> {
    groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let is_systemds = matches!(fields.next()?, "" | "name=systemd");
        let path = fields.next()?;
        (is_systemds && path.contains("/user.slice/")).then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sessions_scope_is_read_from_systemds_hierarchy() {
        let path = "/user.slice/user-1000.slice/session-c2.scope";
        for groups in [
            format!("0::{path}\n"),
            format!("12:pids:/x\n1:name=systemd:{path}\n0::/x\n"),
            format!("4:cpu:/user.slice/session-9.scope\n0::{path}\n"),
        ] {
            assert_eq!(scope(&groups), Some(path), "{groups}");
        }
        for groups in [
            "",
            "0::/\n",
            "0::/system.slice/ssh.service\n",
            "0::/user.slice/user-1000.slice/user@1000.service/session.slice/a.service\n",
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n",
            "0::/user.slice/user-1000.slice/session-3.scope/own\n",
            "3:cpu:/user.slice/user-1000.slice/session-3.scope\n",
            "session-3.scope",
        ] {
            assert_eq!(scope(groups), None, "{groups}");
        }
    }

    #[test]
    fn logind_makes_no_session_in_a_session() {
        let slice = "/user.slice/user-1000.slice";
        let session = format!("9:name=systemd:/\n0::{slice}/session-3.scope\n");
        assert_eq!(
            inside(&session).as_deref(),
            Some("it is inside another, session-3.scope, and ends with it")
        );
        let service = format!("0::{slice}/user@1000.service/app.slice/run-1.scope\n");
        let words = inside(&service).unwrap();
        assert!(
            words.contains("it is inside user@1000.service, "),
            "{words}"
        );
        for groups in [
            "",
            "0::/\n",
            "0::/system.slice/ssh.service\n",
            "0::/init.scope\n",
        ] {
            assert_eq!(inside(groups), None, "{groups}");
        }
    }
}
