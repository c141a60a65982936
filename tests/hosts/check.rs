//! `pam-jwt check` in a machine: what it finds of files and of pam.d, and that what it
//! says of them is what a login does.

use machine::{Machine, Output};
use serde_json::Value;

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

fn verify(machine: &Machine, token: &str) -> Output {
    machine
        .command(["pam-jwt", "verify", "--user", "alice", "--service", "sshd"])
        .stdin(token)
        .run()
}
/// Each fault is found by `check` with what mends it, refuses `verify`, and refuses
/// a login with PAM_AUTHINFO_UNAVAIL.
#[test]
fn a_file_that_is_not_to_be_trusted_refuses_every_token() {
    const KEY: &str = "/etc/pam-jwt/keys/local.jwk";
    let machine = Machine::ready();
    machine.write("/etc/pam.alone/sshd", "auth required pam_jwt.so\n", 0o644);
    let token = machine.token(["alice"]);
    let sane = machine.read(KEY);
    for (break_it, mend, says) in [
        (
            "chmod 666 KEY",
            "chmod 644 KEY",
            "run: chmod go-w /etc/pam-jwt/keys/local.jwk",
        ),
        ("chmod 664 KEY", "chmod 644 KEY", "has mode 0664"),
        (
            "chown alice KEY",
            "chown root KEY",
            "run: chown root /etc/pam-jwt/keys/local.jwk",
        ),
        (
            "chmod 777 /etc/pam-jwt/keys",
            "chmod 755 /etc/pam-jwt/keys",
            "run: chmod go-w /etc/pam-jwt/keys",
        ),
        (
            "mv KEY KEY.x; ln -s KEY.x KEY",
            "rm KEY; mv KEY.x KEY",
            "is a symbolic link",
        ),
        (
            "mv /etc/pam-jwt/keys /etc/keys; ln -s /etc/keys /etc/pam-jwt/keys",
            "rm /etc/pam-jwt/keys; mv /etc/keys /etc/pam-jwt/keys",
            "/etc/pam-jwt/keys: is a symbolic link",
        ),
        (
            "mv KEY KEY.x; mkfifo KEY",
            "rm KEY; mv KEY.x KEY",
            "is not a regular file",
        ),
        (
            "mv KEY KEY.x; mkdir KEY",
            "rmdir KEY; mv KEY.x KEY",
            "is not a regular file",
        ),
        ("mv KEY KEY.x", "mv KEY.x KEY", "does not exist"),
        (
            "mv KEY KEY.x; head -c 40 KEY.x > KEY",
            "mv KEY.x KEY",
            "is not JSON",
        ),
        (
            "mv KEY KEY.x; cp /etc/pam-jwt/private/local.jwk KEY",
            "mv KEY.x KEY",
            "a private or symmetric key",
        ),
        (
            "mv KEY KEY.x; head -c 2000000 /dev/zero > KEY",
            "mv KEY.x KEY",
            "is longer than 1024 KiB",
        ),
        (
            "chmod 666 /etc/pam-jwt/pam-jwt.toml",
            "chmod 644 /etc/pam-jwt/pam-jwt.toml",
            "run: chmod go-w /etc/pam-jwt/pam-jwt.toml",
        ),
        (
            "mv /etc/pam-jwt/pam-jwt.toml /root",
            "mv /root/pam-jwt.toml /etc/pam-jwt",
            "pam-jwt.toml: does not exist",
        ),
        (
            "printf '\\377' > /etc/pam-jwt/issuers.d/x.toml",
            "rm /etc/pam-jwt/issuers.d/x.toml",
            "x.toml: it is not UTF-8",
        ),
        (
            "cp /etc/pam-jwt/issuers.d/local.toml /etc/pam-jwt/issuers.d/x.toml",
            "rm /etc/pam-jwt/issuers.d/x.toml",
            "names the issuer",
        ),
    ] {
        let shell = |script: &str| {
            machine
                .run(["sh", "-c", &script.replace("KEY", KEY)])
                .expect_success()
        };
        let _ = shell(break_it);
        let check = machine.run(["pam-jwt", "check"]).expect_code(1);
        assert!(check.stdout.contains(says), "{break_it}: {check}");
        let verdict = verify(&machine, &token).expect_code(2);
        assert!(verdict.stderr.contains(says), "{break_it}: {verdict}");
        let mark = machine.mark();
        let host = [
            env!("CARGO_BIN_EXE_pam-host"),
            "sshd",
            "alice",
            "/etc/pam.alone",
        ];
        let login = machine
            .command(host)
            .stdin(format!("{token}\n"))
            .run()
            .expect_success();
        assert!(
            login.stdout.contains("authenticate PAM_AUTHINFO_UNAVAIL"),
            "{break_it}: {login}"
        );
        let line = machine.wait_for_log(mark, "reason=config_error");
        assert!(!line.message.contains(&token), "{line:?}");
        let _ = shell(mend);
        let _ = verify(&machine, &token).expect_success();
        assert_eq!(machine.read(KEY), sane);
    }
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
