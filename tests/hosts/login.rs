//! The real login, on a terminal: shadow's and util-linux's. One of them is this
//! machine's own, the other is in a small Debian that `make test` has made
//! (tests/debian.sh) and that is entered by chroot.

use machine::{ISSUER, LENGTHS, Machine, Terminal, debian, other_release};

const SHADOW: &str = "shadow";
const UTIL_LINUX: &str = "util-linux";

/// Where the other Debian is in a machine.
const OTHER: &str = "/srv/other";

/// A login program, and the system that it is the login of.
struct Console {
    machine: Machine,
    /// `/`, or where in the machine its system is.
    root: &'static str,
    kind: &'static str,
}

impl Console {
    /// That of shadow or of util-linux, set up to take alice's tokens.
    fn of(kind: &str) -> Console {
        let own = Console::new(Machine::boot(), "/");
        let console = if own.kind == kind {
            own
        } else {
            Console::new(unpacked(own.machine), OTHER)
        };
        assert_eq!(console.kind, kind, "both logins are of one kind");
        console.set_up();
        console
    }

    fn new(machine: Machine, root: &'static str) -> Console {
        let mut console = Console {
            machine,
            root,
            kind: SHADOW,
        };
        // shadow's knows no such option.
        let version = console.run("login --version 2>&1 || :");
        if version.contains(UTIL_LINUX) {
            console.kind = UTIL_LINUX;
        }
        console
    }

    fn set_up(&self) {
        self.machine.install_under(self.root.trim_end_matches('/'));
        self.run(&format!("pam-jwt init --issuer {ISSUER}"));
        if self.root != "/" {
            // The machine's own command issues for the system too.
            self.machine.install();
            let share = format!(
                "mkdir /etc/pam-jwt && mount --bind {}/etc/pam-jwt /etc/pam-jwt",
                self.root
            );
            self.machine.run(["sh", "-c", &share]).expect_success();
        }
        self.run("useradd --create-home --shell /bin/sh --password '*' alice");
        self.run("sed -i '1i auth sufficient pam_jwt.so' /etc/pam.d/login");
    }

    /// What a shell command of root's prints in the system.
    fn run(&self, script: &str) -> String {
        let output = self.machine.run(["chroot", self.root, "sh", "-c", script]);
        output.expect_success().stdout
    }

    fn token(&self, audience: &str) -> String {
        let token = self.run(&format!("pam-jwt issue alice --audience {audience}"));
        token.trim_end().to_owned()
    }

    /// A login on a terminal that has come to the question for a password.
    fn login(&self) -> Terminal {
        let mut login = self.login_as_alice();
        login.expect("Password or token: ");
        login
    }

    /// A login on a terminal, up to the account.
    fn login_as_alice(&self) -> Terminal {
        let login = self.machine.command(["chroot", self.root, "login"]);
        let mut login = match self.kind {
            UTIL_LINUX => login.uncontrolled_terminal(),
            _ => login.terminal(),
        };
        login.expect("login: ").send_line("alice");
        login
    }

    fn a_token_logs_in(&self) {
        let mark = self.machine.mark();
        let mut login = self.login();
        login.send_line(&self.token("ssh://machine"));
        login
            .expect("$ ")
            .send_line(": </dev/tty && echo I am $(id -un) on $(tty), in $PWD");
        login.expect("I am alice on /dev/pts/");
        login.expect(", in /home/alice");
        login.expect("$ ").send_line("exit");
        login.wait().expect_success();
        self.machine.wait_for_log(
            mark,
            "pam_jwt(login:auth): result=accepted reason=allowed account=alice service=login",
        );
        self.machine.wait_for_log(
            mark,
            "pam_unix(login:session): session closed for user alice",
        );
    }

    fn tokens_of_every_length_log_in_in_pieces(&self) {
        for bytes in LENGTHS {
            let mut login = self.login_as_alice();
            login.send_in_pieces(&self.machine.token_of(bytes, ["alice"]));
            login.expect("$ ").send_line("echo I am $(id -un)");
            login.expect("I am alice");
            login.expect("$ ").send_line("exit");
            login.wait().expect_success();
        }
    }

    fn a_wrong_token_does_not(&self) {
        let mark = self.machine.mark();
        let mut login = self.login();
        login.send_line(&self.token("ssh://other"));
        login.expect("Login incorrect");
        self.machine.wait_for_log(
            mark,
            "pam_jwt(login:auth): result=refused reason=audience_mismatch account=alice service=login",
        );
    }

    fn an_expired_account_is_refused(&self) {
        self.run("usermod -e 1 alice");
        let mark = self.machine.mark();
        let mut login = self.login();
        login.send_line(&self.token("ssh://machine"));
        let output = login.wait().expect_code(1);
        assert!(!output.stdout.contains('$'), "{output}");
        self.machine.wait_for_log(
            mark,
            "pam_jwt(login:auth): result=accepted reason=allowed account=alice service=login",
        );
        self.machine.wait_for_log(
            mark,
            "pam_unix(login:account): account alice has expired (account expired)",
        );
    }
}

/// The machine, with the other Debian unpacked in it.
fn unpacked(machine: Machine) -> Machine {
    let tar = debian(other_release()).unwrap_or_else(|reason| panic!("{reason}"));
    let unpack = format!(
        "mkdir {OTHER} && tar -C {OTHER} -xf {} && mount --rbind /dev {OTHER}/dev && \
         mount -t proc proc {OTHER}/proc && cp /etc/hosts /etc/hostname {OTHER}/etc",
        tar.display()
    );
    machine.run(["sh", "-c", &unpack]).expect_success();
    machine
}

/// What every login does.
fn takes_tokens(kind: &str) {
    let console = Console::of(kind);
    console.a_token_logs_in();
    console.tokens_of_every_length_log_in_in_pieces();
    console.a_wrong_token_does_not();
    console.an_expired_account_is_refused();
}

#[test]
fn shadows_login_takes_tokens() {
    takes_tokens(SHADOW);
}

#[test]
fn util_linuxs_login_takes_tokens() {
    takes_tokens(UTIL_LINUX);
}
