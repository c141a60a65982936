//! What is to become of each service's file. Nothing is written here.

use super::edit;
use super::file::{Attributes, Found};
use crate::pam_stack::{self, NoPlace, places};
use policy::config::Global;
use std::path::{Path, PathBuf};

/// What is to become of one service.
#[derive(Debug, PartialEq, Eq)]
pub enum Plan {
    /// It takes tokens already; by whose doing.
    Already(String),
    /// And what is to be known of it.
    Change(Change, Vec<Remark>),
}

/// A file and what it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub service: String,
    pub path: PathBuf,
    pub old: Vec<u8>,
    pub new: Vec<u8>,
    pub attributes: Attributes,
}

/// What the lines are to say.
pub struct Wanted<'a> {
    /// Whether sessions are to get tokens.
    pub issue: bool,
    /// The configuration directory, if the lines have to name it.
    pub config: Option<&'a Path>,
    pub settings: &'a Global,
}

/// A reason why nothing is changed, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub code: &'static str,
    /// `FILE` or `FILE:LINE`.
    pub place: String,
    pub text: String,
    pub advice: String,
}

/// Reads what pam.d calls by a name, as for [`pam_stack::examine`].
pub type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Plans for a service whose file was found.
pub fn plan(
    service: &str,
    found: Found,
    wanted: &Wanted<'_>,
    read: Read<'_>,
) -> Result<Plan, Remark> {
    if SHARED.contains(&service) {
        return Err(Remark {
            code: "shared",
            place: found.path.display().to_string(),
            text: format!("{service} is no service: others include it, and a program writes it."),
            advice:
                "Name the services; or, for all at once on Debian: pam-auth-update --enable jwt"
                    .to_owned(),
        });
    }
    let settings = |_: &str| Some(wanted.settings.clone());
    let report = pam_stack::examine(service, read, &settings);
    let ours = edit::ours(&found.bytes);
    if report.takes_tokens && (report.issues || !wanted.issue) {
        return Ok(Plan::Already(doing(&found.bytes, &ours)));
    }
    // Ours are put in anew, where some are there and others are wanted as well.
    let old = edit::without(&found.bytes);
    let text = String::from_utf8_lossy(&old).into_owned();
    let without = |name: &str| {
        if name == service {
            Some(text.clone())
        } else {
            read(name)
        }
    };
    let base = pam_stack::examine(service, &without, &settings);
    let places = places(&text, &without).map_err(|why| no_place(service, &found.path, &why))?;
    let config = wanted
        .config
        .map(|dir| format!(" config={}", dir.display()));
    let config = config.unwrap_or_default();
    let mut lines = Vec::new();
    if !base.takes_tokens {
        lines.push((places.token, format!("auth sufficient pam_jwt.so{config}")));
    }
    if wanted.issue && !base.issues {
        let session = places.session.ok_or_else(|| Remark {
            code: "no_session",
            place: found.path.display().to_string(),
            text: "The service has no session lines, so that no session of its gets a token."
                .to_owned(),
            advice: "Leave --issue away.".to_owned(),
        })?;
        let ends = wanted
            .settings
            .end_with_token
            .iter()
            .any(|name| name == service);
        // A session that has to end with its token must not begin where that cannot be.
        let control = if ends { "required" } else { "optional" };
        lines.push((
            places.noted,
            format!("auth optional pam_jwt.so issue{config}"),
        ));
        lines.push((
            session,
            format!("session {control} pam_jwt.so issue{config}"),
        ));
    }
    let passed_over = (!base.takes_tokens && !places.passed_over.is_empty()).then(|| Remark {
        code: "passed_over",
        place: found.path.display().to_string(),
        text: format!(
            "A token alone opens {service}, without {}.",
            places.passed_over.join(", ")
        ),
        advice: "Where that is asked for besides a password and has to be besides a token, or \
                 locks accounts, write the lines by hand: /usr/share/doc/pam-jwt/pam.d has examples."
            .to_owned(),
    });
    let change = Change {
        service: service.to_owned(),
        new: edit::with(&old, &lines),
        path: found.path,
        old: found.bytes,
        attributes: found.attributes,
    };
    Ok(Plan::Change(change, passed_over.into_iter().collect()))
}

/// Files that are included by services, and are none.
const SHARED: [&str; 8] = [
    "common-auth",
    "common-account",
    "common-password",
    "common-session",
    "common-session-noninteractive",
    "system-auth",
    "password-auth",
    "system-login",
];

/// By whose doing a service takes tokens.
fn doing(bytes: &[u8], ours: &[String]) -> String {
    if !ours.is_empty() {
        return "by pam-jwt enable".to_owned();
    }
    match edit::by_hand(bytes).first() {
        Some(line) => format!("by a line that was written by hand: {}", line.trim()),
        None => "by a file that it includes, into which pam-auth-update may have put it".to_owned(),
    }
}

fn no_place(service: &str, path: &Path, why: &NoPlace) -> Remark {
    let place = path.display().to_string();
    match why {
        NoPlace::NothingAsks => Remark {
            code: "nothing_asks",
            place,
            text: format!(
                "No auth line of {service} asks for a password, so none is there to stand \
                 before, and nothing but a token would open it: no other way in."
            ),
            advice: "Where that is meant, write the lines by hand, as in \
                /usr/share/doc/pam-jwt/pam.d/sshd-token-only."
                .to_owned(),
        },
        NoPlace::In(file) => Remark {
            code: "included",
            place,
            text: format!(
                "{service} takes its auth lines from {file}, where one that lets root in has to \
                 stay first."
            ),
            advice: format!("It is enabled with that: pam-jwt enable {file}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    const COMMON: &str = "auth [success=1 default=ignore] pam_unix.so nullok\n\
        auth requisite pam_deny.so\nauth required pam_permit.so\n";

    const SSHD: &str = "# sshd\n@include common-auth\naccount required pam_unix.so\n\
        session required pam_loginuid.so\n@include common-session\n";

    fn planned(service: &str, text: &str, issue: bool, common: &str) -> Result<Plan, Remark> {
        let read = |name: &str| match name {
            "common-auth" => Some(common.to_owned()),
            "common-session" | "common-session-noninteractive" => {
                Some("session optional pam_systemd.so\n".to_owned())
            }
            "su" => Some(format!("auth sufficient pam_rootok.so\n{COMMON}")),
            name => (name == service).then(|| text.to_owned()),
        };
        let found = Found {
            path: PathBuf::from(format!("/etc/pam.d/{service}")),
            bytes: text.as_bytes().to_vec(),
            attributes: Attributes {
                mode: 0o644,
                uid: 0,
                gid: 0,
                modified: SystemTime::UNIX_EPOCH,
            },
        };
        let settings = Global {
            end_with_token: vec!["login".to_owned()],
            ..Global::default()
        };
        let wanted = Wanted {
            issue,
            config: None,
            settings: &settings,
        };
        plan(service, found, &wanted, &read)
    }

    #[track_caller]
    fn new(plan: Result<Plan, Remark>) -> String {
        match plan {
            Ok(Plan::Change(change, _)) => String::from_utf8(change.new).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_goes_above_what_asks_and_two_more_with_issue() {
        let enabled = new(planned("sshd", SSHD, false, COMMON));
        assert_eq!(
            enabled,
            SSHD.replace(
                "@include common-auth",
                "auth sufficient pam_jwt.so # by pam-jwt enable\n@include common-auth"
            )
        );
        for text in [SSHD, &enabled] {
            assert_eq!(
                new(planned("sshd", text, true, COMMON)),
                "# sshd\nauth sufficient pam_jwt.so # by pam-jwt enable\n@include common-auth\n\
                 auth optional pam_jwt.so issue # by pam-jwt enable\n\
                 account required pam_unix.so\nsession required pam_loginuid.so\n\
                 session optional pam_jwt.so issue # by pam-jwt enable\n@include common-session\n"
            );
        }
        // As end_with_token wants it.
        let login = new(planned("login", SSHD, true, COMMON));
        assert!(
            login.contains("\nsession required pam_jwt.so issue # by"),
            "{login}"
        );
    }

    /// The lines of a file, without comments and with single blanks.
    fn code(text: &str) -> Vec<String> {
        let code = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default());
        let words = code.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        words.filter(|line| !line.is_empty()).collect()
    }

    #[test]
    fn the_examples_are_what_becomes_of_them_without_their_lines() {
        for (service, example) in [
            ("sshd", include_str!("../../../conf/pam.d/sshd")),
            ("login", include_str!("../../../conf/pam.d/login")),
            ("x", include_str!("../../../conf/pam.d/su")),
            ("sudo", include_str!("../../../conf/pam.d/sudo")),
            ("faillock", include_str!("../../../conf/pam.d/faillock")),
            // That one ends its sessions with their tokens, as `login` does in these tests.
            ("login", include_str!("../../../conf/pam.d/sshd-issue")),
            ("sshd", include_str!("../../../conf/pam.d/login-issue")),
            ("x", include_str!("../../../conf/pam.d/su-issue")),
            ("sudo", include_str!("../../../conf/pam.d/sudo-issue")),
        ] {
            let bare = example
                .split_inclusive('\n')
                .filter(|line| !line.contains("pam_jwt.so"));
            let issue = example.contains("pam_jwt.so issue");
            let enabled = new(planned(service, &bare.collect::<String>(), issue, COMMON));
            assert_eq!(code(&enabled), code(example), "{example}");
        }
    }

    #[test]
    fn that_a_second_factor_is_not_asked_for_is_said() {
        let text = format!("{SSHD}auth required pam_oath.so\n");
        let codes = |text: &str| match planned("sshd", text, false, COMMON) {
            Ok(Plan::Change(_, remarks)) => remarks.iter().map(|one| one.code).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(codes(&text), ["passed_over"]);
        assert!(codes(SSHD).is_empty());
    }

    #[test]
    fn what_takes_tokens_already_is_left_alone() {
        let enabled = new(planned("sshd", SSHD, false, COMMON));
        let hand = format!("auth sufficient pam_jwt.so debug\n{SSHD}");
        let common = format!("auth sufficient pam_jwt.so\n{COMMON}");
        for (text, common, who) in [
            (&*enabled, COMMON, "pam-jwt enable"),
            (&hand, COMMON, "by hand: auth sufficient pam_jwt.so debug"),
            (SSHD, &common, "pam-auth-update"),
        ] {
            match planned("sshd", text, false, common) {
                Ok(Plan::Already(by)) => assert!(by.contains(who), "{by}"),
                other => panic!("{other:?}"),
            }
        }
        // Of two lines that are wanted besides, the one that is there is not put in again.
        let more = new(planned("sshd", &hand, true, COMMON));
        assert_eq!(more.matches("pam_jwt.so").count(), 3);
        assert!(
            more.starts_with("auth sufficient pam_jwt.so debug\n"),
            "{more}"
        );
    }

    #[test]
    fn where_there_is_no_place_it_is_said_where_there_is_one() {
        let code = |service, text| {
            planned(service, text, true, COMMON).map_err(|why| (why.code, why.advice))
        };
        let (included, advice) =
            code("su-l", "auth required pam_env.so\n@include su\n").unwrap_err();
        assert_eq!(
            (included, advice.ends_with("pam-jwt enable su")),
            ("included", true)
        );
        assert_eq!(
            code("cron", "account required pam_unix.so\n")
                .unwrap_err()
                .0,
            "nothing_asks"
        );
        assert_eq!(
            code("x", "auth required pam_unix.so\n").unwrap_err().0,
            "no_session"
        );
    }
}
