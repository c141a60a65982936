//! `make demo`: a login by token on a machine that is thrown away afterwards, told
//! as a story. Everything in it is real: useradd, pam.d, sshd, ssh. Nothing
//! outside the machine changes, also if this program is killed.
#![forbid(unsafe_code)]

use machine::{Login, Machine, Mark};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

const ISSUER: &str = "https://login.example.org";

fn main() -> ExitCode {
    let machine = match Machine::try_boot() {
        Ok(machine) => machine,
        Err(reason) => {
            eprintln!("{reason}");
            return ExitCode::FAILURE;
        }
    };
    let colour = std::io::stdout().is_terminal();
    let told = Story {
        machine: &machine,
        colour,
    }
    .tell();
    drop(machine);
    match told {
        Ok(()) => {
            println!("\nThe machine is gone, and nothing outside it has changed.");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("\nThe demo did not go as it should: {reason}");
            ExitCode::FAILURE
        }
    }
}

struct Story<'m> {
    machine: &'m Machine,
    colour: bool,
}

impl Story<'_> {
    fn tell(&self) -> Result<(), String> {
        self.machine.install();
        self.chapter("This machine gets a key of its own and trusts the tokens that it signs");
        self.run(&format!("pam-jwt init --issuer {ISSUER}"))?;
        self.run("cat /etc/pam-jwt/issuers.d/local.toml")?;

        self.chapter("An account that no password opens");
        self.run("useradd --create-home --shell /bin/bash --password '*' alice")?;
        self.run("useradd --create-home --shell /bin/bash --password '*' bob")?;
        self.run("getent shadow alice | cut -d: -f1,2")?;

        self.chapter("One line in the real /etc/pam.d/sshd");
        self.run("sed -i '/^@include common-auth/i auth sufficient pam_jwt.so' /etc/pam.d/sshd")?;
        self.run("grep -B1 '^@include common-auth' /etc/pam.d/sshd")?;
        self.run("pam-jwt check")?;
        let _sshd = self.machine.known_sshd(&[]);

        self.chapter("A token for alice, and what it says");
        let token = self.issue("pam-jwt issue alice --claim groups=ops")?;
        self.run_with("pam-jwt jws inspect", &token)?;

        self.chapter("alice logs in with it");
        let mark = self.machine.mark();
        let login = self.login("alice", &token);
        if login.status.code() != Some(0) {
            return Err(format!("the login failed\n{login}"));
        }
        self.show(&login, mark);

        self.chapter("bob, who has nothing but ssh, logs in with a token that ssh would cut");
        let issue = "pam-jwt issue alice --claim pad=";
        let long = format!("{issue}{}", "x".repeat(2000));
        let long = self.issue_shown_as(&format!("{issue}xxxx…"), &long)?;
        self.machine.write("/home/bob/token", &long, 0o644);
        for command in ["jwt-ssh status alice@machine", "jwt-ssh alice@machine id"] {
            self.as_bob(command)?;
        }

        self.chapter("Three tokens that open nothing, each with its reason");
        self.scene("Two hours later the same token has expired");
        self.machine.set_clock("+2h");
        self.refused("alice", &token, "expired")?;
        self.machine.real_clock();

        self.scene("A stranger signs for alice with another key under the same kid");
        let kid = self.run_quietly("pam-jwt keys | awk 'NR == 2 { print $2 }'")?;
        self.run(&format!(
            "pam-jwt keygen --alg EdDSA --kid {} --out /root/stranger.jwk",
            kid.trim()
        ))?;
        let forged = self.issue(&format!(
            "pam-jwt issue alice --key /root/stranger.jwk --issuer {ISSUER} --audience ssh://machine"
        ))?;
        self.refused("alice", &forged, "signature_invalid")?;

        self.scene("bob has a good token, and tries it on alice's account");
        let bobs = self.issue("pam-jwt issue bob")?;
        self.refused("alice", &bobs, "account_not_allowed")?;

        self.scene("What the administrator sees of that token");
        let command = "pam-jwt verify --user alice --service sshd";
        self.command_line(command);
        let output = self
            .machine
            .command(["sh", "-c", command])
            .stdin(bobs.as_str())
            .run();
        self.print(&output.stdout);

        self.session()
    }

    /// A login after which the session has a token of the machine's.
    fn session(&self) -> Result<(), String> {
        self.chapter("A session gets a token of its own, for the next host, until logout");
        self.run(
            "printf '%s\\n' '[issue]' 'issuer = \"https://login.example.org\"' \
             'audience = [\"ssh://next\"]' 'services = [\"sshd\"]' >> /etc/pam-jwt/pam-jwt.toml",
        )?;
        self.run(
            "sed -i '/^@include common-auth/a auth optional pam_jwt.so issue' /etc/pam.d/sshd",
        )?;
        self.run(
            "sed -i '/^@include common-session/i session optional pam_jwt.so issue' /etc/pam.d/sshd",
        )?;
        self.run("pam-jwt check")?;
        let token =
            self.issue("pam-jwt issue alice --claim auth_time=1795392000 --lifetime 10m")?;
        self.machine.write("/home/bob/token", token, 0o644);
        let mark = self.machine.mark();
        self.as_bob(
            "jwt-ssh alice@machine 'ls -l $BEARER_TOKEN_FILE; /usr/sbin/pam-jwt jws inspect <$BEARER_TOKEN_FILE'",
        )?;
        let closed = "session closed for user alice";
        self.machine.wait_for_log(mark, closed);
        self.run("find /run/pam-jwt -type f | wc -l")
    }

    /// Shows a command of bob's and runs it, with the token in his home.
    fn as_bob(&self, command: &str) -> Result<(), String> {
        self.command_line(command);
        let output = self
            .machine
            .command(["sh", "-c", &format!("{command} 2>&1")])
            .user("bob")
            .env("BEARER_TOKEN_FILE", "/home/bob/token")
            .run();
        self.print(&output.stdout);
        if output.code() == Some(0) {
            Ok(())
        } else {
            Err(format!("{command}\n{output}"))
        }
    }

    fn issue(&self, command: &str) -> Result<String, String> {
        self.issue_shown_as(command, command)
    }

    fn issue_shown_as(&self, shown: &str, command: &str) -> Result<String, String> {
        self.command_line(&format!("{shown} > token"));
        let token = self.run_quietly(command)?.trim().to_owned();
        self.print(&format!("({} bytes)", token.len()));
        Ok(token)
    }

    fn login(&self, account: &str, token: &str) -> Login {
        self.command_line(&format!("ssh {account}@127.0.0.1 id"));
        self.machine
            .ssh(account)
            .answers([token])
            .kbdint()
            // What the module says to the user has this level.
            .option("LogLevel=INFO")
            .command("id")
    }

    fn refused(&self, account: &str, token: &str, reason: &str) -> Result<(), String> {
        let mark = self.machine.mark();
        let login = self.login(account, token);
        if login.status.code() == Some(0) {
            return Err(format!("the login succeeded\n{login}"));
        }
        let wanted = format!("result=refused reason={reason} ");
        self.machine.wait_for_log(mark, &wanted);
        self.show(&login, mark);
        Ok(())
    }

    /// What the user saw, and the audit line.
    fn show(&self, login: &Login, mark: Mark) {
        for prompt in &login.prompts {
            self.print(&format!("{prompt}<the token>"));
        }
        self.print(&login.stdout);
        let of_the_host_key = |line: &&str| line.starts_with("Warning: Permanently added");
        for line in login.stderr.lines().filter(|line| !of_the_host_key(line)) {
            self.print(line);
        }
        let audit = self.machine.wait_for_log(mark, "pam_jwt(sshd:auth): ");
        self.print(&format!("log: {}", audit.message));
    }

    /// Shows a command and runs it.
    fn run(&self, command: &str) -> Result<(), String> {
        self.run_with(command, "")
    }

    fn run_with(&self, command: &str, input: &str) -> Result<(), String> {
        let shown = if input.is_empty() {
            command.to_owned()
        } else {
            format!("{command} < token")
        };
        self.command_line(&shown);
        let output = self
            .machine
            .command(["sh", "-c", command])
            .stdin(input)
            .run();
        self.print(&output.stdout);
        self.print(&output.stderr);
        if output.code() == Some(0) {
            Ok(())
        } else {
            Err(format!("{command}\n{output}"))
        }
    }

    fn run_quietly(&self, command: &str) -> Result<String, String> {
        let output = self.machine.command(["sh", "-c", command]).run();
        if output.code() == Some(0) {
            Ok(output.stdout)
        } else {
            Err(format!("{command}\n{output}"))
        }
    }

    fn chapter(&self, title: &str) {
        self.print(&format!("\n{}", self.bold(&format!("== {title}"))));
    }

    fn scene(&self, title: &str) {
        self.print(&format!("\n{}", self.bold(&format!("-- {title}"))));
    }

    fn command_line(&self, command: &str) {
        self.print(&self.bold(&format!("# {command}")));
    }

    fn bold(&self, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[1m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn print(&self, text: &str) {
        let text = text.trim_end();
        if !text.is_empty() {
            // Whoever stopped reading has seen enough.
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }
}
