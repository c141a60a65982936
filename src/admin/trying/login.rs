//! What /proc and systemd-logind know of the login that this process belongs to.

use super::second_login::{Known, Login, Session};
use super::state::Moment;
use crate::programs;
use std::fs;
use std::io;
use system::{logind, process};

/// What the kernel has for an audit session that was never set.
const UNSET: u32 = u32::MAX;

/// The login of this process.
pub fn own() -> Login {
    Login {
        audit: audit("self"),
        session: logind::runs().then(|| session().map_or(Known::None, Known::Session)),
        program: program(),
    }
}

/// This moment, as logins can be held against it.
pub fn this_moment() -> io::Result<Moment> {
    let processes = fs::read_dir("/proc")?.flatten();
    let ids = processes.filter_map(|entry| audit(entry.file_name().to_str()?));
    let audit = ids.max();
    // Later than the ids: a login between the two is taken for an old one.
    Ok(Moment {
        at: process::this_moment()?,
        audit,
    })
}

fn audit(process: &str) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{process}/sessionid")).ok()?;
    text.trim()
        .parse()
        .ok()
        .filter(|id| *id != UNSET && *id != 0)
}

/// What systemd-logind says of the session that this process is in.
fn session() -> Option<Session> {
    let group = logind::session_of(std::process::id()).ok()??;
    let (_, unit) = group.rsplit_once('/')?;
    let id = unit.strip_prefix("session-")?.strip_suffix(".scope")?;
    let show = [
        "show-session",
        id,
        "-p",
        "Service",
        "-p",
        "Class",
        "-p",
        "Leader",
    ];
    let ran = programs::run("loginctl", &show).ok()?;
    ran.is_done.then(|| of_properties(id, &ran.stdout))
}

/// Whether sshd says that a public key opened the session of this leader. What is not in the
/// journal was not seen.
fn by_key(leader: u32) -> bool {
    let of = format!("_PID={leader}");
    let asked = [
        "--quiet",
        "--no-pager",
        "--boot",
        "--output=cat",
        "_UID=0",
        &of,
    ];
    programs::run("journalctl", &asked).is_ok_and(|ran| last_accepted_is_key(&ran.stdout))
}

fn last_accepted_is_key(log: &str) -> bool {
    let mut accepted = log
        .lines()
        .filter_map(|line| line.strip_prefix("Accepted "));
    accepted
        .next_back()
        .is_some_and(|how| how.starts_with("publickey "))
}

fn of_properties(id: &str, text: &str) -> Session {
    let value = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default().to_owned()
    };
    let leader: Option<u32> = value("Leader").parse().ok().filter(|pid| *pid != 0);
    let by_key = value("Service") == "sshd" && leader.is_some_and(by_key);
    let leader = leader.and_then(|pid| process::with(pid).ok());
    Session {
        id: id.to_owned(),
        service: value("Service"),
        class: value("Class"),
        began: leader.map(|leader| leader.start),
        by_key,
    }
}

/// When the program began that let somebody in, for where nothing else tells: the one above this
/// process that a connection or a terminal has for itself.
fn program() -> Option<u64> {
    let mut above = Vec::new();
    let mut pid = std::process::id();
    while let Some((name, parent)) = name_and_parent(pid) {
        above.push((name, pid, parent));
        pid = parent;
    }
    let pid = outermost(&above)?;
    process::with(pid).ok().map(|process| process.start)
}

/// Programs that let people in.
const PROGRAMS: [&str; 5] = ["sshd", "sshd-session", "sshd-auth", "login", "dropbear"];

/// Of the nearest such programs in a row the outermost, but for the one that listens for all.
fn outermost(above: &[(String, u32, u32)]) -> Option<u32> {
    let lets_in = |name: &str| PROGRAMS.contains(&name);
    let row = above.iter().skip_while(|(name, ..)| !lets_in(name));
    let row = row.take_while(|(name, ..)| lets_in(name));
    let own = row.filter(|(name, _, parent)| *parent > 1 || name == "login");
    own.map(|(_, pid, _)| *pid).last()
}

fn name_and_parent(pid: u32) -> Option<(String, u32)> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    let (head, rest) = text.rsplit_once(") ")?;
    let (_, name) = head.split_once('(')?;
    Some((name.to_owned(), rest.split(' ').nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_that_of_the_connection_and_not_the_one_that_listens() {
        let above = |names: &[&str]| -> Vec<(String, u32, u32)> {
            let pids = (1..=names.len() as u32).rev();
            let rows = names.iter().zip(pids);
            rows.map(|(name, pid)| {
                (
                    (*name).to_owned(),
                    pid * 10,
                    if pid == 1 { 1 } else { (pid - 1) * 10 },
                )
            })
            .collect()
        };
        for (names, pid) in [
            (
                &["pam-jwt", "sudo", "bash", "sshd", "sshd", "sshd"][..],
                Some(20),
            ),
            (
                &["pam-jwt", "bash", "sshd-session", "sshd-session", "sshd"],
                Some(20),
            ),
            (&["pam-jwt", "bash", "login"], Some(10)),
            // tmux's server is nobody's child.
            (&["pam-jwt", "bash", "tmux: server"], None),
            (&[], None),
        ] {
            assert_eq!(outermost(&above(names)), pid, "{names:?}");
        }
    }

    #[test]
    fn logind_is_read_as_it_prints() {
        let own = std::process::id();
        let text = format!("Service=sshd\nLeader={own}\nClass=user\n");
        let session = of_properties("c2", &text);
        let expected = ("c2", "sshd", "user", Some(process::own().unwrap().start));
        let found = (
            &*session.id,
            &*session.service,
            &*session.class,
            session.began,
        );
        assert_eq!(found, expected);
        assert_eq!(of_properties("1", "Leader=0\n").began, None);
        let own = own.to_string();
        assert_eq!(
            name_and_parent(own.parse().unwrap()).unwrap().1,
            std::os::unix::process::parent_id()
        );
    }

    #[test]
    fn a_key_is_told_by_what_sshd_says_last() {
        let key = "Accepted publickey for a from 192.0.2.1 port 1 ssh2: ED25519 SHA256:x\n";
        let other = "Accepted keyboard-interactive/pam for a from 192.0.2.1 port 1 ssh2\n";
        assert!(last_accepted_is_key(key));
        assert!(last_accepted_is_key(&format!(
            "{other}{key}pam_unix(sshd:session): …\n"
        )));
        assert!(!last_accepted_is_key(&format!("{key}{other}")));
        assert!(!last_accepted_is_key(""));
    }

    #[test]
    fn a_moment_is_later_than_this_process() {
        let moment = this_moment().unwrap();
        assert!(moment.at >= process::own().unwrap().start);
        assert!(audit("self").is_none_or(|own| moment.audit >= Some(own)));
    }
}
