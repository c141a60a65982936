//! The world in which scenarios play: a machine that stands still at one moment,
//! with a few accounts, one issuer with three keys, and a real sshd.

use super::mint::{KEYS, Mint};
use super::{Exchange, Scenario, Talk, Token};
use base64ct::{Base64UrlUnpadded, Encoding};
use machine::{Machine, Mark, PIECE, Sshd, in_pieces};
use serde_json::Value;
use std::net::TcpListener;

/// The clock, for libfaketime: it does not move, so that audit lines are exact.
const CLOCK: &str = "2040-01-01 00:00:00";

const ISSUER: &str = r#"issuer   = "https://login.example.org"
audience = ["ssh://{hostname}"]
keys     = [{ file = "/etc/pam-jwt/keys/ed.pem", kid = "ed-1" }, "/etc/pam-jwt/keys/set.jwks",
            { file = "/etc/pam-jwt/keys/rs.pem", alg = "RS256", kid = "rs-1" }]

"#;

/// The same, where its keys are fetched.
const FETCHING: &str = r#"issuer   = "https://login.example.org"
audience = ["ssh://{hostname}"]
jwks_uri = "https://login.example.org/jwks"
max_key_age = "1d"

"#;

/// Where fetched keys are: here the one file of them, with a name that is the SHA-256 of the
/// issuer's behind its length.
const FETCHED: &str = "/var/lib/pam-jwt/fetched";
const FETCHED_FILE: &str = "1b1a909d2a9c59aa7a2975b9cdcb9f81f5104beb7a6829fef484ff98507d7ccd.keys";

const ALLOW: &str = r#"[[allow]]
account  = "{sub}"
services = ["sshd"]

[[allow]]
account  = "deploy"
services = ["sshd"]
claims   = { repository_id = "1234567", environment = "production" }

[[allow]]
account  = "root"
services = ["sshd"]
claims   = { admin = true }
"#;

/// Answers of the module in place of which libpam would give its own are made
/// visible: pam_debug answers MODULE_UNKNOWN, and says so, where pam_jwt stepped aside.
const STACK: &str = "\
auth    [success=done ignore=ignore default=die] pam_jwt.so OPTIONS
auth    required pam_debug.so auth=module_unknown cred=module_unknown
account [success=done ignore=ignore default=die] pam_jwt.so OPTIONS
account required pam_debug.so acct=module_unknown
session [success=done ignore=ignore default=die] pam_jwt.so OPTIONS
session required pam_debug.so open_session=module_unknown close_session=module_unknown
";

/// Where a configuration is that no scenario touches, and the stack that reads it.
const GOOD: [&str; 2] = ["/etc/pam-jwt-good", "/etc/pam.good"];

/// A port that tokens name as the place of their key.
const BAIT: (&str, u16) = ("127.0.0.1", 8080);

/// A machine set up for scenarios.
pub struct World {
    machine: Machine,
    mint: Mint,
    /// /etc/pam.d/sshd as the distribution has it.
    pam_sshd: String,
    key_set: String,
    /// The login with a good token.
    good: Scenario,
    bait: TcpListener,
}

impl World {
    /// Sets it up.
    pub fn new() -> Self {
        let machine = Machine::boot();
        machine.install();
        for account in ["alice", "bob", "deploy"] {
            machine.account(account);
        }
        // useradd would refuse it, but there are other ways into a database of accounts.
        machine.append("/etc/passwd", "dev/ops:x:2000:100::/:/bin/sh\n");
        let bait = machine.inside(|| TcpListener::bind(BAIT)).expect("a port");
        bait.set_nonblocking(true).expect("a socket");
        let world = Self {
            mint: Mint::new(&machine),
            pam_sshd: machine.read("/etc/pam.d/sshd"),
            key_set: key_set(&machine),
            good: Scenario::good(),
            machine,
            bait,
        };
        let [config, confdir] = GOOD;
        world.configure(config, ALLOW, "");
        world.stack(confdir, &format!("config={config}"));
        world
    }

    /// The real sshd of this world; it reads the clock anew for every login.
    pub fn sshd(&self) -> Sshd<'_> {
        self.machine.set_clock(CLOCK);
        self.machine.sshd(&["PermitRootLogin yes"])
    }

    /// Plays `scenario` through `pam-jwt verify`, libpam and sshd.
    pub fn play(&self, scenario: &Scenario) {
        let machine = &self.machine;
        let config = "/etc/pam-jwt";
        self.configure(
            config,
            scenario.allow.as_deref().unwrap_or(ALLOW),
            &scenario.settings,
        );
        let revoked = ["rm", "-rf", "/var/lib/pam-jwt/revoked", FETCHED];
        let _ = machine.run(revoked).expect_success();
        if scenario.fetched {
            self.fetch(scenario.allow.as_deref().unwrap_or(ALLOW));
        }
        if let Some(change) = &scenario.change {
            let script = format!("set -e; cd {config}; {change}");
            let _ = machine.run(["sh", "-c", &script]).expect_success();
        }
        self.stack("/etc/pam.scenario", &scenario.options);
        let line = format!("auth sufficient pam_jwt.so {}\n", scenario.options);
        machine.write("/etc/pam.d/sshd", format!("{line}{}", self.pam_sshd), 0o644);
        machine.set_clock(scenario.clock.as_deref().unwrap_or(CLOCK));

        let secret = self.mint.token(&scenario.token);
        self.verify(scenario, &secret);
        self.check(scenario);
        self.libpam(scenario, scenario.exchange(&secret), "libpam");
        if let Some(secret) = self.longer(scenario, secret.clone()) {
            let exchange = scenario.exchange_in_pieces(&secret);
            self.libpam(scenario, exchange, "libpam in pieces");
        }
        if scenario.without_ssh.is_none() {
            self.ssh(scenario, &secret);
        }
        let connection = self.bait.accept();
        assert!(connection.is_err(), "{}: fetched", scenario.name);
    }

    /// A good token logs in, whatever was played before: sshd is alive and well.
    pub fn play_good(&self) {
        self.play(&self.good);
    }

    /// Puts a configuration into `dir`, which had another one perhaps.
    fn configure(&self, dir: &str, allow: &str, settings: &str) {
        let machine = &self.machine;
        let _ = machine.run(["rm", "-rf", dir]).expect_success();
        let file = |name: &str, text: &str| machine.write(&format!("{dir}/{name}"), text, 0o644);
        file("keys/ed.pem", &machine.read("/root/ed-1.pem"));
        file("keys/rs.pem", &machine.read("/root/rs-1.pem"));
        file("keys/set.jwks", &self.key_set);
        let issuer = ISSUER.replace("/etc/pam-jwt", dir);
        file("issuers.d/example.toml", &format!("{issuer}{allow}"));
        file("pam-jwt.toml", settings);
    }

    /// Puts keys where pam-jwt-fetch would, as its user, and has the issuer's file say so.
    fn fetch(&self, allow: &str) {
        let file = "/etc/pam-jwt/issuers.d/example.toml";
        self.machine
            .write(file, format!("{FETCHING}{allow}"), 0o644);
        let keys = format!("{FETCHED}/{FETCHED_FILE}");
        self.machine
            .write(&keys, self.mint.fetched(&self.key_set), 0o644);
        let chown = ["chown", "-R", "games:games", FETCHED];
        let _ = self.machine.run(chown).expect_success();
    }

    fn stack(&self, confdir: &str, options: &str) {
        let stack = STACK.replace("OPTIONS", options);
        self.machine.write(&format!("{confdir}/sshd"), stack, 0o644);
    }

    /// The command's verdict is the login's.
    fn verify(&self, scenario: &Scenario, secret: &str) {
        let expected = scenario
            .verify
            .unwrap_or(match scenario.code("authenticate") {
                "PAM_SUCCESS" => 0,
                "PAM_AUTHINFO_UNAVAIL" => 2,
                _ => 1,
            });
        let output = self
            .machine
            .command(["pam-jwt", "--json", "verify", "--service", "sshd"])
            .arg(format!("--user={}", scenario.account))
            .stdin(secret)
            .run()
            .expect_code(expected);
        if scenario.reason() == "config_error" {
            let detail = scenario.detail().expect("where it is broken");
            assert!(
                output.stderr.contains(&detail),
                "{}: {output}",
                scenario.name
            );
        }
        if expected != 2 && scenario.verify.is_none() {
            let report: Value = serde_json::from_str(&output.stdout).expect("JSON");
            assert_eq!(
                report["reason"],
                scenario.reason(),
                "{}: pam-jwt verify",
                scenario.name
            );
        }
    }

    /// `pam-jwt check` finds what the log says of a configuration, and what else the
    /// scenario names.
    fn check(&self, scenario: &Scenario) {
        let is_broken = scenario.reason() == "config_error";
        let of_log = scenario.detail().filter(|_| is_broken);
        let wanted: Vec<&String> = of_log.iter().chain(&scenario.check).collect();
        if wanted.is_empty() {
            return;
        }
        let check = self.machine.run(["pam-jwt", "--json", "check"]);
        let check = check.expect_code(is_broken.into());
        let report: Value = serde_json::from_str(&check.stdout).expect("JSON");
        let findings = report["findings"].as_array().expect("findings").iter();
        let found: Vec<String> = findings
            .map(|finding| [&finding["place"], &finding["text"]])
            .map(|texts| texts.map(|text| text.as_str().expect("text")).join(": "))
            .collect();
        for wanted in wanted {
            assert!(
                found.iter().any(|found| found.starts_with(wanted)),
                "{}: pam-jwt check found {found:#?} without {wanted:?}",
                scenario.name
            );
        }
    }

    /// What the module says to libpam and to the user, call by call; and after a
    /// refusal the same process takes a good token.
    fn libpam(&self, scenario: &Scenario, exchange: Exchange, way: &str) {
        let Exchange {
            mut events,
            answers,
        } = exchange;
        events.extend(scenario.phases());
        let mut answers: Vec<String> = answers.iter().map(|answer| escaped(answer)).collect();
        let mut audit = vec![scenario.audit.as_str()];
        let mut then = Vec::new();
        // A clock that is wrong stays so while the process lives.
        if scenario.code("authenticate") != "PAM_SUCCESS" && scenario.clock.is_none() {
            let [_, confdir] = GOOD;
            then.extend(["--then", "alice", confdir]);
            answers.push(self.mint.token(&Token::default()));
            events.extend(self.good.talk.iter().map(Talk::event));
            events.extend(self.good.phases());
            audit.push(&self.good.audit);
        }
        self.forget();
        let mark = self.machine.mark();
        let output = self
            .machine
            .command([env!("CARGO_BIN_EXE_pam-host")])
            .args(then)
            .args(["sshd", &scenario.account, "/etc/pam.scenario"])
            .stdin(answers.join("\n"))
            .run()
            .expect_success();
        let seen: Vec<String> = output
            .stdout
            .lines()
            .filter(|line| !line.ends_with("=module_unknown"))
            .map(|line| line.replace("PAM_MODULE_UNKNOWN", "PAM_IGNORE"))
            .collect();
        assert_eq!(seen, events, "{}: {way}", scenario.name);
        self.expect_audit(&audit, mark, &format!("{}: {way}", scenario.name));
    }

    /// A secret of the same kind that takes several pieces, of which the same is to be said:
    /// `secret` itself where it is so long, or a token with a claim that makes it longer.
    /// None where the length matters.
    fn longer(&self, scenario: &Scenario, secret: String) -> Option<String> {
        if scenario.is_about_a_length() || scenario.is_about_pieces() {
            return None;
        }
        let long = if secret.len() < PIECE {
            self.mint.longer(&scenario.token)?
        } else {
            secret
        };
        // Beyond 64 KiB nothing is asked; an answer ends at a NUL; and a character is whole.
        let fits = long.len() < 66_000 && long.is_ascii() && !long.contains('\0');
        fits.then_some(long)
    }

    /// The same login over a real ssh.
    fn ssh(&self, scenario: &Scenario, secret: &str) {
        let what = format!("{}: ssh", scenario.name);
        // ssh itself would cut a longer answer.
        let answers = if secret.len() > 1023 || scenario.is_about_pieces() {
            in_pieces(secret)
        } else {
            vec![secret.to_owned()]
        };
        self.forget();
        let mark = self.machine.mark();
        let login = self
            .machine
            .ssh(&scenario.account)
            .answers(answers)
            .kbdint()
            .command("id -un");
        let accepted = scenario.code("authenticate") == "PAM_SUCCESS";
        assert_eq!(login.code() == Some(0), accepted, "{what}\n{login}");
        if accepted {
            let account = login.stdout.trim_end();
            assert_eq!(account, scenario.account, "{what}\n{login}");
        }
        if scenario.sshd_passes_secret {
            self.expect_audit(&[&scenario.audit], mark, &what);
        } else {
            assert!(!accepted && self.audit_lines(mark).is_empty(), "{what}");
        }
    }

    /// What was used up on one way is as new on the next.
    fn forget(&self) {
        let records = ["rm", "-rf", "/var/lib/pam-jwt/used"];
        let _ = self.machine.run(records).expect_success();
    }

    /// The audit lines are there, to the letter, and no others.
    fn expect_audit(&self, expected: &[&str], mark: Mark, what: &str) {
        let expected: Vec<String> = expected
            .iter()
            .map(|line| format!("pam_jwt(sshd:auth): {line}"))
            .collect();
        for line in &expected {
            // Waits for as many; whether they are the right ones is seen below.
            let (start, _) = line.split_once(" reason=").expect("a reason");
            self.machine.wait_for_log(mark, start);
        }
        assert_eq!(self.audit_lines(mark), expected, "{what}: the log");
    }

    fn audit_lines(&self, mark: Mark) -> Vec<String> {
        let lines = self
            .machine
            .log_since(mark)
            .into_iter()
            .map(|line| line.message);
        lines
            .filter(|message| message.contains("pam_jwt(sshd:auth)"))
            .collect()
    }
}

/// One line for pam-host.
fn escaped(answer: &str) -> String {
    let answer = answer.replace('\\', "\\\\").replace('\n', "\\n");
    answer.replace('\0', "\\0")
}

/// A JWK Set as real issuers publish them: a key of ours among others.
fn key_set(machine: &Machine) -> String {
    let spki = machine
        .inside(|| std::fs::read("/root/es-1.spki"))
        .expect("the key");
    // An uncompressed P-256 point ends the SubjectPublicKeyInfo: x, then y.
    let (x, y) = spki[spki.len() - 64..].split_at(32);
    let encode = Base64UrlUnpadded::encode_string;
    assert!(KEYS.iter().any(|(kid, ..)| *kid == "es-1"));
    serde_json::json!({ "keys": [
        { "kty": "EC", "crv": "P-256", "kid": "es-1", "alg": "ES256", "use": "sig", "x": encode(x), "y": encode(y) },
        { "kty": "RSA", "kid": "enc", "use": "enc", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB" },
        { "kty": "NEW", "kid": "future" },
    ] })
    .to_string()
}
