//! `pam-jwt check` in a machine: what it finds of pam.d, of private keys, and of what a
//! login would stumble over. That it finds every configuration that does not load, and
//! says of it what the log does, the scenarios show (tests/scenarios).

use machine::{ISSUER, Machine, Output};
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

/// Where sessions get tokens and end with them, as the examples have it, nothing is wrong; and
/// whatever keeps them from that is told where it is.
#[test]
fn check_finds_what_keeps_sessions_from_their_tokens_and_from_their_end() {
    const KEY: &str = "/etc/pam-jwt/private/local.jwk";
    const SSHD: &str = "/etc/pam.d/sshd";
    const SETTINGS: &str = "/etc/pam-jwt/pam-jwt.toml";
    let machine = Machine::ready();
    let settings = format!(
        "end_with_token = [\"sshd\"]\n[issue]\nissuer = \"{ISSUER}\"\naudience = [\"ssh://b\"]\n\
         services = [\"sshd\", \"login\", \"su\", \"su-l\", \"sudo\"]\n"
    );
    machine.write(SETTINGS, settings, 0o644);
    let put = "cd /usr/share/doc/pam-jwt/pam.d && for example in *-issue; do
        cp $example /etc/pam.d/${example%-issue}; done
        echo 'session required pam_env.so user_readenv=1' >> /etc/pam.d/sshd";
    let _ = machine.run(["sh", "-c", put]).expect_success();
    let findings_of = |user: &str| {
        let check = machine.command(["pam-jwt", "--json", "check"]);
        let found = check.user(user).run();
        let report = json(&found);
        let findings = report["findings"].as_array().expect("findings").iter();
        let findings: Vec<String> = findings
            .map(|one| {
                format!("{} {} {}", one["severity"], one["code"], one["place"]).replace('"', "")
            })
            .collect();
        (found.code(), findings)
    };
    let findings = || findings_of("root");
    assert_eq!(findings(), (Some(0), Vec::new()));
    let (code, of_alice) = findings_of("alice");
    let out_of_reach = format!("warning key_out_of_reach {KEY}");
    assert!(
        code == Some(0) && of_alice.contains(&out_of_reach),
        "{of_alice:#?}"
    );
    let keep = "cp -a /etc/pam-jwt /etc/pam.d /root";
    let _ = machine.run(["sh", "-c", keep]).expect_success();
    for (break_it, expected) in [
        (format!("rm {KEY}"), format!("error issue_key {SETTINGS}")),
        (
            format!("chmod 640 {KEY}"),
            format!("error issue_key {SETTINGS}"),
        ),
        (
            format!("install -m 600 /etc/pam-jwt/keys/local.jwk {KEY}"),
            format!("error issue_key {SETTINGS}"),
        ),
        (
            format!("rm {KEY} && pam-jwt keygen --alg EdDSA --out {KEY}"),
            "warning issue_key_not_trusted /etc/pam-jwt/issuers.d/local.toml".to_owned(),
        ),
        (
            "mkdir -p /run/pam-jwt /var/disk && mount --bind /var/disk /run/pam-jwt".to_owned(),
            "error not_tmpfs /run/pam-jwt".to_owned(),
        ),
        (
            "mkdir -p /run/pam-jwt && chown alice /run/pam-jwt".to_owned(),
            "error run_dir_unusable /run/pam-jwt".to_owned(),
        ),
        (
            "sed -i '/pam_jwt/d' /etc/pam.d/sudo".to_owned(),
            format!("warning issue_no_line {SETTINGS}"),
        ),
        (
            format!("sed -i 's/\"sudo\"/\"cron\"/' {SETTINGS}"),
            format!("warning issue_no_line {SETTINGS}"),
        ),
        (
            format!("sed -i 's/\"sshd\"/\"cockpit\"/' {SETTINGS}"),
            format!("warning session_end_unused {SETTINGS}"),
        ),
        (
            format!("sed -i '/^session.*pam_jwt/{{h;d}}; $G' {SSHD}"),
            format!("error session_order {SSHD}:20"),
        ),
        (
            format!("sed -i '/^session.*pam_jwt/s/required/optional/' {SSHD}"),
            format!("error session_not_ended {SSHD}:18"),
        ),
        (
            format!("sed -i '/^session.*pam_jwt/{{h;d}}; $G' {SSHD}"),
            format!("error user_readenv {SSHD}:19"),
        ),
        (
            format!("sed -i '/^auth.*issue/s/optional/required/' {SSHD}"),
            format!("error issue_control {SSHD}:9"),
        ),
    ] {
        let _ = machine.run(["sh", "-c", &break_it]).expect_success();
        let (code, found) = findings();
        assert!(found.contains(&expected), "{break_it}: {found:#?}");
        let is_wrong = found.iter().any(|one| one.starts_with("error"));
        assert_eq!(code, Some(i32::from(is_wrong)), "{break_it}: {found:#?}");
        let mend =
            "! mountpoint -q /run/pam-jwt || umount /run/pam-jwt; rm -rf /run/pam-jwt /etc/pam-jwt
            cp -a /root/pam-jwt /root/pam.d /etc";
        let _ = machine.run(["sh", "-c", mend]).expect_success();
        assert_eq!(findings(), (Some(0), Vec::new()), "{break_it}");
    }
}
