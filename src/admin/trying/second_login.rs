//! Whether whoever confirms has logged in a second time, through what is being tried. Pure: what is
//! known of a login is found by `login`.
//!
//! A session of sudo or su, another pane of tmux and a shell that was open before are no second
//! login. Whatever cannot be told is none, either.

use super::state::Moment;

/// What is known of the login that a process belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// The kernel's id of it, which a login gets by pam_loginuid or systemd, and sudo and su keep.
    pub audit: Option<u32>,
    /// What systemd-logind knows, where it runs.
    pub session: Option<Known>,
    /// When the program began that let somebody in and is above the process.
    pub program: Option<u64>,
}

/// What systemd-logind knows of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is none of its sessions.
    None,
    Session(Session),
}

/// A session of systemd-logind's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    pub id: String,
    /// The PAM service that it came by.
    pub service: String,
    pub class: String,
    /// When the program began that opened it.
    pub began: Option<u64>,
    /// Whether a public key opened it, which asks none of the auth lines.
    pub by_key: bool,
}

/// Why it is no second login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It began before the file was written.
    Before,
    /// It did not come through what is being tried.
    OtherService,
    /// It is no session of a person's.
    NoLogin,
    /// A public key opened it, so that no auth line was asked.
    ByKey,
    /// There is nothing to tell it by.
    CannotTell,
}

/// Services through which people log in, and of which systemd-logind knows.
const LOGINS: [&str; 10] = [
    "sshd",
    "login",
    "remote",
    "cockpit",
    "gdm-password",
    "lightdm",
    "sddm",
    "xrdp-sesman",
    "kde",
    "greetd",
];

/// Services that make another of somebody who has logged in.
const NO_LOGINS: [&str; 9] = [
    "sudo",
    "sudo-i",
    "su",
    "su-l",
    "runuser",
    "runuser-l",
    "doas",
    "systemd-run0",
    "polkit-1",
];

/// Judges a login: nothing, if it is a second one.
pub fn is_no_second_login(login: &Login, written: &Moment, tried: &[String]) -> Option<Why> {
    // A number from before is as old as the login that has it.
    let audit = login.audit.zip(written.audit);
    if audit.is_some_and(|(own, newest)| own <= newest) {
        return Some(Why::Before);
    }
    match &login.session {
        Some(Known::None) => Some(Why::NoLogin),
        Some(Known::Session(session)) => of_session(session, written, tried),
        None => match (login.audit, login.program) {
            (Some(_), _) => None,
            (None, Some(began)) if began > written.at => None,
            (None, Some(_)) => Some(Why::Before),
            (None, None) => Some(Why::CannotTell),
        },
    }
}

fn of_session(session: &Session, written: &Moment, tried: &[String]) -> Option<Why> {
    let is_named = |list: &[&str], name: &str| list.contains(&name);
    match session.began {
        None => return Some(Why::CannotTell),
        Some(began) if began <= written.at => return Some(Why::Before),
        Some(_) => {}
    }
    let is_persons = session.class.starts_with("user") && !session.class.contains("manager");
    if !is_persons || is_named(&NO_LOGINS, &session.service) {
        return Some(Why::NoLogin);
    }
    let logs_in = tried.iter().any(|service| is_named(&LOGINS, service));
    let came_by = tried.contains(&session.service);
    if logs_in && !came_by {
        return Some(Why::OtherService);
    }
    session.by_key.then_some(Why::ByKey)
}

impl Why {
    /// It, and what to do.
    pub fn text(self, tried: &[String]) -> String {
        let service = tried.join(" or ");
        match self {
            Why::Before => format!(
                "this login began before the new lines were there, so it shows nothing of them; \
                 log in anew through {service} and run it there (sudo and su are no new login, \
                 and neither is another pane of tmux; at a console press Ctrl-D at the login \
                 prompt first)"
            ),
            Why::OtherService => format!(
                "this login did not come through {service}, so it shows nothing of the new lines; \
                 log in there, and run it in that session"
            ),
            Why::NoLogin => format!(
                "this is no session of a login of its own (systemd-logind knows none, or one of \
                 sudo, su, cron or a service): log in anew through {service}, and run it there, \
                 outside of tmux and screen"
            ),
            Why::ByKey => {
                "a public key opened this login, so it shows nothing of the new lines; log \
                 in with a token or a password (ssh -o PubkeyAuthentication=no), or, where people \
                 have keys alone, run it with --anyway"
                    .to_owned()
            }
            Why::CannotTell => format!(
                "it cannot be told which login this is, since neither the kernel's audit nor \
                 systemd-logind has a number for it; log in anew through {service} by ssh and run \
                 it there, or let the time go by and enable without --try, with a root shell open"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: Moment = Moment {
        at: 100,
        audit: Some(7),
    };

    fn session(service: &str, class: &str, began: Option<u64>) -> Option<Known> {
        Some(Known::Session(Session {
            id: "3".to_owned(),
            service: service.to_owned(),
            class: class.to_owned(),
            began,
            by_key: false,
        }))
    }

    fn judged(audit: Option<u32>, session: Option<Known>, program: Option<u64>) -> Option<Why> {
        let login = Login {
            audit,
            session,
            program,
        };
        is_no_second_login(&login, &WRITTEN, &["sshd".to_owned()])
    }

    #[test]
    fn a_login_that_began_later_through_the_service_is_one() {
        let new = session("sshd", "user", Some(101));
        assert_eq!(judged(Some(8), new.clone(), Some(101)), None);
        assert_eq!(judged(None, new.clone(), None), None);
        // As of root, with systemd 256 and later.
        assert_eq!(
            judged(Some(8), session("sshd", "user-early", Some(101)), None),
            None
        );
        // Where there is no logind.
        assert_eq!(judged(Some(8), None, None), None);
        assert_eq!(judged(None, None, Some(101)), None);
    }

    #[test]
    fn whatever_else_is_none() {
        let new = || session("sshd", "user", Some(101));
        for (audit, session, program, why) in [
            // The login that started it, and any that was open: by either number.
            (Some(7), new(), Some(101), Why::Before),
            (Some(3), None, Some(101), Why::Before),
            (
                Some(8),
                session("sshd", "user", Some(100)),
                None,
                Why::Before,
            ),
            (
                None,
                session("sshd", "user", Some(99)),
                Some(101),
                Why::Before,
            ),
            (None, None, Some(100), Why::Before),
            // A pane of tmux under user@.service, cron, and what only makes another of somebody.
            (Some(8), Some(Known::None), Some(101), Why::NoLogin),
            (
                Some(8),
                session("cron", "background", Some(101)),
                None,
                Why::NoLogin,
            ),
            (
                Some(8),
                session("systemd-user", "manager", Some(101)),
                None,
                Why::NoLogin,
            ),
            (
                Some(8),
                session("systemd-run0", "user", Some(101)),
                None,
                Why::NoLogin,
            ),
            (
                Some(8),
                session("login", "user", Some(101)),
                None,
                Why::OtherService,
            ),
            // What nothing is known of.
            (None, None, None, Why::CannotTell),
            (
                Some(8),
                session("sshd", "user", None),
                Some(101),
                Why::CannotTell,
            ),
        ] {
            assert_eq!(
                judged(audit, session.clone(), program),
                Some(why),
                "{audit:?} {session:?}"
            );
        }
    }

    #[test]
    fn where_nobody_logs_in_through_what_is_tried_any_login_shows_that_one_can() {
        let login = Login {
            audit: None,
            session: session("sshd", "user", Some(101)),
            program: None,
        };
        let tried = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        for (names, why) in [
            (&["sudo"][..], None),
            (&["sudo", "sshd"], None),
            (&["sudo", "login"], Some(Why::OtherService)),
        ] {
            assert_eq!(is_no_second_login(&login, &WRITTEN, &tried(names)), why);
        }
        // Of the audit ids of before nothing is known where none was given out.
        let first = Moment {
            at: 100,
            audit: None,
        };
        let audit = Some(1);
        assert_eq!(
            is_no_second_login(&Login { audit, ..login }, &first, &tried(&["sshd"])),
            None
        );
    }
}
