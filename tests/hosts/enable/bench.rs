//! A machine on which pam-jwt is set up and no line of pam.d is, with alice, who may use sudo.

use machine::{ISSUER, Login, Machine, Terminal};
use serde_json::Value;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const SSHD: &str = "/etc/pam.d/sshd";
/// The line that is added.
pub(crate) const LINE: &str = "auth sufficient pam_jwt.so # by pam-jwt enable";

/// The examples of --help that take a booted machine.
pub(crate) const TRY: &str = "pam-jwt enable sshd --try 60s";
pub(crate) const CONFIRM: &str = "pam-jwt confirm";

pub(crate) struct Bench<'m> {
    pub(crate) machine: &'m Machine,
    pub(crate) release: &'m str,
    /// sshd's file as it was.
    pub(crate) before: Before,
}

/// A file: its bytes, and then mode, owner and time.
pub(crate) type Before = (String, String);

pub(crate) fn booted(release: &str) -> Machine {
    let machine = Machine::boot_debian(release);
    machine.install();
    let init = ["pam-jwt", "init", "--issuer", ISSUER];
    let _ = machine.run(init).expect_success();
    machine.account("alice");
    machine.password("alice", PASSWORD);
    machine.write(
        "/etc/sudoers.d/alice",
        "alice ALL=(ALL) NOPASSWD: ALL\n",
        0o440,
    );
    machine.run(["systemctl", "daemon-reload"]).expect_success();
    machine
}

impl<'m> Bench<'m> {
    pub(crate) fn on(machine: &'m Machine, release: &'m str) -> Bench<'m> {
        Bench::again(machine, release, sshd(machine))
    }

    /// After a restart.
    pub(crate) fn again(machine: &'m Machine, release: &'m str, before: Before) -> Bench<'m> {
        Bench {
            machine,
            release,
            before,
        }
    }

    /// What a script of root's prints.
    #[track_caller]
    pub(crate) fn says(&self, script: &str) -> String {
        let output = self.machine.run(["sh", "-ec", script]).expect_success();
        output.stdout.trim_end().to_owned()
    }

    /// What `pam-jwt --json ARGS` reports, which has to end so.
    #[track_caller]
    pub(crate) fn report(&self, code: i32, args: &str) -> Value {
        let command = ["pam-jwt", "--json"].into_iter().chain(args.split(' '));
        let output = self.machine.run(command).expect_code(code);
        serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("JSON: {output}"))
    }

    /// sshd's file is byte for byte what it was, and nothing is left of a try.
    #[track_caller]
    pub(crate) fn is_as_before(&self) {
        assert_eq!(sshd(self.machine), self.before, "{}", self.release);
        self.nothing_is_tried();
    }

    #[track_caller]
    pub(crate) fn nothing_is_tried(&self) {
        let left = self.says(
            "ls -A /var/lib/pam-jwt | grep try || :
             ls -A /etc/pam.d | grep '^[.]' || :
             ls -d /run/pam-jwt-enable 2>/dev/null || :
             systemctl list-units --all --plain --no-legend 'pam-jwt-try-*.timer'
             systemctl is-enabled pam-jwt-rollback.service || :",
        );
        assert_eq!(left, "disabled", "{}", self.release);
    }

    /// Gives sshd's file the time back that a change of its bytes took.
    pub(crate) fn restore(&self) {
        let (text, about) = &self.before;
        assert_eq!(&self.machine.read(SSHD), text, "{}", self.release);
        let time = about.trim_end().splitn(3, ' ').nth(2).expect("a time");
        self.says(&format!("touch -d '{time}' {SSHD}"));
    }

    /// Whether sshd's file has the line.
    pub(crate) fn is_enabled(&self) -> bool {
        self.machine.read(SSHD).contains(LINE)
    }

    /// A login by ssh with this secret, which runs a command.
    pub(crate) fn login(&self, secret: &str, command: &str) -> Login {
        self.machine.ssh("alice").answers([secret]).command(command)
    }

    /// One with a password, to a shell on a terminal.
    pub(crate) fn shell(&self) -> Terminal {
        let mut shell = self.machine.ssh("alice").answers([PASSWORD]).terminal();
        // Not as it is typed.
        shell
            .send_line("PS1=; echo lo''gged in")
            .expect("logged in");
        shell
    }

    pub(crate) fn token(&self) -> String {
        self.machine.token(["alice"])
    }
}

fn sshd(machine: &Machine) -> Before {
    let about = machine
        .run(["stat", "-c", "%a %U:%G %y", SSHD])
        .expect_success();
    (machine.read(SSHD), about.stdout)
}
