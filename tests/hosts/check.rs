//! `pam-jwt check` in a machine: what it finds of pam.d, of private keys, and of what a
//! login would stumble over. That it finds every configuration that does not load, and
//! says of it what the log does, the scenarios show (tests/scenarios).

use machine::{Machine, Output};
use serde_json::Value;

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

#[test]
fn check_finds_a_pam_line_that_lets_anybody_in() {
    let machine = Machine::ready();
    let fine = machine.run(["pam-jwt", "check"]).expect_success();
    assert!(
        fine.stdout
            .contains("nothing is wrong; tokens are taken by sshd"),
        "{fine}"
    );
    machine.write(
        "/etc/pam.d/open",
        "auth optional pam_jwt.so\nauth required pam_permit.so\naccount required pam_permit.so\n",
        0o644,
    );
    let found = machine.run(["pam-jwt", "--json", "check"]).expect_code(1);
    let report = json(&found);
    assert!(
        report["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .any(|finding| finding["code"] == "lets_anyone_in"),
        "{report:#}"
    );
}

/// Each thing is told where it is, and the exit status says whether it is wrong.
#[test]
fn check_finds_what_a_login_would_stumble_over() {
    const PRIVATE: &str = "/etc/pam-jwt/private";
    let machine = Machine::ready();
    let named = "auth sufficient pam_jwt.so config=/srv/jwt\nauth required pam_unix.so\n\
        account required pam_unix.so\n";
    for (break_it, mend, code, place, exit) in [
        (
            format!("printf '{named}' > /etc/pam.d/other-config"),
            "rm /etc/pam.d/other-config",
            "config_error",
            "/srv/jwt".to_owned(),
            1,
        ),
        (
            format!(
                "printf '{}' > /etc/pam.d/other-config",
                named.replace("/srv", "srv")
            ),
            "rm /etc/pam.d/other-config",
            "config_not_absolute",
            "/etc/pam.d/other-config:1".to_owned(),
            1,
        ),
        (
            format!("ln -s local.jwk {PRIVATE}/link.jwk"),
            "rm /etc/pam-jwt/private/link.jwk",
            "private_key_link",
            format!("{PRIVATE}/link.jwk"),
            1,
        ),
        (
            format!("(umask 077; echo '{{}}' > {PRIVATE}/empty.jwk)"),
            "rm /etc/pam-jwt/private/empty.jwk",
            "private_key_unusable",
            format!("{PRIVATE}/empty.jwk"),
            1,
        ),
        (
            "sed -i 's/{sub}/alice/' /etc/pam-jwt/issuers.d/local.toml".to_owned(),
            "sed -i 's/\"alice\"/\"{sub}\"/' /etc/pam-jwt/issuers.d/local.toml",
            "any_token",
            "/etc/pam-jwt/issuers.d/local.toml:7".to_owned(),
            0,
        ),
        (
            "hostname localhost".to_owned(),
            "hostname machine",
            "hostname_unset",
            "/etc/pam-jwt/issuers.d/local.toml".to_owned(),
            0,
        ),
    ] {
        let _ = machine.run(["sh", "-c", &break_it]).expect_success();
        let found = machine
            .run(["pam-jwt", "--json", "check"])
            .expect_code(exit);
        let report = json(&found);
        let findings = report["findings"].as_array().expect("findings");
        assert!(
            findings.iter().any(|finding| finding["code"] == code
                && finding["place"].as_str().is_some_and(|at| at == place)),
            "{break_it}: {report:#}"
        );
        let _ = machine.run(["sh", "-c", mend]).expect_success();
        let _ = machine.run(["pam-jwt", "check"]).expect_success();
    }
}
