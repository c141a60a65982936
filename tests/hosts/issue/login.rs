//! Sessions at the real hosts, in which a command of the user's shows what it finds of the
//! token.

use crate::phases::Trail;
use machine::{Login, Machine, Mark, Ssh, in_pieces};

/// Every session's command.
pub const SHOW: &str = "/etc/show";

pub const SHOWS: &str = r#"#!/bin/sh
file=$BEARER_TOKEN_FILE
if [ -z "$file" ]; then
    echo "shown $(id -un) nothing"
else
    access=$(stat -c '%a %U' "$file" "${file%/*}")
    echo shown $(id -un) $file $access $(cat $file)
fi
"#;

/// What it has shown.
pub struct Shown {
    /// Who ran it.
    pub account: String,
    /// The file that BEARER_TOKEN_FILE names.
    pub file: String,
    /// Mode and owner of the file and of its directory.
    pub access: [String; 4],
    /// What is in the file.
    pub token: String,
}

impl Shown {
    /// From what was printed; none where it has found no token.
    #[track_caller]
    pub fn of(printed: &str) -> Option<Self> {
        let line = printed.lines().find(|line| line.starts_with("shown "));
        let line = line.unwrap_or_else(|| panic!("the command did not run: {printed}"));
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match words.as_slice() {
            [_, _, nothing] if nothing == "nothing" => None,
            [_, account, file, access @ .., token] => Some(Self {
                account: account.clone(),
                file: file.clone(),
                access: access.to_vec().try_into().expect("two files"),
                token: token.clone(),
            }),
            _ => panic!("{line}"),
        }
    }
}

/// A host, and how somebody comes in there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// sshd, by its method password.
    SshPassword,
    /// sshd, by its method keyboard-interactive.
    SshKeyboard,
    /// bob's su to alice.
    Su,
    /// bob's `su -` to alice.
    SuLogin,
    /// alice's sudo to bob.
    Sudo,
    /// login, on a terminal.
    Login,
}

/// All of them.
pub const HOSTS: [Host; 6] = [
    Host::SshPassword,
    Host::SshKeyboard,
    Host::Su,
    Host::SuLogin,
    Host::Sudo,
    Host::Login,
];

/// A session that is over.
pub struct Session {
    pub trail: Trail,
    /// The token that its command has found.
    pub shown: Option<Shown>,
    /// Where in the log it begins.
    pub mark: Mark,
}

impl Host {
    pub fn service(self) -> &'static str {
        match self {
            Host::SshPassword | Host::SshKeyboard => "sshd",
            Host::Su => "su",
            Host::SuLogin => "su-l",
            Host::Sudo => "sudo",
            Host::Login => "login",
        }
    }

    /// Whose session it is. All of them ask for what opens alice's account.
    pub fn account(self) -> &'static str {
        match self {
            Host::Sudo => "bob",
            _ => "alice",
        }
    }

    /// What there is to be seen of a session: alice's password or token is given, and [`SHOW`]
    /// run.
    pub fn printed(self, machine: &Machine, answer: &str) -> String {
        let typed = || in_pieces(answer).join("\n") + "\n";
        match self {
            Host::SshPassword => {
                let _sshd = machine.sshd(&[]);
                let ssh = machine.ssh("alice").password().answers([answer]);
                ssh.command(SHOW).to_string()
            }
            Host::SshKeyboard => {
                let _sshd = machine.sshd(&[]);
                let ssh = machine.ssh("alice").answers(in_pieces(answer));
                ssh.command(SHOW).to_string()
            }
            Host::Su | Host::SuLogin => {
                let su = if self == Host::Su { "su" } else { "su -" };
                let su = machine.command(su.split(' ')).args(["alice", "-c", SHOW]);
                su.user("bob").stdin(typed()).run().to_string()
            }
            Host::Sudo => {
                let sudo = machine.command(["sudo", "-kS", "-u", "bob", SHOW]);
                sudo.user("alice").stdin(typed()).run().to_string()
            }
            Host::Login => {
                let login = machine.command(["login"]);
                let mut login = if is_util_linux(machine) {
                    login.uncontrolled_terminal()
                } else {
                    login.terminal()
                };
                login.expect("login: ").send_line("alice");
                login.send_in_pieces(answer);
                login.expect("$ ").send_line(&format!("exec {SHOW}"));
                login.wait().to_string()
            }
        }
    }

    /// The session, from its beginning to its end.
    #[track_caller]
    pub fn session(self, machine: &Machine, answer: &str) -> Session {
        Session::of(machine, || self.printed(machine, answer))
    }
}

impl Session {
    /// That of a command which prints what [`SHOW`] does.
    #[track_caller]
    pub fn of(machine: &Machine, printed: impl FnOnce() -> String) -> Self {
        let mark = machine.mark();
        let shown = Shown::of(&printed());
        let trail = Trail::of(machine, mark);
        Self { trail, shown, mark }
    }

    /// The token, of one that has to have one.
    #[track_caller]
    pub fn token(&self) -> &str {
        &self.shown.as_ref().expect("there is no token").token
    }
}

/// Whether the machine's login is that of util-linux; shadow's knows no such option.
pub fn is_util_linux(machine: &Machine) -> bool {
    let version = machine.run(["sh", "-c", "login --version 2>&1"]);
    version.stdout.contains("util-linux")
}

/// A login over ssh as alice with [`SHOW`], where sshd is as `config` says.
pub fn ssh<'m>(
    machine: &'m Machine,
    config: &[&str],
    how: impl FnOnce(Ssh<'m>) -> Ssh<'m>,
) -> Login {
    let _sshd = machine.sshd(config);
    how(machine.ssh("alice")).command(SHOW)
}
