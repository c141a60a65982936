//! The world in which scenarios play: a machine that stands still at one moment,
//! with a few accounts, one issuer with three keys, and a real sshd.

use super::mint::{KEYS, Mint};
use super::{Scenario, Talk};
use base64ct::{Base64UrlUnpadded, Encoding};
use machine::{Machine, Mark, Sshd};

/// The clock, for libfaketime: it does not move, so that audit lines are exact.
const CLOCK: &str = "2040-01-01 00:00:00";

const ISSUER: &str = r#"issuer   = "https://login.example.org"
audience = ["ssh://{hostname}"]
keys     = [{ file = "/etc/pam-jwt/keys/ed.pem", kid = "ed-1" }, "/etc/pam-jwt/keys/set.jwks",
            { file = "/etc/pam-jwt/keys/rs.pem", alg = "RS256", kid = "rs-1" }]

"#;

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

/// A machine set up for scenarios.
pub struct World {
    machine: Machine,
    mint: Mint,
    /// /etc/pam.d/sshd as the distribution has it.
    pam_sshd: String,
}

impl World {
    /// Sets it up.
    pub fn new() -> Self {
        let machine = Machine::boot();
        machine.install();
        for account in ["alice", "bob", "deploy"] {
            machine.account(account);
        }
        let mint = Mint::new(&machine);
        let keys = "/etc/pam-jwt/keys";
        machine.write(
            &format!("{keys}/ed.pem"),
            machine.read("/root/ed-1.pem"),
            0o644,
        );
        machine.write(
            &format!("{keys}/rs.pem"),
            machine.read("/root/rs-1.pem"),
            0o644,
        );
        machine.write(&format!("{keys}/set.jwks"), key_set(&machine), 0o644);
        let pam_sshd = machine.read("/etc/pam.d/sshd");
        Self {
            machine,
            mint,
            pam_sshd,
        }
    }

    /// The real sshd of this world; it reads the clock anew for every login.
    pub fn sshd(&self) -> Sshd<'_> {
        self.machine.set_clock(CLOCK);
        self.machine.sshd(&["PermitRootLogin yes"])
    }

    /// Plays `scenario` through `pam-jwt verify`, libpam and sshd.
    pub fn play(&self, scenario: &Scenario) {
        let machine = &self.machine;
        let allow = scenario.allow.as_deref().unwrap_or(ALLOW);
        machine.write(
            "/etc/pam-jwt/issuers.d/example.toml",
            format!("{ISSUER}{allow}"),
            0o644,
        );
        machine.write("/etc/pam-jwt/pam-jwt.toml", &scenario.settings, 0o644);
        let stack = STACK.replace("OPTIONS", &scenario.options);
        machine.write("/etc/pam.scenario/sshd", stack, 0o644);
        let line = format!("auth sufficient pam_jwt.so {}\n", scenario.options);
        machine.write("/etc/pam.d/sshd", format!("{line}{}", self.pam_sshd), 0o644);
        machine.set_clock(scenario.clock.as_deref().unwrap_or(CLOCK));

        let secret = self.mint.token(&scenario.token);
        self.verify(scenario, &secret);
        self.libpam(scenario, &secret);
        self.ssh(scenario, &secret);
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
        let args = [
            "pam-jwt",
            "--json",
            "verify",
            "--user",
            &scenario.account,
            "--service",
            "sshd",
        ];
        let output = self
            .machine
            .command(args)
            .stdin(secret)
            .run()
            .expect_code(expected);
        if expected != 2 && scenario.verify.is_none() {
            let report: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
            assert_eq!(
                report["reason"],
                scenario.reason(),
                "{}: pam-jwt verify",
                scenario.name
            );
        }
    }

    /// What the module says to libpam and to the user, call by call.
    fn libpam(&self, scenario: &Scenario, secret: &str) {
        let mut expected: Vec<String> = scenario.talk.iter().map(Talk::event).collect();
        for phase in [
            "authenticate",
            "acct_mgmt",
            "setcred",
            "open_session",
            "close_session",
            "delete_cred",
        ] {
            if let Some(code) = scenario.codes.get(phase) {
                expected.push(format!("{phase} {code}"));
            }
        }
        let answers: String = scenario
            .talk
            .iter()
            .filter_map(|talk| talk.answer.as_ref())
            .map(|answer| answer.replace("{token}", secret) + "\n")
            .collect();
        let mark = self.machine.mark();
        let host = env!("CARGO_BIN_EXE_pam-host");
        let args = [host, "sshd", &scenario.account, "/etc/pam.scenario"];
        let output = self
            .machine
            .command(args)
            .stdin(answers)
            .run()
            .expect_success();
        let seen: Vec<String> = output
            .stdout
            .lines()
            .filter(|line| !line.ends_with("=module_unknown"))
            .map(|line| line.replace("PAM_MODULE_UNKNOWN", "PAM_IGNORE"))
            .collect();
        assert_eq!(seen, expected, "{}: libpam", scenario.name);
        self.expect_audit(scenario, mark, "libpam");
    }

    /// The same login over a real ssh.
    fn ssh(&self, scenario: &Scenario, secret: &str) {
        let mark = self.machine.mark();
        let login = self
            .machine
            .ssh(&scenario.account)
            .answers([secret])
            .kbdint()
            .command("id -un");
        let accepted = scenario.code("authenticate") == "PAM_SUCCESS";
        assert_eq!(
            login.code() == Some(0),
            accepted,
            "{}: ssh\n{login}",
            scenario.name
        );
        if accepted {
            assert_eq!(
                login.stdout.trim_end(),
                scenario.account,
                "{}: ssh\n{login}",
                scenario.name
            );
        }
        if scenario.sshd_passes_secret {
            self.expect_audit(scenario, mark, "sshd");
        } else {
            assert!(
                !accepted && self.audit_lines(mark).is_empty(),
                "{}: ssh",
                scenario.name
            );
        }
    }

    /// The audit line is there once, to the letter.
    fn expect_audit(&self, scenario: &Scenario, mark: Mark, host: &str) {
        let expected = format!("pam_jwt(sshd:auth): {}", scenario.audit);
        self.machine.wait_for_log(mark, "pam_jwt(sshd:auth): ");
        let lines = self.audit_lines(mark);
        assert_eq!(lines, [expected], "{}: the log of {host}", scenario.name);
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

/// A JWK Set as real issuers publish them: a key of ours among others.
fn key_set(machine: &Machine) -> String {
    let der = [
        "openssl",
        "pkey",
        "-pubin",
        "-in",
        "/root/es-1.pem",
        "-outform",
        "DER",
        "-out",
        "/root/es-1.spki",
    ];
    let _ = machine.run(der).expect_success();
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
