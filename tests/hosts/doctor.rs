//! `pam-jwt doctor` on a booted Debian where logins are made to fail in one way after another:
//! it says each in plain words, and what it says to run mends it.

use machine::{Issuer, Machine, Output, tell, wait_until};
use serde_json::Value;

/// What a script of root's prints.
#[track_caller]
fn says(machine: &Machine, script: &str) -> String {
    let output = machine.run(["sh", "-ec", script]).expect_success();
    output.stdout.trim_end().to_owned()
}

/// What the doctor says.
struct Report {
    code: Option<i32>,
    findings: Vec<Value>,
    output: Output,
}

fn doctor(machine: &Machine, args: &[&str]) -> Report {
    let output = machine
        .command(["pam-jwt", "--json", "doctor"])
        .args(args)
        .run();
    let report: Value =
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"));
    Report {
        code: output.status.code(),
        findings: report["findings"].as_array().expect("findings").clone(),
        output,
    }
}

impl Report {
    /// The one finding of this topic and verdict that says this; what mends it.
    #[track_caller]
    fn expect(&self, topic: &str, verdict: &str, says: &str) -> String {
        let is_it = |finding: &&Value| {
            finding["topic"] == topic
                && finding["verdict"] == verdict
                && finding["says"]
                    .as_str()
                    .is_some_and(|text| text.contains(says))
        };
        let found: Vec<&Value> = self.findings.iter().filter(is_it).collect();
        match found.as_slice() {
            [one] => one["mend"].as_str().expect("a text").to_owned(),
            _ => panic!(
                "{} times {topic} {verdict} {says:?}: {}",
                found.len(),
                self.output
            ),
        }
    }

    #[track_caller]
    fn expect_nothing_wrong(&self) {
        assert_eq!(self.code, Some(0), "{}", self.output);
    }
}

/// The command in an advice.
fn quoted(mend: &str) -> &str {
    mend.split('\'')
        .nth(1)
        .unwrap_or_else(|| panic!("no command: {mend}"))
}

/// What is broken, and what the doctor says then.
struct Case {
    breaks: &'static str,
    /// What mends it, or nothing where it is the command that the doctor names.
    mends: &'static str,
    args: &'static [&'static str],
    topic: &'static str,
    says: &'static str,
}

const SSHD: &str = "/etc/ssh/sshd_config.d/machine.conf";

const ALICE: &[&str] = &["--user", "alice"];

const CASES: [Case; 17] = [
    Case {
        breaks: "sed -i 's/^UsePAM yes/UsePAM no/' $SSHD",
        mends: "sed -i 's/^UsePAM no/UsePAM yes/' $SSHD",
        args: &[],
        topic: "sshd",
        says: "UsePAM is no",
    },
    Case {
        breaks: "sed -i '1i KbdInteractiveAuthentication no\\nAuthenticationMethods publickey' $SSHD",
        mends: "sed -i 1,2d $SSHD",
        args: &[],
        topic: "sshd",
        says: "AuthenticationMethods is publickey, and that leaves no way",
    },
    Case {
        breaks: "printf 'Match User alice\\nAuthenticationMethods publickey\\n' >>$SSHD",
        mends: "sed -i '/^Match/,$d' $SSHD",
        args: ALICE,
        topic: "sshd",
        says: "AuthenticationMethods is publickey, and that leaves no way",
    },
    Case {
        breaks: "sed -i '1i DenyUsers bob al*' $SSHD",
        mends: "sed -i 1d $SSHD",
        args: ALICE,
        topic: "sshd",
        says: "DenyUsers names alice",
    },
    Case {
        breaks: "echo 'NoSuchOption yes' >>$SSHD",
        mends: "sed -i '$d' $SSHD",
        args: &[],
        topic: "sshd",
        says: "NoSuchOption",
    },
    Case {
        breaks: "sed -i 1d /etc/pam.d/sshd; echo 'auth sufficient pam_jwt.so' >>/etc/pam.d/sshd",
        mends: "sed -i -e '$d' -e '1i auth sufficient pam_jwt.so' /etc/pam.d/sshd",
        args: &[],
        topic: "pam",
        says: "a token alone lets nobody in",
    },
    Case {
        breaks: "sed -i '/pam_jwt/d' /etc/pam.d/sshd",
        mends: "sed -i '1i auth sufficient pam_jwt.so' /etc/pam.d/sshd",
        args: &["--service", "sshd"],
        topic: "pam",
        says: "No line of /etc/pam.d/sshd takes tokens",
    },
    Case {
        breaks: "echo 'end_with_token = [\"sshd\"]' >>/etc/pam-jwt/pam-jwt.toml
            echo 'session required pam_jwt.so' >>/etc/pam.d/sshd",
        mends: "sed -i '$d' /etc/pam.d/sshd; sed -i '/^end_with/d' /etc/pam-jwt/pam-jwt.toml",
        args: &[],
        topic: "pam",
        says: "every session that a token opens is refused",
    },
    Case {
        breaks: "mv $(echo /usr/lib/*/security/pam_jwt.so) /root/",
        mends: "mv /root/pam_jwt.so $(echo /usr/lib/*/security)",
        args: &[],
        topic: "pam",
        says: "Lines name pam_jwt.so, and there is none in /usr/lib/",
    },
    Case {
        breaks: "chmod 666 /etc/pam-jwt/keys/*.jwk",
        mends: "",
        args: &[],
        topic: "files",
        says: "has mode 0666: others than root can write to it",
    },
    Case {
        breaks: "chown alice /etc/pam-jwt/issuers.d",
        mends: "",
        args: &[],
        topic: "files",
        says: "/etc/pam-jwt/issuers.d belongs to another than root",
    },
    Case {
        breaks: "chage -E 1 alice",
        mends: "",
        args: ALICE,
        topic: "accounts",
        says: "alice: the account has expired",
    },
    Case {
        breaks: "chage -d 0 alice",
        mends: "",
        args: ALICE,
        topic: "accounts",
        says: "alice: the password has expired",
    },
    Case {
        breaks: "usermod -s /bin/gone alice",
        mends: "",
        args: ALICE,
        topic: "accounts",
        says: "the shell /bin/gone is not there",
    },
    Case {
        breaks: "cp /bin/sh /bin/own; usermod -s /bin/own alice
            sed -i '1i auth required pam_shells.so' /etc/pam.d/sshd",
        mends: "",
        args: ALICE,
        topic: "accounts",
        says: "the shell /bin/own is not in /etc/shells",
    },
    Case {
        breaks: "touch /etc/nologin",
        mends: "rm /etc/nologin",
        args: ALICE,
        topic: "accounts",
        says: "/etc/nologin is there",
    },
    Case {
        breaks: "echo 'leeway = 5' >>/etc/pam-jwt/pam-jwt.toml",
        mends: "sed -i '$d' /etc/pam-jwt/pam-jwt.toml",
        args: &[],
        topic: "configuration",
        says: "pam-jwt.toml:",
    },
];

#[test]
fn the_doctor_says_why_logins_fail_and_what_mends_it() {
    let machine = Machine::boot_debian("trixie");
    machine.make_ready();
    machine.account("bob");
    machine.services(&["sshd"]);
    says(&machine, "systemctl daemon-reload");
    let _sshd = machine.sshd(&["PasswordAuthentication no"]);
    let healthy = doctor(&machine, ALICE);
    healthy.expect_nothing_wrong();
    healthy.expect("pam", "ok", "tokens are taken by sshd");
    healthy.expect("sshd", "ok", "keyboard-interactive");
    healthy.expect("refusals", "ok", "nobody whom pam_jwt refused");
    for case in &CASES {
        let shell = |script: &str| says(&machine, &format!("SSHD={SSHD}\n{script}"));
        shell(case.breaks);
        let report = doctor(&machine, case.args);
        assert_eq!(report.code, Some(1), "{}: {}", case.breaks, report.output);
        let mend = report.expect(case.topic, "wrong", case.says);
        assert!(!mend.is_empty(), "{}", report.output);
        match case.mends {
            "" => shell(quoted(&mend)),
            mends => shell(mends),
        };
        doctor(&machine, case.args).expect_nothing_wrong();
    }
    tell(&format!(
        "the doctor was shown {} ways to break logins",
        CASES.len()
    ));
    unknown_accounts(&machine);
    refused_by_others(&machine);
    what_is_fetched(&machine);
    refusals(&machine);
}

fn unknown_accounts(machine: &Machine) {
    let missing = doctor(machine, &["--user", "Alice"]);
    missing.expect("accounts", "wrong", "Alice: the system has no such account");
    // The claim of anybody's token leads to no account of the system's own.
    let system = doctor(machine, &["--user", "daemon"]);
    system.expect(
        "accounts",
        "wrong",
        "rules with a placeholder never lead there",
    );
    let root = doctor(machine, &["--user", "root"]);
    root.expect("sshd", "wrong", "PermitRootLogin is ");
}

/// A good token, and an account that is refused all the same; and a module that is not there
/// when somebody comes.
fn refused_by_others(machine: &Machine) {
    let token = machine.token(["alice"]);
    let refused = |breaks: &str, mends: &str| {
        says(machine, breaks);
        let login = machine.ssh("alice").answers([token.as_str()]);
        let login = login.command("true");
        assert_eq!(login.code(), Some(255), "{login}");
        says(machine, mends);
    };
    refused("chage -E 1 alice", "chage -E -1 alice");
    refused(
        "mv $(echo /usr/lib/*/security/pam_jwt.so) /root/",
        "mv /root/pam_jwt.so $(echo /usr/lib/*/security)",
    );
    let alices = "pam_unix(sshd:account): account alice has expired";
    let mut report = doctor(machine, ALICE);
    wait_until("the journal has what sshd says", || {
        report = doctor(machine, ALICE);
        let text = &report.output.stdout;
        text.contains(alices) && text.contains("libpam could not load")
    });
    report.expect("refusals", "told", alices);
    report.expect("refusals", "doubtful", "unable to dlopen(pam_jwt.so)");
    report.expect_nothing_wrong();
    let bobs = doctor(machine, &["--user", "bob"]);
    assert!(!bobs.output.stdout.contains(alices), "{}", bobs.output);
}

/// An issuer that does not answer, and a timer that is off.
fn what_is_fetched(machine: &Machine) {
    let issuer = "issuer = \"https://127.0.0.1:1\"\naudience = [\"ssh://a\"]\n\
        jwks_uri = \"https://127.0.0.1:1/jwks\"\n\n[[allow]]\naccount = \"{sub}\"\n\
        services = [\"sshd\"]\n";
    machine.write("/etc/pam-jwt/issuers.d/down.toml", issuer, 0o644);
    let _ = machine.run(["systemctl", "start", "pam-jwt-fetch.service"]);
    let report = doctor(machine, &[]);
    let mend = report.expect("keys", "doubtful", "pam-jwt-fetch.timer is inactive");
    report.expect("keys", "wrong", "it has no keys to use");
    says(machine, quoted(&mend));
    let report = doctor(machine, &[]);
    let has_timer = |finding: &Value| finding["says"].as_str().unwrap_or("").contains("timer is");
    assert!(!report.findings.iter().any(has_timer), "{}", report.output);
    says(machine, "rm /etc/pam-jwt/issuers.d/down.toml");
    doctor(machine, &[]).expect_nothing_wrong();
}

/// A refusal of a real login is explained from the real journal, and what a user has written
/// there is not believed.
fn refusals(machine: &Machine) {
    machine.append("/etc/pam-jwt/pam-jwt.toml", "leeway = \"0s\"\n");
    let token = machine.token(["alice", "--lifetime", "1s"]);
    let verify = ["pam-jwt", "verify", "--user", "alice", "--service", "sshd"];
    wait_until("the token has expired", || {
        let output = machine.command(verify).stdin(token.as_str()).run();
        output.status.code() == Some(1)
    });
    for _ in 0..2 {
        let login = machine
            .ssh("alice")
            .answers([token.as_str()])
            .command("true");
        assert_eq!(login.code(), Some(255), "{login}");
    }
    let forged = "logger -p authpriv.notice -t sshd \
        'pam_jwt(sshd:auth): result=refused reason=config_error account=root service=sshd'";
    let logger = machine.command(["sh", "-c", forged]).user("bob");
    let _ = logger.run().expect_success();
    let mut report = doctor(machine, &[]);
    wait_until("the journal has them", || {
        report = doctor(machine, &[]);
        let text = &report.output.stdout;
        text.contains("expired, 2 times") && text.contains("Not believed")
    });
    report.expect_nothing_wrong();
    let advice = report.expect("refusals", "told", "expired, 2 times, last 20");
    assert!(advice.starts_with("Get a new token."), "{advice}");
    report.expect(
        "refusals",
        "told",
        ": alice at sshd from 127.0.0.1, over_by=",
    );
    report.expect("refusals", "told", "The token's exp has passed");
    report.expect(
        "refusals",
        "doubtful",
        "Not believed: 1 line in the form of pam_jwt's",
    );
    assert!(
        !report.output.stdout.contains("config_error"),
        "{}",
        report.output
    );
    // Who was refused is looked at, and who is lied about is not.
    report.expect("accounts", "ok", "alice: there is such an account");
    assert!(
        !report.output.stdout.contains("root: "),
        "{}",
        report.output
    );
    let bobs = doctor(machine, &["--user", "bob"]);
    assert!(!bobs.output.stdout.contains("alice"), "{}", bobs.output);
    let last = doctor(machine, &["--last", "1"]);
    last.expect("refusals", "told", "expired, once, last 20");
    let none = doctor(machine, &["--since", "2000-01-01T00:00:00Z", "--last", "0"]);
    none.expect("refusals", "doubtful", "Not believed: ");
    let later = doctor(machine, &["--since", "2100-01-01T00:00:00Z"]);
    later.expect("refusals", "ok", "nobody whom pam_jwt refused");

    // While su asks, its uid is that of who runs it.
    machine.pam_line("su", "auth sufficient pam_jwt.so");
    let token = machine.token(["alice"]);
    let su = machine.command(["su", "alice", "-c", "true"]).user("bob");
    let mut su = su.terminal();
    su.expect("Password or token: ").send_line(&token);
    let _ = su.wait().expect_code(1);
    wait_until("the journal has what su says", || {
        report = doctor(machine, &[]);
        report.output.stdout.contains("service_not_allowed")
    });
    let proof = ": alice at su (by su, which uid 1001 ran: no proof)";
    report.expect("refusals", "told", proof);
    report.expect_nothing_wrong();

    let shown = machine.run(["pam-jwt", "doctor"]).expect_success().stdout;
    tell(&shown);
    assert!(shown.contains("\n  refused  expired, 2 times"), "{shown}");
    assert!(
        shown.contains("\nnothing found that makes logins fail\n"),
        "{shown}"
    );
}

/// The clock against an issuer's, where there is no systemd and no journal; and what somebody
/// is told who is not root.
#[test]
fn the_clock_is_held_against_issuers_and_only_root_sees_all() {
    let machine = Machine::ready();
    let issuer = Issuer::start(&machine, "issuer.test");
    issuer.key("first");
    issuer.publish(&["first"]);
    issuer.put("/aggregation", r#"{"status_lists":[]}"#);
    issuer.trust("discover = true");
    let fetch = || machine.run(["pam-jwt-fetch", "--now"]).expect_success();
    let _ = fetch();
    let right = doctor(&machine, &[]);
    right.expect_nothing_wrong();
    right.expect("clock", "ok", "of the clock of https://issuer.test");
    right.expect("keys", "ok", "https://issuer.test: keys fetched ");
    machine.set_clock("+11m");
    let _ = fetch();
    let ahead = doctor(&machine, &[]);
    assert_eq!(ahead.code, Some(1), "{}", ahead.output);
    let says = "ahead of that of https://issuer.test: its tokens look expired";
    ahead.expect("clock", "wrong", says);
    machine.set_clock("2020-01-01 00:00:00");
    doctor(&machine, &[]).expect(
        "clock",
        "wrong",
        "earlier than the day this program was built",
    );
    machine.real_clock();
    let _ = fetch();
    doctor(&machine, &[]).expect_nothing_wrong();

    // Where there is no journal a file stands for it, and proves nothing.
    let line = "2026-11-28T17:00:00.123456+00:00 machine sshd[12]: pam_jwt(sshd:auth): \
        result=refused reason=audience_mismatch account=alice service=sshd rhost=192.0.2.7\n";
    machine.write("/var/log/auth.log", line, 0o640);
    let report = doctor(&machine, &[]);
    let found = "audience_mismatch, once, last 2026-11-28T17:00:00.123456+00:00: alice at sshd from 192.0.2.7";
    report.expect("refusals", "told", found);
    report.expect("refusals", "doubtful", "they are hints, no proof");

    let alices = machine.command(["pam-jwt", "doctor"]).user("alice").run();
    let alices = alices.expect_code(2);
    for unseen in [
        "/etc/shadow is for root to read",
        "the system's log is for root",
    ] {
        assert!(alices.stdout.contains(unseen), "{alices}");
    }
}
