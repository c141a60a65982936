//! Where a service's file takes the lines of `pam_jwt.so`, as the examples in conf/pam.d have them:
//! before what asks for a password and after what comes before any question; what notes that a
//! password was asked for behind all of it; and the session's line above pam_systemd's.
//!
//! A line more changes how far jumps go, so none is put where a jump passes over it.

use super::control::Action;
use super::evaluate::landing;
use super::issuing::reads_users;
use super::lines::{LogicalLine, logical_lines};
use super::modules::{Role, role};
use super::parse::Service;
use super::stack::{Call, Module, Step, Type};

/// Before which lines of the file, counted from 0, the lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The one that takes tokens.
    pub token: usize,
    /// The auth line that notes that others asked.
    pub noted: usize,
    /// The session line, if there are session lines.
    pub session: Option<usize>,
    /// What a token that ends the stack there is not asked for, and a password is: a second factor
    /// further down, and the lock of pam_faillock in a file that is included.
    pub passed_over: Vec<String>,
}

/// Why a file has no place for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// No auth line of the service asks for a password.
    NothingAsks,
    /// The lines of this other file begin with one that lets root in, which has to stay first.
    In(String),
}

/// Finds the places in a file's text. `read` is as for [`super::examine`].
pub fn places(text: &str, read: &dyn Fn(&str) -> Option<String>) -> Result<Places, NoPlace> {
    let lines: Vec<Own> = logical_lines(text)
        .into_iter()
        .map(|line| Own::of(line, read))
        .collect();
    let asking = |own: &Own| own.auth.iter().position(asks);
    let (first, own, within) = lines
        .iter()
        .enumerate()
        .find_map(|(at, own)| Some((at, own, asking(own)?)))
        .ok_or(NoPlace::NothingAsks)?;
    if let Some(step) = own.auth.iter().take(within).find(|step| proves(step)) {
        return Err(NoPlace::In(step.place.file.clone()));
    }
    let last = lines.iter().rposition(|own| asking(own).is_some());
    let last_session = lines.iter().rposition(|own| !own.session.is_empty());
    let opening = lines.iter().position(Own::opens_session);

    let (auth, session) = (
        Laid::out(&lines, Type::Auth),
        Laid::out(&lines, Type::Session),
    );
    let above = |line: usize| lines.get(line).map(|own| own.line.number - 1);
    // Right behind it, and not behind the comments that follow.
    let behind = |line: usize| lines.get(line).map(|own| own.line.last);
    Ok(Places {
        token: above(auth.above(first)).unwrap_or_default(),
        noted: behind(auth.below(last.unwrap_or(first) + 1) - 1).unwrap_or_default(),
        session: opening
            .and_then(|line| above(session.above(line)))
            .or_else(|| behind(last_session?)),
        passed_over: passed_over(&lines, first),
    })
}

fn passed_over(lines: &[Own], first: usize) -> Vec<String> {
    let later = lines.iter().skip(first + 1).flat_map(|own| &own.auth);
    let factors = later.filter(|step| is_called(step, |module| role(module) == Role::Credential));
    let included = lines.get(first).into_iter().flat_map(|own| &own.auth);
    let locks = included.filter(|step| {
        is_called(step, |module| {
            module.name() == "pam_faillock.so" && module.has("preauth")
        })
    });
    let mut steps: Vec<&Step> = factors.chain(locks).collect();
    // One of several that ask for the same password is no second factor.
    steps.retain(|step| {
        !is_called(step, |module| {
            module.has("use_first_pass") || module.has("try_first_pass")
        })
    });
    steps.into_iter().filter_map(described).collect()
}

fn is_called(step: &Step, is: impl Fn(&Module) -> bool) -> bool {
    matches!(&step.call, Call::Module(module) if is(module))
}

fn described(step: &Step) -> Option<String> {
    match &step.call {
        Call::Module(module) => Some(format!("{} ({})", module.name(), step.place)),
        Call::Substack | Call::MustFail => None,
    }
}

/// The auth modules of a service in the order in which they are asked.
pub fn auth_modules(name: &str, read: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let service = Service::load(name, read);
    let modules = service.stack(Type::Auth).iter();
    let words = |step: &Step| match &step.call {
        Call::Module(module) => {
            let words = [&[module.name().to_owned()], &*module.arguments].concat();
            Some(format!("{} ({})", words.join(" "), step.place))
        }
        Call::Substack => None,
        Call::MustFail => Some(format!("what cannot be read ({})", step.place)),
    };
    modules.filter_map(words).collect()
}

/// A line of the file itself, and the steps that libpam makes of it.
struct Own {
    line: LogicalLine,
    auth: Vec<Step>,
    session: Vec<Step>,
}

/// The name by which a line's own steps are known, which no file has.
const OWN: &str = "";

impl Own {
    fn of(line: LogicalLine, read: &dyn Fn(&str) -> Option<String>) -> Own {
        let alone = |name: &str| match name {
            OWN => Some(line.text.clone()),
            // What a type has no line of is not this line's.
            "other" => None,
            name => read(name),
        };
        let service = Service::load(OWN, &alone);
        let [auth, session] = [Type::Auth, Type::Session].map(|kind| service.stack(kind).to_vec());
        Own {
            line,
            auth,
            session,
        }
    }

    fn steps(&self, kind: Type) -> &[Step] {
        match kind {
            Type::Session => &self.session,
            _ => &self.auth,
        }
    }

    /// Whether the session's token has to be there before it: a file with session lines, in which
    /// pam_systemd may be, that itself, and pam_env where it takes variables from the user.
    fn opens_session(&self) -> bool {
        self.session.iter().any(|step| {
            step.place.file != OWN
                || matches!(&step.call, Call::Module(module)
                    if module.name() == "pam_systemd.so" || reads_users(module))
        })
    }
}

/// The steps of all lines in a row, and where each line's begin.
struct Laid {
    steps: Vec<Step>,
    begins: Vec<usize>,
}

impl Laid {
    fn out(lines: &[Own], kind: Type) -> Laid {
        let mut steps = Vec::new();
        let mut begins = Vec::new();
        for line in lines {
            begins.push(steps.len());
            steps.extend_from_slice(line.steps(kind));
        }
        Laid { steps, begins }
    }

    /// The first step of a line, or the end.
    fn begin(&self, line: usize) -> usize {
        self.begins.get(line).copied().unwrap_or(self.steps.len())
    }

    /// The jumps over a line's beginning: from which step, to which.
    fn over(&self, line: usize) -> impl Iterator<Item = (usize, usize)> {
        let begin = self.begin(line);
        let before = self.steps.iter().enumerate().take(begin);
        before.filter_map(move |(from, step)| {
            let jump = Action::Jump(step.control.longest_jump()?);
            let to = landing(&self.steps, from, jump).at;
            (to > begin).then_some((from, to))
        })
    }

    /// The line at or above this one, over whose beginning nothing jumps.
    fn above(&self, mut line: usize) -> usize {
        while let Some((from, _)) = self.over(line).min() {
            line = self.begins.partition_point(|begin| *begin <= from) - 1;
        }
        line
    }

    /// The line at or below.
    fn below(&self, mut line: usize) -> usize {
        while let Some(to) = self.over(line).map(|(_, to)| to).max() {
            line = self.begins.partition_point(|begin| *begin < to);
        }
        line
    }
}

/// Whether this is where a secret is asked for, or where it is too late to.
fn asks(step: &Step) -> bool {
    use Role::{CountsFailure, Credential, Denies, Permits, Unknown};
    let late = |module: &Module| {
        matches!(
            role(module),
            Credential | Unknown | Permits | Denies | CountsFailure
        )
    };
    step.call == Call::MustFail || is_called(step, late)
}

/// Whether it lets somebody in who is asked nothing, as pam_rootok.so does.
fn proves(step: &Step) -> bool {
    is_called(step, |module| {
        matches!(role(module), Role::Proven | Role::Wheel)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Option<String> {
        let text = match name {
            "common-auth" => {
                "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n\
                 auth required pam_permit.so\n"
            }
            "common-account" => "account required pam_unix.so\n",
            "common-session" => "session required pam_unix.so\nsession optional pam_systemd.so\n",
            "su" => "auth sufficient pam_rootok.so\n@include common-auth\n",
            "locking" => "auth required pam_faillock.so preauth\nauth required pam_unix.so\n",
            "postlogin" => "auth optional pam_lastlog.so\n",
            "system-auth" => "auth required pam_env.so\nauth sufficient pam_unix.so\n",
            _ => return None,
        };
        Some(text.to_owned())
    }

    /// The lines of `text` that the three go before.
    fn found(text: &str) -> [&str; 3] {
        let places = places(text, &read).unwrap();
        let line = |at| text.split('\n').nth(at).unwrap_or("-");
        [
            line(places.token),
            line(places.noted),
            places.session.map_or("none", line),
        ]
    }

    #[test]
    fn the_places_are_those_of_the_examples() {
        for (text, expected) in [
            (
                "# sshd\n@include common-auth\naccount required pam_nologin.so\n\
                 @include common-account\nsession required pam_loginuid.so\n\
                 @include common-session\n",
                [
                    "@include common-auth",
                    "account required pam_nologin.so",
                    "@include common-session",
                ],
            ),
            (
                "auth sufficient pam_rootok.so\nsession required pam_env.so readenv=1\n\
                 @include common-auth\n\n@include common-session",
                ["@include common-auth", "", "@include common-session"],
            ),
            (
                "auth optional pam_faildelay.so delay=3000000\nauth requisite pam_nologin.so\n\
                 auth substack system-auth\nauth include postlogin\n\
                 session optional pam_env.so user_readenv=1\nsession include system-auth",
                [
                    "auth substack system-auth",
                    "auth include postlogin",
                    "session optional pam_env.so user_readenv=1",
                ],
            ),
            (
                "auth requisite pam_faillock.so preauth\n\
                 auth [success=2 default=ignore] pam_unix.so try_first_pass\n\
                 auth [default=die] pam_faillock.so authfail\nauth requisite pam_deny.so\n\
                 auth required pam_faillock.so authsucc\nsession required pam_unix.so\n#end",
                [
                    "auth [success=2 default=ignore] pam_unix.so try_first_pass",
                    "auth required pam_faillock.so authsucc",
                    "#end",
                ],
            ),
            // It stays what it was that is jumped over.
            (
                "auth requisite pam_nologin.so\n\
                 auth [default=1 success=ignore] pam_succeed_if.so user ingroup x\n\
                 auth required pam_unix.so\nauth required pam_permit.so",
                [
                    "auth [default=1 success=ignore] pam_succeed_if.so user ingroup x",
                    "-",
                    "none",
                ],
            ),
            // A line that is continued is one line.
            (
                "auth required pam_env.so\nauth \\\n required \\\n pam_unix.so\n# behind",
                ["auth \\", "# behind", "none"],
            ),
            (
                "auth required pam_own.so",
                ["auth required pam_own.so", "-", "none"],
            ),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn what_a_token_passes_over_is_told() {
        let passed_over = |text: &str| places(text, &read).unwrap().passed_over.len();
        for (text, count) in [
            ("@include common-auth\n", 0),
            ("@include common-auth\nauth required pam_oath.so\n", 1),
            (
                "auth required pam_unix.so\nauth required pam_sss.so use_first_pass\n",
                0,
            ),
            ("auth substack locking\n", 1),
            (
                "auth required pam_faillock.so preauth\nauth required pam_unix.so\n",
                0,
            ),
        ] {
            assert_eq!(passed_over(text), count, "{text}");
        }
    }

    #[test]
    fn where_nothing_asks_or_root_comes_first_there_is_no_place() {
        for (text, why) in [
            ("", NoPlace::NothingAsks),
            ("# auth required pam_unix.so\n", NoPlace::NothingAsks),
            ("account required pam_unix.so\n", NoPlace::NothingAsks),
            ("auth sufficient pam_rootok.so\n", NoPlace::NothingAsks),
            (
                "auth required pam_env.so\n@include su\n",
                NoPlace::In("su".to_owned()),
            ),
        ] {
            assert_eq!(places(text, &read), Err(why), "{text}");
        }
    }
}
